/* ardso trigger log */
DELETE FROM dso_log
WHERE seq <= ?
