/* ardso event */
SELECT id, what, who, source, form, request, before_image, after_image, created
FROM dso_event
