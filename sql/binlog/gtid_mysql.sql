/* ardso reader */
-- SHOW VARIABLES would cut long ones.
SELECT @@GLOBAL.gtid_executed AS executed,
       @@GLOBAL.gtid_purged   AS purged
