ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS pool text NOT NULL DEFAULT '';

COMMENT ON COLUMN dso_pending.pool IS 'of what waits for the next time of a pool that polls: its name';
