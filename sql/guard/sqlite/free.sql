-- Whether the definitions let any user delete this copy: by the mapping that it gave its request away along, else by
-- the one that it came by, which dso_owner tells, or the form where nothing was handed over.
COALESCE((
    SELECT CASE
{{- if .GaveFree}}
      WHEN to_mapping IN ({{template "list.sql" .GaveFree}}) THEN 1
{{- end}}
{{- if .CameFree}}
{{- if .GaveBound}}
      WHEN to_mapping IN ({{template "list.sql" .GaveBound}}) THEN 0
{{- end}}
      WHEN from_mapping IN ({{template "list.sql" .CameFree}}) THEN 1
{{- end}}
      ELSE 0
    END
    FROM dso_owner
    WHERE form = {{.Form}}
      AND request = {{range $i, $k := .Key}}{{if $i}} || '|' || {{end}}CAST(OLD.{{$k}} AS TEXT){{end}}
      AND deleted = 0
  ){{if and .CameFree .FromMapping}}, OLD.{{.FromMapping}} COLLATE BINARY IN ({{template "list.sql" .CameFree}}){{end}}, 0)
