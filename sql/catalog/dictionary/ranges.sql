/* ardso catalog: limits of number fields, of field_int, field_real and field_dec alike */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "fieldId"}} AS field_id,
  {{opt "rangeLow"}} AS low,
  {{opt "rangeHigh"}} AS high
FROM {{table}}
