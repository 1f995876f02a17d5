/* ardso apply */
SELECT epoch
FROM dso_checkpoint
WHERE source = ? AND pool = ? AND layout = ? AND thread = ?
