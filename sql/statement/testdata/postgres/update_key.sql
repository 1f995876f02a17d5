/* ardso apply */
UPDATE "ar"."T1001" AS t
SET "C1" = v.a1, "C8" = v.a2
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS v (a1, a2, a3, a4, o)
WHERE t."C1" = v.a3::character varying
  AND NULLIF(t."C8"::text, '') COLLATE "C" IS NOT DISTINCT FROM v.a4
RETURNING v.o
