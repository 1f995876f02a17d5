/* ardso apply */
UPDATE "ar"."T1001"
SET "C1" = ?, "C8" = ?
WHERE "C1" = ?
  AND NULLIF("C8", '') IS ? COLLATE BINARY
