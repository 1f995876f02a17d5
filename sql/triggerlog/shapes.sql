/* ardso trigger log */
SELECT
  id,
  table_name,
  columns
FROM dso_log_shape
ORDER BY id
