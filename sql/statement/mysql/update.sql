/* ardso apply */
UPDATE {{.Table}}
SET {{assignments .Set}}{{range .Reset}}, {{.}}{{end}}{{range .Keep}}, {{.}} = {{.}}{{end}}
WHERE {{tests .Key .Guard}}
