/* ardso catalog: which part's field a field of a join form is; part 0 is the primary form */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "fieldId"}} AS field_id,
  {{col "schemaIndex"}} AS part,
  {{col "realFieldId"}} AS real_field
FROM {{table}}
