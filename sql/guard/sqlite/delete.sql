CREATE TRIGGER {{.Name}}
BEFORE DELETE ON {{.Table}}
WHEN OLD.{{.Flag}} = {{.No}}
  AND {{template "stranger.sql"}}
BEGIN
  SELECT {{template "away.sql" .}};
END
