/* ardso pending */
-- It is tried now; who asks from now on has it tried once more.
UPDATE dso_pending
SET due = NULL
WHERE type IN ('operation', 'transfer again', 'return again') AND target = ? AND pool = ? AND due IS NOT NULL
