-- Not ardso: while its transaction writes, the row of dso_checkpoint with which it began is open. Nobody else sees
-- that, and nobody else writes meanwhile.
NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
