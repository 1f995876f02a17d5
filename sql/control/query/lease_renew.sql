/* ardso lease */
-- A lease that ran out but was not taken may be renewed: nobody else has written since.
UPDATE dso_reader
SET expires = {{after "?"}}, updated = {{now}}
WHERE id = 1 AND holder = ? AND epoch = ?
