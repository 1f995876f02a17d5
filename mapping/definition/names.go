package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// checkNames checks everything about the document that can be said without the forms' fields: what
// stands twice, what refers to nothing, what contradicts itself. It also settles which mapping an
// action means.
func checkNames(c, warnings *complaints, d *Document) {
	n := namer{c, warnings, d}
	if len(d.Servers) == 0 {
		at := Pos{Line: 1, Column: 1}
		if fs := c.sources.files(); len(fs) > 0 {
			at.File = fs[0].Name
		}
		c.add(at, "missing_key", "write servers: with the url of each database", "no servers are defined")
	}
	twice(n, "server", d.Servers, (*Server).place)
	twice(n, "pool", d.Pools, (*Pool).place)
	twice(n, "mapping", d.Mappings, (*Mapping).place)
	twice(n, "filter", d.Filters, (*Filter).place)
	twice(n, "escalation", d.Escalations, (*Escalation).place)
	for _, s := range d.Servers {
		n.server(s)
	}
	n.logicalNames()
	n.serverNames()
	n.pools()
	for _, m := range d.Mappings {
		n.mapping(m)
	}
	for _, f := range d.Filters {
		n.filter(f)
	}
	for _, e := range d.Escalations {
		n.escalation(e)
	}
	n.onePool()
}

func (s *Server) place() *Place     { return &s.Place }
func (p *Pool) place() *Place       { return &p.Place }
func (m *Mapping) place() *Place    { return &m.Place }
func (f *Filter) place() *Place     { return &f.Place }
func (e *Escalation) place() *Place { return &e.Place }

type namer struct {
	*complaints
	warnings *complaints
	doc      *Document
}

// twice complains of items of one kind that share a name.
func twice[T named](n namer, kind string, items []T, place func(T) *Place) {
	first := map[string]Pos{}
	for _, x := range items {
		name := x.name()
		if name == "" {
			continue // missing, and complained of
		}
		if before, ok := first[name]; ok {
			n.add(place(x).PosOf("name"), "duplicate_name", "give each its own name", "%s %q is defined twice, first at %s", kind, name, before)
			continue
		}
		first[name] = place(x).PosOf("name")
	}
}

func namesOf[T named](items []T) []string {
	var names []string
	for _, x := range items {
		names = append(names, x.name())
	}
	return names
}

// knownServer reports whether a server exists, and complains if not. The empty name has been
// complained of.
func (n namer) knownServer(name string, at Pos) bool {
	if name == "" || n.doc.Server(name) != nil {
		return name != ""
	}
	n.add(at, "unknown_server", nearest(name, namesOf(n.doc.Servers)), "unknown server %q", name)
	return false
}

// knownForm checks a form of a plain catalog; those of an ar catalog are known to the database only. A server
// that is not known has been complained of.
func (n namer) knownForm(server, form string, at Pos) {
	s := n.doc.Server(server)
	if s == nil || s.Catalog != Plain || form == "" || s.declares(form) {
		return
	}
	var names []string
	for _, f := range s.Forms {
		names = append(names, f.Name)
	}
	advice := nearest(form, names)
	for _, other := range n.doc.Servers {
		if other.declares(form) {
			advice = fmt.Sprintf("form %q is one of %s", form, other.Name)
			break
		}
	}
	n.add(at, "unknown_form", advice, "server %s declares no form %q", server, form)
}

// declares reports whether the server's definition names a form.
func (s *Server) declares(form string) bool {
	return slices.ContainsFunc(s.Forms, func(f *Form) bool { return f.Name == form })
}

func (n namer) server(s *Server) {
	if s.Has("password") && s.Has("password_file") {
		n.add(s.PosOf("password_file"), "contradiction", "keep one of them", "server %s has password and password_file", s.Name)
	}
	if s.Catalog == Plain && len(s.Forms) == 0 && !s.Has("forms") {
		n.add(s.Pos, "missing_key", "declare its tables under forms", "server %s has catalog plain and no forms", s.Name)
	}
	for _, k := range []string{"slot", "publication"} {
		if s.Has(k) && s.URL != "" && !strings.HasPrefix(s.URL, "postgres") {
			n.add(s.PosOf(k), "contradiction", "leave it out", "%s is for PostgreSQL servers", k)
		}
	}
	if s.Has("server_id") && s.URL != "" && !strings.HasPrefix(s.URL, "mariadb") && !strings.HasPrefix(s.URL, "mysql") {
		n.add(s.PosOf("server_id"), "contradiction", "leave it out", "server_id is for MariaDB and MySQL servers")
	}
	n.forms(s)
}

func (n namer) forms(s *Server) {
	seen := map[string]bool{}
	for _, f := range s.Forms {
		if f.Name == "" {
			continue
		}
		if seen[f.Name] {
			n.add(f.PosOf("name"), "duplicate_name", "give each its own name", "form %q is declared twice on server %s", f.Name, s.Name)
		}
		seen[f.Name] = true
		if s.Catalog == AR {
			n.arForm(s, f)
			continue
		}
		if f.Join != nil {
			n.joinForm(s, f)
			n.fields(f)
			continue
		}
		if !f.Has("table") {
			f.Table = f.Name
		}
		if !f.Has("keep_empty_strings") {
			f.KeepEmptyStrings = true
		}
		n.fields(f)
	}
}

// arForm: AR System's dictionary says all else of its forms.
func (n namer) arForm(s *Server, f *Form) {
	for _, k := range formObject.keyNames() {
		if k != "name" && k != "keep_empty_strings" && f.Has(k) {
			n.add(f.PosOf(k), "contradiction", "leave it out, or write catalog: plain", "server %s has catalog ar, where AR System's dictionary says a form's %s", s.Name, k)
		}
	}
}

func (n namer) fields(f *Form) {
	columns, names, ids := map[string]bool{}, map[string]bool{}, map[int]bool{}
	for _, x := range f.Fields {
		if x.Name == "" {
			x.Name = x.Column
		}
		if x.Column != "" && columns[strings.ToLower(x.Column)] {
			n.add(x.PosOf("column"), "duplicate_name", "write each column once", "column %q stands twice in form %q", x.Column, f.Name)
		}
		if x.Name != "" && names[x.Name] {
			n.add(x.PosOf("name"), "duplicate_name", "give each field its own name", "field %q stands twice in form %q", x.Name, f.Name)
		}
		if x.ID != 0 && ids[x.ID] {
			n.add(x.PosOf("id"), "duplicate_name", "give each field its own ID", "field ID %d stands twice in form %q", x.ID, f.Name)
		}
		columns[strings.ToLower(x.Column)], names[x.Name], ids[x.ID] = true, true, true
	}
}

func (n namer) mapping(m *Mapping) {
	n.end(m.From)
	n.end(m.To)
	if m.From.Server != "" && m.From.Server == m.To.Server && m.From.Form == m.To.Form {
		n.add(m.PosOf("to"), "self_mapping", "name another form or server", "mapping %q goes from form %q on %s to itself", m.Name, m.From.Form, m.From.Server)
	}
	if m.Match == Custom {
		if m.Has("exclude") {
			n.add(m.PosOf("exclude"), "contradiction", "leave exclude out: match: custom maps only what fields lists", "exclude without an automatic match")
		}
		if len(m.Fields) == 0 {
			n.add(m.PosOf("match"), "missing_key", "list the lines under fields", "match is custom and there are no fields")
		}
	}
}

func (n namer) end(e End) {
	n.knownForm(e.Server, e.Form, e.PosOf("form"))
}

func (n namer) filter(f *Filter) {
	n.knownForm(f.Server, f.Form, f.PosOf("form"))
	if len(f.Actions)+len(f.Else) == 0 && !f.Has("else") && !f.Has("transfer") && !f.Has("return") && !f.Has("delete") {
		n.add(f.Pos, "no_action", "write transfer or delete", "filter %q does nothing", f.Name)
	}
	if len(f.Else) > 0 && f.RunIf.IsZero() {
		n.add(f.PosOf("else"), "contradiction", "write run_if, or leave else out", "else without run_if never happens")
	}
	n.actions(f.Server, f.Form, f.Actions)
	n.actions(f.Server, f.Form, f.Else)
	if !f.On.Has(Delete) {
		return
	}
	for _, a := range slices.Concat(f.Actions, f.Else) {
		if a.Transfer != nil {
			n.add(a.Transfer.Pos, "transfer_on_delete",
				"leave delete out of on, and add a filter on: [delete] with delete: {mapping: "+a.Transfer.Mapping+"}",
				"filter %q transfers on delete, when there is nothing left to transfer", f.Name)
		}
	}
}

func (n namer) escalation(e *Escalation) {
	n.knownForm(e.Server, e.Form, e.PosOf("form"))
	if e.Has("at") == e.Has("every") {
		n.add(e.Pos, "missing_key", "write at or every", "escalation %q needs either at or every", e.Name)
	}
	if len(e.Actions)+len(e.Else) == 0 && !e.Has("else") && !e.Has("transfer") && !e.Has("return") && !e.Has("delete") {
		n.add(e.Pos, "no_action", "write transfer, return or delete", "escalation %q does nothing", e.Name)
	}
	n.actions(e.Server, e.Form, e.Actions)
	n.actions(e.Server, e.Form, e.Else)
	for _, a := range e.Else {
		n.noRequest(e, a)
	}
}

// noRequest complains of an action under an escalation's else that needs a request: it is carried out where
// there is none (ar-database-reference 12, row 31).
func (n namer) noRequest(e *Escalation, a Action) {
	const advice = "under else only a delete that names server, form and request_id has something to work on"
	switch {
	case a.Transfer != nil:
		n.add(a.Transfer.Pos, "no_request", advice, "escalation %q transfers where no request was found", e.Name)
	case a.Return != nil:
		n.add(a.Return.Pos, "no_request", advice, "escalation %q returns where no request was found", e.Name)
	case a.Delete.Mapping != "":
		n.add(a.Delete.PosOf("mapping"), "no_request", advice, "escalation %q deletes the copy of a request where none was found", e.Name)
	}
}

// actions checks what the actions of a rule on a form refer to.
func (n namer) actions(server, form string, actions []Action) {
	for _, a := range actions {
		switch {
		case a.Transfer != nil:
			n.transfer(server, form, a.Transfer)
		case a.Return != nil:
			n.knownPool(a.Return.Pool, a.Return.PosOf("pool"))
		case a.Delete != nil:
			n.deletion(server, form, a.Delete)
		}
	}
}

// transfer settles the mapping of a transfer by DSO's order of precedence, as far as the row has no
// say in it: the named one, else by target, else by source form; defaults first, then as written
// (dso-reference, "Which mapping is used").
func (n namer) transfer(server, form string, t *Transfer) {
	n.knownPool(t.Pool, t.PosOf("pool"))
	if t.Has("mapping") {
		for _, k := range []string{"to_server", "to_form"} {
			if t.Has(k) {
				n.add(t.PosOf(k), "contradiction", "leave it out: the mapping says where the request goes", "%s beside mapping", k)
			}
		}
		n.usable(t.Mapping, server, form, t.PosOf("mapping"))
		return
	}
	if t.Has("to_server") != t.Has("to_form") {
		n.add(t.Pos, "missing_key", "write both, or mapping", "to_server and to_form go together")
		return
	}
	if t.Has("to_server") && n.doc.Server(t.ToServer) == nil {
		return // complained of
	}
	fits := slices.Collect(func(yield func(*Mapping) bool) {
		for _, m := range n.doc.Mappings {
			if m.Enabled && m.From.Server == server && m.From.Form == form &&
				(t.ToServer == "" || m.To.Server == t.ToServer && m.To.Form == t.ToForm) && !yield(m) {
				return
			}
		}
	})
	if len(fits) == 0 {
		to := ""
		if t.ToServer != "" {
			to = fmt.Sprintf(" to form %q on %s", t.ToForm, t.ToServer)
		}
		n.add(t.Pos, "no_mapping", "add such a mapping, or name one with mapping", "no enabled mapping goes from form %q on %s%s", form, server, to)
		return
	}
	t.Mapping = slices.MinFunc(fits, func(a, b *Mapping) int { return cmp.Compare(rank(a), rank(b)) }).Name
}

func rank(m *Mapping) int {
	if m.Default {
		return 0
	}
	return 1
}

// usable checks that a rule on a form may use a mapping.
func (n namer) usable(name, server, form string, at Pos) {
	m := n.doc.Mapping(name)
	switch {
	case name == "":
	case m == nil:
		n.add(at, "unknown_mapping", nearest(name, namesOf(n.doc.Mappings)), "unknown mapping %q", name)
	case m.From.Server != server || m.From.Form != form:
		if m.From.Server != "" && m.From.Form != "" && n.doc.Server(server) != nil && form != "" {
			n.add(at, "wrong_form", "attach the rule to that form, or name another mapping",
				"mapping %q starts at form %q on %s, this rule is on form %q on %s", name, m.From.Form, m.From.Server, form, server)
		}
	case !m.Enabled:
		n.add(at, "mapping_disabled", "enable the mapping, or disable the rule", "mapping %q is disabled", name)
	}
}

func (n namer) deletion(server, form string, x *Deletion) {
	n.knownPool(x.Pool, x.PosOf("pool"))
	if x.Has("mapping") {
		for _, k := range []string{"server", "form", "request_id"} {
			if x.Has(k) {
				n.add(x.PosOf(k), "contradiction", "write either mapping, or server, form and request_id", "%s beside mapping", k)
			}
		}
		n.usable(x.Mapping, server, form, x.PosOf("mapping"))
		return
	}
	for _, k := range []string{"server", "form", "request_id"} {
		if !x.Has(k) {
			n.add(x.Pos, "missing_key", "write mapping, or server, form and request_id", "delete has no %q", k)
			return
		}
	}
	n.knownForm(x.Server, x.Form, x.PosOf("form"))
}
