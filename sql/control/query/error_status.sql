/* ardso pending */
UPDATE dso_pending_error
SET status = ?, updated = {{now}}
WHERE id = ?
