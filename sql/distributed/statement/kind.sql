/* ardso fields: what kind of form it is that has this name and no table of its own */
SELECT {{col "arschema" "schemaType"}}
FROM {{table "arschema"}}
WHERE {{col "arschema" "name"}} = {{param 1}}
  AND {{col "arschema" "schemaType"}} <> 1
