/* ardso apply */
INSERT INTO `ar`.`keyless` (`id`, `s`) VALUES
(?, ?)
