/* ardso check: what makes a commit less than durable (E-5); one row for each setting, its value and the safe one */
SELECT 'innodb_flush_log_at_trx_commit' AS name, CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS CHAR) AS value, '1' AS safe
FROM DUAL
WHERE @@GLOBAL.innodb_flush_log_at_trx_commit <> 1
UNION ALL
SELECT 'innodb_doublewrite', CAST(@@GLOBAL.innodb_doublewrite AS CHAR), 'ON'
FROM DUAL
WHERE CAST(@@GLOBAL.innodb_doublewrite AS CHAR) IN ('0', 'OFF')
