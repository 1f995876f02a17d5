/* ardso trigger log */
SELECT
  name,
  tbl_name,
  coalesce(sql, '') AS sql,
  rowid AS created -- SQLite fires the trigger that was created last first
FROM sqlite_master
WHERE type = 'trigger'
ORDER BY rowid
