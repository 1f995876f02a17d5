/* ardso apply */
SELECT v.o, {{reads .Read}}
FROM unnest({{arrays .}}) WITH ORDINALITY AS v ({{aliases .}}, o)
JOIN {{.Table}} AS t ON {{tests .Key}}
ORDER BY v.o
{{- if .Lock}}
FOR UPDATE OF t
{{- end}}
