/* ardso pending */
-- What may be carried out already waits until that is known.
SELECT id
FROM dso_pending
WHERE type = 'operation' AND target = ? AND pool = ? AND until <= ? AND attempted = ''
ORDER BY seq
LIMIT 500
