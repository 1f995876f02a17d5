/* ardso joins */
INSERT INTO dso_join (id, round, last, changes)
VALUES (?, ?, ?, ?)
