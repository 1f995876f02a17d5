/* ardso reader */
SHOW BINARY LOGS
