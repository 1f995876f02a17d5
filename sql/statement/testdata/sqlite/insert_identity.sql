/* ardso apply */
INSERT INTO "ar"."log" ("id", "s")
VALUES (?, ?)
ON CONFLICT ("id") DO NOTHING
