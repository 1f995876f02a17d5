-- aside_adopt
/* ardso pending */
UPDATE dso_pending
SET pool = ''
WHERE type IN ('operation', 'transfer again', 'return again') AND target = ? AND pool <> '';

-- aside_asked
/* ardso pending */
SELECT COUNT(*)
FROM dso_pending
WHERE type IN ('operation', 'transfer again', 'return again') AND target = ? AND pool = ? AND due IS NOT NULL;

-- aside_attempt
/* ardso pending */
-- Later operations of the request do not join what may be carried out already.
UPDATE dso_pending
SET attempted = ?, fold = '', due = NULL, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id IN (?);

-- aside_done
/* ardso pending */
SELECT id
FROM dso_pending
WHERE type = 'operation' AND target = ? AND attempted = ?
ORDER BY seq
LIMIT 500;

-- aside_drop
/* ardso pending */
DELETE FROM dso_pending
WHERE id IN (?);

-- aside_last
/* ardso pending */
SELECT COALESCE(MAX(seq), 0)
FROM dso_pending
WHERE type = 'operation' AND target = ? AND pool = ?;

-- aside_old
/* ardso pending */
-- What may be carried out already waits until that is known.
SELECT id
FROM dso_pending
WHERE type = 'operation' AND target = ? AND pool = ? AND until <= ? AND attempted = ''
ORDER BY seq
LIMIT 500;

-- aside_select
/* ardso pending */
SELECT id, seq, mapping, form, COALESCE(request, ''), target, COALESCE(operation, ''), fold, attempted, created
FROM dso_pending
WHERE type = 'operation';

-- aside_sizes
/* ardso pending */
SELECT id, LENGTH(COALESCE(operation, ''))
FROM dso_pending
WHERE type = 'operation' AND target = ? AND pool = ? AND attempted = ''
ORDER BY seq;

-- aside_tried
/* ardso pending */
SELECT id
FROM dso_pending
WHERE type = 'operation' AND target = ? AND attempted <> '' AND attempted <> ?
ORDER BY seq
LIMIT 500;

-- aside_unask
/* ardso pending */
-- It is tried now; who asks from now on has it tried once more.
UPDATE dso_pending
SET due = NULL
WHERE type IN ('operation', 'transfer again', 'return again') AND target = ? AND pool = ? AND due IS NOT NULL;

-- aside_write
/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due, seq, fold, attempted, until, pool)
VALUES (?, 'operation', ?, ?, '', 'retry', '', 0, 1, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'), 'ardso', strftime('%Y-%m-%d %H:%M:%f', 'now'), ?, ?, ?, NULL, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET operation = excluded.operation, updated = excluded.updated;

-- catalog_drop
/* ardso reader */
DELETE FROM dso_catalog
WHERE server = ?;

-- catalog_hashes
/* ardso reader */
SELECT server, hash
FROM dso_catalog;

-- catalog_read
/* ardso reader */
SELECT server, hash, catalog, taken
FROM dso_catalog
ORDER BY server;

-- catalog_write
/* ardso reader */
INSERT INTO dso_catalog (server, hash, catalog, taken)
VALUES (?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'))
ON CONFLICT (server) DO UPDATE SET hash = excluded.hash, catalog = excluded.catalog, taken = excluded.taken;

-- checkpoint_advance
/* ardso apply */
-- The mark (L-11): the log must show this row whole, so a counter changes every time. What comes before or after
-- the UPDATE tells the triggers of ardso guard that the transaction is ardso's.
UPDATE dso_checkpoint
SET position = ?, origin = ?, path = ?, mapping = ?, write_back = ?, epoch = ?,
    transactions = transactions + 1, open = 1, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE source = ? AND pool = ? AND layout = ? AND thread = ? AND epoch <= ?;

-- checkpoint_all
/* ardso status */
SELECT source, pool, layout, thread, position, origin, path, mapping, write_back, epoch, transactions, updated
FROM dso_checkpoint
WHERE thread >= 0
ORDER BY source, pool, layout, thread;

-- checkpoint_close
/* ardso apply */
UPDATE dso_checkpoint
SET open = 0
WHERE source = ? AND pool = ? AND layout = ? AND thread = ?;

-- checkpoint_drop
/* ardso apply */
DELETE FROM dso_checkpoint
WHERE source = ? AND layout NOT IN (?, ?) AND thread >= 0;

-- checkpoint_epoch
/* ardso apply */
SELECT epoch
FROM dso_checkpoint
WHERE source = ? AND pool = ? AND layout = ? AND thread = ?;

-- checkpoint_fence
/* ardso apply */
UPDATE dso_checkpoint
SET epoch = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE source = ? AND epoch <= ?;

-- checkpoint_load
/* ardso apply */
SELECT source, pool, layout, thread, position, origin, path, mapping, write_back, epoch, transactions, updated
FROM dso_checkpoint
WHERE source = ? AND thread >= 0
ORDER BY pool, layout, thread;

-- checkpoint_newest
/* ardso apply */
SELECT MAX(epoch)
FROM dso_checkpoint
WHERE source = ?;

-- checkpoint_prepare
/* ardso apply */
INSERT INTO dso_checkpoint (source, pool, layout, thread, position, origin, path, mapping, write_back, epoch,
  transactions, open, updated)
VALUES (?, ?, ?, ?, ?, '', '', '', 0, ?, 0, 0, strftime('%Y-%m-%d %H:%M:%f', 'now'))
ON CONFLICT (source, pool, layout, thread) DO NOTHING;

-- conflict_delete
/* ardso conflict */
DELETE FROM dso_conflict
WHERE id = ?;

-- conflict_insert
/* ardso conflict */
INSERT INTO dso_conflict (id, source, mapping, form, request, target_form, kind, settled_by, outcome,
  source_image, target_image, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'));

-- conflict_select
/* ardso conflict */
SELECT id, source, mapping, form, request, target_form, kind, settled_by, outcome, source_image, target_image, created
FROM dso_conflict;

-- error_delete
/* ardso pending */
DELETE FROM dso_pending_error
WHERE id = ?;

-- error_join
/* ardso pending */
UPDATE dso_pending_error
SET operation = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ?;

-- error_keys
/* ardso pending */
SELECT mapping, target_form, request
FROM dso_pending_error
WHERE source = ?;

-- error_park
/* ardso pending */
-- A row that failed again keeps its ID and counts the attempt.
INSERT INTO dso_pending_error (id, source, mapping, form, request, target_form, pool, action, error, reason, remedy,
  attempts, operation, status, hash, created, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, 'held', ?, strftime('%Y-%m-%d %H:%M:%f', 'now'), strftime('%Y-%m-%d %H:%M:%f', 'now'))
ON CONFLICT (hash) DO UPDATE SET attempts = dso_pending_error.attempts + 1, action = excluded.action, error = excluded.error, reason = excluded.reason, remedy = excluded.remedy, operation = excluded.operation, status = excluded.status, updated = excluded.updated;

-- error_select
/* ardso pending */
SELECT id, source, mapping, form, request, target_form, pool, action, error, reason, remedy, attempts, operation,
  status, created, updated
FROM dso_pending_error;

-- error_status
/* ardso pending */
UPDATE dso_pending_error
SET status = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ?;

-- escalation_begin
/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due)
VALUES (?, 'escalation', ?, ?, ?, 'new', '', 0, -1, '', '', '', strftime('%Y-%m-%d %H:%M:%f', 'now'), 'ardso', strftime('%Y-%m-%d %H:%M:%f', 'now'), '', '', '', ?);

-- escalation_forget
/* ardso pending */
-- Of the runs that have ended only the last is kept.
DELETE FROM dso_pending
WHERE type = 'escalation' AND mapping = ? AND status IN ('done', 'failed', 'cancelled');

-- escalation_next
/* ardso pending */
-- Whoever finds the time that it was due at has claimed that run.
UPDATE dso_pending
SET due = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ? AND due = ?;

-- escalation_taken
/* ardso pending */
UPDATE dso_pending
SET rows_done = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ? AND rows_done = 0;

-- escalation_wait
/* ardso pending */
-- An escalation waits in one row, which its runs leave there; another schedule sets it anew.
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due)
VALUES (?, 'escalation', ?, ?, '', 'waiting', '', 0, -1, '', '', '', strftime('%Y-%m-%d %H:%M:%f', 'now'), 'ardso', strftime('%Y-%m-%d %H:%M:%f', 'now'), '', '', ?, ?)
ON CONFLICT (id) DO UPDATE SET form = excluded.form, operation = excluded.operation, due = excluded.due, updated = excluded.updated;

-- event_insert
/* ardso event */
INSERT INTO dso_event (id, what, who, source, form, request, before_image, after_image, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'));

-- event_select
/* ardso event */
SELECT id, what, who, source, form, request, before_image, after_image, created
FROM dso_event;

-- handover_old
/* ardso pending */
SELECT id, type, mapping, form, COALESCE(request, '')
FROM dso_pending
WHERE type IN ('transfer again', 'return again') AND status = 'retry' AND target = ? AND pool = ? AND until <= ?
ORDER BY created
LIMIT 500;

-- handover_take
/* ardso pending */
SELECT id, type, mapping, form, COALESCE(request, '')
FROM dso_pending
WHERE type IN ('transfer again', 'return again') AND status = 'retry' AND target = ? AND pool = ?
ORDER BY type, mapping, form, created
LIMIT 1000;

-- handover_wait
/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, pool, until)
VALUES (?, ?, ?, ?, '', 'retry', '', 0, 1, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'), 'ardso', strftime('%Y-%m-%d %H:%M:%f', 'now'), ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;

-- join_clear
/* ardso joins */
-- The log has the rows: they need not stay.
DELETE FROM dso_join;

-- join_insert
/* ardso joins */
INSERT INTO dso_join (id, round, last, changes)
VALUES (?, ?, ?, ?);

-- lease_acquire
/* ardso lease */
UPDATE dso_reader
SET holder = ?, epoch = epoch + 1, expires = strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds'), updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = 1 AND (holder = '' OR holder = ? OR expires <= strftime('%Y-%m-%d %H:%M:%f', 'now'));

-- lease_hold
/* ardso reader */
UPDATE dso_reader
SET updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = 1 AND epoch = ?;

-- lease_read
/* ardso lease */
SELECT position, epoch, holder, expires, updated
FROM dso_reader
WHERE id = 1;

-- lease_release
/* ardso lease */
UPDATE dso_reader
SET holder = '', expires = strftime('%Y-%m-%d %H:%M:%f', 'now'), updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = 1 AND holder = ? AND epoch = ?;

-- lease_renew
/* ardso lease */
-- A lease that ran out but was not taken may be renewed: nobody else has written since.
UPDATE dso_reader
SET expires = strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds'), updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = 1 AND holder = ? AND epoch = ?;

-- meta_drop
/* ardso pending */
DELETE FROM dso_meta
WHERE name = ?;

-- meta_read
/* ardso init */
SELECT name, value
FROM dso_meta;

-- meta_write
/* ardso init */
INSERT INTO dso_meta (name, value)
VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- owner_as_now
/* ardso init */
UPDATE dso_owner
SET at_reader = '=';

-- owner_count
/* ardso status */
SELECT owner, fault, COUNT(*)
FROM dso_owner
WHERE deleted = 0 AND chain <> ''
GROUP BY owner, fault;

-- owner_prune
/* ardso reader */
DELETE FROM dso_owner
WHERE deleted = 1 AND updated < strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds');

-- owner_read_back
/* ardso reader */
UPDATE dso_owner
SET at_reader = CASE id WHEN ? THEN ? ELSE at_reader END
WHERE id IN (?);

-- owner_scan
/* ardso verify */
-- In order of chain, so that several servers' rows can be joined as they come; the index gives that order.
SELECT id, form, request, chain, epoch, owner, from_server, from_form, from_request, from_mapping,
  to_server, to_form, to_request, to_mapping, deleted, fault
FROM dso_owner
WHERE chain <> '' AND chain >= ? AND (chain > ? OR id > ?)
ORDER BY chain, id;

-- owner_select
/* ardso ownership */
SELECT form, request, chain, epoch, owner, from_server, from_form, from_request, from_mapping,
  to_server, to_form, to_request, to_mapping, fields, deleted, fault, at_reader, updated
FROM dso_owner;

-- owner_write
/* ardso ownership */
-- at_reader stays as it is: only the reader's own position moves it on.
INSERT INTO dso_owner (id, form, request, chain, epoch, owner, from_server, from_form, from_request, from_mapping,
  to_server, to_form, to_request, to_mapping, fields, deleted, fault, at_reader, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', strftime('%Y-%m-%d %H:%M:%f', 'now'))
ON CONFLICT (id) DO UPDATE SET chain = excluded.chain, epoch = excluded.epoch, owner = excluded.owner, from_server = excluded.from_server, from_form = excluded.from_form, from_request = excluded.from_request, from_mapping = excluded.from_mapping, to_server = excluded.to_server, to_form = excluded.to_form, to_request = excluded.to_request, to_mapping = excluded.to_mapping, fields = excluded.fields, deleted = excluded.deleted, fault = excluded.fault, updated = excluded.updated;

-- pending_ask
/* ardso pending */
UPDATE dso_pending
SET due = strftime('%Y-%m-%d %H:%M:%f', 'now'), updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ?;

-- pending_delete
/* ardso pending */
DELETE FROM dso_pending
WHERE id = ?;

-- pending_insert
/* ardso pending */
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'), ?, strftime('%Y-%m-%d %H:%M:%f', 'now'));

-- pending_progress
/* ardso pending */
UPDATE dso_pending
SET last_key = ?, rows_done = ?, rows_total = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ?;

-- pending_select
/* ardso pending */
SELECT id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, COALESCE(request, ''), target, COALESCE(operation, ''), due,
  seq, attempted, pool
FROM dso_pending;

-- pending_status
/* ardso pending */
-- What has ended stays as it ended.
UPDATE dso_pending
SET status = ?, error = ?, reason = ?, remedy = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ? AND status IN ('new', 'running', ?);

-- position_save
/* ardso reader */
UPDATE dso_reader
SET position = ?, updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = 1 AND epoch = ?;

-- shape_clear
/* ardso init */
DELETE FROM dso_shape;

-- shape_drop
/* ardso reader */
DELETE FROM dso_shape
WHERE table_name = ?;

-- shape_read
/* ardso reader */
SELECT table_name, number, position, shape
FROM dso_shape
ORDER BY table_name, number;

-- shape_write
/* ardso reader */
INSERT INTO dso_shape (table_name, number, position, shape, written)
VALUES (?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'));

-- snapshot
/* ardso watermark */
SELECT CAST(pg_current_snapshot() AS text);

-- update_drop
/* ardso pending */
DELETE FROM dso_pending
WHERE id = ?;

-- update_take
/* ardso pending */
-- A row that is being carried out has an ID of its own: what changes meanwhile waits anew.
UPDATE dso_pending
SET id = ?, status = 'running', updated = strftime('%Y-%m-%d %H:%M:%f', 'now')
WHERE id = ? AND status = 'waiting';

-- update_wait
/* ardso pending */
-- Later changes of a request join the row that waits; it stays due when it was.
INSERT INTO dso_pending (id, type, mapping, form, qualification, status, last_key, rows_done, rows_total,
  error, reason, remedy, created, created_by, updated, request, target, operation, due)
VALUES (?, 'update', ?, ?, '', 'waiting', '', 0, 1, '', '', '', strftime('%Y-%m-%d %H:%M:%f', 'now'), 'ardso', strftime('%Y-%m-%d %H:%M:%f', 'now'), ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET operation = excluded.operation, updated = excluded.updated;

-- watermark_prune
/* ardso watermark */
DELETE FROM dso_watermark
WHERE written < strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds');

-- watermark_write
/* ardso watermark */
-- A row of its own for each mark: an insert is whole in every log, whatever the row image setting.
INSERT INTO dso_watermark (name, kind, written)
VALUES (?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'));

