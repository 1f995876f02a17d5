/* ardso guard */
SELECT
  'main' AS table_schema,
  m.tbl_name AS table_name,
  m.name AS name,
  '' AS function,
  m.sql AS body,
  '' AS version,
  1 AS enabled,
  1 AS ours,
  '' AS slot
FROM sqlite_schema m
WHERE ?1 = 'main'
  AND m.type = 'trigger'
  AND m.name LIKE 'dso\_guard\_%' ESCAPE '\'
ORDER BY m.tbl_name, m.name
