/* ardso reader */
-- What the log holds: the last transaction of each domain, and the last of each server in each domain (MS-8).
-- SHOW VARIABLES would cut long ones.
SELECT @@GLOBAL.gtid_binlog_pos   AS position,
       @@GLOBAL.gtid_binlog_state AS state
