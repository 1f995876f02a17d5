
DECLARE
  owner text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION USING MESSAGE = {{.BornAway}};
  END IF;
{{- if or .GaveFree .CameFree}}
  IF TG_OP = 'DELETE' THEN
    IF {{template "free.sql" .}} THEN
      RETURN NULL;
    END IF;
  END IF;
{{- end}}
  IF OLD.{{.Flag}}::integer = {{.No}} THEN
{{- if .CurrentServer}}
    owner := OLD.{{.CurrentServer}};
{{- else}}
    SELECT o.to_server INTO owner
    FROM {{.Owners}} o
    WHERE o.form = {{.Form}}
      AND o.request = {{range $i, $k := .Key}}{{if $i}} || '|' || {{end}}OLD.{{$k}}::text{{end}}
      AND o.deleted = 0;
{{- end}}
    RAISE EXCEPTION USING MESSAGE = {{.Away}} || coalesce(' (' || nullif(owner, '') || ')', '') || {{.Remedy}};
  END IF;
  RAISE EXCEPTION USING MESSAGE = CASE
{{- range .Protected}}
    WHEN {{template "changed.sql" .Column}} THEN {{.Refusal}}
{{- end}}
  END;
END
