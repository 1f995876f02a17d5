/* ardso reader */
-- The last transaction of each domain before a file begins.
SELECT coalesce(BINLOG_GTID_POS(?, 4), '')
