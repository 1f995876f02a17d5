/* ardso init */
SELECT name, value
FROM dso_meta
