/* ardso pending */
SELECT id
FROM dso_pending
WHERE type = 'operation' AND target = ? AND attempted <> '' AND attempted <> ?
ORDER BY seq
LIMIT 500
