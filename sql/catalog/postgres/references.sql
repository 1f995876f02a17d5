/* ardso catalog: tables that refer to others or are referred to */
SELECT c.relname AS table_name
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class c ON c.oid IN (f.conrelid, f.confrelid)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1
  AND f.contype = 'f'
GROUP BY c.relname
