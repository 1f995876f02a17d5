/* ardso catalog: tables of a database. What the log says of a row before a change is the server's
   binlog_row_image; NOBLOB leaves columns out. */
SELECT
  t.table_name AS table_name,
  CASE WHEN @@GLOBAL.binlog_row_image LIKE 'FULL%' THEN 'full' ELSE 'key' END AS identity,
  CASE WHEN e.transactions = 'YES' THEN 1 ELSE 0 END AS transactional,
  '' AS definition
FROM information_schema.tables t
LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = ?
  AND t.table_type = 'BASE TABLE'
ORDER BY t.table_name
