-- A column's own collation would hide a change of case. Whether an empty field holds NULL or no text is the same.
NOT (NULLIF(CAST(OLD.{{.}} AS BINARY), '') <=> NULLIF(CAST(NEW.{{.}} AS BINARY), ''))
