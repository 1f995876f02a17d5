/* ardso apply */
-- The mark (L-11): the log must show this row whole, so a counter changes every time. What comes before or after
-- the UPDATE tells the triggers of ardso guard that the transaction is ardso's.
{{writerBefore}}UPDATE dso_checkpoint
SET position = ?, origin = ?, path = ?, mapping = ?, write_back = ?, epoch = ?,
    transactions = transactions + 1, open = {{open}}, updated = {{now}}
WHERE source = ? AND pool = ? AND layout = ? AND thread = ? AND epoch <= ?
{{writerAfter}}
