/* ardso status */
SELECT owner, fault, COUNT(*)
FROM dso_owner
WHERE deleted = 0 AND chain <> ''
GROUP BY owner, fault
