{{range $i, $n := .}}{{if $i}}, {{end}}{{$n}}{{end}}
