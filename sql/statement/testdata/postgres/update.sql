/* ardso apply */
UPDATE "ar"."T 1001" AS t
SET "text" = v.a1, "ci" = v.a2, "latin1" = v.a3, "char" = v.a4, "enum" = v.a5::public.mood, "big" = v.a6::bigint, "bool" = v.a7::boolean, "decimal" = v.a8::numeric, "real" = v.a9::double precision, "single" = v.a10::real, "bytes" = decode(v.a11, 'hex'), "instant" = v.a12::timestamp without time zone, "epoch" = v.a13::integer, "date" = v.a14::date, "time" = v.a15::time without time zone
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[]) WITH ORDINALITY AS v (a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, o)
WHERE t."k1" = v.a16::character varying
  AND t."k2" = v.a17::bigint
  AND t."text"::text COLLATE "C" IS NOT DISTINCT FROM v.a18
  AND t."ci"::text COLLATE "C" IS NOT DISTINCT FROM v.a19
  AND t."latin1"::text COLLATE "C" IS NOT DISTINCT FROM v.a20
  AND t."char"::text COLLATE "C" IS NOT DISTINCT FROM v.a21
  AND t."enum"::text COLLATE "C" IS NOT DISTINCT FROM v.a22
  AND t."big" IS NOT DISTINCT FROM v.a23::bigint
  AND t."bool"::integer IS NOT DISTINCT FROM v.a24::integer
  AND t."decimal" IS NOT DISTINCT FROM v.a25::numeric
  AND t."real" IS NOT DISTINCT FROM v.a26::float8
  AND t."single" IS NOT DISTINCT FROM v.a27::float8
  AND t."bytes" IS NOT DISTINCT FROM decode(v.a28, 'hex')
  AND t."instant" IS NOT DISTINCT FROM v.a29::timestamp without time zone
  AND t."epoch" IS NOT DISTINCT FROM v.a30::bigint
  AND t."date" IS NOT DISTINCT FROM v.a31::date
  AND t."time" IS NOT DISTINCT FROM v.a32::time without time zone
RETURNING v.o
