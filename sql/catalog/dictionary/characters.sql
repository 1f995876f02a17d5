/* ardso catalog: limits of character fields; length unit 0 is bytes, 1 is characters */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "fieldId"}} AS field_id,
  {{col "maxLength"}} AS max_length,
  {{opt "lengthUnits"}} AS length_units,
  {{opt "pattern"}} AS pattern
FROM {{table}}
