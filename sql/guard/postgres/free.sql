-- Whether the definitions let any user delete this copy: by the mapping that it gave its request away along, else by
-- the one that it came by, which dso_owner tells, or the form where nothing was handed over.
coalesce((
      SELECT CASE
{{- if .GaveFree}}
        WHEN o.to_mapping IN ({{template "list.sql" .GaveFree}}) THEN true
{{- end}}
{{- if .CameFree}}
{{- if .GaveBound}}
        WHEN o.to_mapping IN ({{template "list.sql" .GaveBound}}) THEN false
{{- end}}
        WHEN o.from_mapping IN ({{template "list.sql" .CameFree}}) THEN true
{{- end}}
        ELSE false
      END
      FROM {{.Owners}} o
      WHERE o.form = {{.Form}}
        AND o.request = {{range $i, $k := .Key}}{{if $i}} || '|' || {{end}}OLD.{{$k}}::text{{end}}
        AND o.deleted = 0
    ){{if and .CameFree .FromMapping}}, OLD.{{.FromMapping}}::text IN ({{template "list.sql" .CameFree}}){{end}}, false)
