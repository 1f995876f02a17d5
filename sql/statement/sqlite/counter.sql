/* ardso apply */
SELECT m.name, c.name
FROM sqlite_master AS m
JOIN pragma_table_info(m.name, ?) AS c
WHERE m.type = 'table' AND lower(m.name) = 'arschema'
