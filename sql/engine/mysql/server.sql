/* ardso open */
SELECT
  version(),
  @@version_comment,
  @@max_allowed_packet,
  database()
