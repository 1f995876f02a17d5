/* ardso apply */
INSERT INTO "ar"."log" AS t ("id", "s") OVERRIDING SYSTEM VALUE
SELECT v.a1::bigint, v.a2
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS v (a1, a2, o)
ORDER BY v.o
ON CONFLICT ("id") DO NOTHING
RETURNING t."id"::text
