DELETE FROM {{.Table}}
WHERE ({{anyKey .}})
{{- if .Guard}}
  AND {{guards .}}
{{- end}}
