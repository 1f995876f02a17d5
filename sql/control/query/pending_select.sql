/* ardso pending */
SELECT id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated
FROM dso_pending
