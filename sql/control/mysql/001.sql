-- Names compare byte by byte (utf8mb4_bin), as everywhere in ardso. Keys stay under the 767 bytes
-- per column that MySQL 5.6 allows.
CREATE TABLE IF NOT EXISTS dso_meta (
  name  varchar(40) NOT NULL PRIMARY KEY,
  value text NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: version of the control tables (schema_version), logical name of this server (server)';

CREATE TABLE IF NOT EXISTS dso_reader (
  id       int NOT NULL PRIMARY KEY,
  position longtext NOT NULL COMMENT 'all up to here is durable on every target or pending',
  epoch    bigint NOT NULL COMMENT 'number of the lease; only grows',
  holder   varchar(254) NOT NULL COMMENT 'process that holds the lease; empty: none',
  expires  datetime(6) NOT NULL COMMENT 'end of the lease by this database''s clock, UTC',
  updated  datetime(6) NOT NULL COMMENT 'UTC'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: how far this server''s log has been carried out everywhere, and which process reads it';

CREATE TABLE IF NOT EXISTS dso_checkpoint (
  source       varchar(40) NOT NULL COMMENT 'server whose log is applied',
  pool         varchar(120) NOT NULL,
  layout       varchar(40) NOT NULL COMMENT 'how requests were dealt out to threads',
  thread       int NOT NULL COMMENT 'thread of the pool; -1: the epoch of the source',
  position     longtext NOT NULL COMMENT 'source position that the last transaction reached',
  origin       varchar(40) NOT NULL COMMENT 'server whose log the last transaction came from',
  path         longtext NOT NULL COMMENT 'servers that its changes had passed, joined by >',
  mapping      varchar(254) NOT NULL COMMENT 'mapping it came under; empty: several',
  write_back   int NOT NULL COMMENT '1: it wrote distributed fields only',
  epoch        bigint NOT NULL COMMENT 'lease of the source''s reader; writers of an older one are refused',
  transactions bigint NOT NULL COMMENT 'counts transactions',
  open         int NOT NULL COMMENT 'used on SQLite only',
  updated      datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (source, pool, layout, thread)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: how far each thread has applied each source''s log to this database; the first row that every ardso transaction writes';

CREATE TABLE IF NOT EXISTS dso_watermark (
  name    varchar(120) NOT NULL,
  kind    varchar(10) NOT NULL,
  written datetime(6) NOT NULL COMMENT 'UTC',
  PRIMARY KEY (name, kind)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: marks written around selects to find their place in the log; pruned';

CREATE TABLE IF NOT EXISTS dso_pending (
  id            varchar(40) NOT NULL PRIMARY KEY,
  type          varchar(40) NOT NULL,
  mapping       varchar(254) NOT NULL,
  form          varchar(254) NOT NULL,
  qualification longtext NOT NULL COMMENT 'which requests; empty: all',
  status        varchar(20) NOT NULL COMMENT 'new, running, done, failed or cancelled',
  last_key      longtext NOT NULL COMMENT 'key of the last request that is durable on the target; where it resumes',
  rows_done     bigint NOT NULL,
  rows_total    bigint NOT NULL COMMENT 'estimate; -1: unknown',
  error         varchar(120) NOT NULL,
  reason        longtext NOT NULL,
  remedy        longtext NOT NULL,
  created       datetime(6) NOT NULL COMMENT 'UTC',
  created_by    varchar(254) NOT NULL,
  updated       datetime(6) NOT NULL COMMENT 'UTC'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: operations on this server''s requests that were asked for or put off';

CREATE TABLE IF NOT EXISTS dso_pending_error (
  id          varchar(40) NOT NULL PRIMARY KEY,
  source      varchar(40) NOT NULL,
  mapping     varchar(254) NOT NULL,
  form        varchar(254) NOT NULL,
  request     longtext NOT NULL,
  target_form varchar(254) NOT NULL,
  pool        varchar(120) NOT NULL,
  action      varchar(20) NOT NULL COMMENT 'create, modify or delete',
  error       varchar(120) NOT NULL,
  reason      longtext NOT NULL,
  remedy      longtext NOT NULL,
  attempts    int NOT NULL,
  operation   longtext NOT NULL COMMENT 'the operation, later ones of the same request joined to it (JSON)',
  status      varchar(20) NOT NULL COMMENT 'held: waits for a person; retry: to be tried again now',
  hash        varchar(64) NOT NULL UNIQUE COMMENT 'of source, mapping, target_form and request: one row for each',
  created     datetime(6) NOT NULL COMMENT 'UTC',
  updated     datetime(6) NOT NULL COMMENT 'UTC',
  KEY dso_pending_error_source (source, status)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: operations on this server that could not be carried out';

CREATE TABLE IF NOT EXISTS dso_conflict (
  id           varchar(40) NOT NULL PRIMARY KEY,
  source       varchar(40) NOT NULL,
  mapping      varchar(254) NOT NULL,
  form         varchar(254) NOT NULL,
  request      longtext NOT NULL,
  target_form  varchar(254) NOT NULL,
  kind         varchar(40) NOT NULL,
  settled_by   varchar(40) NOT NULL COMMENT 'the rule of the mapping',
  outcome      longtext NOT NULL,
  source_image longtext NOT NULL COMMENT 'what the source sent (JSON)',
  target_image longtext NOT NULL COMMENT 'what the target held (JSON)',
  created      datetime(6) NOT NULL COMMENT 'UTC',
  KEY dso_conflict_created (created)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: conflicts that were settled on this server, and how';

INSERT INTO dso_reader (id, position, epoch, holder, expires, updated)
SELECT 1, '', 0, '', '1970-01-01 00:00:00', UTC_TIMESTAMP(6)
FROM (SELECT 1) AS one
WHERE NOT EXISTS (SELECT 1 FROM dso_reader);
