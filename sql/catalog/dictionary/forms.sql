/* ardso catalog: regular and join forms; view, vendor and display-only forms store nothing of their own.
   An overlay's row names the form whose tables it shares in resolvedSchemaId. */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "schemaType"}} AS schema_type,
  COALESCE({{opt "resolvedSchemaId"}}, 0) AS resolved_id,
  {{col "name"}} AS name,
  {{opt "resolvedName"}} AS resolved_name,
  {{opt "nextId"}} AS next_id
FROM {{table}}
WHERE {{col "schemaType"}} IN (1, 2)
ORDER BY {{col "schemaId"}}
