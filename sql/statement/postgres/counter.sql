/* ardso apply */
SELECT table_name::text, column_name::text
FROM information_schema.columns
WHERE table_schema = $1 AND lower(table_name) = 'arschema'
