/* ardso pending */
DELETE FROM dso_pending
WHERE type = 'update' AND form = ? AND request = ?
