/* ardso apply */
SELECT source, pool, layout, thread, position, origin, path, mapping, write_back, epoch, transactions, updated
FROM dso_checkpoint
WHERE source = ? AND thread >= 0
ORDER BY pool, layout, thread
