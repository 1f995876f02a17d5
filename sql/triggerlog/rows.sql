/* ardso trigger log */
SELECT
  seq,
  shape,
  op,
  before,
  after,
  at
FROM dso_log
WHERE seq > ?
  AND seq <= ?
ORDER BY seq
LIMIT ?
