-- The control tables that the reader looks for, with the columns that it reads.
CREATE TABLE dso_checkpoint (
  source     TEXT NOT NULL,
  pool       TEXT NOT NULL,
  layout     TEXT NOT NULL,
  thread     INTEGER NOT NULL,
  position   TEXT NOT NULL,
  origin     TEXT NOT NULL,
  path       TEXT NOT NULL,
  mapping    TEXT NOT NULL,
  write_back INTEGER NOT NULL,
  open       INTEGER NOT NULL,
  PRIMARY KEY (source, pool, layout, thread)
);
CREATE TABLE dso_watermark (
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  PRIMARY KEY (name, kind)
);
INSERT INTO dso_checkpoint VALUES ('tokyo', '', '1', 0, '', '', '', '', 0, 0), ('tokyo', '', '1', 1, '', '', '', '', 0, 0);
