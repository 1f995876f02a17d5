/* ardso guard */
-- All triggers, since those of others may hold a place that ours need.
SELECT
  t.event_object_schema AS table_schema,
  t.event_object_table AS table_name,
  t.trigger_name AS name,
  '' AS `function`,
  t.action_statement AS body,
  '' AS version,
  1 AS enabled,
  t.trigger_name LIKE 'dso\_guard\_%' AS ours,
  CONCAT(t.action_timing, ' ', t.event_manipulation) AS slot
FROM information_schema.triggers t
WHERE t.trigger_schema = ?
ORDER BY t.event_object_table, t.trigger_name
