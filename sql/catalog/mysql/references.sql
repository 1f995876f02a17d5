/* ardso catalog: tables that refer to others or are referred to */
SELECT r.table_name AS table_name
FROM information_schema.referential_constraints r
WHERE r.constraint_schema = ?
UNION
SELECT r.referenced_table_name
FROM information_schema.referential_constraints r
WHERE r.unique_constraint_schema = ?
