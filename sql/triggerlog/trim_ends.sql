/* ardso trigger log */
-- The end that was trimmed up to stays: later ends are compared with it.
DELETE FROM dso_log_end
WHERE seq < ?
