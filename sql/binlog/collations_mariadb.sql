/* ardso reader: MariaDB from 10.10 on */
-- Character sets by the number of a collation. Several character sets share a collation's name there.
SELECT id                 AS id,
       character_set_name AS charset
  FROM information_schema.collation_character_set_applicability
 WHERE id IS NOT NULL
