CREATE TRIGGER {{.Name}}
BEFORE UPDATE ON {{.Table}}
WHEN (
    OLD.{{.Flag}} = {{.No}}
{{- range .Protected}}
    OR {{template "changed.sql" .Column}}
{{- end}}
  )
  AND {{template "stranger.sql"}}
BEGIN
  SELECT CASE
    WHEN OLD.{{.Flag}} = {{.No}} THEN {{template "away.sql" .}}
{{- range .Protected}}
    WHEN {{template "changed.sql" .Column}} THEN RAISE(ABORT, {{.Refusal}})
{{- end}}
  END;
END
