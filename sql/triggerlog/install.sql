-- One transaction: a change between dropping the old triggers and creating the new ones would be lost.
BEGIN IMMEDIATE;
{drop}
INSERT INTO dso_log_shape (id, table_name, columns, at)
VALUES ({shape}, {table}, {columns}, {now});
{create}
COMMIT;
