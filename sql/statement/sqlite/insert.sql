/* ardso apply */
INSERT INTO {{.Table}} ({{names .Set}})
VALUES ({{values .Set}})
ON CONFLICT {{with .Arbiter}}({{.}}) {{end}}DO NOTHING
