CREATE TABLE IF NOT EXISTS dso_meta (
  name  text PRIMARY KEY,
  value text NOT NULL
);

COMMENT ON TABLE dso_meta IS 'ardso: version of the control tables (schema_version), logical name of this server (server)';

CREATE TABLE IF NOT EXISTS dso_reader (
  id       integer PRIMARY KEY CHECK (id = 1),
  position text NOT NULL,
  epoch    bigint NOT NULL,
  holder   text NOT NULL,
  expires  timestamptz NOT NULL,
  updated  timestamptz NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE dso_reader IS 'ardso: how far this server''s log has been carried out everywhere, and which process reads it';

COMMENT ON COLUMN dso_reader.position IS 'all up to here is durable on every target or pending';

COMMENT ON COLUMN dso_reader.epoch IS 'number of the lease; only grows';

COMMENT ON COLUMN dso_reader.holder IS 'process that holds the lease; empty: none';

COMMENT ON COLUMN dso_reader.expires IS 'end of the lease by this database''s clock';

-- Half-empty pages keep the updates of the few hot rows on their page (HOT).
CREATE TABLE IF NOT EXISTS dso_checkpoint (
  source       text NOT NULL,
  pool         text NOT NULL,
  layout       text NOT NULL,
  thread       integer NOT NULL,
  position     text NOT NULL,
  origin       text NOT NULL,
  path         text NOT NULL,
  mapping      text NOT NULL,
  write_back   integer NOT NULL,
  epoch        bigint NOT NULL,
  transactions bigint NOT NULL,
  open         integer NOT NULL,
  updated      timestamptz NOT NULL,
  PRIMARY KEY (source, pool, layout, thread)
) WITH (fillfactor = 50);

COMMENT ON TABLE dso_checkpoint IS 'ardso: how far each thread has applied each source''s log to this database; the first row that every ardso transaction writes';

COMMENT ON COLUMN dso_checkpoint.source IS 'server whose log is applied';

COMMENT ON COLUMN dso_checkpoint.layout IS 'how requests were dealt out to threads';

COMMENT ON COLUMN dso_checkpoint.thread IS 'thread of the pool; -1: the source''s epoch';

COMMENT ON COLUMN dso_checkpoint.position IS 'source position that the last transaction reached';

COMMENT ON COLUMN dso_checkpoint.origin IS 'server whose log the last transaction came from';

COMMENT ON COLUMN dso_checkpoint.path IS 'servers that its changes had passed, joined by >';

COMMENT ON COLUMN dso_checkpoint.mapping IS 'mapping it came under; empty: several';

COMMENT ON COLUMN dso_checkpoint.write_back IS '1: it wrote distributed fields only';

COMMENT ON COLUMN dso_checkpoint.epoch IS 'lease of the source''s reader; writers of an older one are refused';

COMMENT ON COLUMN dso_checkpoint.transactions IS 'counts transactions';

COMMENT ON COLUMN dso_checkpoint.open IS 'used on SQLite only';

CREATE TABLE IF NOT EXISTS dso_watermark (
  name    text NOT NULL,
  kind    text NOT NULL,
  written timestamptz NOT NULL,
  PRIMARY KEY (name, kind)
);

COMMENT ON TABLE dso_watermark IS 'ardso: marks written around selects to find their place in the log; pruned';

CREATE TABLE IF NOT EXISTS dso_pending (
  id            text PRIMARY KEY,
  type          text NOT NULL,
  mapping       text NOT NULL,
  form          text NOT NULL,
  qualification text NOT NULL,
  status        text NOT NULL,
  last_key      text NOT NULL,
  rows_done     bigint NOT NULL,
  rows_total    bigint NOT NULL,
  error         text NOT NULL,
  reason        text NOT NULL,
  remedy        text NOT NULL,
  created       timestamptz NOT NULL,
  created_by    text NOT NULL,
  updated       timestamptz NOT NULL
);

COMMENT ON TABLE dso_pending IS 'ardso: operations on this server''s requests that were asked for or put off';

COMMENT ON COLUMN dso_pending.qualification IS 'which requests; empty: all';

COMMENT ON COLUMN dso_pending.status IS 'new, running, done, failed or cancelled';

COMMENT ON COLUMN dso_pending.last_key IS 'key of the last request that is durable on the target; where it resumes';

COMMENT ON COLUMN dso_pending.rows_total IS 'estimate; -1: unknown';

CREATE TABLE IF NOT EXISTS dso_pending_error (
  id          text PRIMARY KEY,
  source      text NOT NULL,
  mapping     text NOT NULL,
  form        text NOT NULL,
  request     text NOT NULL,
  target_form text NOT NULL,
  pool        text NOT NULL,
  action      text NOT NULL,
  error       text NOT NULL,
  reason      text NOT NULL,
  remedy      text NOT NULL,
  attempts    integer NOT NULL,
  operation   text NOT NULL,
  status      text NOT NULL,
  hash        text NOT NULL UNIQUE,
  created     timestamptz NOT NULL,
  updated     timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_pending_error_source ON dso_pending_error (source, status);

COMMENT ON TABLE dso_pending_error IS 'ardso: operations on this server that could not be carried out';

COMMENT ON COLUMN dso_pending_error.action IS 'create, modify or delete';

COMMENT ON COLUMN dso_pending_error.operation IS 'the operation, later ones of the same request joined to it (JSON)';

COMMENT ON COLUMN dso_pending_error.status IS 'held: waits for a person; retry: to be tried again now';

COMMENT ON COLUMN dso_pending_error.hash IS 'of source, mapping, target_form and request: one row for each';

CREATE TABLE IF NOT EXISTS dso_conflict (
  id           text PRIMARY KEY,
  source       text NOT NULL,
  mapping      text NOT NULL,
  form         text NOT NULL,
  request      text NOT NULL,
  target_form  text NOT NULL,
  kind         text NOT NULL,
  settled_by   text NOT NULL,
  outcome      text NOT NULL,
  source_image text NOT NULL,
  target_image text NOT NULL,
  created      timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_conflict_created ON dso_conflict (created);

COMMENT ON TABLE dso_conflict IS 'ardso: conflicts that were settled on this server, and how';

COMMENT ON COLUMN dso_conflict.settled_by IS 'the rule of the mapping';

COMMENT ON COLUMN dso_conflict.source_image IS 'what the source sent (JSON)';

COMMENT ON COLUMN dso_conflict.target_image IS 'what the target held (JSON)';

INSERT INTO dso_reader (id, position, epoch, holder, expires, updated)
VALUES (1, '', 0, '', to_timestamp(0), clock_timestamp())
ON CONFLICT DO NOTHING;
