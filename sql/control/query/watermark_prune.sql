/* ardso watermark */
DELETE FROM dso_watermark
WHERE written < {{after "?"}}
