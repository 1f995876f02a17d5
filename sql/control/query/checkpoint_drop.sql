/* ardso apply */
DELETE FROM dso_checkpoint
WHERE source = ? AND layout NOT IN (?, ?) AND thread >= 0
