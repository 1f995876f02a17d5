DROP TABLE IF EXISTS dso_log_state;
DROP TABLE IF EXISTS dso_log_end;
DROP TABLE IF EXISTS dso_log_shape;
DROP TABLE IF EXISTS dso_log;
