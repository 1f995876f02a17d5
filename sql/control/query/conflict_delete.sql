/* ardso conflict */
DELETE FROM dso_conflict
WHERE id = ?
