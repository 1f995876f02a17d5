/* ardso fields */ INSERT INTO {{table .Name}} ({{range $i, $c := .Columns}}{{if $i}}, {{end}}{{quote $c.Name}}{{end}})
SELECT {{range $i, $c := .Columns}}{{if $i}}, {{end}}{{$c.Value}}{{end}}{{if .Model}}
FROM {{table .Name}}
WHERE {{.Model}}{{end}}
