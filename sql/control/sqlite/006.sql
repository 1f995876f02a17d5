-- Why the request is not distributed until it is repaired: what ardso verify found; empty: it is.
ALTER TABLE dso_owner ADD COLUMN fault TEXT NOT NULL DEFAULT '';
