/* ardso guard */
-- Functions of ours with the triggers that call them: that makes a trigger ours, whatever its table is called by now.
-- A function whose table was dropped has none.
SELECT
  COALESCE(tn.nspname, '') AS table_schema,
  COALESCE(c.relname, '') AS table_name,
  COALESCE(t.tgname, '') AS name,
  p.proname AS function,
  p.prosrc AS body,
  -- The one argument is the version; a byte 0 ends it.
  COALESCE(replace(encode(t.tgargs, 'escape'), '\000', ''), '') AS version,
  CASE WHEN t.tgenabled IN ('O', 'A') THEN 1 ELSE 0 END AS enabled,
  1 AS ours,
  '' AS slot
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
-- Partitions have copies of their table's triggers.
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND t.tgparentid = 0
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace
WHERE pn.nspname = $1
  AND p.proname LIKE 'dso\_guard\_%'
ORDER BY p.proname, c.relname, t.tgname
