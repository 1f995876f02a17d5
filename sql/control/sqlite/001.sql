-- Times are UTC text; the comments are kept with the tables.
CREATE TABLE IF NOT EXISTS dso_meta ( -- version of the control tables (schema_version), logical name of this server (server)
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS dso_reader ( -- how far this server's log has been carried out everywhere, and which process reads it
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  position TEXT NOT NULL,    -- all up to here is durable on every target or pending
  epoch    INTEGER NOT NULL, -- number of the lease, only grows
  holder   TEXT NOT NULL,    -- process that holds the lease, empty: none
  expires  TEXT NOT NULL,    -- end of the lease by this machine's clock
  updated  TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS dso_checkpoint ( -- how far each thread has applied each source's log: the first row that every ardso transaction writes
  source       TEXT NOT NULL,    -- server whose log is applied
  pool         TEXT NOT NULL,
  layout       TEXT NOT NULL,    -- how requests were dealt out to threads
  thread       INTEGER NOT NULL, -- thread of the pool, -1: the source's epoch
  position     TEXT NOT NULL,    -- source position that the last transaction reached
  origin       TEXT NOT NULL,    -- server whose log the last transaction came from
  path         TEXT NOT NULL,    -- servers that its changes had passed, joined by >
  mapping      TEXT NOT NULL,    -- mapping it came under, empty: several
  write_back   INTEGER NOT NULL, -- 1: it wrote distributed fields only
  epoch        INTEGER NOT NULL, -- lease of the source's reader, writers of an older one are refused
  transactions INTEGER NOT NULL, -- counts transactions
  open         INTEGER NOT NULL, -- 1 while a transaction writes; its last statement sets 0
  updated      TEXT NOT NULL,
  PRIMARY KEY (source, pool, layout, thread)
);

CREATE TABLE IF NOT EXISTS dso_watermark ( -- marks written around selects to find their place in the log, pruned
  name    TEXT NOT NULL,
  kind    TEXT NOT NULL,
  written TEXT NOT NULL,
  PRIMARY KEY (name, kind)
);

CREATE TABLE IF NOT EXISTS dso_pending ( -- operations on this server's requests that were asked for or put off
  id            TEXT NOT NULL PRIMARY KEY,
  type          TEXT NOT NULL,
  mapping       TEXT NOT NULL,
  form          TEXT NOT NULL,
  qualification TEXT NOT NULL,    -- which requests, empty: all
  status        TEXT NOT NULL,    -- new, running, done, failed or cancelled
  last_key      TEXT NOT NULL,    -- key of the last request that is durable on the target: where it resumes
  rows_done     INTEGER NOT NULL,
  rows_total    INTEGER NOT NULL, -- estimate, -1: unknown
  error         TEXT NOT NULL,
  reason        TEXT NOT NULL,
  remedy        TEXT NOT NULL,
  created       TEXT NOT NULL,
  created_by    TEXT NOT NULL,
  updated       TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS dso_pending_error ( -- operations on this server that could not be carried out
  id          TEXT NOT NULL PRIMARY KEY,
  source      TEXT NOT NULL,
  mapping     TEXT NOT NULL,
  form        TEXT NOT NULL,
  request     TEXT NOT NULL,
  target_form TEXT NOT NULL,
  pool        TEXT NOT NULL,
  action      TEXT NOT NULL,        -- create, modify or delete
  error       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  remedy      TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  operation   TEXT NOT NULL,        -- the operation, later ones of the same request joined to it (JSON)
  status      TEXT NOT NULL,        -- held: waits for a person, retry: to be tried again now
  hash        TEXT NOT NULL UNIQUE, -- of source, mapping, target_form and request: one row for each
  created     TEXT NOT NULL,
  updated     TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_pending_error_source ON dso_pending_error (source, status);

CREATE TABLE IF NOT EXISTS dso_conflict ( -- conflicts that were settled on this server, and how
  id           TEXT NOT NULL PRIMARY KEY,
  source       TEXT NOT NULL,
  mapping      TEXT NOT NULL,
  form         TEXT NOT NULL,
  request      TEXT NOT NULL,
  target_form  TEXT NOT NULL,
  kind         TEXT NOT NULL,
  settled_by   TEXT NOT NULL, -- the rule of the mapping
  outcome      TEXT NOT NULL,
  source_image TEXT NOT NULL, -- what the source sent (JSON)
  target_image TEXT NOT NULL, -- what the target held (JSON)
  created      TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_conflict_created ON dso_conflict (created);

INSERT OR IGNORE INTO dso_reader (id, position, epoch, holder, expires, updated)
VALUES (1, '', 0, '', '1970-01-01 00:00:00.000', strftime('%Y-%m-%d %H:%M:%f', 'now'));
