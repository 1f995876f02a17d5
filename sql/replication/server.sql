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
       current_setting('idle_session_timeout')                                   AS idle_session_timeout,
       r.rolreplication OR r.rolsuper                                            AS can_replicate,
       r.rolname                                                                 AS role,
       has_database_privilege(current_database(), 'CREATE')                      AS can_create,
       extract(epoch FROM clock_timestamp())::float8                             AS clock
  FROM pg_roles r
 WHERE r.rolname = current_user
