/* ardso apply */
DELETE FROM dso_checkpoint
WHERE source = ? AND layout <> ? AND thread >= 0
