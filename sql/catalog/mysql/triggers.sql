/* ardso catalog: triggers that fire on writes */
SELECT
  t.event_object_table AS table_name,
  t.trigger_name AS trigger_name
FROM information_schema.triggers t
WHERE t.trigger_schema = ?
ORDER BY t.event_object_table, t.trigger_name
