/* ardso init */
INSERT INTO dso_meta (name, value)
VALUES (?, ?)
{{onTaken "name" "" "value"}}
