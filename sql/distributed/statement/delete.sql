/* ardso fields */ DELETE FROM {{table .Name}}
WHERE {{col .Name "schemaId"}} = {{.Form}} AND {{col .Name "fieldId"}} IN ({{.Fields}})
