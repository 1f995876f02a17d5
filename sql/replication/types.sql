/* ardso reader */
-- Each type with the name of what it is at bottom: a domain's base type, over any number of domains.
-- The name has its schema unless it is built in, since an extension's type may be called anything (PD-21).
WITH RECURSIVE base AS (
  SELECT t.oid AS root, t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype
    FROM pg_type t
   WHERE t.oid = ANY ($1::bigint[]::oid[])
   UNION ALL
  SELECT b.root, t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype
    FROM base b
    JOIN pg_type t
      ON t.oid = b.typbasetype
   WHERE b.typtype = 'd'
)
SELECT b.root::bigint                                                             AS oid,
       CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN b.typname::text
            ELSE b.typnamespace::regnamespace::text || '.' || b.typname END       AS name
  FROM base b
 WHERE b.typtype <> 'd'
