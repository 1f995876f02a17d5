package definition

import (
	"maps"
	"slices"
)

// FormsOf lists the forms of a server that definitions name, in order of name.
func (d *Document) FormsOf(server string) []string {
	set := map[string]bool{}
	add := func(s, form string) {
		if s == server && form != "" {
			set[form] = true
		}
	}
	for _, m := range d.Mappings {
		add(m.From.Server, m.From.Form)
		add(m.To.Server, m.To.Form)
	}
	d.eachRule(func(s, form string, actions []Action) {
		add(s, form)
		for _, a := range actions {
			if a.Delete != nil {
				add(a.Delete.Server, a.Delete.Form)
			}
		}
	})
	return slices.Sorted(maps.Keys(set))
}

// eachRule shows each filter and escalation: its server, its form, and all its actions.
func (d *Document) eachRule(see func(server, form string, actions []Action)) {
	for _, f := range d.Filters {
		see(f.Server, f.Form, slices.Concat(f.Actions, f.Else))
	}
	for _, e := range d.Escalations {
		see(e.Server, e.Form, slices.Concat(e.Actions, e.Else))
	}
}

// Without is the document without what cannot be compiled while the forms of some servers are not known: the
// definitions that speak of them, and the rules of the servers that send there, which are returned as waiting, in order
// of name. Disabled definitions count, since they are compiled, too. Without servers it is the document itself.
func (d *Document) Without(servers []string) (rest *Document, waiting []string) {
	if len(servers) == 0 {
		return d, nil
	}
	unknown := func(server string) bool { return slices.Contains(servers, server) }
	set := map[string]bool{}
	for _, m := range d.Mappings {
		if unknown(m.To.Server) {
			set[m.From.Server] = true
		}
		if unknown(m.From.Server) && m.TransferMode == DataOwnership { // its changes go back
			set[m.To.Server] = true
		}
	}
	d.eachRule(func(server, _ string, actions []Action) {
		if slices.ContainsFunc(actions, func(a Action) bool { return a.Delete != nil && unknown(a.Delete.Server) }) {
			set[server] = true
		}
	})
	left := func(server string) bool { return unknown(server) || set[server] }
	c := *d
	c.Mappings = slices.DeleteFunc(slices.Clone(d.Mappings), func(m *Mapping) bool { return unknown(m.From.Server) || unknown(m.To.Server) })
	c.Filters = slices.DeleteFunc(slices.Clone(d.Filters), func(f *Filter) bool { return left(f.Server) })
	c.Escalations = slices.DeleteFunc(slices.Clone(d.Escalations), func(e *Escalation) bool { return left(e.Server) })
	return &c, slices.DeleteFunc(slices.Sorted(maps.Keys(set)), unknown)
}
