/* ardso catalog: tables. Our triggers log whole rows. */
SELECT
  m.name AS table_name,
  'full' AS identity,
  1 AS transactional,
  COALESCE(m.sql, '') AS definition
FROM sqlite_schema m
WHERE ?1 = 'main'
  AND m.type = 'table'
  AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY m.name
