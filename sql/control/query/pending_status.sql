/* ardso pending */
-- What has ended stays as it ended.
UPDATE dso_pending
SET status = ?, error = ?, reason = ?, remedy = ?, updated = {{now}}
WHERE id = ? AND status IN ('new', 'running', ?)
