/* ardso reader */
UPDATE dso_owner
SET at_reader = CASE id WHEN ? THEN ? ELSE at_reader END
WHERE id IN (?)
