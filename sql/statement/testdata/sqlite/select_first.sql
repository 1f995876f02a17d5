/* ardso select */
SELECT +"C1", +"C8"
FROM "ar"."T1001"
WHERE 1 = 1
ORDER BY "C1"
LIMIT 100
-- []
