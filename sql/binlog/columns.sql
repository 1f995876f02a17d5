/* ardso reader */
-- The columns of a table, generated and invisible ones too, in the order of the log (MD-15, MD-16).
SELECT column_name                           AS name,
       data_type                             AS data_type,
       column_type                           AS column_type,
       coalesce(character_set_name, '')      AS charset,
       coalesce(character_octet_length, 0)   AS octets,
       coalesce(numeric_precision, 0)        AS digits,
       coalesce(numeric_scale, 0)            AS scale,
       coalesce(datetime_precision, 0)       AS fraction,
       is_nullable = 'YES'                   AS nullable,
       column_key = 'PRI'                    AS in_key
  FROM information_schema.columns
 WHERE table_schema = DATABASE()
   AND (BINARY table_name = ? OR @@lower_case_table_names <> 0 AND LOWER(table_name) = LOWER(?))
 ORDER BY ordinal_position
