/* ardso reader: MySQL from 8.2 on */
SHOW BINARY LOG STATUS
