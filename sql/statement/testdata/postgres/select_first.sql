/* ardso select */
SELECT t."C1"::text, t."C8"::text
FROM "ar"."T1001" AS t
WHERE 1 = 1
ORDER BY t."C1"
LIMIT 100
-- []
