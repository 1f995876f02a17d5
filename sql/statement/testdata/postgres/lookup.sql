/* ardso apply */
SELECT v.o, t."k1"::text, t."k2"::text, t."stamp"::text, t."text"::text, t."ci"::text, t."latin1"::text, t."char"::text, t."enum"::text, t."big"::text, t."bool"::text, t."decimal"::text, t."real"::text, t."single"::text, t."bytes"::text, t."instant"::text, t."epoch"::text, t."date"::text, t."time"::text
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS v (a1, a2, o)
JOIN "ar"."T 1001" AS t ON t."k1" = v.a1::character varying
  AND t."k2" = v.a2::bigint
ORDER BY v.o
