/* ardso apply */
INSERT INTO `ar`.`T 1001` (`k1`, `k2`, `stamp`, `text`, `ci`, `latin1`, `char`, `enum`, `big`, `bool`, `decimal`, `real`, `single`, `bytes`, `instant`, `epoch`, `date`, `time`) VALUES
(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
