/* ardso pending */
UPDATE dso_pending_error
SET operation = ?, updated = {{now}}
WHERE id = ?
