-- SQLite before 3.47 takes nothing but a literal for a message, and the trigger runs in the SQLite of whoever
-- writes: one for each server of the definitions.
CASE {{if .CurrentServer}}OLD.{{.CurrentServer}}{{else}}(
      SELECT to_server
      FROM dso_owner
      WHERE form = {{.Form}}
        AND request = {{range $i, $k := .Key}}{{if $i}} || '|' || {{end}}CAST(OLD.{{$k}} AS TEXT){{end}}
        AND deleted = 0
    ){{end}}
{{- range .Servers}}
      WHEN {{.Name}} THEN RAISE(ABORT, {{.Refusal}})
{{- end}}
      ELSE RAISE(ABORT, {{.AwayUnknown}})
    END
