/* ardso fields: what the dictionary has under the numbers of distributed fields, overlays included */
SELECT
  f.{{col "field" "schemaId"}} AS schema_id,
  f.{{col "field" "fieldId"}} AS field_id,
  f.{{col "field" "fieldName"}} AS name,
  f.{{col "field" "datatype"}} AS datatype,
  f.{{col "field" "fOption"}} AS f_option
FROM {{table "field"}} f
JOIN {{table "arschema"}} a ON a.{{col "arschema" "schemaId"}} = f.{{col "field" "schemaId"}}
WHERE f.{{col "field" "fieldId"}} BETWEEN 300 AND 322
  AND (a.{{col "arschema" "schemaId"}} = {{.}}{{if has "arschema" "resolvedSchemaId"}} OR a.{{col "arschema" "resolvedSchemaId"}} = {{.}}{{end}})
ORDER BY f.{{col "field" "schemaId"}}, f.{{col "field" "fieldId"}}
