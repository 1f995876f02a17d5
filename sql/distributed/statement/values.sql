/* ardso fields: requests that would lose values, and those among them that are copies under ownership */
SELECT
  COUNT(*) AS requests,
  COALESCE(SUM(CASE WHEN {{if .Owned}}{{range $i, $c := .Owned}}{{if $i}} OR {{end}}{{$c.Value}}{{end}}{{else}}1 = 0{{end}} THEN 1 ELSE 0 END), 0) AS owned
FROM {{.Table}}
WHERE {{range $i, $c := .Any}}{{if $i}}
  OR {{end}}{{$c.Value}}{{end}}
