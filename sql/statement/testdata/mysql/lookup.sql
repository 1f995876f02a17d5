/* ardso apply */
SELECT `k1`, `k2`, `stamp`, `text`, `ci`, `latin1`, `char`, `enum`, `big`, `bool`, `decimal`, `real` + 0e0, `single` + 0e0, `bytes`, `instant`, `epoch`, `date`, `time`
FROM `ar`.`T 1001`
WHERE `k1` = ?
  AND `k2` = ?
