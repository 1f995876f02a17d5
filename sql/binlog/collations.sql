/* ardso reader */
-- Character sets by the number of a collation.
SELECT id                 AS id,
       character_set_name AS charset
  FROM information_schema.collations
 WHERE id IS NOT NULL
