INSERT INTO dso_log_shape (id, table_name, columns, at)
VALUES ({shape}, {table}, {columns}, {now});
