/* ardso catalog: columns of a database's tables. The length of the TEXT and BLOB types counts bytes.
   EXTRA says DEFAULT_GENERATED of columns that can be written. */
SELECT
  c.table_name AS table_name,
  c.column_name AS column_name,
  c.column_type AS data_type,
  c.data_type AS base_type,
  c.data_type AS type_name,
  CASE
    WHEN c.data_type IN ('char', 'varchar') THEN c.character_maximum_length
    WHEN c.data_type IN ('enum', 'set') THEN 0
    ELSE COALESCE(c.character_octet_length, 0)
  END AS length,
  CASE WHEN c.data_type IN ('char', 'varchar', 'enum', 'set') OR c.character_octet_length IS NULL THEN 0 ELSE 1 END AS length_in_bytes,
  CASE WHEN c.data_type = 'decimal' THEN c.numeric_precision ELSE 0 END AS prec,
  COALESCE(CASE WHEN c.data_type = 'decimal' THEN c.numeric_scale END, c.datetime_precision, 0) AS scale,
  CASE c.data_type
    WHEN 'tinyint' THEN 8
    WHEN 'smallint' THEN 16
    WHEN 'year' THEN 16
    WHEN 'mediumint' THEN 24
    WHEN 'int' THEN 32
    WHEN 'bigint' THEN 64
    WHEN 'bit' THEN c.numeric_precision
    ELSE 0
  END AS bits,
  CASE WHEN c.column_type LIKE '%unsigned%' OR c.data_type IN ('bit', 'year') THEN 1 ELSE 0 END AS is_unsigned,
  COALESCE(c.character_set_name, '') AS charset,
  CASE WHEN c.collation_name LIKE '%\_ci' OR c.collation_name LIKE '%\_ci\_%' THEN 1 ELSE 0 END AS case_folding,
  CASE WHEN c.is_nullable = 'YES' THEN 1 ELSE 0 END AS nullable,
  CASE WHEN COALESCE(c.column_default, 'NULL') <> 'NULL' OR c.extra LIKE '%auto_increment%' THEN 1 ELSE 0 END AS has_default,
  CASE WHEN c.extra LIKE '%VIRTUAL GENERATED%' OR c.extra LIKE '%STORED GENERATED%' OR c.extra LIKE '%PERSISTENT%' THEN 1 ELSE 0 END AS generated,
  0 AS identity_always,
  0 AS key_place
FROM information_schema.columns c
JOIN information_schema.tables t
  ON t.table_schema = c.table_schema
  AND t.table_name = c.table_name
  AND t.table_type = 'BASE TABLE'
WHERE c.table_schema = ?
  AND t.table_schema = ?
ORDER BY c.table_name, c.ordinal_position
