/* ardso apply */
DELETE FROM `ar`.`T1001`
WHERE `C1` = ?
  AND NULLIF(CAST(CONVERT(`C8` USING utf8mb4) AS BINARY), '') <=> ?
