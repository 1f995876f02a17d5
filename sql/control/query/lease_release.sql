/* ardso lease */
UPDATE dso_reader
SET holder = '', expires = {{now}}, updated = {{now}}
WHERE id = 1 AND holder = ? AND epoch = ?
