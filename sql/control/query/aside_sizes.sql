/* ardso pending */
SELECT id, LENGTH(COALESCE(operation, ''))
FROM dso_pending
WHERE type = 'operation' AND target = ? AND pool = ? AND attempted = ''
ORDER BY seq
