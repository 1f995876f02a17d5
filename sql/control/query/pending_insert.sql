/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {{now}}, ?, {{now}})
