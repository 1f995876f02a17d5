-- Of what waits for the next time of a pool that polls: its name.
ALTER TABLE dso_pending ADD COLUMN pool TEXT NOT NULL DEFAULT '';
