/* ardso trigger log */
-- Whoever sees committed rows only sees whole transactions: the last row is the end of one.
INSERT INTO dso_log_end (seq)
SELECT max(seq)
FROM dso_log
HAVING max(seq) > (SELECT coalesce(max(seq), 0) FROM dso_log_end)
