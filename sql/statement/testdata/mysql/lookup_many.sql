/* ardso apply */
SELECT `C1`, `C8`
FROM `ar`.`T1001`
WHERE `C1` IN (?, ?, ?)
FOR UPDATE
