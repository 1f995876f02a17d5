/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE {{table "arschema"}}
SET {{range $i, $c := .Columns}}{{if $i}}, {{end}}{{quote $c.Name}} = {{$c.Value}}{{end}}
WHERE {{col "arschema" "schemaId"}} = {{.Form}}
