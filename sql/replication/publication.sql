/* ardso init */
-- Our publication, if there is one.
SELECT p.puballtables                                          AS all_tables,
       p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS all_kinds,
       p.pubviaroot                                            AS via_root,
       pg_has_role(p.pubowner, 'USAGE')                        AS owned,
       p.pubowner::regrole::text                               AS owner,
       coalesce(to_jsonb(p) ->> 'pubgencols', 'n') NOT IN ('n', 'false') AS generated
  FROM pg_publication p
 WHERE p.pubname = $1
