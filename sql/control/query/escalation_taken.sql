/* ardso pending */
UPDATE dso_pending
SET rows_done = ?, updated = {{now}}
WHERE id = ? AND rows_done = 0
