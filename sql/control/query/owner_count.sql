/* ardso status */
SELECT owner, COUNT(*)
FROM dso_owner
WHERE deleted = 0 AND chain <> ''
GROUP BY owner
