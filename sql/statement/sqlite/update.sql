/* ardso apply */
UPDATE {{.Table}}
SET {{assignments .Set}}{{range .Reset}}, {{.}}{{end}}
WHERE {{tests .Key .Guard}}
