/* ardso catalog: columns of indexes, in order. An empty name is an expression; a partial index counts
   as one over an expression too, since not every row is in it. */
SELECT
  c.relname AS table_name,
  ic.relname AS index_name,
  i.indisprimary::int AS is_primary,
  i.indisunique::int AS is_unique,
  CASE WHEN i.indpred IS NULL THEN COALESCE(a.attname, '') ELSE '' END AS column_name
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k(n)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[k.n] AND a.attnum > 0
WHERE n.nspname = $1
  AND c.relkind IN ('r', 'p')
  AND i.indisvalid
ORDER BY c.relname, ic.relname, k.n
