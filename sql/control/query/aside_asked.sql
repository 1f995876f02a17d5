/* ardso pending */
SELECT COUNT(*)
FROM dso_pending
WHERE type = 'operation' AND target = ? AND due IS NOT NULL
