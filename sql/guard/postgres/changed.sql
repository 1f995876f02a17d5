-- As text, since citext would hide a change of case. Whether an empty field holds NULL or no text is the same.
nullif(OLD.{{.}}::text, '') IS DISTINCT FROM nullif(NEW.{{.}}::text, '')
