/* ardso pending */
UPDATE dso_pending
SET last_key = ?, rows_done = ?, rows_total = ?, updated = {{now}}
WHERE id = ?
