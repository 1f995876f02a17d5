/* ardso apply */
INSERT INTO `ar`.`log` (`id`, `s`) VALUES
(?, ?)
