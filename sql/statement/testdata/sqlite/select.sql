/* ardso select */
SELECT +"k1", +"k2", +"stamp", +"text", +"ci", +"latin1", +"char", +"enum", +"big", +"bool", +"decimal", +"real", +"single", +"bytes", +"instant", +"epoch", +"date", +"time"
FROM "ar"."T 1001"
WHERE ("text" = ?1 AND ("decimal" IN (?2, ?3) OR "instant" >= ?4 OR "ci" IS NULL))
  AND "k1" >= ?5
  AND ("k1" > ?6
    OR "k1" = ?7 AND "k2" > ?8)
ORDER BY "k1", "k2"
LIMIT 100
-- [x 1.5 2 2026-01-01 00:00:00 R1 R1 R1 5]
