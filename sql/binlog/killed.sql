/* ardso read the log */
SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Killed' AND STATE = 'Writing to net'
