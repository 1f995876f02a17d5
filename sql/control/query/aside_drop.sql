/* ardso pending */
DELETE FROM dso_pending
WHERE id IN (?)
