/* ardso fields */ ALTER TABLE {{.Table}}{{range $i, $c := .Columns}}{{if $i}},{{end}}
  ADD COLUMN {{quote $c.Name}} {{$c.Value}}{{end}}
