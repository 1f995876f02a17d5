/* ardso event */
INSERT INTO dso_event (id, what, who, source, form, request, before_image, after_image, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, {{now}})
