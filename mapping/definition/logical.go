package definition

import (
	"fmt"
	"slices"
	"strings"

	"ardso/sql/schema"
)

// logicalNames says what logical names stand for, by server, kind and name. What cannot be resolved, and was
// complained of, is "".
type logicalNames map[string]map[LogicalKind]map[string]string

// LogicalFields are the logical names of fields in a server's definitions, with what each stands for.
func (d *Document) LogicalFields(server string) map[string]string {
	return d.logical[server][LogicalField]
}

// ServerNamed is the server that a name stands for in the definitions of a server; "" = none.
func (d *Document) ServerNamed(owner, name string) string {
	if d.Server(name) != nil {
		return name
	}
	name, _ = unmark(name)
	if s, ok := d.logical[owner][LogicalServer][name]; ok {
		return s
	}
	if d.Server(name) != nil {
		return name
	}
	return ""
}

// FieldNamed is the field of a form that a name or ID means in the definitions of a server; nil = none. A field
// that the form itself calls so goes before a logical name.
func (d *Document) FieldNamed(owner string, f *schema.Form, ref string) *schema.Field {
	return findField(f, d.fieldName(owner, f, ref))
}

// fieldName puts what a logical name stands for in its place.
func (d *Document) fieldName(owner string, f *schema.Form, ref string) string {
	if findField(f, ref) != nil {
		return ref
	}
	name, _ := unmark(ref)
	if physical := d.logical[owner][LogicalField][name]; physical != "" {
		return physical
	}
	return name
}

// unmark takes the dollar signs off a logical name.
func unmark(s string) (name string, marked bool) {
	if len(s) > 2 && s[0] == '$' && s[len(s)-1] == '$' {
		return s[1 : len(s)-1], true
	}
	return s, false
}

// logicalNames checks the logical mappings and works out what each name stands for.
func (n namer) logicalNames() {
	entries := map[string]map[LogicalKind]map[string]*LogicalMapping{}
	for _, l := range n.doc.LogicalMappings {
		for _, key := range []struct {
			name string
			text *string
		}{{"logical", &l.Logical}, {"physical", &l.Physical}} {
			name, _ := unmark(*key.text)
			l.replace(key.name, key.text, name)
		}
		if !n.knownServer(l.Server, l.PosOf("server")) || l.Logical == "" || l.Physical == "" {
			continue
		}
		of := entries[l.Server]
		if of == nil {
			of = map[LogicalKind]map[string]*LogicalMapping{LogicalServer: {}, LogicalField: {}}
			entries[l.Server] = of
		}
		switch before := of[l.Kind][l.Logical]; {
		case before != nil:
			n.add(l.PosOf("logical"), "duplicate_name", "keep one of them", "logical name %q stands for a %s of %s twice, first at %s", l.Logical, l.Kind, l.Server, before.PosOf("logical"))
		case l.Kind == LogicalServer && n.doc.Server(l.Logical) != nil:
			// Which of the two a definition means could not be seen from it.
			n.add(l.PosOf("logical"), "logical_name_taken", "choose another logical name", "logical name %q is the name of a server", l.Logical)
		default:
			of[l.Kind][l.Logical] = l
		}
	}
	n.doc.logical = logicalNames{}
	for server, of := range entries {
		n.doc.logical[server] = map[LogicalKind]map[string]string{}
		for kind, list := range of {
			n.doc.logical[server][kind] = map[string]string{}
			for name, l := range list {
				n.doc.logical[server][kind][name] = n.physical(l, list)
			}
		}
	}
}

// physical follows a logical name to what it stands for in the end, or complains and returns "".
func (n namer) physical(l *LogicalMapping, entries map[string]*LogicalMapping) string {
	chain := []*LogicalMapping{l}
	for {
		last := chain[len(chain)-1]
		next := entries[last.Physical]
		switch i := slices.Index(chain, next); {
		case next == nil && (l.Kind == LogicalField || n.doc.Server(last.Physical) != nil):
			return last.Physical
		case next == nil && last == l:
			n.add(l.PosOf("physical"), "unknown_server", nearest(l.Physical, n.serversOf(l.Server)), "unknown server %q", l.Physical)
			return ""
		case next == nil: // complained of there
			return ""
		case i >= 0:
			n.cycle(chain[i:])
			return ""
		}
		chain = append(chain, next)
	}
}

// cycle complains of logical names that stand for each other, once: where the first of them is written.
func (n namer) cycle(chain []*LogicalMapping) {
	at := 0
	for i, l := range chain {
		if slices.Index(n.doc.LogicalMappings, l) < slices.Index(n.doc.LogicalMappings, chain[at]) {
			at = i
		}
	}
	chain = slices.Concat(chain[at:], chain[:at+1])
	names := make([]string, len(chain))
	for i, l := range chain {
		names[i] = l.Logical
	}
	first := chain[0]
	n.add(first.PosOf("physical"), "logical_cycle", fmt.Sprintf("let one of them stand for a %s", first.Kind),
		"logical names of %s stand for each other: %s", first.Server, strings.Join(names, " → "))
}

// serversOf lists the names of servers in the definitions of a server, logical ones between dollar signs.
func (n namer) serversOf(owner string) []string {
	names := namesOf(n.doc.Servers)
	for _, name := range sortedKeys(n.doc.logical[owner][LogicalServer]) {
		names = append(names, "$"+name+"$")
	}
	return names
}

// serverNames puts servers' own names in the place of logical ones, and complains of names that are neither.
func (n namer) serverNames() {
	for _, m := range n.doc.Mappings {
		n.owner(&m.From.Place, &m.From.Server)
		n.named(&m.To.Place, "server", &m.To.Server, m.From.Server)
	}
	for _, f := range n.doc.Filters {
		n.owner(&f.Place, &f.Server)
		n.serversOfActions(f.Server, f.Actions, f.Else)
	}
	for _, e := range n.doc.Escalations {
		n.owner(&e.Place, &e.Server)
		n.serversOfActions(e.Server, e.Actions, e.Else)
	}
}

func (n namer) serversOfActions(owner string, lists ...[]Action) {
	for _, a := range slices.Concat(lists...) {
		if a.Transfer != nil {
			n.named(&a.Transfer.Place, "to_server", &a.Transfer.ToServer, owner)
		}
		if a.Delete != nil {
			n.named(&a.Delete.Place, "server", &a.Delete.Server, owner)
		}
	}
}

// named resolves a server's name in the definitions of owner.
func (n namer) named(p *Place, key string, name *string, owner string) {
	if *name == "" {
		return // missing, and complained of
	}
	own, marked := unmark(*name)
	server := n.doc.ServerNamed(owner, *name)
	_, broken := n.doc.logical[owner][LogicalServer][own]
	switch {
	case server != "":
		p.replace(key, name, server)
	case broken: // complained of where it is defined
		*name = ""
	case marked && n.doc.Server(owner) != nil:
		n.add(p.PosOf(key), "unknown_server", nearest(*name, n.serversOf(owner)), "unknown server %q: %s has no such logical name", *name, owner)
	default:
		n.add(p.PosOf(key), "unknown_server", nearest(*name, n.serversOf(owner)), "unknown server %q", *name)
	}
}

// owner resolves the name of the server that a definition belongs to. A logical name means the server that has it
// for itself, as every spoke of a hub calls itself spoke.
func (n namer) owner(p *Place, name *string) {
	if *name == "" || n.doc.Server(*name) != nil {
		return
	}
	own, _ := unmark(*name)
	var selves, others []string
	broken := false
	for _, s := range n.doc.Servers {
		switch physical, ok := n.doc.logical[s.Name][LogicalServer][own]; {
		case ok && physical == "": // complained of where it is defined
			broken = true
		case ok && physical == s.Name:
			selves = append(selves, s.Name)
		case ok:
			others = append(others, s.Name)
		}
	}
	const advice = "write the server's own name, or a logical name that it has for itself and no other server has"
	switch {
	case len(selves) == 1:
		p.replace("server", name, selves[0])
	case len(selves) > 1:
		n.add(p.PosOf("server"), "ambiguous_server", advice, "%q is the logical name of each of %s for itself", *name, strings.Join(selves, ", "))
		*name = ""
	case broken:
		*name = ""
	case n.doc.Server(own) != nil:
		p.replace("server", name, own)
	case len(others) > 0:
		n.add(p.PosOf("server"), "unknown_server", advice, "%q is a logical name in the definitions of %s, and no server's for itself", *name, strings.Join(others, ", "))
		*name = ""
	default:
		n.add(p.PosOf("server"), "unknown_server", nearest(*name, namesOf(n.doc.Servers)), "unknown server %q", *name)
	}
}
