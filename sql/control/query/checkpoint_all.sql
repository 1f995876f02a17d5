/* ardso status */
SELECT source, pool, layout, thread, position, origin, path, mapping, write_back, epoch, transactions, updated
FROM dso_checkpoint
WHERE thread >= 0
ORDER BY source, pool, layout, thread
