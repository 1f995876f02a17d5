/* ardso reader */
INSERT INTO dso_shape (table_name, number, position, shape, written)
VALUES (?, ?, ?, ?, {{now}})
