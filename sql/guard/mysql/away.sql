-- A table that a trigger names is opened with every statement on its own, so dso_owner is named only where nothing
-- else tells the owner.
CONCAT({{.Away}}, COALESCE(CONCAT(' (', NULLIF(LEFT({{if .CurrentServer}}OLD.{{.CurrentServer}}{{else}}(
        SELECT MAX(o.to_server)
        FROM {{.Owners}} o
        WHERE o.form = {{.Form}}
          AND o.request = CONVERT({{if eq (len .Key) 1}}OLD.{{index .Key 0}}{{else}}CONCAT_WS('|'{{range .Key}}, OLD.{{.}}{{end}}){{end}} USING utf8mb4) COLLATE utf8mb4_bin
          AND o.deleted = 0
      ){{end}}, 40), ''), ')'), ''), {{.Remedy}})
