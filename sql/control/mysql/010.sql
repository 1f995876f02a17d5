CREATE TABLE IF NOT EXISTS dso_catalog (
  server  varchar(40) NOT NULL PRIMARY KEY COMMENT 'logical name of the target',
  hash    varchar(64) NOT NULL COMMENT 'of the catalog: it is written only where it has changed',
  catalog longtext NOT NULL COMMENT 'the forms that the definitions use, and the engine (JSON)',
  taken   datetime(6) NOT NULL COMMENT 'UTC'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: forms of the servers that this one sends to, so that it can start while they do not answer';
