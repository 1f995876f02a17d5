/* ardso pending */
SELECT id, source, mapping, form, request, target_form, pool, action, error, reason, remedy, attempts, operation,
  status, created, updated
FROM dso_pending_error
