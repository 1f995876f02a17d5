CREATE OR REPLACE TRIGGER {{.Name}}
AFTER UPDATE ON {{.Table}}
FOR EACH ROW
WHEN (
  {{template "stranger.sql"}}
  AND (
    OLD.{{.Flag}}::integer = {{.No}}
{{- range .Protected}}
    OR {{template "changed.sql" .Column}}
{{- end}}
  )
)
EXECUTE FUNCTION {{.Function}}('{{.Version}}')
