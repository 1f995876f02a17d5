-- Of an operation whose target does not accept: its place among those of the target.
ALTER TABLE dso_pending ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;

-- Of an operation whose target does not accept: names what later operations of the request join; empty: none do.
ALTER TABLE dso_pending ADD COLUMN fold TEXT NOT NULL DEFAULT '';

-- Of an operation whose target does not accept: the thread that has tried it, and how many transactions that had
-- committed before (JSON).
ALTER TABLE dso_pending ADD COLUMN attempted TEXT NOT NULL DEFAULT '';

-- Of an operation whose target does not accept: when it is given up; NULL: never.
ALTER TABLE dso_pending ADD COLUMN until TEXT;

CREATE INDEX IF NOT EXISTS dso_pending_target ON dso_pending (type, target, seq);

CREATE INDEX IF NOT EXISTS dso_pending_fold ON dso_pending (fold);

-- What waits for one request is looked for.
CREATE INDEX IF NOT EXISTS dso_pending_request ON dso_pending (request);

-- The server whose request it is; empty: of this one.
ALTER TABLE dso_event ADD COLUMN source TEXT NOT NULL DEFAULT '';
