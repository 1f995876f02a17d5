/* ardso reader */
SELECT table_name, number, position, shape
FROM dso_shape
ORDER BY table_name, number
