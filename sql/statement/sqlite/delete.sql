/* ardso apply */
DELETE FROM {{.Table}}
WHERE {{tests .Key .Guard}}
