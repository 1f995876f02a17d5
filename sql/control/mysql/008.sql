CREATE TABLE IF NOT EXISTS dso_join (
  id      varchar(40) NOT NULL PRIMARY KEY,
  round   varchar(120) NOT NULL COMMENT 'name of the watermarks around the select that the changes were made out of',
  last    int NOT NULL COMMENT '1: with this row all changes up to the low watermark are settled',
  changes longtext NOT NULL COMMENT 'images before and after (JSON)'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: changes of requests of join forms on their way into the log; rows go as soon as they come';
