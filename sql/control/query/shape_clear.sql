/* ardso init */
DELETE FROM dso_shape
