-- Whether the definitions let any user delete this copy: by the mapping that it gave its request away along, else by
-- the one that it came by, which dso_owner tells, or the form where nothing was handed over.
COALESCE((
    SELECT MAX(CASE
{{- if .GaveFree}}
      WHEN o.to_mapping IN ({{template "list.sql" .GaveFree}}) THEN 1
{{- end}}
{{- if .CameFree}}
{{- if .GaveBound}}
      WHEN o.to_mapping IN ({{template "list.sql" .GaveBound}}) THEN 0
{{- end}}
      WHEN o.from_mapping IN ({{template "list.sql" .CameFree}}) THEN 1
{{- end}}
      ELSE 0
    END)
    FROM {{.Owners}} o
    WHERE o.form = {{.Form}}
      AND o.request = CONVERT({{if eq (len .Key) 1}}OLD.{{index .Key 0}}{{else}}CONCAT_WS('|'{{range .Key}}, OLD.{{.}}{{end}}){{end}} USING utf8mb4) COLLATE utf8mb4_bin
      AND o.deleted = 0
  ){{if and .CameFree .FromMapping}}, CONVERT(OLD.{{.FromMapping}} USING utf8mb4) COLLATE utf8mb4_bin IN ({{template "list.sql" .CameFree}}){{end}}, 0)
