/* ardso ownership */
SELECT form, request, chain, epoch, owner, from_server, from_form, from_request, from_mapping,
  to_server, to_form, to_request, to_mapping, fields, deleted, fault, at_reader, updated
FROM dso_owner
