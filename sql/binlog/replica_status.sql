/* ardso check: MySQL from 8.0.22 on */
SHOW REPLICA STATUS
