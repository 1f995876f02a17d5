package definition

import (
	"fmt"
	"slices"
	"time"

	"ardso/sql/schema"
)

// Limits of a polling pool's interval; what is beyond is moved to the nearest (dso-reference, "Distributed pools").
const (
	minInterval = 5 * time.Minute
	maxInterval = 1440 * time.Minute
)

// Pool returns nil where no pool has that name; the pool "default" is always there.
func (d *Document) Pool(name string) *Pool {
	if p := byName(d.Pools, name); p != nil || name != DefaultPool {
		return p
	}
	p := poolObject.fresh()
	p.Name = DefaultPool
	return &p
}

// DefaultPool takes the operations that name no pool, one that is not there, or one that is disabled.
func (d *Document) DefaultPool() *Pool {
	for _, p := range d.Pools {
		if p.Default {
			return p
		}
	}
	return d.Pool(DefaultPool)
}

// PoolNamed is the pool that runs operations which name this one.
func (d *Document) PoolNamed(name string) *Pool {
	if p := d.Pool(name); p != nil && p.Enabled {
		return p
	}
	return d.DefaultPool()
}

// RunningPools are the pools that run operations, in the order written; the default one first.
func (d *Document) RunningPools() []*Pool {
	pools := []*Pool{d.DefaultPool()}
	if p := d.Pool(DefaultPool); p.Enabled && p.Name != pools[0].Name {
		pools = append(pools, p)
	}
	for _, p := range d.Pools {
		if p.Enabled && !slices.ContainsFunc(pools, func(q *Pool) bool { return q.Name == p.Name }) {
			pools = append(pools, p)
		}
	}
	return pools
}

// PoolRule says which pool runs an operation: always Name; or, with a Field, the pool that the request names there
// before and after its change, and Name where that is none that runs.
type PoolRule struct {
	Name  string
	Field *schema.Field // of the form where the operation begins
}

// TransferPool is the rule for operations from a form to a form of another server: that of the actions which send
// requests of the form to that server, all of which name the same; else that of the form's first action.
func (c *Compiled) TransferPool(from, to *schema.Form) PoolRule {
	var other *PoolRule
	for _, u := range c.Uses() {
		if u.Form != from || u.Return != nil {
			continue
		}
		rule := c.rule(u, to)
		if c.Document.targetOf(u.Action) == to.Server {
			return rule
		}
		if other == nil {
			other = &rule
		}
	}
	if other != nil {
		return *other
	}
	return PoolRule{Name: c.Document.DefaultPool().Name}
}

// ReturnPool is the rule for returns from a form: the pool that its return actions name, all the same; else the one
// that brought the request.
func (c *Compiled) ReturnPool(from, to *schema.Form) PoolRule {
	for _, u := range c.Uses() {
		if u.Form == from && u.Return != nil && u.Return.Pool != "" {
			return c.rule(u, to)
		}
	}
	return c.UpdatePool(from, to)
}

// UpdatePool is the rule for updates of a form's requests: the pool that brought the request, which From Pool names
// (dso-reference, "Distributed pools").
func (c *Compiled) UpdatePool(from, to *schema.Form) PoolRule {
	return fieldRule(c.Document, from.FieldByID(schema.FromPool), to)
}

// targetOf is the server that an action sends to; "" of a return.
func (d *Document) targetOf(a Action) string {
	name := ""
	switch {
	case a.Transfer != nil:
		name = a.Transfer.Mapping
	case a.Delete != nil && a.Delete.Mapping == "":
		return a.Delete.Server
	case a.Delete != nil:
		name = a.Delete.Mapping
	}
	if m := d.Mapping(name); m != nil {
		return m.To.Server
	}
	return ""
}

// rule is the rule of an action, for operations to a form.
func (c *Compiled) rule(u Use, to *schema.Form) PoolRule {
	if u.PoolField != nil {
		return fieldRule(c.Document, u.PoolField, to)
	}
	return PoolRule{Name: c.Document.PoolNamed(u.pool()).Name}
}

// fieldRule is the rule of a field that names the pool. Requests of a form whose order matters among each other go
// through one pool, whatever they name; and so do all where the default pool polls, as some would overtake others.
func fieldRule(d *Document, f *schema.Field, to *schema.Form) PoolRule {
	rule := PoolRule{Name: d.DefaultPool().Name, Field: f}
	if to.IsSerial() || d.DefaultPool().Polling || !slices.ContainsFunc(d.RunningPools()[1:], (*Pool).canBeChosen) {
		rule.Field = nil
	}
	return rule
}

// canBeChosen reports whether requests may go to the pool when they name it: not to one that polls, as what they name
// next would overtake what waits there.
func (p *Pool) canBeChosen() bool { return p.Enabled && !p.Polling }

// CanChoose reports whether a request that names a pool goes there.
func (d *Document) CanChoose(name string) bool {
	p := d.Pool(name)
	return p != nil && p.canBeChosen()
}

// pools checks what pools say of themselves, and fills in the names of those that actions leave open.
func (n namer) pools() {
	var first *Pool
	for _, p := range n.doc.Pools {
		switch {
		case !p.Default:
		case first != nil:
			n.add(p.PosOf("default"), "contradiction", "keep one of them", "pools %q and %q are both the default pool", first.Name, p.Name)
		default:
			first = p
		}
		n.interval(p)
	}
	if p := n.doc.DefaultPool(); !p.Enabled {
		n.add(p.PosOf("enabled"), "contradiction", "enable it, or make another pool the default one",
			"pool %q is disabled and is the default pool, which takes what names no pool that runs", p.Name)
	}
	for _, list := range n.actionLists() {
		for _, a := range list {
			switch {
			case a.Transfer != nil && a.Transfer.Pool == "":
				a.Transfer.Pool = n.doc.DefaultPool().Name
			case a.Delete != nil && a.Delete.Pool == "":
				a.Delete.Pool = n.doc.DefaultPool().Name
			}
		}
	}
}

// actionLists are the actions of all rules.
func (n namer) actionLists() (lists [][]Action) {
	for _, f := range n.doc.Filters {
		lists = append(lists, f.Actions, f.Else)
	}
	for _, e := range n.doc.Escalations {
		lists = append(lists, e.Actions, e.Else)
	}
	return lists
}

func (n namer) interval(p *Pool) {
	if p.Has("interval") && !p.Polling {
		n.warnings.add(p.PosOf("interval"), "unused", "write polling: yes, or leave it out", "interval is for pools that poll, which pool %q does not", p.Name)
	}
	if at := min(max(p.Interval, minInterval), maxInterval); at != p.Interval {
		n.warnings.add(p.PosOf("interval"), "out_of_range", "write 5m to 24h",
			"the interval of pool %q is %s, and %s is the nearest there can be", p.Name, inMinutes(p.Interval), inMinutes(at))
		p.Interval = at
	}
}

func inMinutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

// knownPool checks the pool that an action names, unless its requests do.
func (n namer) knownPool(name string, at Pos) {
	if _, byField := unmark(name); !byField && name != "" && n.doc.Pool(name) == nil {
		n.add(at, "unknown_pool", nearest(name, append(namesOf(n.doc.Pools), DefaultPool)), "unknown pool %q", name)
	}
}

// onePool checks our rule that everything that sends requests of one form to one target server names
// one pool, and all that returns them. Threads belong to a pool, so operations on a request that came in two pools
// could overtake each other, and its changes would arrive in another order than they were made (G3). Where a request
// itself names its pool, its operations wait for each other.
func (n namer) onePool() {
	type way struct{ server, form, target string }
	type use struct {
		pool string
		at   Pos
	}
	first := map[way]use{}
	note := func(w way, what string, a Action) {
		pool, at := a.pool(), a.place().PosOf("pool")
		if _, byField := unmark(pool); !byField {
			if n.doc.Pool(pool) == nil {
				return // complained of
			}
			pool = n.doc.PoolNamed(pool).Name
		}
		before, ok := first[w]
		switch {
		case !ok:
			first[w] = use{pool, at}
		case before.pool != pool:
			n.add(at, "two_pools", fmt.Sprintf("write pool: %s here too: only within one pool do the changes of a request keep their order", before.pool),
				"requests of form %q on %s %s in pool %q here and in pool %q at %s", w.form, w.server, what, pool, before.pool, before.at)
		}
	}
	for _, r := range n.doc.rules() {
		for _, a := range r.actions {
			switch target := n.doc.targetOf(a); {
			case target != "":
				note(way{r.Server, r.Form, target}, "go to "+target, a)
			case a.Return != nil && a.Return.Pool != "":
				note(way{r.Server, r.Form, ""}, "return", a)
			}
		}
	}
}

// ruleOn is an enabled filter or escalation.
type ruleOn struct {
	name string // with its kind
	End
	actions []Action // those under else, too
}

// rules are the enabled filters, then the enabled escalations, in the order written.
func (d *Document) rules() (all []ruleOn) {
	for _, f := range d.Filters {
		if f.Enabled {
			all = append(all, ruleOn{"filter " + f.Name, End{Server: f.Server, Form: f.Form}, slices.Concat(f.Actions, f.Else)})
		}
	}
	for _, e := range d.Escalations {
		if e.Enabled {
			all = append(all, ruleOn{"escalation " + e.Name, End{Server: e.Server, Form: e.Form}, slices.Concat(e.Actions, e.Else)})
		}
	}
	return all
}

// oneOrder complains of pools that poll where others lead the same way: what goes by those would overtake what waits. It
// warns of fields that are to name pools for requests whose order matters among each other.
func (c *checker) oneOrder(out *Compiled) {
	type way struct{ from, to *schema.Form }
	type lead struct {
		what string
		pool string
	}
	ways := map[way][]lead{}
	put := func(from, to *schema.Form, what string, r PoolRule) {
		ways[way{from, to}] = append(ways[way{from, to}], lead{what, r.Name})
	}
	for _, m := range out.Mappings {
		put(m.FromForm, m.ToForm, "transfers", out.TransferPool(m.FromForm, m.ToForm))
		if m.TransferMode == DataOwnership {
			put(m.ToForm, m.FromForm, "updates", out.UpdatePool(m.ToForm, m.FromForm))
			put(m.ToForm, m.FromForm, "returns", out.ReturnPool(m.ToForm, m.FromForm))
		}
	}
	for _, m := range out.Mappings { // for the order of what is said
		for _, w := range []way{{m.FromForm, m.ToForm}, {m.ToForm, m.FromForm}} {
			all := ways[w]
			delete(ways, w)
			for _, x := range all {
				if x.pool == all[0].pool || !c.doc.Pool(x.pool).Polling && !c.doc.Pool(all[0].pool).Polling {
					continue
				}
				c.add(m.Pos, "two_pools", "let neither of the pools poll, or name one for both (updates go through the default pool where the pool that brought the request polls)",
					"%s from form %q on %s to form %q on %s go through pool %q, and %s through pool %q: one of them polls, and what waits there would be overtaken",
					all[0].what, w.from.Name, w.from.Server, w.to.Name, w.to.Server, all[0].pool, x.what, x.pool)
				break
			}
		}
	}
	for _, u := range out.Uses() {
		if u.Transfer == nil || u.PoolField == nil {
			continue
		}
		if m := out.Mapping(u.Transfer.Mapping); m != nil && m.ToForm.IsSerial() {
			c.warnings.add(u.Transfer.PosOf("pool"), "unused", "name a pool",
				"requests of form %q on %s have to keep their order, by unique indexes, foreign keys or a join, so all go through the default pool, whatever they name", m.ToForm.Name, m.To.Server)
		}
	}
}

// poolFields finds the fields by which requests name the pools of a rule's actions.
func (c *checker) poolFields(actions []Action, form *schema.Form) map[string]*schema.Field {
	fields := map[string]*schema.Field{}
	for _, a := range actions {
		name, byField := unmark(a.pool())
		if !byField {
			continue
		}
		at := a.place().PosOf("pool")
		x := c.field(Text{Value: name, Pos: at}, form)
		if x != nil && x.Type != schema.Character && x.Type != schema.Selection {
			c.add(at, "type_clash", "name a character field or a selection", "field %q is %s and names no pool", x.Name, x.Type)
			continue
		}
		fields[a.pool()] = x
	}
	return fields
}

// pool is what an action says of its pool.
func (a Action) pool() string {
	switch {
	case a.Transfer != nil:
		return a.Transfer.Pool
	case a.Return != nil:
		return a.Return.Pool
	}
	return a.Delete.Pool
}

func (a Action) place() Place {
	switch {
	case a.Transfer != nil:
		return a.Transfer.Place
	case a.Return != nil:
		return a.Return.Place
	}
	return a.Delete.Place
}
