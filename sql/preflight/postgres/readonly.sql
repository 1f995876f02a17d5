-- Why transactions that begin now cannot write; no row where they can.
SELECT CASE
         WHEN pg_is_in_recovery() THEN 'the server is a standby'
         ELSE 'default_transaction_read_only is on'
       END
 WHERE current_setting('transaction_read_only') = 'on'
