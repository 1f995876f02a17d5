ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS seq bigint NOT NULL DEFAULT 0;

ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS fold text NOT NULL DEFAULT '';

ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS attempted text NOT NULL DEFAULT '';

ALTER TABLE dso_pending ADD COLUMN IF NOT EXISTS until timestamptz;

COMMENT ON COLUMN dso_pending.until IS 'of an operation whose target does not accept: when it is given up; NULL: never';

COMMENT ON COLUMN dso_pending.seq IS 'of an operation whose target does not accept: its place among those of the target';

COMMENT ON COLUMN dso_pending.fold IS 'of an operation whose target does not accept: names what later operations of the request join; empty: none do';

COMMENT ON COLUMN dso_pending.attempted IS 'of an operation whose target does not accept: the thread that has tried it, and how many transactions that had committed before (JSON)';

CREATE INDEX IF NOT EXISTS dso_pending_target ON dso_pending (type, target, seq);

CREATE INDEX IF NOT EXISTS dso_pending_fold ON dso_pending (fold);

-- What waits for one request is looked for.
CREATE INDEX IF NOT EXISTS dso_pending_request ON dso_pending USING hash (request);

ALTER TABLE dso_event ADD COLUMN IF NOT EXISTS source text NOT NULL DEFAULT '';

COMMENT ON COLUMN dso_event.source IS 'the server whose request it is; empty: of this one';
