SELECT id AS "request", description AS "problem",
       CASE status WHEN 0 THEN 'New' WHEN 1 THEN 'Assigned' ELSE 'Closed' END AS "status",
       technician AS "assigned", serial AS "serial", cost AS "cost", solution AS "solution"
FROM chair_repair
ORDER BY id
