package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// pooled decides by definitions with pools p and q, x that is disabled, and main, the default pool.
func pooled(t testing.TB, server, rules string) *mapping.Decider {
	t.Helper()
	doc, err := definition.Parse([]definition.File{{Name: "d.yaml", Text: `
servers: {a: {url: "sqlite:a.db"}, b: {url: "sqlite:b.db"}}
pools: [{name: p}, {name: q, threads: 2}, {name: x, enabled: no}, {name: main, default: yes}]
mappings:
  - {name: copy, from: {server: a, form: R}, to: {server: b, form: R}}
  - {name: give, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: data + ownership, when_to_update: immediately}
filters:
` + rules}}, definition.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := definition.Check(doc, map[string]definition.Catalog{"a": catalog{ownedForm("a")}, "b": catalog{ownedForm("b")}})
	if err != nil {
		t.Fatal(err)
	}
	return mapping.NewDecider(server, compiled)
}

// with is a row with fields set by ID.
func with(row []value.Value, set map[int]value.Value) []value.Value {
	for id, v := range set {
		row[ownedForm("a").FieldByID(id).Index] = v
	}
	return row
}

// pools tells in which pools operations run, and what of their From Pool they carry.
func pools(ops []*mapping.Operation) string {
	var all []string
	for _, op := range ops {
		s := fmt.Sprintf("%s %s", op.Action, op.Pool)
		if f := op.Field(schema.FromPool); f != nil && f.After.Known() {
			s += ", From Pool " + f.After.SQL()
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// What escalations send goes by the same rules; under else there is no request that names a pool.
func TestPoolOfEscalation(t *testing.T) {
	t.Parallel()
	const rules = `
  - {name: gone, server: a, form: R, on: delete, delete: {server: b, form: R, request_id: "'1'", pool: $Notes$}}
escalations:
  - {name: e, server: a, form: R, every: 1h, transfer: {mapping: copy, pool: $Notes$}}
  - name: none
    server: a
    form: R
    every: 1h
    run_if: "'1' = $NULL$"
    delete: {server: b, form: R, request_id: "'1'", pool: $Notes$}
    else: {delete: {server: b, form: R, request_id: '"000000000000001"', pool: $Notes$}}
`
	for escalation, want := range map[string]string{"e": "create q, From Pool q", "none": "delete main"} {
		chunk := final(selection(escalation))
		chunk.Changes = []cdc.RowChange{{Relation: ownedRelation, Kind: cdc.Selected, After: with(owned("", 1, ""), map[int]value.Value{notesField: value.Text("q")})}}
		if got := pools(decide(t, pooled(t, "a", rules), chunk)); got != want {
			t.Errorf("escalation %q: %s, want %s", escalation, got, want)
		}
	}
}

// A request may name the pool of its operations; what names none that runs goes to the default pool, and the copy
// tells which ran it.
func TestPoolByField(t *testing.T) {
	t.Parallel()
	const rules = `
  - {name: send, server: a, form: R, on: [submit, modify], transfer: {mapping: copy, pool: $Notes$}}
  - {name: gone, server: a, form: R, on: delete, delete: {mapping: copy, pool: $Notes$}}
`
	for notes, want := range map[string]string{"p": "p", "q": "q", "x": "main", "none": "main", "": "main", "default": "default", "main": "main"} {
		set := map[int]value.Value{notesField: value.Text(notes)}
		if notes == "" {
			set[notesField] = value.Null
		}
		row := with(owned("", 1, ""), set)
		d := pooled(t, "a", rules)
		if got := pools(decide(t, d, tx(made(row)))); got != "create "+want+", From Pool "+want {
			t.Errorf("create of a request that names %q: %s", notes, got)
		}
		if got := pools(decide(t, d, tx(edited(with(owned("", 1, "q"), nil), with(owned("", 2, ""), set))))); got != "modify "+want {
			t.Errorf("modify of a request that names %q: %s", notes, got)
		}
		if got := pools(decide(t, d, tx(cdc.RowChange{Relation: ownedRelation, Kind: cdc.Delete, Before: row}))); got != "delete "+want {
			t.Errorf("delete of a request that names %q: %s", notes, got)
		}
	}
}

// A selection names a pool by its label.
func TestPoolByLabel(t *testing.T) {
	t.Parallel()
	d := pooled(t, "a", "  - {name: send, server: a, form: R, on: submit, transfer: {mapping: copy, pool: $Update Status$}}")
	waiting, _ := ownedForm("a").FieldByID(schema.UpdateStatus).Number("Waiting")
	ops := decide(t, d, tx(made(with(owned("", 1, "n"), map[int]value.Value{schema.UpdateStatus: value.Int(waiting)}))))
	if len(ops) != 1 || ops[0].Pool != "main" || ops[0].PoolIn(schema.UpdateStatus) != "Waiting" {
		t.Errorf("got %+v", ops)
	}
}

// Updates and returns run in the pool that brought the request (dso-reference, "Distributed pools"), returns in that
// of their action if it names one.
func TestPoolOfTheWayBack(t *testing.T) {
	t.Parallel()
	from := ownership.State{Chain: "x", Epoch: 2, Owner: true, From: ownership.Place{Server: "a", Form: "R", Request: "R1", Mapping: "give"}}
	for _, x := range []struct{ from, action, update, back string }{
		{"q", "return: {}", "modify q", "create q"},
		{"x", "return: {}", "modify main", "create main"},
		{"", "return: {}", "modify main", "create main"},
		{"q", "return: {pool: p}", "modify q", "create p"},
		{"q", "return: {pool: x}", "modify q", "create main"},
		{"q", "return: {pool: $Notes$}", "modify q", "create p"},
	} {
		d := pooled(t, "b", "  - {name: back, server: b, form: R, on: modify, run_if: \"'State' = 4\", "+x.action+"}")
		know(t, d, from)
		at := func(state int64) []value.Value {
			row := owned("yes", state, "p")
			if x.from != "" {
				with(row, map[int]value.Value{schema.FromPool: value.Text(x.from)})
			}
			return row
		}
		if got := pools(decide(t, d, tx(edited(at(1), at(2))))); got != x.update {
			t.Errorf("an update of what pool %q brought: %s, want %s", x.from, got, x.update)
		}
		ops := decide(t, d, tx(edited(at(2), at(4))))
		if got := pools(ops[len(ops)-1:]); got != x.back {
			t.Errorf("%s of what pool %q brought: %s, want %s", x.action, x.from, got, x.back)
		}
		if ops[0].PoolBy != mapping.ByUpdate || ops[len(ops)-1].PoolBy != mapping.ByReturn {
			t.Errorf("the update is by %d, the return by %d", ops[0].PoolBy, ops[len(ops)-1].PoolBy)
		}
	}
}

// An earlier layout of threads may have gone by another field: operations keep what it holds as well.
func TestKeepPoolField(t *testing.T) {
	t.Parallel()
	d := pooled(t, "a", "  - {name: send, server: a, form: R, on: submit, transfer: {mapping: copy, pool: p}}")
	if d.HasField("R", 12345) || !d.HasField("R", notesField) || !d.HasField("gone", 1) {
		t.Error("what fields there are is not told")
	}
	d.KeepPoolField("R", 12345)
	d.KeepPoolField("R", notesField)
	ops := decide(t, d, tx(made(owned("", 1, "q"))))
	if len(ops) != 1 || ops[0].Pool != "p" || ops[0].PoolIn(notesField) != "q" {
		t.Errorf("got %+v", ops)
	}
}
