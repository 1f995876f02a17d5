/* ardso apply */
SELECT MAX(epoch)
FROM dso_checkpoint
WHERE source = ?
