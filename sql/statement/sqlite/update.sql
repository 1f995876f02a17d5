/* ardso apply */
UPDATE {{.Table}}
SET {{assignments .Set}}
WHERE {{tests .Key .Guard}}
