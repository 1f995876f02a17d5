UPDATE {{.Table}}
SET {{cases .}}{{range .Keep}}, {{.}} = {{.}}{{end}}
WHERE ({{anyKey .}})
{{- if .Guard}}
  AND {{guards .}}
{{- end}}
