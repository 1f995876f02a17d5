/* ardso apply */
INSERT INTO {{.Table}} ({{names .Set}}) VALUES
({{values .Set}})
