/* ardso reader */
-- The server, its log and our slot in one row; the slot's columns are NULL where there is none.
-- to_jsonb keeps the statement the same for versions that lack a column.
SELECT c.system_identifier::text                           AS system,
       current_database()                                  AS database,
       current_setting('server_version_num')::int          AS version,
       pg_is_in_recovery()                                 AS standby,
       -- On a primary what is flushed, since a commit beyond it may still vanish; on a standby what is replayed (PS-15).
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
             ELSE pg_current_wal_flush_lsn() END)::text    AS log_end,
       s.slot_name IS NOT NULL                             AS found,
       coalesce(s.plugin, '')                              AS plugin,
       coalesce(s.database, '')                            AS slot_database,
       coalesce(s.active_pid, 0)                           AS active_pid,
       coalesce(s.restart_lsn::text, '')                   AS restart,
       coalesce(s.confirmed_flush_lsn::text, '')           AS confirmed,
       coalesce(s.wal_status, '')                          AS wal_status,
       coalesce(s.safe_wal_size, -1)                       AS safe_bytes,
       coalesce(to_jsonb(s) ->> 'invalidation_reason', '') AS invalidation,
       coalesce(to_jsonb(s) ->> 'failover', '')            AS failover,
       coalesce(to_jsonb(s) ->> 'two_phase', '')           AS two_phase
  FROM pg_control_system() c
  LEFT JOIN pg_replication_slots s
    ON s.slot_name = $1
