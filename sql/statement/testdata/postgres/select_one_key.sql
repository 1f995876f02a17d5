/* ardso select */
SELECT t."C1"::text, t."C8"::text
FROM "ar"."T1001" AS t
WHERE (t."C8" IS NOT NULL AND t."C8" <> '')
  AND t."C1" > $1::character varying
ORDER BY t."C1"
LIMIT 100
-- [R1]
