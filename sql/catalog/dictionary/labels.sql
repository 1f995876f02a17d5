/* ardso catalog: labels of selections */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "fieldId"}} AS field_id,
  {{col "enumId"}} AS enum_id,
  {{col "value"}} AS label
FROM {{table}}
ORDER BY {{col "schemaId"}}, {{col "fieldId"}}, {{col "enumId"}}
