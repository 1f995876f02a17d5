CREATE TABLE IF NOT EXISTS dso_shape (
  table_name text NOT NULL,
  number     integer NOT NULL,
  position   text NOT NULL,
  shape      text NOT NULL,
  written    timestamptz NOT NULL,
  PRIMARY KEY (table_name, number)
);

COMMENT ON TABLE dso_shape IS 'ardso: which columns tables had in the log, where the log does not name them (MySQL 5.6 and 5.7 only)';
