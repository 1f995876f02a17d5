/* ardso check */
SELECT CURRENT_USER()
