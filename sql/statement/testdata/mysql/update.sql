/* ardso apply */
UPDATE `ar`.`T 1001`
SET `text` = ?, `ci` = ?, `latin1` = ?, `char` = ?, `enum` = ?, `big` = ?, `bool` = ?, `decimal` = ?, `real` = ?, `single` = ?, `bytes` = ?, `instant` = ?, `epoch` = ?, `date` = ?, `time` = ?, `stamp` = `stamp`
WHERE `k1` = ?
  AND `k2` = ?
  AND CAST(CONVERT(`text` USING utf8mb4) AS BINARY) <=> ?
  AND CAST(CONVERT(`ci` USING utf8mb4) AS BINARY) <=> ?
  AND CAST(CONVERT(`latin1` USING utf8mb4) AS BINARY) <=> ?
  AND CAST(CONVERT(`char` USING utf8mb4) AS BINARY) <=> ?
  AND CAST(CONVERT(`enum` USING utf8mb4) AS BINARY) <=> ?
  AND `big` <=> ?
  AND `bool` <=> ?
  AND `decimal` <=> CAST(? AS DECIMAL(65, 10))
  AND `real` <=> ?
  AND `single` <=> ?
  AND `bytes` <=> ?
  AND `instant` <=> CAST(? AS DATETIME(6))
  AND `epoch` <=> ?
  AND `date` <=> CAST(? AS DATE)
  AND `time` <=> CAST(? AS TIME(6))
