/* ardso pending */
-- Later changes of a request join the row that waits; it stays due when it was.
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due)
VALUES (?, 'update', ?, ?, '', 'waiting', '', 0, 1, '', '', '', {{now}}, 'ardso', {{now}}, ?, ?, ?, ?)
{{onTaken "id" "" "operation" "updated"}}
