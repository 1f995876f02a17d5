/* ardso apply */
DELETE FROM "ar"."T1001" AS t
USING unnest($1::text[], $2::text[]) WITH ORDINALITY AS v (a1, a2, o)
WHERE t."C1" = v.a1::character varying
  AND NULLIF(t."C8"::text, '') COLLATE "C" IS NOT DISTINCT FROM v.a2
RETURNING v.o
