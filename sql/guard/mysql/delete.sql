CREATE TRIGGER {{.Name}}
BEFORE DELETE ON {{.Table}}
FOR EACH ROW
{{.Label}}: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF OLD.{{.Flag}} = {{.No}} AND @ardso_writer IS NULL
{{- if or .GaveFree .CameFree}} AND NOT {{template "free.sql" .}}{{end}} THEN
    SET refusal = LEFT({{template "away.sql" .}}, 128);
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
  END IF;
END
