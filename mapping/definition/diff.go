package definition

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is what one document changes against another.
type Difference struct {
	Changes    []Change     `json:"changes"`
	Operations []WayChange  `json:"operations"` // that are dealt out to other pools or threads, begin or end
	Init       []InitReason `json:"init"`       // what `ardso init` has to be run for
}

// IsEmpty reports documents that come to the same.
func (d Difference) IsEmpty() bool { return len(d.Changes)+len(d.Operations)+len(d.Init) == 0 }

// Change is a definition that was added, removed or changed; or that definitions of a kind stand in another order,
// which decides where several would do.
type Change struct {
	Kind string      `json:"kind"`           // server, pool, logical mapping, mapping, filter or escalation
	Name string      `json:"name,omitempty"` // "" of a change of order
	What string      `json:"what"`           // added, removed, changed or reordered
	Keys []KeyChange `json:"keys,omitempty"` // of a change
}

// KeyChange is one key with what it comes to, defaults and resolved names included; "" = nothing.
type KeyChange struct {
	Key string `json:"key"` // in the form to.server, transfer[1].pool
	Old string `json:"old"`
	New string `json:"new"`
}

// WayChange is where operations from a form to another go, before and after; "" = nothing goes that way.
type WayChange struct {
	From End    `json:"from"`
	To   End    `json:"to"`
	Old  string `json:"old"` // mappings, pool and threads
	New  string `json:"new"`
}

// InitReason is why a server needs `ardso init`.
type InitReason struct {
	Server string `json:"server"`
	Why    string `json:"why"`
}

// Diff compares two documents that Parse accepted.
func Diff(before, after *Document) Difference {
	d := Difference{Changes: []Change{}, Operations: []WayChange{}, Init: []InitReason{}}
	d.Changes = slices.Concat(d.Changes,
		changes("server", before.Servers, after.Servers, serverObject),
		changes("pool", before.Pools, after.Pools, poolObject),
		changes("logical mapping", before.LogicalMappings, after.LogicalMappings, logicalObject),
		changes("mapping", before.Mappings, after.Mappings, mappingObject),
		changes("filter", before.Filters, after.Filters, filterObject),
		changes("escalation", before.Escalations, after.Escalations, escalationObject))
	old, now := before.ways(), after.ways()
	keys := maps.Clone(old)
	maps.Copy(keys, now)
	for _, w := range slices.SortedFunc(maps.Keys(keys), way.compare) {
		if old[w] != now[w] {
			d.Operations = append(d.Operations, WayChange{
				From: End{Server: w.from, Form: w.fromForm}, To: End{Server: w.to, Form: w.toForm}, Old: old[w], New: now[w],
			})
		}
	}
	d.Init = append(d.Init, initReasons(before, after)...)
	return d
}

// name of a logical mapping is unique only with its server.
func (l *LogicalMapping) name() string { return l.Server + ": " + l.Logical }

// changes compares the items of one kind by their names.
func changes[T any, P interface {
	*T
	named
}](kind string, before, after []P, o object[T]) (list []Change) {
	for _, x := range before {
		if byName(after, x.name()) == nil {
			list = append(list, Change{Kind: kind, Name: x.name(), What: "removed"})
		}
	}
	for _, x := range after {
		was := byName(before, x.name())
		if was == nil {
			list = append(list, Change{Kind: kind, Name: x.name(), What: "added"})
			continue
		}
		if keys := keyChanges(flat("", o.print((*T)(was), inEffect)), flat("", o.print((*T)(x), inEffect))); len(keys) > 0 {
			list = append(list, Change{Kind: kind, Name: x.name(), What: "changed", Keys: keys})
		}
	}
	common := func(items, others []P) (names []string) {
		for _, x := range items {
			if byName(others, x.name()) != nil {
				names = append(names, x.name())
			}
		}
		return names
	}
	// Of servers, pools and logical mappings the order decides nothing.
	if (kind == "mapping" || kind == "filter" || kind == "escalation") && !slices.Equal(common(before, after), common(after, before)) {
		list = append(list, Change{Kind: kind, What: "reordered"})
	}
	return list
}

// keyChanges compares flat entries, in the order of the later ones, then of those that are gone.
func keyChanges(before, after entries) (list []KeyChange) {
	find := func(es entries, key string) string {
		for _, e := range es {
			if e.key == key {
				return e.value.(string)
			}
		}
		return ""
	}
	for _, e := range after {
		if old := find(before, e.key); old != e.value {
			list = append(list, KeyChange{e.key, old, e.value.(string)})
		}
	}
	for _, e := range before {
		if find(after, e.key) == "" && e.value != "" {
			list = append(list, KeyChange{e.key, e.value.(string), ""})
		}
	}
	return list
}

// flat writes nested entries as one list of texts, with the way to each as its key.
func flat(path string, v any) entries {
	var out entries
	switch x := v.(type) {
	case entries:
		for _, e := range x {
			key := e.key
			if path != "" {
				key = path + "." + key
			}
			out = append(out, flat(key, e.value)...)
		}
	case []any:
		if !slices.ContainsFunc(x, func(item any) bool { _, ok := item.(entries); return ok }) {
			return entries{{path, onLine(x)}}
		}
		for i, item := range x {
			out = append(out, flat(fmt.Sprintf("%s[%s]", path, itemName(item, i+1)), item)...)
		}
	case string:
		return entries{{path, x}}
	default:
		return entries{{path, onLine(v)}}
	}
	return out
}

// itemName tells an item of a list from the others: a form by its name, a field by its column, an action by its place.
func itemName(item any, n int) string {
	if of, ok := item.(entries); ok && len(of) > 0 && (of[0].key == "name" || of[0].key == "column") {
		return fmt.Sprint(of[0].value)
	}
	return fmt.Sprint(n)
}

// way is from a form to another.
type way struct{ from, fromForm, to, toForm string }

func (w way) compare(o way) int {
	return cmp.Or(cmp.Compare(w.from, o.from), cmp.Compare(w.fromForm, o.fromForm), cmp.Compare(w.to, o.to), cmp.Compare(w.toForm, o.toForm))
}

// ways tells by which mappings and in which pool and how many threads operations go from form to form.
func (d *Document) ways() map[way]string {
	mappings, pools := map[way][]string{}, map[way]string{}
	for _, m := range d.Mappings {
		if !m.Enabled {
			continue
		}
		w := way{m.From.Server, m.From.Form, m.To.Server, m.To.Form}
		mappings[w], pools[w] = append(mappings[w], m.Name), d.poolText(d.poolOf(m.From, m.To.Server))
		if back := (way{w.to, w.toForm, w.from, w.fromForm}); m.TransferMode == DataOwnership && pools[back] == "" {
			mappings[back] = append(mappings[back], m.Name+" (back)")
			pools[back] = d.poolText("$From Pool$")
		}
	}
	for _, r := range d.rules() {
		for _, a := range r.actions {
			if a.Delete != nil && a.Delete.Mapping == "" {
				w := way{r.Server, r.Form, a.Delete.Server, a.Delete.Form}
				mappings[w], pools[w] = append(mappings[w], "deletes of "+r.name), d.poolText(a.Delete.Pool)
			}
		}
	}
	out := map[way]string{}
	for w, names := range mappings {
		out[w] = strings.Join(names, ", ") + " in " + pools[w]
	}
	return out
}

// poolOf is the pool that the actions on a form name for a server: Compiled.TransferPool without the forms.
func (d *Document) poolOf(from End, to string) string {
	other := ""
	for _, r := range d.rules() {
		if r.Server != from.Server || r.Form != from.Form {
			continue
		}
		for _, a := range r.actions {
			switch {
			case a.Return != nil:
			case d.targetOf(a) == to:
				return a.pool()
			case other == "":
				other = a.pool()
			}
		}
	}
	return cmp.Or(other, d.DefaultPool().Name)
}

// poolText is a pool with its threads; where requests name it, all that run.
func (d *Document) poolText(name string) string {
	field, byField := unmark(name)
	if !byField {
		p := d.PoolNamed(name)
		return fmt.Sprintf("pool %s (threads: %d)", p.Name, p.Threads)
	}
	var all []string
	for _, p := range inOrderOfName(d.RunningPools()) {
		all = append(all, fmt.Sprintf("%s: %d", p.Name, p.Threads))
	}
	return fmt.Sprintf("the pool that %s names (threads: %s)", field, strings.Join(all, ", "))
}

// initReasons tells what a server's set-up lacks for the later document, as far as that shows without the databases.
func initReasons(before, after *Document) (list []InitReason) {
	was, is := before.formsRead(), after.formsRead()
	for _, s := range after.Servers {
		old := before.Server(s.Name)
		add := func(format string, args ...any) {
			list = append(list, InitReason{s.Name, fmt.Sprintf(format, args...)})
		}
		if old == nil {
			add("it is new")
			continue
		}
		if old.URL != s.URL {
			add("its url names another database")
		}
		for _, k := range []struct{ key, old, now string }{{"slot", old.Slot, s.Slot}, {"publication", old.Publication, s.Publication}} {
			if k.old != k.now && len(is[s.Name]) > 0 {
				add("its %s is another", k.key)
			}
		}
		for _, form := range slices.Sorted(maps.Keys(is[s.Name])) {
			switch {
			case !was[s.Name][form]:
				add("form %q is read from now on", form)
			case old.tableOf(form) != s.tableOf(form):
				add("form %q is another table", form)
			}
		}
	}
	return list
}

// formsRead are the forms whose changes are read, by server.
func (d *Document) formsRead() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	put := func(server, form string) {
		if all[server] == nil {
			all[server] = map[string]bool{}
		}
		if j := d.Server(server).joinOf(form); j != nil { // read are its parts
			all[server][j.Primary], all[server][j.Secondary] = true, true
			return
		}
		all[server][form] = true
	}
	for _, m := range d.Mappings {
		if m.Enabled {
			put(m.From.Server, m.From.Form)
		}
		if m.Enabled && m.TransferMode == DataOwnership {
			put(m.To.Server, m.To.Form)
		}
	}
	for _, r := range d.rules() {
		put(r.Server, r.Form)
	}
	return all
}

// joinOf says which forms a plain catalog's form joins; nil = none, or AR System's dictionary says.
func (s *Server) joinOf(form string) *Join {
	for _, f := range s.Forms {
		if f.Name == form {
			return f.Join
		}
	}
	return nil
}

// tableOf is the table that a plain catalog's form is declared to be; "" = AR System's dictionary says.
func (s *Server) tableOf(form string) string {
	for _, f := range s.Forms {
		if f.Name == form {
			return f.Table
		}
	}
	return ""
}
