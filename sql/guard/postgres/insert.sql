CREATE OR REPLACE TRIGGER {{.Name}}
AFTER INSERT ON {{.Table}}
FOR EACH ROW
WHEN (
  NEW.{{.Flag}}::integer = {{.No}}
  AND {{template "stranger.sql"}}
)
EXECUTE FUNCTION {{.Function}}('{{.Version}}')
