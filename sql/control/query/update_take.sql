/* ardso pending */
-- A row that is being carried out has an ID of its own: what changes meanwhile waits anew.
UPDATE dso_pending
SET id = ?, status = 'running', updated = {{now}}
WHERE id = ? AND status = 'waiting'
