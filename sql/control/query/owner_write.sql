/* ardso ownership */
-- at_reader stays as it is: only the reader's own position moves it on.
INSERT INTO dso_owner (id, form, request, chain, epoch, owner, from_server, from_form, from_request, from_mapping,
  to_server, to_form, to_request, to_mapping, fields, deleted, fault, at_reader, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', {{now}})
{{onTaken "id" "" "chain" "epoch" "owner" "from_server" "from_form" "from_request" "from_mapping" "to_server" "to_form" "to_request" "to_mapping" "fields" "deleted" "fault" "updated"}}
