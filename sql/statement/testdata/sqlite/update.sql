/* ardso apply */
UPDATE "ar"."T 1001"
SET "text" = ?, "ci" = ?, "latin1" = ?, "char" = ?, "enum" = ?, "big" = ?, "bool" = ?, "decimal" = ?, "real" = ?, "single" = ?, "bytes" = ?, "instant" = ?, "epoch" = ?, "date" = ?, "time" = ?
WHERE "k1" = ?
  AND "k2" = ?
  AND "text" IS ? COLLATE BINARY
  AND "ci" IS ? COLLATE BINARY
  AND "latin1" IS ? COLLATE BINARY
  AND "char" IS ? COLLATE BINARY
  AND "enum" IS ? COLLATE BINARY
  AND "big" IS ?
  AND "bool" IS ?
  AND "decimal" IS ?
  AND "real" IS ?
  AND "single" IS ?
  AND "bytes" IS ?
  AND "instant" IS ?
  AND "epoch" IS ?
  AND "date" IS ?
  AND "time" IS ?
