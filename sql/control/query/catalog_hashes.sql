/* ardso reader */
SELECT server, hash
FROM dso_catalog
