CREATE TABLE IF NOT EXISTS dso_shape (
  table_name varchar(64) NOT NULL,
  number     int NOT NULL COMMENT 'counts the shapes of a table in the order of the log',
  position   longtext NOT NULL COMMENT 'the shape holds from here in this server''s log until the next',
  shape      longtext NOT NULL COMMENT 'the columns in table order (JSON); empty: not known',
  written    datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (table_name, number)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: which columns tables had in the log, where the log does not name them (MySQL 5.6 and 5.7)';
