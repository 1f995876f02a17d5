/* ardso pending */
-- An escalation waits in one row, which its runs leave there; another schedule sets it anew.
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due)
VALUES (?, 'escalation', ?, ?, '', 'waiting', '', 0, -1, '', '', '', {{now}}, 'ardso', {{now}}, '', '', ?, ?)
{{onTaken "id" "" "form" "operation" "due" "updated"}}
