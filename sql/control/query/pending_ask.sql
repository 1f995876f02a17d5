/* ardso pending */
UPDATE dso_pending
SET due = {{now}}, updated = {{now}}
WHERE id = ?
