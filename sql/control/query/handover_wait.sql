/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, pool, until)
VALUES (?, ?, ?, ?, '', 'retry', '', 0, 1, ?, ?, ?, {{now}}, 'ardso', {{now}}, ?, ?, ?, ?)
{{ifAbsent "id" "updated"}}
