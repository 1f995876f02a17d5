/* ardso reader */
-- Settings that reading the log depends on. A version leaves out those that it does not have; later ones
-- have other names.
SHOW GLOBAL VARIABLES
WHERE Variable_name IN (
  'log_bin', 'server_id', 'server_uuid', 'lower_case_table_names',
  'binlog_format', 'binlog_row_image', 'binlog_row_metadata', 'binlog_row_value_options',
  'gtid_mode', 'gtid_strict_mode',
  'log_slave_updates', 'log_replica_updates',
  'expire_logs_days', 'binlog_expire_logs_seconds', 'binlog_expire_logs_auto_purge',
  'max_binlog_total_size', 'slave_connections_needed_for_purge',
  'sync_binlog', 'innodb_flush_log_at_trx_commit'
)
