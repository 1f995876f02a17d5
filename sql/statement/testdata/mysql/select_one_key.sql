/* ardso select */
SELECT `C1`, `C8`
FROM `ar`.`T1001`
WHERE (`C8` IS NOT NULL AND `C8` <> '')
  AND `C1` > ?
ORDER BY `C1`
LIMIT 100
-- [R1]
