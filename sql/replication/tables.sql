/* ardso check */
-- What the log says of rows of these tables, given as two arrays of schemas and names, in their order.
SELECT w.schema                                                         AS schema,
       w.name                                                           AS name,
       c.oid IS NOT NULL                                                AS found,
       coalesce(c.relreplident::text, '')                               AS identity,
       coalesce(c.relpersistence::text, '')                             AS persistence,
       coalesce(c.relkind::text, '')                                    AS kind,
       coalesce(has_table_privilege(c.oid, 'SELECT'), false)            AS can_select,
       coalesce(pg_has_role(c.relowner, 'USAGE'), false)                AS owned,
       coalesce(c.relowner::regrole::text, '')                          AS owner,
       EXISTS (SELECT FROM pg_index i
                WHERE i.indrelid = c.oid
                  AND (CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)) AS has_key
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, place)
  LEFT JOIN pg_namespace n
    ON n.nspname = w.schema
  LEFT JOIN pg_class c
    ON c.relnamespace = n.oid
   AND c.relname = w.name
 ORDER BY w.place
