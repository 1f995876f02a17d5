/* ardso apply */
UPDATE `ar`.`T1001`
SET `C1` = ?, `C8` = ?
WHERE `C1` = ?
  AND NULLIF(CAST(CONVERT(`C8` USING utf8mb4) AS BINARY), '') <=> ?
