/* ardso reader */
INSERT INTO dso_catalog (server, hash, catalog, taken)
VALUES (?, ?, ?, {{now}})
{{onTaken "server" "" "hash" "catalog" "taken"}}
