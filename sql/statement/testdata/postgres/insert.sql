/* ardso apply */
INSERT INTO "ar"."T 1001" AS t ("k1", "k2", "stamp", "text", "ci", "latin1", "char", "enum", "big", "bool", "decimal", "real", "single", "bytes", "instant", "epoch", "date", "time")
SELECT v.a1, v.a2::integer, v.a3::timestamp with time zone, v.a4, v.a5, v.a6, v.a7, v.a8::public.mood, v.a9::bigint, v.a10::boolean, v.a11::numeric, v.a12::double precision, v.a13::real, decode(v.a14, 'hex'), v.a15::timestamp without time zone, v.a16::integer, v.a17::date, v.a18::time without time zone
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[]) WITH ORDINALITY AS v (a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, o)
ORDER BY v.o
ON CONFLICT ("k1", "k2") DO NOTHING
RETURNING t."k1"::text, t."k2"::text
