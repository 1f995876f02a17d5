/* ardso pending */
DELETE FROM dso_pending_error
WHERE id = ?
