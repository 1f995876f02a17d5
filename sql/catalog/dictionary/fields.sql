/* ardso catalog: fields that hold data. Types from 30 on are screen objects, option 4 is display-only;
   neither has a column. */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "fieldId"}} AS field_id,
  {{col "fieldName"}} AS name,
  {{col "datatype"}} AS datatype,
  {{col "fOption"}} AS f_option,
  {{opt "defaultValue"}} AS default_value
FROM {{table}}
WHERE {{col "datatype"}} BETWEEN 2 AND 29
  AND {{col "fOption"}} IN (1, 2, 3, 5)
ORDER BY {{col "schemaId"}}, {{col "fieldId"}}
