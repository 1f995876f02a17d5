/* ardso apply */
DELETE FROM "ar"."T1001"
WHERE "C1" = ?
  AND NULLIF("C8", '') IS ? COLLATE BINARY
