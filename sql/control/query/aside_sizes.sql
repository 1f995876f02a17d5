/* ardso pending */
-- Those that were tried come first: what became of them is to be found out before others of their requests go.
SELECT id, LENGTH(COALESCE(operation, ''))
FROM dso_pending
WHERE type = 'operation' AND target = ?
ORDER BY CASE WHEN attempted = '' THEN 1 ELSE 0 END, seq
