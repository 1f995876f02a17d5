package mapping_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// selection is a chunk of a run of an escalation.
func selection(escalation string, rows ...[]value.Value) *cdc.Transaction {
	t := tx()
	t.Selection = &cdc.Selection{Job: "job", Escalation: escalation, At: time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC), LastKey: "k"}
	for _, r := range rows {
		t.Changes = append(t.Changes, cdc.RowChange{Relation: relation, Kind: cdc.Selected, After: r})
	}
	return t
}

func final(t *cdc.Transaction) *cdc.Transaction {
	t.Selection.Final = true
	return t
}

// What an escalation makes of the requests that it has selected.
func TestEscalation(t *testing.T) {
	t.Parallel()
	escalation := func(lines string) string {
		return toChicago + "escalations:\n  - {name: e, server: sf, form: Repair, every: 1h, " + lines + "}\n"
	}
	tests := []struct {
		name  string
		yaml  string
		tx    *cdc.Transaction
		want  string
		taken int64
	}{
		{"all", escalation("transfer: {mapping: M}"), selection("e", row(), row("Request ID=R2")), "create M R1; create M R2", 2},
		{"run_if", escalation(`run_if: "'Count' > 3", transfer: {mapping: M}`), selection("e", row(), row("Request ID=R2", "Count=4")), "create M R2", 1},
		{"unknown is not true", escalation(`run_if: "'Count' > 3", transfer: {mapping: M}`), selection("e", row("Count=")), "", 0},
		{
			"keywords", escalation(`run_if: '$USER$ = "AR_ESCALATOR" AND $OPERATION$ = "SET" AND $SERVER$ = "sf" AND $SCHEMA$ = "Repair" AND $TIMESTAMP$ = "2026-03-04T02:00:00"', transfer: {mapping: M}`),
			selection("e", row()), "create M R1", 1,
		},
		{
			"in the order written", escalation(`delete: {server: chicago, form: Repair, request_id: "'8'"}, transfer: [{mapping: T}, {mapping: M}]`),
			selection("e", row()), "delete chicago/Repair [d]; create T R1; create M R1", 1,
		},
		{"the same twice", escalation("transfer: [{mapping: M}, {mapping: M}]"), selection("e", row()), "create M R1", 1},
		{"the copy of a mapping", escalation("delete: {mapping: M}"), selection("e", row()), "delete M R1", 1},
		{
			"what cannot be judged is parked", escalation(`run_if: "'Count' > 3", transfer: {mapping: M}`),
			selection("e", row("Count=?")), "create M R1 qualification.value_unknown", 1,
		},
		{"another form's", escalation("transfer: {mapping: M}"), func() *cdc.Transaction {
			s := selection("e", row())
			s.Changes[0].Relation = relationOf("Note")
			return s
		}(), "", 0},
		{"disabled since", escalation("enabled: no, transfer: {mapping: M}"), final(selection("e", row())), "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := decider(t, tt.yaml)
			for range 2 { // as often as it is asked
				ops := decide(t, d, tt.tx)
				if got := short(ops); got != tt.want || tt.tx.Selection.Taken != tt.taken {
					t.Errorf("got %q, %d taken; want %q, %d", got, tt.tx.Selection.Taken, tt.want, tt.taken)
				}
				for _, op := range ops {
					if op.Action == mapping.Create && !op.Selected || !slices.Equal(op.Path, []string{"sf"}) {
						t.Errorf("operation %+v", op)
					}
				}
			}
		})
	}
}

// Else actions are carried out once, at the end of a run that has taken nothing.
func TestEscalationElse(t *testing.T) {
	t.Parallel()
	const yaml = toChicago + `escalations:
  - {name: e, server: sf, form: Repair, every: 1h, run_if: "'Count' > 3", transfer: {mapping: M}, else: {delete: {server: chicago, form: Repair, request_id: '"none " + $SERVER$'}}}
`
	none, some := func() *cdc.Transaction { return selection("e", row()) }, func() *cdc.Transaction { return selection("e", row("Count=4")) }
	before := func(n int64, t *cdc.Transaction) *cdc.Transaction {
		t.Selection.Before = n
		return t
	}
	another := func(t *cdc.Transaction) *cdc.Transaction {
		t.Selection.Job = "another"
		return t
	}
	const deleted = "delete chicago/Repair [none sf]"
	tests := []struct {
		name string
		txs  []*cdc.Transaction
		want string
	}{
		{"nothing", []*cdc.Transaction{none(), final(none())}, deleted},
		{"no rows at all", []*cdc.Transaction{final(selection("e"))}, deleted},
		{"not at the end yet", []*cdc.Transaction{none(), none()}, ""},
		{"something in the last chunk", []*cdc.Transaction{none(), final(some())}, "create M R1"},
		{"something in the first", []*cdc.Transaction{some(), none(), final(none())}, "create M R1"},
		{"something before a restart", []*cdc.Transaction{before(1, none()), before(1, final(none()))}, ""},
		{"something in the run before", []*cdc.Transaction{final(some()), another(none()), another(final(none()))}, "create M R1; " + deleted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := decider(t, yaml)
			var ops []*mapping.Operation
			for _, x := range tt.txs {
				ops = append(ops, decide(t, d, x)...)
			}
			if got := short(ops); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, op := range ops {
				if op.Action == mapping.Delete && op.Request != "none sf" {
					t.Errorf("request %q", op.Request)
				}
			}
		})
	}
}

// What is transferred by an escalation has the run's time and user; and where one transfers along a mapping, nothing is
// known of requests that a filter has not selected before.
func TestEscalationBesideFilter(t *testing.T) {
	t.Parallel()
	const yaml = `
mappings:
  - {name: M, from: {server: sf, form: Repair}, to: {server: chicago, form: Repair}, fields: {Short Description: "$USER$", Count: "$TIMESTAMP$"}}
filters:
  - {name: f, server: sf, form: Repair, on: [submit, modify], run_if: "'Item' = \"CHAIR\"", transfer: {mapping: M, pool: p}}
escalations:
  - {name: e, server: sf, form: Repair, every: 1h, transfer: {mapping: M, pool: p}}
`
	ops := decide(t, decider(t, yaml), selection("e", row()))
	if len(ops) != 1 || ops[0].Pool != "p" || ops[0].Field(8).After.SQL() != mapping.Escalator || ops[0].Field(count).After.SQL() != "1772589600" {
		t.Errorf("got %+v", ops)
	}
	first := tx(update(row("Item=DESK"), row()))
	if got := short(decide(t, decider(t, yaml), first)); got != "modify M R1 or create" {
		t.Errorf("with an escalation: %q", got)
	}
	without := yaml[:strings.Index(yaml, "escalations:")]
	if got := short(decide(t, decider(t, without), first)); got != "create M R1" {
		t.Errorf("without: %q", got)
	}
}

// Escalations give away and return what this server owns, and pass over what it does not: that is no error, for they select
// by what requests are.
func TestEscalationOwnership(t *testing.T) {
	t.Parallel()
	doc, err := definition.Parse([]definition.File{{Name: "d.yaml", Text: chainDefinitions + `
escalations:
  - {name: give, server: a, form: R, every: 1h, transfer: {mapping: a to b}}
  - {name: move, server: a, form: R, every: 1h, transfer: {mapping: move}}
  - {name: back, server: b, form: R, every: 1h, return: {}}
`}}, definition.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := definition.Check(doc, map[string]definition.Catalog{"a": catalog{ownedForm("a")}, "b": catalog{ownedForm("b")}, "c": catalog{ownedForm("c")}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(server, escalation, master string, pos cdc.Position) []*mapping.Operation {
		x := selection(escalation)
		x.Position = pos
		x.Changes = []cdc.RowChange{{Relation: ownedRelation, Kind: cdc.Selected, After: owned(master, 0, "n")}}
		return decide(t, mapping.NewDecider(server, compiled), x)
	}
	for _, tt := range []struct{ server, escalation, master, want string }{
		{"a", "give", "", "create a to b R1"},
		{"a", "give", "yes", "create a to b R1"},
		{"a", "give", "no", ""},
		{"a", "move", "yes", "create move R1"},
		{"a", "move", "no", ""},
		{"b", "back", "no", ""},
		{"b", "back", "yes", "modify  R1 ownership.nowhere_to_return"},
	} {
		got := short(run(tt.server, tt.escalation, tt.master, "9"))
		if strings.HasPrefix(got, "modify b/R") {
			got = "modify  R1" + got[strings.LastIndex(got, " "):]
		}
		if got != tt.want {
			t.Errorf("%s of a request with Master Flag %q: got %q, want %q", tt.escalation, tt.master, got, tt.want)
		}
	}
	// Selected again after a crash, the request is offered under the same chain, so that who has taken it knows it.
	first, again := run("a", "give", "", "9"), run("a", "give", "", "12")
	if first[0].Offer.Chain != again[0].Offer.Chain || !again[0].Selected {
		t.Errorf("chains %s and %s, selected %t", first[0].Offer.Chain, again[0].Offer.Chain, again[0].Selected)
	}
	if f := again[0].Field(schema.MasterFlag); f != nil {
		t.Errorf("Master Flag is carried: %+v", f)
	}
}
