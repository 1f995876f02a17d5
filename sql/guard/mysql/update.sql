-- User variables are NULL until a session sets them.
CREATE TRIGGER {{.Name}}
BEFORE UPDATE ON {{.Table}}
FOR EACH ROW
{{.Label}}: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF @ardso_writer IS NULL THEN
    SET refusal = CASE
      WHEN OLD.{{.Flag}} = {{.No}} THEN {{template "away.sql" .}}
{{- range .Protected}}
      WHEN {{template "changed.sql" .Column}} THEN {{.Refusal}}
{{- end}}
    END;
    IF refusal IS NOT NULL THEN
      SET refusal = LEFT(refusal, 128);
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
    END IF;
  END IF;
END
