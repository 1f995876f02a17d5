/* ardso pending */
SELECT COALESCE(MAX(seq), 0)
FROM dso_pending
WHERE type = 'operation' AND target = ? AND pool = ?
