/* ardso check */
-- Settings, limits and privileges that reading the log depends on.
SELECT current_setting('wal_level')                                              AS wal_level,
       current_setting('max_replication_slots')::int                             AS max_slots,
       (SELECT count(*) FROM pg_replication_slots)                               AS used_slots,
       current_setting('max_wal_senders')::int                                   AS max_senders,
       (SELECT count(*) FROM pg_stat_replication)                                AS used_senders,
       (SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mb,
       (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_sender_timeout') AS sender_timeout_ms,
       -- PostgreSQL 18 can invalidate idle slots.
       coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'idle_replication_slot_timeout'), 0) AS idle_slot_timeout_s,
       -- Amazon's servers have a role in place of the attribute.
       r.rolreplication OR r.rolsuper OR EXISTS (
         SELECT FROM pg_roles a
          WHERE a.rolname = 'rds_replication'
            AND pg_has_role(a.oid, 'USAGE'))                                     AS can_replicate,
       r.rolname                                                                 AS role,
       has_database_privilege(current_database(), 'CREATE')                      AS can_create
  FROM pg_roles r
 WHERE r.rolname = current_user
