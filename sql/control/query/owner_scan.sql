/* ardso verify */
-- In order of chain, so that several servers' rows can be joined as they come; the index gives that order.
SELECT id, form, request, chain, epoch, owner, from_server, from_form, from_request, from_mapping,
  to_server, to_form, to_request, to_mapping, deleted, fault
FROM dso_owner
WHERE chain <> '' AND chain >= ? AND (chain > ? OR id > ?)
ORDER BY chain, id
