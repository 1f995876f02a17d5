package apply

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ardso/apply/conflict"
	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Any graph of mappings comes to rest, whatever its filters and field maps do to values (G6): an edit by a user sets
// off a number of operations that the number of servers bounds, and no row is written that says the same. The
// deciding and the settling are ardso's own; tables and logs are in memory.
func TestGraphsComeToRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			server := rapid.SampledFrom(g.servers).Draw(t, "server")
			g.edit(server, rapid.SampledFrom([]string{"R1", "R2"}).Draw(t, "request"), rapid.Int64Range(0, 4).Draw(t, "n"), rapid.Bool().Draw(t, "delete"))
			if rapid.Bool().Draw(t, "wait") {
				g.rest(t)
			}
		}
		g.rest(t)
	})
}

// graph is some servers, each with two forms, and mappings between them.
type graph struct {
	servers  []string
	deciders map[string]*mapping.Decider
	rules    map[string]*definition.CompiledMapping
	forms    map[string]map[string]*schema.Form // by server and name
	rows     map[string]map[string]int64        // by server and form, then Request ID: the field n
	logs     map[string][]*cdc.Transaction
	position int
	relation map[*schema.Form]*cdc.Relation
}

const nField = 536870913

func graphForm(server, name string) *schema.Form {
	f := &schema.Form{Server: server, Name: name, Fields: []*schema.Field{
		{ID: 1, Name: "Request ID", Type: schema.Character, Column: &schema.Column{Name: "id", Kind: value.KindText, Length: 15}},
		{ID: nField, Name: "n", Type: schema.Integer, Index: 1, Column: &schema.Column{Name: "n", Kind: value.KindInt, Bits: 64, Nullable: true}},
	}}
	f.Key = f.Fields[:1]
	f.Table = &schema.Table{Name: strings.ToLower(name), Key: []string{"id"}, Identity: schema.IdentityFull, Transactional: true, Columns: []*schema.Column{f.Fields[0].Column, f.Fields[1].Column}}
	return f
}

// catalogOf is the forms of a server.
type catalogOf map[string]*schema.Form

func (c catalogOf) Lookup(name string) (*schema.Form, error) {
	if f := c[name]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("no form %q", name)
}
func (c catalogOf) Names() []string { return slices.Sorted(maps.Keys(c)) }

func drawGraph(t *rapid.T) *graph {
	g := &graph{
		deciders: map[string]*mapping.Decider{}, rules: map[string]*definition.CompiledMapping{}, forms: map[string]map[string]*schema.Form{},
		rows: map[string]map[string]int64{}, logs: map[string][]*cdc.Transaction{}, relation: map[*schema.Form]*cdc.Relation{},
	}
	g.servers = []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "servers")]
	var yaml strings.Builder
	yaml.WriteString("servers:\n")
	catalogs := map[string]definition.Catalog{}
	forms := []string{"F", "G"}
	for _, s := range g.servers {
		fmt.Fprintf(&yaml, "  %s: {url: \"sqlite:%s.db\", catalog: plain, forms: [{name: F, table: f}, {name: G, table: g}]}\n", s, s)
		g.forms[s] = map[string]*schema.Form{"F": graphForm(s, "F"), "G": graphForm(s, "G")}
		catalogs[s] = catalogOf(g.forms[s])
	}
	var mappings, filters strings.Builder
	for i := range rapid.IntRange(1, 8).Draw(t, "mappings") {
		from, to := rapid.SampledFrom(g.servers).Draw(t, "from"), rapid.SampledFrom(g.servers).Draw(t, "to")
		ff, tf := rapid.SampledFrom(forms).Draw(t, "from form"), rapid.SampledFrom(forms).Draw(t, "to form")
		if from == to && ff == tf {
			continue // refused at load
		}
		fields := rapid.SampledFrom([]string{"", "", `, fields: {n: "'n' + 1"}`, `, fields: {n: "3"}`}).Draw(t, "fields")
		policy := rapid.SampledFrom([]string{"source", "target", "merge", "error"}).Draw(t, "on_conflict")
		duplicate := rapid.SampledFrom([]string{"overwrite", "error"}).Draw(t, "duplicate")
		fmt.Fprintf(&mappings, "  - {name: m%d, from: {server: %s, form: %s}, to: {server: %s, form: %s}, match: like names, on_conflict: %s, duplicate_request_id: %s%s}\n", i, from, ff, to, tf, policy, duplicate, fields)
		on := rapid.SampledFrom([]string{"[submit, modify]", "[submit, modify, merge]", "merge"}).Draw(t, "on")
		runIf := rapid.SampledFrom([]string{"", `, run_if: "'n' > 1"`, `, run_if: "'n' != 2"`, `, run_if: "'TR.n' != 'DB.n'"`}).Draw(t, "run_if")
		fmt.Fprintf(&filters, "  - {name: f%d, server: %s, form: %s, on: %s%s, transfer: {mapping: m%d}}\n", i, from, ff, on, runIf, i)
		if rapid.Bool().Draw(t, "deletes") {
			fmt.Fprintf(&filters, "  - {name: d%d, server: %s, form: %s, on: delete, delete: {mapping: m%d}}\n", i, from, ff, i)
		}
	}
	if mappings.Len() == 0 {
		t.Skip("no mapping")
	}
	doc, err := definition.Parse([]definition.File{{Name: "graph.yaml", Text: yaml.String() + "mappings:\n" + mappings.String() + "filters:\n" + filters.String()}}, definition.Secrets{})
	if err != nil {
		t.Fatalf("%v\n%s%s", err, mappings.String(), filters.String())
	}
	defs, err := definition.Check(doc, catalogs)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, mappings.String(), filters.String())
	}
	for _, m := range defs.Mappings {
		g.rules[m.Name] = m
	}
	for _, s := range g.servers {
		g.deciders[s] = mapping.NewDecider(s, defs)
		for _, f := range g.forms[s] {
			g.relation[f] = &cdc.Relation{Table: f.Table.Name, Columns: []string{"id", "n"}, Key: []bool{true, false}, Full: true}
			g.rows[s+" "+f.Name] = map[string]int64{}
		}
	}
	return g
}

// edit is a user's change of form F.
func (g *graph) edit(server, id string, n int64, remove bool) {
	if _, there := g.rows[server+" F"][id]; remove && !there {
		return
	}
	g.write(server, "F", id, n, remove, nil)
}

// write changes a row and logs it.
func (g *graph) write(server, form, id string, n int64, remove bool, mark *cdc.Mark) {
	f := g.forms[server][form]
	rows := g.rows[server+" "+form]
	row := func(n int64) []value.Value { return []value.Value{value.Text(id), value.Int(n)} }
	c := cdc.RowChange{Relation: g.relation[f], Kind: cdc.Insert, After: row(n)}
	if before, there := rows[id]; there {
		c.Kind, c.Before = cdc.Update, row(before)
	}
	rows[id] = n
	if remove {
		c.Kind, c.After = cdc.Delete, nil
		delete(rows, id)
	}
	g.position++
	g.logs[server] = append(g.logs[server], &cdc.Transaction{
		Position: cdc.Position(fmt.Sprintf("%06d", g.position)), CommitTime: time.Unix(int64(g.position), 0).UTC(), Mark: mark, Changes: []cdc.RowChange{c},
	})
}

// rest carries out all that the logs hold, in any order of servers, and what comes of it; it returns how much it was.
func (g *graph) rest(t *rapid.T) int {
	// From one edit a change can go to every server by every way that passes none twice, and on each server from one
	// form to the other, along each of eight mappings.
	const bound = 5000
	for n := 0; ; n++ {
		var waiting []string
		for _, s := range g.servers {
			if len(g.logs[s]) > 0 {
				waiting = append(waiting, s)
			}
		}
		if len(waiting) == 0 {
			return n
		}
		if n > bound {
			t.Fatalf("no rest after %d transactions", n)
		}
		s := rapid.SampledFrom(waiting).Draw(t, "next")
		tx := g.logs[s][0]
		g.logs[s] = g.logs[s][1:]
		ops, err := g.deciders[s].Decide(tx)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			g.carryOut(t, op)
		}
	}
}

func (g *graph) carryOut(t *rapid.T, op *mapping.Operation) {
	if op.Failure != nil || op.Home != nil {
		return
	}
	if slices.Contains(op.Path[:len(op.Path)-1], op.Target) && op.Target != op.Source {
		t.Fatalf("%s goes back to %s, having passed %v", op.Mapping, op.Target, op.Path)
	}
	rows := g.rows[op.Target+" "+op.TargetForm]
	id := op.TargetKey()[0].Text()
	var cur *conflict.Current
	if n, there := rows[id]; there {
		cur = &conflict.Current{Field: func(field int) value.Value {
			switch field {
			case 1:
				return value.Text(id)
			case nField:
				return value.Int(n)
			}
			return value.Absent
		}}
	}
	m := g.rules[op.Mapping]
	o := conflict.Settle(op, cur, conflict.Rules{OnConflict: m.OnConflict, Duplicate: m.DuplicateRequestID})
	mark := &cdc.Mark{Origin: op.Source, Path: op.Path, Mapping: op.Mapping}
	before := rows[id]
	n := before
	for _, w := range o.Write {
		if w.Field == nField && !w.Value.IsNull() {
			n = w.Value.Int()
		}
	}
	switch o.Do {
	case conflict.Delete:
		g.write(op.Target, op.TargetForm, id, 0, true, mark)
	case conflict.Insert, conflict.Update:
		if cur != nil && n == before {
			t.Fatalf("%s %s writes what %s holds already", op.Mapping, op.Action, op.Target)
		}
		g.write(op.Target, op.TargetForm, id, n, false, mark)
	}
}
