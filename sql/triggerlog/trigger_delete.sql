CREATE TRIGGER {name}
AFTER DELETE ON {table}
BEGIN
  INSERT INTO dso_log (shape, op, before, at)
  VALUES ({shape}, 'D', {before}, {now});
END
