package definition

// unsupported lists what the language of definitions has and this version does not carry out. It is
// refused at load, by name: a definition that is accepted is carried out.
var unsupported = []struct {
	what   string // for the complaint
	reason string
	find   func(d *Document) []Pos
}{
	{"logical_mappings", "server names are not replaced yet; write the servers' own names", func(d *Document) (at []Pos) {
		for _, l := range d.LogicalMappings {
			at = append(at, l.Pos)
		}
		return at
	}},
}

// refuseUnsupported complains of all that the table lists.
func refuseUnsupported(c *complaints, d *Document) {
	for _, u := range unsupported {
		for _, at := range u.find(d) {
			c.add(at, "not_supported", u.reason, "%s is not supported by this version", u.what)
		}
	}
}
