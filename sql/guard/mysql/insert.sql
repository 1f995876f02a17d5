CREATE TRIGGER {{.Name}}
BEFORE INSERT ON {{.Table}}
FOR EACH ROW
{{.Label}}: BEGIN
  IF NEW.{{.Flag}} = {{.No}} AND @ardso_writer IS NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = {{.BornAway}};
  END IF;
END
