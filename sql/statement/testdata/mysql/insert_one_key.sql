/* ardso apply */
INSERT INTO `ar`.`T1001` (`C1`, `C8`) VALUES
(?, ?)
