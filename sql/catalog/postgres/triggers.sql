/* ardso catalog: triggers of users that fire on writes */
SELECT
  c.relname AS table_name,
  t.tgname AS trigger_name
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1
  AND NOT t.tgisinternal
  AND t.tgenabled <> 'D'
ORDER BY c.relname, t.tgname
