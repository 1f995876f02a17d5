/* ardso apply */
INSERT INTO "ar"."T1001" AS t ("C1", "C8")
SELECT v.a1, v.a2
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS v (a1, a2, o)
ORDER BY v.o
ON CONFLICT ("C1") DO NOTHING
RETURNING t."C1"::text
