/* ardso reader */
UPDATE dso_reader
SET position = ?, updated = {{now}}
WHERE id = 1 AND epoch = ?
