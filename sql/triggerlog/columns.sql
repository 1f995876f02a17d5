/* ardso trigger log */
SELECT
  name,
  type,
  pk,
  hidden
FROM pragma_table_xinfo(?)
WHERE hidden <> 1 -- 1 = hidden column of a virtual table; 2 and 3 = generated
ORDER BY cid
