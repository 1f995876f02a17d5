/* ardso reader */
UPDATE dso_reader
SET updated = {{now}}
WHERE id = 1 AND epoch = ?
