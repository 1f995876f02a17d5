/* ardso pending */
SELECT mapping, target_form, request
FROM dso_pending_error
WHERE source = ?
