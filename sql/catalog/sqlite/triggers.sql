/* ardso catalog: triggers that fire on writes */
SELECT
  m.tbl_name AS table_name,
  m.name AS trigger_name
FROM sqlite_schema m
WHERE ?1 = 'main'
  AND m.type = 'trigger'
ORDER BY m.tbl_name, m.name
