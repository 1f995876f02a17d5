/* ardso reader: MySQL before 8.2 */
SHOW MASTER STATUS
