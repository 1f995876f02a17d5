/* ardso fields: a row after which new ones are made, since servers have columns that are not known to us:
   the form's field {{.Field}} if it has one, else another field's */
SELECT
  {{range $i, $c := .Key}}{{if $i}}, {{end}}{{col $.Name $c}} AS key{{$i}}{{end}}
FROM {{table .Name}}
ORDER BY
  CASE WHEN {{col .Name "schemaId"}} = {{.Form}} THEN 0 ELSE 1 END,
  CASE WHEN {{col .Name "fieldId"}} = {{.Field}} THEN 0 ELSE 1 END{{range .Key}},
  {{col $.Name .}}{{end}}
LIMIT 1
