/* ardso pending */
SELECT COUNT(*)
FROM dso_pending
WHERE type IN ('operation', 'transfer again', 'return again') AND target = ? AND pool = ? AND due IS NOT NULL
