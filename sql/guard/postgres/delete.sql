CREATE OR REPLACE TRIGGER {{.Name}}
AFTER DELETE ON {{.Table}}
FOR EACH ROW
WHEN (
  OLD.{{.Flag}}::integer = {{.No}}
  AND {{template "stranger.sql"}}
)
EXECUTE FUNCTION {{.Function}}('{{.Version}}')
