/* ardso open: values and refusals are the same in every session (A-15).
   sql_mode: nothing is cut, rounded or replaced without an error (X-5), and 0 stays 0 (A-22).
   The lock timeout turns a long wait into an error that is counted and shown.
   What stands in version comments is MariaDB's alone. */
SET SESSION
  sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO',
  time_zone = '+00:00',
  sql_auto_is_null = 0,
  innodb_lock_wait_timeout = 30,
  lock_wait_timeout = 30,
  /*M! idle_transaction_timeout = 0, max_statement_time = 0, */
  wait_timeout = 31536000;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
