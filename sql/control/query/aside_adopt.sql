/* ardso pending */
UPDATE dso_pending
SET pool = ''
WHERE type IN ('operation', 'transfer again', 'return again') AND target = ? AND pool <> ''
