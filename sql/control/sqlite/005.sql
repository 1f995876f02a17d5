-- Of an update that waits: the one request it is for; id names request, mapping and target then.
ALTER TABLE dso_pending ADD COLUMN request TEXT NOT NULL DEFAULT '';

-- Of an update that waits: the server it goes to.
ALTER TABLE dso_pending ADD COLUMN target TEXT NOT NULL DEFAULT '';

-- Of an update that waits: what has changed since the last one (JSON).
ALTER TABLE dso_pending ADD COLUMN operation TEXT NOT NULL DEFAULT '';

-- Of an update that waits: when it is carried out.
ALTER TABLE dso_pending ADD COLUMN due TEXT;
