/* ardso pending */
SELECT id, type, mapping, form, COALESCE(request, '')
FROM dso_pending
WHERE type IN ('transfer again', 'return again') AND status = 'retry' AND target = ? AND pool = ? AND until <= ?
ORDER BY created
LIMIT 500
