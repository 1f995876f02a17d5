/* ardso catalog: tables that refer to others or are referred to */
SELECT m.name AS table_name
FROM sqlite_schema m
JOIN pragma_foreign_key_list(m.name) f
WHERE ?1 = 'main'
  AND m.type = 'table'
UNION
SELECT f."table"
FROM sqlite_schema m
JOIN pragma_foreign_key_list(m.name) f
WHERE m.type = 'table'
