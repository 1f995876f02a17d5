/* ardso reader */
DELETE FROM dso_owner
WHERE deleted = 1 AND updated < {{after "?"}}
