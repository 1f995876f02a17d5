/* ardso conflict */
SELECT id, source, mapping, form, request, target_form, kind, settled_by, outcome, source_image, target_image, created
FROM dso_conflict
