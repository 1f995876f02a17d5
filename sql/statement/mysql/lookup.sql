/* ardso apply */
SELECT {{reads .Read}}
FROM {{.Table}}
WHERE {{tests .Key}}
{{- if .Lock}}
FOR UPDATE
{{- end}}
