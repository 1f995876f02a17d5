/* ardso apply */
SELECT v.o, t."C1"::text, t."C8"::text
FROM unnest($1::text[]) WITH ORDINALITY AS v (a1, o)
JOIN "ar"."T1001" AS t ON t."C1" = v.a1::character varying
ORDER BY v.o
FOR UPDATE OF t
