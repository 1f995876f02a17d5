/* ardso joins */
-- The log has the rows: they need not stay.
DELETE FROM dso_join
