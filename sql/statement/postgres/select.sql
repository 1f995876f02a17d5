/* ardso select */
SELECT {{reads .Read}}
FROM {{.Table}} AS t
