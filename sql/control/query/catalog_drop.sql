/* ardso reader */
DELETE FROM dso_catalog
WHERE server = ?
