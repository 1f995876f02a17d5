CREATE TABLE IF NOT EXISTS dso_owner (
  id           varchar(40) NOT NULL PRIMARY KEY,
  form         varchar(254) NOT NULL,
  request      longtext NOT NULL,
  chain        varchar(40) NOT NULL COMMENT 'names the ownership chain; the same on all servers',
  epoch        bigint NOT NULL COMMENT 'number of the hand-over that brought ownership here last; the copy with the highest owns the request',
  owner        int NOT NULL COMMENT '1: this copy owns the request, as ardso wrote its Master Flag last',
  from_server  varchar(40) NOT NULL COMMENT 'where this copy came from; empty: the chain began here',
  from_form    varchar(254) NOT NULL,
  from_request longtext NOT NULL,
  from_mapping varchar(254) NOT NULL,
  to_server    varchar(40) NOT NULL COMMENT 'whom this copy gave ownership to; empty: nobody since it owned last',
  to_form      varchar(254) NOT NULL,
  to_request   longtext NOT NULL,
  to_mapping   varchar(254) NOT NULL,
  fields       longtext NOT NULL COMMENT 'what the fields held when ownership came here: hashes and epochs (JSON)',
  deleted      int NOT NULL COMMENT '1: the request is gone',
  at_reader    longtext NOT NULL COMMENT 'this row as of dso_reader.position (JSON); empty: there was none; =: as it is now',
  updated      datetime(6) NOT NULL COMMENT 'UTC',
  KEY dso_owner_chain (chain)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: requests of this server that are, or were, handed over';
