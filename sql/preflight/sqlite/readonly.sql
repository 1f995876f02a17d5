-- A transaction that begins to write has shown it already.
SELECT ''
 WHERE 0
