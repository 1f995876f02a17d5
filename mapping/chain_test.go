package mapping_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/sql/schema"
	"ardso/sql/value"
)

const (
	stateField = 1001 // what filters go by
	notesField = 1002
)

// ownedForm is form R of a server: Request ID, State, Notes of at most ten characters, and all distributed fields.
func ownedForm(server string) *schema.Form {
	f := &schema.Form{Server: server, Name: "R", Fields: []*schema.Field{
		{ID: 1, Name: "Request ID", Type: schema.Character, Column: &schema.Column{Kind: value.KindText, Length: 15}},
	}}
	for _, d := range schema.FieldsOf(schema.Advanced) {
		kind := value.KindInt
		if d.Type == schema.Character {
			kind = value.KindText
		}
		f.Fields = append(f.Fields, &schema.Field{ID: d.ID, Name: d.Name, Type: d.Type, Values: d.Values, Column: &schema.Column{Kind: kind, Nullable: true, Bits: 32}})
	}
	f.Fields = append(f.Fields,
		&schema.Field{ID: stateField, Name: "State", Type: schema.Integer, Column: &schema.Column{Kind: value.KindInt, Nullable: true, Bits: 32}},
		&schema.Field{ID: notesField, Name: "Notes", Type: schema.Character, Column: &schema.Column{Kind: value.KindText, Nullable: true, Length: 10}})
	f.Key = f.Fields[:1]
	f.Table = &schema.Table{Schema: "main", Name: "r", Key: []string{"f1"}, Identity: schema.IdentityFull}
	for i, x := range f.Fields {
		x.Index = i
		x.Column.Name = fmt.Sprintf("f%d", x.ID)
		f.Table.Columns = append(f.Table.Columns, x.Column)
	}
	return f
}

// chainDefinitions lead a to b to c; each test adds to a mapping with the name in it.
const chainDefinitions = `
servers:
  a: {url: "sqlite:a.db"}
  b: {url: "sqlite:b.db"}
  c: {url: "sqlite:c.db"}
logical_mappings:
  - {server: a, logical: hub, physical: c}
  - {server: a, logical: Words, physical: Notes, kind: field}
mappings:
  - {name: a to b, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: data + ownership, when_to_update: immediately, on_foreign_change: revert}
  - {name: a to c, from: {server: a, form: R}, to: {server: c, form: R}, transfer_mode: data + ownership}
  - {name: b to c, from: {server: b, form: R}, to: {server: c, form: R}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: no, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: data + ownership}
  - {name: late, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: data + ownership, when_to_update: on return}
  - {name: hourly, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: data + ownership, when_to_update: hourly}
  - {name: copy, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: data only}
  - {name: move, from: {server: a, form: R}, to: {server: b, form: R}, transfer_mode: copy + delete}
  - {name: move to c, from: {server: a, form: R}, to: {server: c, form: R}, transfer_mode: copy + delete}
  - {name: b archives, from: {server: b, form: R}, to: {server: c, form: R}, transfer_mode: copy + delete}
filters:
  - {name: give, server: a, form: R, on: [submit, modify, merge], run_if: "'State' = 1", transfer: {mapping: a to b}}
  - {name: twice, server: a, form: R, on: [submit, modify], run_if: "'State' = 2", transfer: [{mapping: copy}, {mapping: a to b}, {mapping: a to b}, {mapping: a to c}]}
  - {name: move, server: a, form: R, on: [submit, modify], run_if: "'State' = 3", transfer: {mapping: move}}
  - {name: move and give, server: a, form: R, on: submit, run_if: "'State' = 5", transfer: [{mapping: move}, {mapping: copy}, {mapping: a to c}, {mapping: a to b}]}
  - {name: move twice, server: a, form: R, on: submit, run_if: "'State' = 6", transfer: [{mapping: copy}, {mapping: move}, {mapping: move to c}, {mapping: move}]}
  - {name: give and move, server: a, form: R, on: submit, run_if: "'State' = 7", transfer: [{mapping: a to c}, {mapping: move}]}
  - {name: archive and back, server: b, form: R, on: modify, run_if: "'State' = 5", transfer: {mapping: b archives}, return: {}}
  - {name: back, server: b, form: R, on: [submit, modify, merge], run_if: "'State' = 4", return: {}}
`

func chainDecider(t testing.TB, server string) *mapping.Decider {
	t.Helper()
	return mapping.NewDecider(server, chainCompiled(t))
}

func chainCompiled(t testing.TB) *definition.Compiled {
	t.Helper()
	doc, err := definition.Parse([]definition.File{{Name: "d.yaml", Text: chainDefinitions}}, definition.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := definition.Check(doc, map[string]definition.Catalog{"a": catalog{ownedForm("a")}, "b": catalog{ownedForm("b")}, "c": catalog{ownedForm("c")}})
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// ownedRelation is form R as a log shows it.
var ownedRelation = func() *cdc.Relation {
	r := &cdc.Relation{Schema: "main", Table: "r", Full: true}
	for _, f := range ownedForm("a").Fields {
		r.Columns, r.Key = append(r.Columns, f.Column.Name), append(r.Key, f.ID == 1)
	}
	return r
}()

// owned is request R1 with State and Notes, and a Master Flag that is yes, no or, empty, was never set.
func owned(master string, state int64, notes string) []value.Value {
	f := ownedForm("a")
	r := make([]value.Value, len(f.Fields))
	for i := range r {
		r[i] = value.Null
	}
	r[f.FieldByID(1).Index] = value.Text("R1")
	r[f.FieldByID(stateField).Index] = value.Int(state)
	r[f.FieldByID(notesField).Index] = value.Text(notes)
	if master != "" {
		r[f.FieldByID(schema.MasterFlag).Index] = value.Int(map[string]int64{"no": schema.MasterNo, "yes": schema.MasterYes}[master])
	}
	return r
}

func made(after []value.Value) cdc.RowChange {
	return cdc.RowChange{Relation: ownedRelation, Kind: cdc.Insert, After: after}
}

func edited(before, after []value.Value) cdc.RowChange {
	return cdc.RowChange{Relation: ownedRelation, Kind: cdc.Update, Before: before, After: after}
}

func gone(before []value.Value) cdc.RowChange {
	return cdc.RowChange{Relation: ownedRelation, Kind: cdc.Delete, Before: before}
}

// recorded is the row of dso_owner of request R1 as the log brings it.
func recorded(s ownership.State) cdc.RowChange {
	r := &cdc.Relation{Schema: "main", Table: cdc.OwnerTable, Full: true}
	c := cdc.RowChange{Relation: r, Kind: cdc.Update}
	add := func(column, text string) {
		r.Columns, r.Key = append(r.Columns, column), append(r.Key, column == "id")
		c.After = append(c.After, value.Text(text))
	}
	yes := map[bool]string{false: "0", true: "1"}
	add("id", "x")
	add("form", "R")
	add("request", "R1")
	add("chain", s.Chain)
	add("epoch", strconv.FormatInt(s.Epoch, 10))
	add("owner", yes[s.Owner])
	for which, p := range map[string]ownership.Place{"from": s.From, "to": s.To} {
		add(which+"_server", p.Server)
		add(which+"_form", p.Form)
		add(which+"_request", p.Request)
		add(which+"_mapping", p.Mapping)
	}
	add("fields", s.FieldsText())
	add("deleted", yes[s.Deleted])
	return c
}

func writeBack(t *cdc.Transaction, server string) *cdc.Transaction {
	t = merged(t, server)
	t.Mark.WriteBack = true
	return t
}

var r1 = ownership.Key{Form: "R", Request: "R1"}

// know tells the decider the state of R1 as of its position.
func know(t testing.TB, d *mapping.Decider, s ownership.State) {
	t.Helper()
	if err := d.Know(r1, text(t, s), false); err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, s ownership.State) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func placeOn(server, by string) ownership.Place {
	return ownership.Place{Server: server, Form: "R", Request: "R1", Mapping: by}
}

// brought is the state of R1 on b, which a gave it along a mapping.
func brought(by string) ownership.State {
	return ownership.State{Chain: "chain", Epoch: 2, Owner: true, From: placeOn("a", by)}
}

// middle is the state of R1 on b, which a gave it and which gave it to c.
var middle = ownership.State{Chain: "chain", Epoch: 2, From: placeOn("a", "a to b"), To: placeOn("c", "b to c")}

// told tells what is to be done about ownership in a line each.
func told(ops []*mapping.Operation) string {
	var lines []string
	for _, o := range ops {
		var s string
		switch {
		case o.Home != nil:
			s = "on the source: " + string(o.Home.Kind)
			if o.Home.Return {
				s += " return"
			}
			if o.Home.Revert {
				s += ", revert"
			}
			if o.Home.Kind == mapping.NotTaken && o.Home.Epoch == 0 {
				s += ", state left alone"
			}
		case o.Offer != nil:
			s = fmt.Sprintf("give to %s/%v, epoch %d", o.Target, o.TargetKey()[0].Text(), o.Offer.Epoch)
			if o.Offer.Return {
				s = strings.Replace(s, "give", "return", 1)
			}
		case o.Along != nil:
			s = fmt.Sprintf("%s to %s/%v: %s%s", o.Along.Direction, o.Target, o.TargetKey()[0].Text(), o.Action, changes(o))
		default:
			s = fmt.Sprintf("%s on %s", o.Action, o.Target)
			if o.Image != nil {
				s += ", then delete here"
			}
		}
		if o.Failure != nil {
			s += ": " + o.Failure.Kind
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "; ")
}

// changes lists the fields that an operation writes.
func changes(o *mapping.Operation) (s string) {
	for _, f := range o.Fields {
		if o.Action == mapping.Modify && f.Changes() {
			s += fmt.Sprintf(" %d", f.Field)
		}
	}
	return s
}

// What a change of a request under ownership becomes, by its state and by who made it.
func TestOwnershipDecided(t *testing.T) {
	t.Parallel()
	gave := ownership.State{Chain: "chain", Epoch: 1, To: placeOn("b", "a to b")}
	tests := []struct {
		name   string
		server string
		state  ownership.State
		tx     *cdc.Transaction
		want   string
	}{
		{"give on submit", "a", ownership.State{}, tx(made(owned("", 1, "n"))), "give to b/R1, epoch 1"},
		{"give on modify", "a", ownership.State{}, tx(edited(owned("", 0, "n"), owned("", 1, "n"))), "give to b/R1, epoch 1"},
		{"not selected", "a", ownership.State{}, tx(made(owned("", 0, "n"))), ""},
		{"give what came back", "a", ownership.State{Chain: "chain", Epoch: 3, Owner: true}, tx(edited(owned("yes", 0, "n"), owned("yes", 1, "n"))), "give to b/R1, epoch 3"},
		{"give what does not fit", "a", ownership.State{}, tx(made(owned("", 1, "far too long"))), "on the source: not taken: value.too_long"},
		{"a copy that follows is not given away", "a", gave, merged(tx(edited(owned("no", 0, "n"), owned("no", 1, "n"))), "b"), ""},
		{"an edit here that is not the owner's", "a", gave, tx(edited(owned("no", 0, "n"), owned("no", 1, "n"))), "on the source: foreign change, revert"},
		{"a delete here that is not the owner's", "a", gave, tx(gone(owned("no", 0, "n"))), "on the source: foreign change, revert"},
		{"a foreign change that is reported", "a", ownership.State{Chain: "chain", Epoch: 1, To: placeOn("b", "no")}, tx(edited(owned("no", 0, "n"), owned("no", 0, "m"))), "on the source: foreign change"},
		{"no filter runs on a foreign change", "a", gave, tx(edited(owned("no", 0, "n"), owned("no", 2, "n"))), "on the source: foreign change, revert"},
		{"of a copy without a chain one does", "a", ownership.State{}, tx(edited(owned("no", 0, "n"), owned("no", 2, "n"))), "on the source: foreign change; modify on b"},
		{"an edit that empties the Master Flag is foreign, and so is the next", "a", gave, tx(edited(owned("no", 0, "n"), owned("", 1, "m")), edited(owned("", 1, "m"), owned("", 1, "o"))), "on the source: foreign change, revert; on the source: foreign change, revert"},
		{"deleted by another and made anew", "a", gave, tx(gone(owned("no", 0, "n")), made(owned("", 0, "m")), edited(owned("", 0, "m"), owned("", 1, "m"))), "on the source: foreign change, revert; on the source: gone; give to b/R1, epoch 1"},
		{"deleted by another and put back", "a", gave, tx(gone(owned("no", 0, "n")), made(owned("no", 1, "m"))), "on the source: foreign change, revert; on the source: foreign change, revert"},
		{"made without owning itself", "a", ownership.State{}, tx(made(owned("no", 1, "n"))), "on the source: not taken: ownership.not_owner"},
		{"of a broadcast the first is carried out", "a", ownership.State{}, tx(made(owned("", 2, "n"))), "create on b; give to b/R1, epoch 1; on the source: not taken, state left alone: ownership.not_owner"},
		{"what is moved is not given away besides", "a", ownership.State{}, tx(made(owned("", 5, "n"))), "create on b, then delete here; create on b; on the source: not taken, state left alone: ownership.not_owner; on the source: not taken, state left alone: ownership.not_owner"},
		{"what is moved is not moved elsewhere besides", "a", ownership.State{}, tx(made(owned("", 6, "n"))), "create on b; create on b, then delete here; on the source: not taken, state left alone: ownership.not_owner"},
		{"what is given away is not moved besides", "a", ownership.State{}, tx(made(owned("", 7, "n"))), "give to c/R1, epoch 1; on the source: not taken, state left alone: ownership.not_owner"},
		{"what is moved is not returned besides", "b", brought("late"), tx(edited(owned("yes", 0, "n"), owned("yes", 5, "n"))), "create on c, then delete here; on the source: not taken return, state left alone: ownership.not_owner"},
		{"move", "a", ownership.State{}, tx(made(owned("", 3, "n"))), "create on b, then delete here"},
		{"move what does not fit", "a", ownership.State{}, tx(made(owned("", 3, "far too long"))), "on the source: not taken: value.too_long"},
		{"move as a copy", "a", gave, merged(tx(edited(owned("no", 0, "n"), owned("no", 3, "n"))), "b"), ""},

		{"return", "b", brought("a to b"), tx(edited(owned("yes", 0, "n"), owned("yes", 4, "m"))), "down to a/R1: modify 1001 1002; return to a/R1, epoch 2"},
		{"return, nothing went before", "b", brought("late"), tx(edited(owned("yes", 0, "n"), owned("yes", 4, "n"))), "return to a/R1, epoch 2"},
		{"return what was returned", "b", ownership.State{Chain: "chain", Epoch: 2, From: placeOn("a", "a to b"), To: placeOn("a", "a to b")}, merged(tx(edited(owned("no", 0, "n"), owned("no", 4, "n"))), "a"), ""},
		{"return what came from nowhere", "b", ownership.State{}, tx(made(owned("", 4, "n"))), "on the source: not taken return: ownership.nowhere_to_return"},
		{"return along no mapping", "b", brought("gone"), tx(edited(owned("yes", 4, "n"), owned("yes", 4, "n"))), "on the source: not taken, state left alone: ownership.mapping_differs; on the source: not taken return: ownership.mapping_differs"},
		{"return to another form", "b", ownership.State{Chain: "chain", Epoch: 2, Owner: true, From: ownership.Place{Server: "a", Form: "Other", Request: "R1", Mapping: "late"}}, tx(edited(owned("yes", 0, "n"), owned("yes", 4, "n"))), "on the source: not taken return: ownership.mapping_differs"},

		{"the owner's edit updates", "b", brought("a to b"), tx(edited(owned("yes", 0, "n"), owned("yes", 0, "m"))), "down to a/R1: modify 1002"},
		{"no update", "b", brought("no"), tx(edited(owned("yes", 0, "n"), owned("yes", 0, "m"))), ""},
		{"update on return", "b", brought("late"), tx(edited(owned("yes", 0, "n"), owned("yes", 0, "m"))), ""},
		{"update later", "b", brought("hourly"), tx(edited(owned("yes", 0, "n"), owned("yes", 0, "m"))), "on the source: waits"},
		{"nothing has changed", "b", brought("a to b"), tx(edited(owned("yes", 0, "n"), owned("yes", 0, "n"))), ""},
		{"the owner's delete", "b", brought("a to b"), tx(gone(owned("yes", 0, "n"))), "on the source: gone; down to a/R1: delete"},
		{"the owner's delete goes also where no update goes", "b", brought("no"), tx(gone(owned("yes", 0, "n"))), "on the source: gone; down to a/R1: delete"},
		{"an update finds no mapping", "b", brought("gone"), tx(edited(owned("yes", 0, "n"), owned("yes", 0, "m"))), "on the source: not taken, state left alone: ownership.mapping_differs"},

		{"in the middle an update goes on", "b", middle, merged(tx(edited(owned("no", 0, "n"), owned("no", 0, "m"))), "c"), "down to a/R1: modify 1002"},
		{"in the middle a late edit goes on", "b", middle, merged(tx(edited(owned("no", 0, "n"), owned("no", 0, "m"))), "a"), "up to c/R1: modify 1002"},
		{"in the middle what came from elsewhere goes both ways", "b", middle, merged(tx(edited(owned("no", 0, "n"), owned("no", 0, "m"))), "d"), "up to c/R1: modify 1002; down to a/R1: modify 1002"},
		{"what has passed all goes nowhere", "b", middle, merged(tx(edited(owned("no", 0, "n"), owned("no", 0, "m"))), "a", "c"), ""},
		{"in the middle a delete goes on", "b", middle, merged(tx(gone(owned("no", 0, "n"))), "c"), "down to a/R1: delete"},
		{"in the middle a user's edit is foreign", "b", middle, tx(edited(owned("no", 0, "n"), owned("no", 0, "m"))), "on the source: foreign change"},
		{"an edit beside any chain", "a", ownership.State{}, tx(edited(owned("", 0, "n"), owned("", 0, "m"))), ""},
		{"a write-back triggers nothing", "a", gave, writeBack(tx(edited(owned("yes", 1, "n"), owned("no", 1, "n"))), "a"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := chainDecider(t, test.server)
			know(t, d, test.state)
			if got := told(decide(t, d, test.tx)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A hand-over is open from when it is decided on until the log brings its write-back: what changes meanwhile is
// forwarded, and begins no second one.
func TestOpenHandOver(t *testing.T) {
	t.Parallel()
	back := ownership.State{Chain: "chain", Epoch: 1, To: placeOn("b", "a to b")}
	edit := func(from, to string) *cdc.Transaction { return tx(edited(owned("", 1, from), owned("", 1, to))) }
	tests := []struct {
		name  string
		steps []*cdc.Transaction
		want  []string
	}{
		{"edits are forwarded", []*cdc.Transaction{edit("n", "m"), edit("m", "o")}, []string{"up to b/R1: modify 1002", "up to b/R1: modify 1002"}},
		{"what came through the new owner is not", []*cdc.Transaction{merged(edit("n", "m"), "b")}, []string{""}},
		{"what came from elsewhere is", []*cdc.Transaction{merged(edit("n", "m"), "c")}, []string{"up to b/R1: modify 1002"}},
		{"a delete is forwarded", []*cdc.Transaction{tx(gone(owned("", 1, "n")))}, []string{"on the source: gone; up to b/R1: delete"}},
		{"what copy + delete deletes ends it and stays with the new owner", []*cdc.Transaction{writeBack(tx(gone(owned("", 1, "n"))), "a"), tx(made(owned("", 0, "m"))), tx(edited(owned("", 0, "m"), owned("", 0, "o")))}, []string{"on the source: gone", "", ""}},
		{"so it does where dso_owner says so", []*cdc.Transaction{writeBack(tx(recorded(ownership.State{Chain: "chain", Epoch: 1, Deleted: true}), gone(owned("", 1, "n"))), "a"), tx(made(owned("", 0, "m"))), tx(edited(owned("", 0, "m"), owned("", 0, "o")))}, []string{"", "", ""}},
		{"an edit that does not fit is parked where it goes", []*cdc.Transaction{edit("n", "far too long")}, []string{"up to b/R1: modify 1002: value.too_long"}},
		{
			"it is written back",
			[]*cdc.Transaction{
				writeBack(tx(edited(owned("", 1, "n"), owned("no", 1, "n")), recorded(back)), "a"),
				merged(tx(edited(owned("no", 1, "n"), owned("no", 1, "m"))), "b"),
				tx(edited(owned("no", 1, "m"), owned("no", 1, "o"))),
			},
			[]string{"", "", "on the source: foreign change, revert"},
		},
		{
			"it was not taken",
			[]*cdc.Transaction{
				writeBack(tx(recorded(ownership.State{Epoch: 2, Owner: true})), "a"),
				edit("n", "m"),
			},
			[]string{"", "give to b/R1, epoch 2"},
		},
		{
			"it is back before it is written back",
			[]*cdc.Transaction{
				merged(tx(edited(owned("", 1, "n"), owned("yes", 0, "m")), recorded(ownership.State{Chain: "chain", Epoch: 3, Owner: true})), "b"),
				tx(edited(owned("yes", 0, "m"), owned("yes", 1, "m"))),
			},
			[]string{"", "give to b/R1, epoch 3"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := chainDecider(t, "a")
			ops := decide(t, d, tx(made(owned("", 1, "n"))))
			if got := told(ops); got != "give to b/R1, epoch 1" {
				t.Fatal(got)
			}
			for i, step := range test.steps {
				if got := told(decide(t, d, inChain(step, ops[0].Offer.Chain))); got != test.want[i] {
					t.Errorf("step %d: got  %s\nwant %s", i, got, test.want[i])
				}
			}
		})
	}
}

// inChain is a transaction whose records of ownership are of that chain, not of "chain".
func inChain(t *cdc.Transaction, chain string) *cdc.Transaction {
	for _, c := range t.Changes {
		for i, v := range c.After {
			if c.Relation.Table == cdc.OwnerTable && v.Equal(value.Text("chain")) {
				c.After[i] = value.Text(chain)
			}
		}
	}
	return t
}

// Closed tells once of each hand-over that the log has closed, and whether the request was changed meanwhile.
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, touched := range []bool{false, true} {
		d := chainDecider(t, "a")
		chain := decide(t, d, tx(made(owned("", 1, "n"))))[0].Offer.Chain
		if touched {
			decide(t, d, tx(edited(owned("", 1, "n"), owned("", 1, "m"))))
		}
		// A record of the state before the hand-over does not close it.
		decide(t, d, merged(tx(recorded(ownership.State{Chain: chain, Epoch: 1, Owner: true})), "c"))
		if got := d.Closed(); len(got) > 0 {
			t.Errorf("closed before: %v", got)
		}
		decide(t, d, writeBack(tx(recorded(ownership.State{Chain: chain, Epoch: 1, To: placeOn("b", "a to b")})), "a"))
		if diff := cmp.Diff([]mapping.Closed{{Key: r1, Touched: touched}}, d.Closed()); diff != "" {
			t.Error(diff)
		}
		if got := d.Closed(); len(got) > 0 {
			t.Errorf("told twice: %v", got)
		}
	}
}

// A failure says what, where, why and what to do, with AR System's number where there is one.
func TestOwnershipFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, server string
		state        ownership.State
		tx           *cdc.Transaction
		says         []string
	}{
		{"not the owner", "a", ownership.State{}, tx(made(owned("no", 1, "n"))), []string{`"a to b"`, `"R1"`, `form "R" on a`, "3116", "ardso explain"}},
		{"second of a broadcast", "a", ownership.State{}, tx(made(owned("", 2, "n"))), []string{`"a to c"`, `"R1"`, `form "R" on a`, "3116", `along mapping "a to b"`}},
		{"from nowhere", "b", ownership.State{}, tx(made(owned("", 4, "n"))), []string{`"R1"`, `form "R" on b`, "from nowhere", "run_if"}},
		{"mapping differs", "b", brought("gone"), tx(edited(owned("yes", 0, "n"), owned("yes", 4, "n"))), []string{`form "R" on b`, `"gone"`, "3113", "retry"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := chainDecider(t, test.server)
			know(t, d, test.state)
			ops := decide(t, d, test.tx)
			f := ops[len(ops)-1].Failure
			if f == nil {
				t.Fatal("no failure")
			}
			for _, s := range test.says {
				if !strings.Contains(f.Reason+" / "+f.Fix, s) {
					t.Errorf("%q is not in %s / %s", s, f.Reason, f.Fix)
				}
			}
		})
	}
}

// Only requests that are, or were, under ownership have to be known, each once.
func TestUnknown(t *testing.T) {
	t.Parallel()
	d := chainDecider(t, "a")
	other := owned("no", 0, "n")
	other[0] = value.Text("R2")
	all := tx(made(owned("", 0, "n")), edited(owned("", 0, "n"), owned("yes", 0, "n")), edited(owned("yes", 0, "n"), owned("yes", 0, "m")), gone(other))
	if diff := cmp.Diff([]ownership.Key{r1, {Form: "R", Request: "R2"}}, d.Unknown(all)); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	if err := d.Know(r1, "", false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ownership.Key{{Form: "R", Request: "R2"}}, d.Unknown(all)); diff != "" {
		t.Errorf("once R1 is known (-want +got):\n%s", diff)
	}
	if got := d.Unknown(tx(made(owned("", 0, "n")))); got != nil {
		t.Errorf("a request that was never under ownership: %v", got)
	}
	if diff := cmp.Diff([]ownership.Key{r1}, chainDecider(t, "a").Unknown(tx(recorded(ownership.State{Epoch: 1})))); diff != "" {
		t.Errorf("of a row of dso_owner (-want +got):\n%s", diff)
	}
	if err := d.Know(r1, "{", false); err == nil || !strings.Contains(err.Error(), `request "R1" of form "R"`) {
		t.Errorf("a state that cannot be read: %v", err)
	}
}

// Changed gives each state as it was at the durable position, however much further the log is; Settle forgets
// what is stored.
func TestChanged(t *testing.T) {
	t.Parallel()
	first := ownership.State{Chain: "chain", Epoch: 1, To: placeOn("b", "a to b")}
	second := ownership.State{Chain: "chain", Epoch: 3, Owner: true}
	d := chainDecider(t, "a")
	upTo := func(n int) func(cdc.Position) bool {
		return func(p cdc.Position) bool {
			at, err := strconv.Atoi(string(p))
			return err == nil && at <= n
		}
	}
	want := func(when string, n int, states ...ownership.State) {
		t.Helper()
		expected := map[ownership.Key]string{}
		for _, s := range states {
			expected[r1] = text(t, s)
		}
		if diff := cmp.Diff(expected, d.Changed(upTo(n))); diff != "" {
			t.Errorf("%s, durable up to %d (-want +got):\n%s", when, n, diff)
		}
	}
	at := func(position cdc.Position, more bool, s ownership.State) {
		x := writeBack(tx(recorded(s)), "a")
		x.Position, x.More = position, more
		if more {
			x.Position = ""
		}
		decide(t, d, x)
	}
	at("5", true, first)
	want("within a transaction", 9)
	at("5", false, first) // again: no other state
	want("one change", 4)
	want("one change", 5, first)
	at("9", false, second)
	want("two changes", 4)
	want("two changes", 5, first)
	want("two changes", 8, first)
	want("two changes", 9, second)

	d.Settle(upTo(5))
	want("the first is stored", 8)
	want("the first is stored", 9, second)
	d.Settle(upTo(9))
	want("all is stored", 20)
	// What was known already is no change.
	at("12", false, second)
	want("the same again", 20)
	// The state itself is not forgotten.
	if got := told(decide(t, d, tx(edited(owned("yes", 0, "n"), owned("yes", 1, "n"))))); got != "give to b/R1, epoch 3" {
		t.Error(got)
	}
}

// An update that waits is due with the next full hour after its change.
func TestUpdateIsDue(t *testing.T) {
	t.Parallel()
	d := chainDecider(t, "b")
	know(t, d, brought("hourly"))
	ops := decide(t, d, tx(edited(owned("yes", 0, "n"), owned("yes", 0, "m"))))
	if len(ops) != 1 || ops[0].Home == nil || !ops[0].Home.Due.Equal(at.Truncate(time.Hour).Add(time.Hour)) {
		t.Errorf("changed at %s: %s", at, told(ops))
	} else if u := ops[0].Home.Update; u == nil || u.Target != "a" || !slices.Equal(u.Path, []string{"b"}) {
		t.Errorf("what waits is %+v", u)
	}
}
