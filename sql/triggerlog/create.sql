-- The trigger log of an SQLite database. Triggers on the logged tables write it; only ardso deletes.

-- One row per changed row, in the order of the changes. SQLite has one writer, so the rows of a
-- transaction are contiguous. AUTOINCREMENT: a number is never given twice, also after a trim.
CREATE TABLE IF NOT EXISTS dso_log (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  shape  INTEGER NOT NULL, -- dso_log_shape.id: which columns the images have
  op     TEXT    NOT NULL, -- I, U or D
  before TEXT,             -- row before, as SQL literals with commas between; NULL on I
  after  TEXT,             -- row after; NULL on D
  at     INTEGER NOT NULL  -- milliseconds since 1970-01-01 UTC
);

-- The columns of a logged table, one row per shape that the table has had, so that old log rows are
-- read with the columns of their time.
CREATE TABLE IF NOT EXISTS dso_log_shape (
  id         INTEGER PRIMARY KEY,
  table_name TEXT    NOT NULL,
  columns    TEXT    NOT NULL, -- JSON array of {"name", "type", "key"}
  at         INTEGER NOT NULL  -- milliseconds since 1970-01-01 UTC
);

-- Places in dso_log where a transaction ends, as the reader saw them. They are stored before anything
-- up to them is delivered, so that a second reading cuts at the same places.
CREATE TABLE IF NOT EXISTS dso_log_end (
  seq INTEGER PRIMARY KEY
);

-- Up to where dso_log has been trimmed: the one row with name = 'trimmed'.
CREATE TABLE IF NOT EXISTS dso_log_state (
  name TEXT PRIMARY KEY,
  seq  INTEGER NOT NULL
);
