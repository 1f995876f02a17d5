-- A function's result is compared byte by byte; a column's own collation might hide a change of case. Whether an
-- empty field holds NULL or no text is the same.
NULLIF(OLD.{{.}}, '') IS NOT NULLIF(NEW.{{.}}, '')
