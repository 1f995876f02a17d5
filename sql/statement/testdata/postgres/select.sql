/* ardso select */
SELECT t."k1"::text, t."k2"::text, t."stamp"::text, t."text"::text, t."ci"::text, t."latin1"::text, t."char"::text, t."enum"::text, t."big"::text, t."bool"::text, t."decimal"::text, t."real"::text, t."single"::text, t."bytes"::text, t."instant"::text, t."epoch"::text, t."date"::text, t."time"::text
FROM "ar"."T 1001" AS t
WHERE (t."text" = $1::text AND (t."decimal" IN ($2::numeric, $3::numeric) OR t."instant" >= $4::timestamp without time zone OR t."ci" IS NULL))
  AND t."k1" >= $5::character varying
  AND (t."k1" > $6::character varying
    OR t."k1" = $7::character varying AND t."k2" > $8::bigint)
ORDER BY t."k1", t."k2"
LIMIT 100
-- [x 1.5 2 2026-01-01 00:00:00 R1 R1 R1 5]
