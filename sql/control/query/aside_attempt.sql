/* ardso pending */
-- Later operations of the request do not join what may be carried out already.
UPDATE dso_pending
SET attempted = ?, fold = '', due = NULL, updated = {{now}}
WHERE id IN (?)
