CREATE TRIGGER {name}
AFTER INSERT ON {table}
BEGIN
  INSERT INTO dso_log (shape, op, after, at)
  VALUES ({shape}, 'I', {after}, {now});
END
