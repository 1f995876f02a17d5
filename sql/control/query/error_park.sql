/* ardso pending */
-- A row that failed again keeps its ID and counts the attempt.
INSERT INTO dso_pending_error (id, source, mapping, form, request, target_form, pool, action, error, reason, remedy,
  attempts, operation, status, hash, created, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, 'held', ?, {{now}}, {{now}})
{{onTaken "hash" "attempts = dso_pending_error.attempts + 1" "action" "error" "reason" "remedy" "operation" "status" "updated"}}
