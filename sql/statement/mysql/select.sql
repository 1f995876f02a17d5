/* ardso select */
SELECT {{reads .Read}}
FROM {{.Table}}
