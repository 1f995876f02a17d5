/* ardso trigger log */
SELECT
  coalesce((SELECT min(seq) FROM dso_log), 0) AS first,
  coalesce((SELECT max(seq) FROM dso_log), 0) AS last,
  coalesce((SELECT max(seq) FROM dso_log_end), 0) AS cut,
  coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'dso_log'), 0) AS given,
  coalesce((SELECT seq FROM dso_log_state WHERE name = 'trimmed'), 0) AS trimmed
