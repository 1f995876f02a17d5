CREATE TABLE IF NOT EXISTS dso_catalog ( -- forms of the servers that this one sends to, so that it can start while they do not answer
  server  TEXT NOT NULL PRIMARY KEY, -- logical name of the target
  hash    TEXT NOT NULL,             -- of the catalog: it is written only where it has changed
  catalog TEXT NOT NULL,             -- the forms that the definitions use, and the engine (JSON)
  taken   TEXT NOT NULL
);
