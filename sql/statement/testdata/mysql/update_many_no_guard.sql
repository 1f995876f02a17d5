UPDATE `ar`.`T1001`
SET `C8` = CASE WHEN `C1` = ? THEN ? WHEN `C1` = ? THEN ? WHEN `C1` = ? THEN ? END
WHERE (`C1` = ? OR `C1` = ? OR `C1` = ?)
