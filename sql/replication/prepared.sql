/* ardso check */
-- Prepared transactions of this database, oldest first: they hold the log and the creation of a slot (PS-28).
SELECT x.gid                                                    AS gid,
       x.owner                                                  AS owner,
       extract(epoch FROM now() - x.prepared)::float8           AS age_s
  FROM pg_prepared_xacts x
 WHERE x.database = current_database()
 ORDER BY x.prepared
