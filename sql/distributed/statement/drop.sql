/* ardso fields */ ALTER TABLE {{.Table}}{{range $i, $c := .Columns}}{{if $i}},{{end}}
  DROP COLUMN {{quote $c.Name}}{{end}}
