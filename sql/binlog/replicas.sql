/* ardso reader: MySQL from 8.0.22 on */
SHOW REPLICAS
