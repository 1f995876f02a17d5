CREATE TRIGGER {name}
AFTER UPDATE ON {table}
WHEN {changed}
BEGIN
  INSERT INTO dso_log (shape, op, before, after, at)
  VALUES ({shape}, 'U', {before}, {after}, {now});
END
