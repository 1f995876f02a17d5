/* ardso select */
BEGIN DEFERRED;
-- The snapshot is taken by the first read.
SELECT COUNT(*) FROM sqlite_master;
