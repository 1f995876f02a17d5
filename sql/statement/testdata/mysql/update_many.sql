UPDATE `ar`.`T 1001`
SET `text` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `ci` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `latin1` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `char` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `enum` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `big` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `bool` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `decimal` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `real` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? + 0e0 WHEN `k1` = ? AND `k2` = ? THEN ? + 0e0 END,
  `single` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? + 0e0 WHEN `k1` = ? AND `k2` = ? THEN ? + 0e0 END,
  `bytes` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `instant` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `epoch` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `date` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END,
  `time` = CASE WHEN `k1` = ? AND `k2` = ? THEN ? WHEN `k1` = ? AND `k2` = ? THEN ? END, `stamp` = `stamp`
WHERE (`k1` = ? AND `k2` = ? OR `k1` = ? AND `k2` = ?)
  AND CASE
    WHEN `k1` = ? AND `k2` = ? THEN CAST(CONVERT(`text` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`ci` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`latin1` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`char` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`enum` USING utf8mb4) AS BINARY) <=> ? AND `big` <=> ? AND `bool` <=> ? AND `decimal` <=> CAST(? AS DECIMAL(65, 10)) AND `real` <=> ? AND `single` <=> ? AND `bytes` <=> ? AND `instant` <=> CAST(? AS DATETIME(6)) AND `epoch` <=> ? AND `date` <=> CAST(? AS DATE) AND `time` <=> CAST(? AS TIME(6))
    WHEN `k1` = ? AND `k2` = ? THEN CAST(CONVERT(`text` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`ci` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`latin1` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`char` USING utf8mb4) AS BINARY) <=> ? AND CAST(CONVERT(`enum` USING utf8mb4) AS BINARY) <=> ? AND `big` <=> ? AND `bool` <=> ? AND `decimal` <=> CAST(? AS DECIMAL(65, 10)) AND `real` <=> ? AND `single` <=> ? AND `bytes` <=> ? AND `instant` <=> CAST(? AS DATETIME(6)) AND `epoch` <=> ? AND `date` <=> CAST(? AS DATE) AND `time` <=> CAST(? AS TIME(6)) END
