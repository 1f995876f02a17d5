/* ardso event */
SELECT id, what, who, form, request, before_image, after_image, created
FROM dso_event
