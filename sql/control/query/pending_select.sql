/* ardso pending */
SELECT id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, COALESCE(request, ''), target, COALESCE(operation, ''), due,
  seq, attempted, pool
FROM dso_pending
