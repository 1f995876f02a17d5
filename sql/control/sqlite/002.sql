CREATE TABLE IF NOT EXISTS dso_shape ( -- which columns tables had in the log, where the log does not name them (MySQL 5.6 and 5.7 only)
  table_name TEXT NOT NULL,
  number     INTEGER NOT NULL,
  position   TEXT NOT NULL,
  shape      TEXT NOT NULL,
  written    TEXT NOT NULL,
  PRIMARY KEY (table_name, number)
);
