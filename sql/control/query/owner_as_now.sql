/* ardso init */
UPDATE dso_owner
SET at_reader = '='
