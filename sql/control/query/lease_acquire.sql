/* ardso lease */
UPDATE dso_reader
SET holder = ?, epoch = epoch + 1, expires = {{after "?"}}, updated = {{now}}
WHERE id = 1 AND (holder = '' OR holder = ? OR expires <= {{now}})
