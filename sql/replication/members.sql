/* ardso init */
-- Tables of a publication. Column lists and row filters exist from PostgreSQL 15 (PD-11, PD-25).
SELECT n.nspname                                     AS schema,
       c.relname                                     AS name,
       (to_jsonb(r) ->> 'prattrs') IS NOT NULL       AS column_list,
       (to_jsonb(r) ->> 'prqual') IS NOT NULL        AS row_filter
  FROM pg_publication p
  JOIN pg_publication_rel r
    ON r.prpubid = p.oid
  JOIN pg_class c
    ON c.oid = r.prrelid
  JOIN pg_namespace n
    ON n.oid = c.relnamespace
 WHERE p.pubname = $1
 ORDER BY n.nspname, c.relname
