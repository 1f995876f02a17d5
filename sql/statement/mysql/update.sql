/* ardso apply */
UPDATE {{.Table}}
SET {{assignments .Set}}{{range .Keep}}, {{.}} = {{.}}{{end}}
WHERE {{tests .Key .Guard}}
