/* ardso trigger log */
SELECT seq
FROM dso_log_end
WHERE seq > ?
ORDER BY seq
LIMIT ?
