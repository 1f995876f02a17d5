/* ardso init --dry-run */
SELECT sql
FROM sqlite_schema
WHERE type = 'table' AND lower(name) = lower(?)
