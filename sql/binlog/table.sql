/* ardso check */
-- A table as the user sees it: without a privilege on it, not at all. Names compare byte by byte here, or
-- in lower case where the server stores them so (MD-18).
SELECT t.table_name           AS name,
       t.table_type           AS type,
       coalesce(t.engine, '') AS engine,
       EXISTS (SELECT 1
                 FROM information_schema.columns c
                WHERE c.table_schema = t.table_schema
                  AND BINARY c.table_name = t.table_name
                  AND c.column_key = 'PRI') AS has_key
  FROM information_schema.tables t
 WHERE t.table_schema = DATABASE()
   AND (BINARY t.table_name = ? OR @@lower_case_table_names <> 0 AND LOWER(t.table_name) = LOWER(?))
