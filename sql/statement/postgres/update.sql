/* ardso apply */
UPDATE {{.Table}} AS t
SET {{assignments .Set}}{{range .Reset}}, {{.}}{{end}}
FROM unnest({{arrays .}}) WITH ORDINALITY AS v ({{aliases .}}, o)
WHERE {{tests .Key .Guard}}
RETURNING v.o
