ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS request text NOT NULL DEFAULT '';

ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS target text NOT NULL DEFAULT '';

ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS operation text NOT NULL DEFAULT '';

ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS due timestamptz;

COMMENT ON COLUMN dso_pending.request IS 'of an update that waits: the one request it is for; id names request, mapping and target then';

COMMENT ON COLUMN dso_pending.target IS 'of an update that waits: the server it goes to';

COMMENT ON COLUMN dso_pending.operation IS 'of an update that waits: what has changed since the last one (JSON)';

COMMENT ON COLUMN dso_pending.due IS 'of an update that waits: when it is carried out';
