/* ardso catalog: tables of a schema, and what their log records say of a row before a change.
   An unlogged or temporary table writes no log at all. */
SELECT
  c.relname AS table_name,
  CASE
    WHEN c.relpersistence <> 'p' THEN 'nothing'
    WHEN c.relreplident = 'f' THEN 'full'
    WHEN c.relreplident = 'n' THEN 'nothing'
    WHEN c.relreplident = 'i' THEN 'key'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) THEN 'key'
    ELSE 'nothing'
  END AS identity,
  1 AS transactional,
  '' AS definition
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1
  AND c.relkind IN ('r', 'p')
ORDER BY c.relname
