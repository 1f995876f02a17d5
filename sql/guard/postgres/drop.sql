-- With the triggers that call it. To drop them one by one would need the table's owner.
DROP FUNCTION IF EXISTS {{.}}() CASCADE
