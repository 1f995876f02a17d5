/* ardso apply */
INSERT INTO dso_checkpoint (source, pool, layout, thread, position, origin, path, mapping, write_back, epoch,
  transactions, open, updated)
VALUES (?, ?, ?, ?, ?, '', '', '', 0, ?, 0, 0, {{now}})
{{ifAbsent "source, pool, layout, thread" "thread"}}
