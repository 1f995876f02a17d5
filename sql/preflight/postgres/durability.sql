/* ardso check: what makes a commit less than durable (E-5); one row for each setting, its value and the safe one */
SELECT name, setting AS value, 'on' AS safe
FROM pg_settings
WHERE name = 'fsync' AND setting = 'off'
   OR name = 'synchronous_commit' AND setting = 'off'
   OR name = 'full_page_writes' AND setting = 'off'
ORDER BY name
