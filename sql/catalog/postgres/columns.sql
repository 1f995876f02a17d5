/* ardso catalog: columns of a schema's tables. A domain counts as the type below it, with the length
   that the lowest domain gives it; casts name types of users with their schema, quoted (PD-21).
   Modifier -1 spells bpchar and "bit", where NULL would spell character and bit, which cut to one. */
WITH RECURSIVE base AS (
  SELECT t.oid AS domain, t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype, t.typtypmod,
         -1 AS typmod, t.typnotnull AS not_null, t.typdefault IS NOT NULL AS has_default
  FROM pg_catalog.pg_type t
  UNION ALL
  SELECT base.domain, t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype, t.typtypmod,
         CASE WHEN base.typmod >= 0 THEN base.typmod ELSE base.typtypmod END,
         base.not_null OR t.typnotnull, base.has_default OR t.typdefault IS NOT NULL
  FROM base
  JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype
  WHERE base.typtype = 'd'
), col AS (
  SELECT
    c.relname, a.attname, a.attnum, a.attcollation, a.attgenerated, a.attidentity, a.atthasdef,
    a.atttypid, a.atttypmod AS mod, a.attnotnull OR b.not_null AS not_null, b.has_default,
    b.oid AS base, b.typname, bn.nspname,
    CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.typmod END AS typmod
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN base b ON b.domain = a.atttypid AND b.typtype <> 'd'
  JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace
  WHERE n.nspname = $1
    AND c.relkind IN ('r', 'p')
    AND a.attnum > 0
    AND NOT a.attisdropped
)
SELECT
  col.relname AS table_name,
  col.attname AS column_name,
  format_type(col.atttypid, col.mod) AS data_type,
  CASE
    WHEN col.nspname = 'pg_catalog' THEN format_type(col.base, -1)
    ELSE quote_ident(col.nspname) || '.' || quote_ident(col.typname)
  END AS base_type,
  col.typname AS type_name,
  CASE WHEN col.typname IN ('varchar', 'bpchar') AND col.typmod >= 4 THEN col.typmod - 4 ELSE 0 END AS length,
  0 AS length_in_bytes,
  CASE WHEN col.typname = 'numeric' AND col.typmod >= 4 THEN ((col.typmod - 4) >> 16) & 65535 ELSE 0 END AS prec,
  CASE
    WHEN col.typname = 'numeric' AND col.typmod >= 4 THEN (((col.typmod - 4) & 2047) # 1024) - 1024
    WHEN col.typname IN ('timestamp', 'timestamptz', 'time') THEN CASE WHEN col.typmod >= 0 THEN col.typmod ELSE 6 END
    ELSE 0
  END AS scale,
  CASE col.typname WHEN 'bool' THEN 1 WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'oid' THEN 32 WHEN 'int8' THEN 64 ELSE 0 END AS bits,
  (col.typname = 'oid')::int AS is_unsigned,
  '' AS charset,
  (col.typname = 'citext' OR NOT COALESCE(l.collisdeterministic, true))::int AS case_folding,
  (NOT col.not_null)::int AS nullable,
  ((col.atthasdef AND col.attgenerated = '') OR col.attidentity <> '' OR col.has_default)::int AS has_default,
  (col.attgenerated <> '')::int AS generated,
  (col.attidentity = 'a')::int AS identity_always,
  0 AS key_place
FROM col
LEFT JOIN pg_catalog.pg_collation l ON l.oid = col.attcollation
ORDER BY col.relname, col.attnum
