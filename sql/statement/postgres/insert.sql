/* ardso apply */
INSERT INTO {{.Table}} AS t ({{names .Set}}){{if .Override}} OVERRIDING SYSTEM VALUE{{end}}
SELECT {{values .Set}}
FROM unnest({{arrays .}}) WITH ORDINALITY AS v ({{aliases .}}, o)
ORDER BY v.o
ON CONFLICT {{with .Arbiter}}({{.}}) {{end}}DO NOTHING
RETURNING {{reads .Read}}
