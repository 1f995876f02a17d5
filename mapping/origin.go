package mapping

// OriginOf is what the names of all chains begin with that begin at this request, see BeginsAt.
func OriginOf(server, form, id string) string { return originOf(server, form, id) }
