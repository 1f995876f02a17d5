/* ardso apply */
SELECT {{reads .Read}}
FROM {{.Table}}
WHERE {{tests .Key}}
