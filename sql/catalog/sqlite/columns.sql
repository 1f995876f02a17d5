/* ardso catalog: columns. SQLite enforces no length, so there is none. */
SELECT
  m.name AS table_name,
  x.name AS column_name,
  x.type AS data_type,
  x.type AS base_type,
  x.type AS type_name,
  0 AS length,
  0 AS length_in_bytes,
  0 AS prec,
  6 AS scale,
  64 AS bits,
  0 AS is_unsigned,
  '' AS charset,
  0 AS case_folding,
  CASE WHEN x."notnull" = 1 THEN 0 ELSE 1 END AS nullable,
  CASE WHEN COALESCE(x.dflt_value, 'NULL') <> 'NULL' AND x.hidden = 0 THEN 1 ELSE 0 END AS has_default,
  COALESCE(x.dflt_value, '') AS default_text,
  CASE WHEN x.hidden IN (2, 3) THEN 1 ELSE 0 END AS generated,
  0 AS identity_always,
  x.pk AS key_place
FROM sqlite_schema m
JOIN pragma_table_xinfo(m.name) x
WHERE ?1 = 'main'
  AND m.type = 'table'
  AND x.hidden <> 1
  AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY m.name, x.cid
