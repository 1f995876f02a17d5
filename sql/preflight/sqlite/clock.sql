/* ardso check: the clock of the machine that ardso runs on, since SQLite has no other */
SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')
