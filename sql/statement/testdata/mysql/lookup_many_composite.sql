/* ardso apply */
SELECT `k1`, `k2`
FROM `ar`.`T 1001`
WHERE (`k1` = ?
  AND `k2` = ?) OR
(`k1` = ?
  AND `k2` = ?)
