/* ardso pending */
SELECT id, seq, mapping, form, COALESCE(request, ''), target, COALESCE(operation, ''), fold, attempted, created
FROM dso_pending
WHERE type = 'operation'
