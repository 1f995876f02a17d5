/* ardso catalog: columns of indexes, in order. An empty name is an expression; a partial index counts
   as one over an expression too. The primary key comes with the columns, since a rowid has no index. */
SELECT
  m.name AS table_name,
  l.name AS index_name,
  CASE WHEN l.origin = 'pk' THEN 1 ELSE 0 END AS is_primary,
  l."unique" AS is_unique,
  CASE WHEN l.partial = 0 THEN COALESCE(x.name, '') ELSE '' END AS column_name
FROM sqlite_schema m
JOIN pragma_index_list(m.name) l
JOIN pragma_index_xinfo(l.name) x
WHERE ?1 = 'main'
  AND m.type = 'table'
  AND x.key = 1
ORDER BY m.name, l.name, x.seqno
