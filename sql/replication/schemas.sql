/* ardso init */
-- How many whole schemas a publication holds (PostgreSQL 15).
SELECT count(*)
  FROM pg_publication p
  JOIN pg_publication_namespace s
    ON s.pnpubid = p.oid
 WHERE p.pubname = $1
