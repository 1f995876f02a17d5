/* ardso apply */
DELETE FROM {{.Table}} AS t
USING unnest({{arrays .}}) WITH ORDINALITY AS v ({{aliases .}}, o)
WHERE {{tests .Key .Guard}}
RETURNING v.o
