/* ardso apply */
INSERT INTO "ar"."keyless" AS t ("id", "s")
SELECT v.a1, v.a2
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS v (a1, a2, o)
ORDER BY v.o
ON CONFLICT DO NOTHING
RETURNING t."id"::text
