/* ardso catalog: regular forms; join, view, vendor and display-only forms store nothing of their own.
   An overlay's row names the form whose tables it shares in resolvedSchemaId. */
SELECT
  {{col "schemaId"}} AS schema_id,
  COALESCE({{opt "resolvedSchemaId"}}, 0) AS resolved_id,
  {{col "name"}} AS name,
  {{opt "resolvedName"}} AS resolved_name,
  {{opt "nextId"}} AS next_id
FROM {{table}}
WHERE {{col "schemaType"}} = 1
ORDER BY {{col "schemaId"}}
