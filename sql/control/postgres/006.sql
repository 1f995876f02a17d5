ALTER TABLE dso_owner ADD COLUMN IF NOT EXISTS fault text NOT NULL DEFAULT '';

COMMENT ON COLUMN dso_owner.fault IS 'why the request is not distributed until it is repaired: what ardso verify found; empty: it is';
