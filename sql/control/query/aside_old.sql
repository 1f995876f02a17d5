/* ardso pending */
SELECT id
FROM dso_pending
WHERE type = 'operation' AND target = ? AND until <= ?
ORDER BY seq
LIMIT 500
