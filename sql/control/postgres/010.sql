CREATE TABLE IF NOT EXISTS dso_catalog (
  server  text PRIMARY KEY,
  hash    text NOT NULL,
  catalog text NOT NULL,
  taken   timestamptz NOT NULL
);

COMMENT ON TABLE dso_catalog IS 'ardso: forms of the servers that this one sends to, so that it can start while they do not answer';

COMMENT ON COLUMN dso_catalog.server IS 'logical name of the target';

COMMENT ON COLUMN dso_catalog.hash IS 'of the catalog: it is written only where it has changed';

COMMENT ON COLUMN dso_catalog.catalog IS 'the forms that the definitions use, and the engine (JSON)';
