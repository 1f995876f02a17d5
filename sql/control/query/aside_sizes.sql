/* ardso pending */
-- Those that a thread has tried come first: what became of them is to be found out before the thread does anything else.
-- Of those that a former process may have carried out ("end") its checkpoint tells at any time.
SELECT id, LENGTH(COALESCE(operation, ''))
FROM dso_pending
WHERE type = 'operation' AND target = ?
ORDER BY CASE WHEN attempted = '' OR attempted LIKE '%"end"%' THEN 1 ELSE 0 END, seq
