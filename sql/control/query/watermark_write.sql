/* ardso watermark */
-- A row of its own for each mark: an insert is whole in every log, whatever the row image setting.
INSERT INTO dso_watermark (name, kind, written)
VALUES (?, ?, {{now}})
