/* ardso reader */
DELETE FROM dso_shape
WHERE table_name = ?
