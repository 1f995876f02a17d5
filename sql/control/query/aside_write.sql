/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due, seq, fold, attempted, until, pool)
VALUES (?, 'operation', ?, ?, '', 'retry', '', 0, 1, ?, ?, ?, {{now}}, 'ardso', {{now}}, ?, ?, ?, NULL, ?, ?, ?, ?, ?)
{{onTaken "id" "" "operation" "updated"}}
