/* ardso catalog: columns of indexes, in order. An empty name is an expression or part of a column. */
SELECT
  s.table_name AS table_name,
  s.index_name AS index_name,
  CASE WHEN s.index_name = 'PRIMARY' THEN 1 ELSE 0 END AS is_primary,
  CASE WHEN s.non_unique = 0 THEN 1 ELSE 0 END AS is_unique,
  CASE WHEN s.sub_part IS NULL THEN COALESCE(s.column_name, '') ELSE '' END AS column_name
FROM information_schema.statistics s
WHERE s.table_schema = ?
ORDER BY s.table_name, s.index_name, s.seq_in_index
