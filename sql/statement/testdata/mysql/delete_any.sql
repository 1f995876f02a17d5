/* ardso apply */
DELETE FROM `ar`.`T1001`
WHERE `C1` = ?
