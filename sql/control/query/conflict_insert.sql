/* ardso conflict */
INSERT INTO dso_conflict (id, source, mapping, form, request, target_form, kind, settled_by, outcome,
  source_image, target_image, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {{now}})
