/* ardso reader: MariaDB, and MySQL before 8.0.22 */
SHOW SLAVE HOSTS
