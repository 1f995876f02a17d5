/* ardso catalog: which forms a join form joins, by what, and whether all of the primary form's requests are in it */
SELECT
  {{col "schemaId"}} AS schema_id,
  {{col "memberA"}} AS primary_form,
  {{col "memberB"}} AS secondary_form,
  COALESCE({{opt "joinOption"}}, 0) AS join_option,
  {{opt "queryShort"}} AS query_short,
  {{opt "queryLong"}} AS query_long
FROM {{table}}
