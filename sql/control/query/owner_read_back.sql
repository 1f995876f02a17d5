/* ardso reader */
UPDATE dso_owner
SET at_reader = ?
WHERE id = ?
