/* ardso event */
INSERT INTO dso_event (id, what, who, form, request, before_image, after_image, created)
VALUES (?, ?, ?, ?, ?, ?, ?, {{now}})
