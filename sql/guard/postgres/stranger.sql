-- Not ardso: its first statement, which advances its checkpoint, sets this for its own transaction.
current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
