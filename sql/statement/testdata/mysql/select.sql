/* ardso select */
SELECT `k1`, `k2`, `stamp`, `text`, `ci`, `latin1`, `char`, `enum`, `big`, `bool`, `decimal`, `real` + 0e0, `single` + 0e0, `bytes`, `instant`, `epoch`, `date`, `time`
FROM `ar`.`T 1001`
WHERE (`text` = ? AND (`decimal` IN (CAST(? AS DECIMAL(65, 1)), CAST(? AS DECIMAL(65, 0))) OR `instant` >= CAST(? AS DATETIME(6)) OR `ci` IS NULL))
  AND `k1` >= ?
  AND (`k1` > ?
    OR `k1` = ? AND `k2` > ?)
ORDER BY `k1`, `k2`
LIMIT 100
-- [x 1.5 2 2026-01-01 00:00:00 R1 R1 R1 5]
