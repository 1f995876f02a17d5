/* ardso lease */
SELECT position, epoch, holder, expires, updated
FROM dso_reader
WHERE id = 1
