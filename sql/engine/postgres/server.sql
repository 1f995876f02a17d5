/* ardso open */
SELECT
  current_setting('server_version_num')::int,
  version(),
  COALESCE(current_schema(), '')
