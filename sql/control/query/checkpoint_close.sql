/* ardso apply */
UPDATE dso_checkpoint
SET open = 0
WHERE source = ? AND pool = ? AND layout = ? AND thread = ?
