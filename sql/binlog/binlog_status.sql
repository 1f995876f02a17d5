/* ardso reader: MariaDB */
SHOW BINLOG STATUS
