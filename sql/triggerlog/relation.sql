/* ardso trigger log */
SELECT
  type,
  name,
  coalesce(sql, '') AS sql
FROM sqlite_master
WHERE name = ? COLLATE NOCASE
  AND type IN ('table', 'view')
