/* ardso apply */
INSERT INTO "ar"."keyless" ("id", "s")
VALUES (?, ?)
ON CONFLICT DO NOTHING
