/* ardso trigger log */
INSERT INTO dso_log_state (name, seq)
VALUES ('trimmed', ?)
ON CONFLICT (name) DO UPDATE SET seq = excluded.seq
