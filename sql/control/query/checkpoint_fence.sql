/* ardso apply */
UPDATE dso_checkpoint
SET epoch = ?, updated = {{now}}
WHERE source = ? AND epoch <= ?
