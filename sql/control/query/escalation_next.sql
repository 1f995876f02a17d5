/* ardso pending */
-- Whoever finds the time that it was due at has claimed that run.
UPDATE dso_pending
SET due = ?, updated = {{now}}
WHERE id = ? AND due = ?
