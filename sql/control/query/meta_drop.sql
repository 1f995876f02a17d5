/* ardso pending */
DELETE FROM dso_meta
WHERE name = ?
