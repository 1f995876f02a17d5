CREATE TRIGGER {{.Name}}
BEFORE DELETE ON {{.Table}}
WHEN OLD.{{.Flag}} = {{.No}}
  AND {{template "stranger.sql"}}
{{- if or .GaveFree .CameFree}}
  AND NOT {{template "free.sql" .}}
{{- end}}
BEGIN
  SELECT {{template "away.sql" .}};
END
