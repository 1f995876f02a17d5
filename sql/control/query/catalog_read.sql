/* ardso reader */
SELECT server, hash, catalog, taken
FROM dso_catalog
ORDER BY server
