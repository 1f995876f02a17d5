/* ardso open */
SELECT
  sqlite_version(),
  (SELECT COUNT(*) FROM sqlite_schema)
