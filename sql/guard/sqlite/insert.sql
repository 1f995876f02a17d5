-- INSERT OR REPLACE deletes a request without firing triggers on DELETE.
CREATE TRIGGER {{.Name}}
BEFORE INSERT ON {{.Table}}
WHEN {{template "stranger.sql"}}
  AND (
    NEW.{{.Flag}} = {{.No}}
    OR EXISTS (SELECT 1 FROM {{.Table}} t WHERE {{range $i, $k := .Key}}{{if $i}} AND {{end}}t.{{$k}} = NEW.{{$k}}{{end}} AND t.{{.Flag}} = {{.No}})
  )
BEGIN
  SELECT CASE
    WHEN NEW.{{.Flag}} = {{.No}} THEN RAISE(ABORT, {{.BornAway}})
    ELSE RAISE(ABORT, {{.AwayUnknown}})
  END;
END
