DO $ardso$
BEGIN
  -- The creation waits for every transaction that is open now; that wait is one for a lock (PS-16).
  PERFORM set_config('lock_timeout', '{wait}ms', true);
  PERFORM pg_create_logical_replication_slot({slot}, 'pgoutput'{failover});
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'slot % not created within {wait} ms: it waits for open transactions: %', {slot}, coalesce((
    SELECT string_agg(b.who, '; ')
      FROM (
        SELECT format('pid %s (%s, %s) since %s', a.pid, a.usename, a.application_name, a.xact_start) AS who
          FROM pg_stat_activity a
         WHERE a.backend_xid IS NOT NULL
           AND a.pid <> pg_backend_pid()
         UNION ALL
        SELECT format('prepared transaction %s of %s since %s', x.gid, x.owner, x.prepared)
          FROM pg_prepared_xacts x
      ) b
  ), 'they have ended meanwhile')
  USING ERRCODE = 'lock_not_available',
        HINT = 'end these transactions, or wait for them, and try again';
END
$ardso$
