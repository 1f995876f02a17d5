/* ardso apply */
DELETE FROM "ar"."T1001" AS t
USING unnest($1::text[]) WITH ORDINALITY AS v (a1, o)
WHERE t."C1" = v.a1::character varying
RETURNING v.o
