(
  SELECT {{.Columns}}
  FROM {{.Primary}} AS a
  {{if .Outer}}LEFT {{end}}JOIN {{.Secondary}} AS b ON {{.On}}
)
