package run_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"ardso/cmd/internal/run"
	"ardso/sql/control"
)

// connect opens the world's servers as commands do that look at control tables.
func (w *world) connect() []*run.Connection {
	w.t.Helper()
	all, err := run.Connect(w.t.Context(), w.sys.Document)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = run.CloseAll(all) })
	return all
}

// chain reads the copies of a request, the one on server first.
func (o *owned) chain(server, id string) *run.Chain {
	o.t.Helper()
	ch, err := run.ReadChain(o.t.Context(), o.connect(), server, "Repair", id)
	if err != nil {
		o.t.Fatal(err)
	}
	return ch
}

// plan is what a change of the copy on server needs.
func (o *owned) plan(server, id string, c run.OwnerChange) []*run.OwnerStep {
	o.t.Helper()
	steps, err := o.chain(server, id).PlanOwner(o.sys.Document, c)
	if err != nil {
		o.t.Fatal(err)
	}
	return steps
}

// change carries it out, the first n steps of it; -1 = all.
func (o *owned) change(server, id string, c run.OwnerChange, n int) {
	o.t.Helper()
	for i, s := range o.plan(server, id, c) {
		if i == n {
			return
		}
		if err := s.Apply(o.t.Context(), "owner set", "jane"); err != nil {
			o.t.Fatal(err)
		}
	}
}

func master(yes bool) run.OwnerChange { return run.OwnerChange{Master: &yes} }

// ownerOf names the server that owns a request, with the epoch of its copy.
func ownerOf(ch *run.Chain) string {
	if c := ch.Owner(); c != nil {
		return fmt.Sprintf("%s %d", c.Server, c.Epoch())
	}
	return "none"
}

// ardso goes on by what a person has set: the new owner's request goes to the other copy as a whole.
func TestOwnerSetMaster(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		if got := ownerOf(o.chain("a", "R1")); got != "b 2" {
			t.Fatalf("owner is %s", got)
		}
		stop := o.follow()
		defer stop()
		o.change("a", "R1", master(true), -1)
		o.want("R1", "a", "broken|n|1", "b", "broken|n|0")
		if got := ownerOf(o.chain("b", "R1")); got != "a 1002" {
			t.Errorf("owner is %s", got)
		}
		if got := o.plan("a", "R1", master(true)); len(got) != 0 {
			t.Errorf("a second time needs %d steps", len(got))
		}
		stop()
		o.rest() // the repair itself is no change that a filter takes
		o.want("R1", "a", "broken|n|1", "b", "broken|n|0")

		o.exec("a", "UPDATE repair SET summary = 'mine' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "mine|n|0", "b", "mine|n|1")
		if got := ownerOf(o.chain("a", "R1")); got != "b 1003" {
			t.Errorf("owner is %s", got)
		}
		for server, want := range map[string]string{"a": "owner set|jane|Repair|R1", "b": "owner set|jane|Repair|R1"} {
			if got := rows(t, o.dbs[server], "SELECT what, who, form, request FROM dso_event"); strings.Join(got, ";") != want {
				t.Errorf("%s: events %v, want %s", server, got, want)
			}
		}
		for name, db := range o.dbs {
			if got := rows(t, db, "SELECT kind, outcome FROM dso_conflict"); len(got) > 0 {
				t.Errorf("%s: conflicts %v", name, got)
			}
		}
	})
}

// A repair that was cut off leaves no owner; the same again makes one.
func TestOwnerSetMasterCutOff(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.change("a", "R1", master(true), 1)
		o.want("R1", "a", "broken|n|0", "b", "broken|n|0")
		o.exec("b", "UPDATE repair SET summary = 'foreign' WHERE id = 'R1'")
		o.rest()
		if got := rows(t, o.dbs["b"], "SELECT kind FROM dso_conflict"); len(got) != 1 || got[0] != "foreign_change" {
			t.Errorf("conflicts %v", got)
		}
		o.change("a", "R1", master(true), -1)
		if got := ownerOf(o.chain("b", "R1")); !strings.HasPrefix(got, "a ") {
			t.Errorf("owner is %s", got)
		}
		o.rest()
		o.want("R1", "a", "broken|n|1", "b", "foreign|n|0")
	})
}

// repaired makes the copy on server the owner, again where hand-overs come in between.
func (o *owned) repaired(all []*run.Connection, server, id string) {
	o.t.Helper()
	for {
		ch, err := run.ReadChain(o.t.Context(), all, server, "Repair", id)
		if err != nil {
			o.t.Fatal(err)
		}
		steps, err := ch.PlanOwner(o.sys.Document, master(true))
		for i := 0; err == nil && i < len(steps); i++ {
			err = steps[i].Apply(o.t.Context(), "owner set", "jane")
		}
		if err == nil {
			return
		}
		if name(err) != "owner.changed" {
			o.t.Fatal(err)
		}
	}
}

// Repairs amid hand-overs, by whomever they are carried out, leave each request with one owner, and stop no thread.
func TestOwnerSetMasterUnderLoad(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}, {"sqlite", "postgres15"}}) {
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			t.Parallel()
			const n = 8
			o := newOwned(t, engines, handOverDefinitions)
			o.handedOver(n)
			all := o.connect()
			stop := o.follow()
			defer stop()
			var g errgroup.Group
			for server, status := range map[string]int{"b": 2, "a": 1} {
				g.Go(func() error {
					for i := range 20 * n {
						q := fmt.Sprintf("UPDATE repair SET status = %d, notes = '%s%d' WHERE id = 'R%d' AND dso_master_flag = 1", status, server, i, 1+i%n)
						if err := patiently(o.dbs[server], q); err != nil {
							return err
						}
					}
					return nil
				})
			}
			for i := range 4 * n {
				o.repaired(all, []string{"a", "b"}[i%2], fmt.Sprint("R", 1+i/2%n))
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			stop()
			o.rest()
			if found, _, sum := o.faults(run.VerifyOptions{}); len(found) > 0 || sum.Chains != n {
				t.Errorf("of %d requests found %v", sum.Chains, found)
				o.dump()
			}
		})
	}
}

// A hand-over that was decided on before a repair, and is carried out after it, is void.
func TestOwnerSetMasterDuringHandOver(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "broken|n|1", "b", "broken|n|0")
		o.exec("a", "UPDATE repair SET status = 1 WHERE id = 'R1'") // nobody has read it yet
		o.change("a", "R1", master(false), -1)
		o.change("b", "R1", master(true), -1)
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		if got := ownerOf(o.chain("a", "R1")); got != "b 1003" {
			t.Errorf("owner is %s", got)
		}
	})
}

// What dso_event keeps of a repair, and the JSON of a chain.
func TestOwnerJSON(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite"}, handOverDefinitions)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
	o.rest()
	o.change("a", "R1", master(true), -1)
	chain := o.chain("a", "R1").ID
	got := strings.ReplaceAll(strings.Join(rows(t, o.dbs["b"], "SELECT before_image, after_image FROM dso_event"), ""), chain, "CHAIN")
	want := `{"fields":{"303":"Yes","304":"Repair","305":"b"},"owner":{"chain":"CHAIN","epoch":2,"owner":true,"from":{"server":"a","form":"Repair","request":"R1","mapping":"a to b"},"to":{"server":"","form":"","request":"","mapping":""}}}|` +
		`{"fields":{"303":"No","304":"Repair","305":"a"},"owner":{"chain":"CHAIN","epoch":1000,"owner":false,"from":{"server":"a","form":"Repair","request":"R1","mapping":"a to b"},"to":{"server":"a","form":"Repair","request":"R1","mapping":"a to b"}}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(o.chain("b", "R1").Copies[0].Owner.From)
	if err != nil || string(text) != `{"server":"a","form":"Repair","request":"R1","mapping":"a to b"}` {
		t.Errorf("%v, %s", err, text)
	}
}

// Where a copy came from can be emptied and set again; then updates go there again.
func TestOwnerFrom(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		const from = "SELECT dso_from_server, dso_from_form, dso_from_request_id, dso_from_mapping FROM repair WHERE id = 'R1'"
		o.change("b", "R1", run.OwnerChange{ClearFrom: true}, -1)
		if got := rows(t, o.dbs["b"], from); got[0] != "<null>|<null>|<null>|<null>" {
			t.Errorf("after clear: %v", got)
		}
		o.exec("b", "UPDATE repair SET summary = 'unseen' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "unseen|n|1")
		server, form, id, mapping := "a", "Repair", "R1", "a to b"
		o.change("b", "R1", run.OwnerChange{FromServer: &server, FromForm: &form, FromRequest: &id, FromMapping: &mapping}, -1)
		if got := rows(t, o.dbs["b"], from); got[0] != "a|Repair|R1|a to b" {
			t.Errorf("after set: %v", got)
		}
		o.exec("b", "UPDATE repair SET notes = 'seen' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "broken|seen|0", "b", "unseen|seen|1")
	})
}

// A request that is taken out of ownership owns itself, and can be handed over anew.
func TestOwnerClear(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"postgres15", "sqlite"}, handOverDefinitions)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
	o.rest()
	if _, err := o.chain("b", "R1").PlanOwner(o.sys.Document, run.OwnerChange{Clear: true}); name(err) != "owner.leaves_none" {
		t.Errorf("got %v", err)
	}
	o.change("a", "R1", run.OwnerChange{Clear: true}, -1)
	o.change("b", "R1", run.OwnerChange{Clear: true, Force: true}, -1)
	o.exec("b", "DELETE FROM repair WHERE id = 'R1'")
	o.rest()
	o.want("R1", "a", "broken|n|<null>", "b", "")
	o.exec("a", "UPDATE repair SET summary = 'again' WHERE id = 'R1'")
	o.rest()
	o.want("R1", "a", "again|n|0", "b", "again|n|1")
}

// name is that of a named error.
func name(err error) string {
	if n, ok := errors.AsType[control.Named](err); ok {
		return n.Name()
	}
	return fmt.Sprint(err)
}

// What cannot be repaired says why.
func TestOwnerBadInput(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "postgres15"}, handOverDefinitions)
	o.exec("a", "CREATE TABLE bare (id integer PRIMARY KEY, summary varchar(200))", "INSERT INTO bare VALUES (1, 'x')")
	o.yaml = strings.Replace(o.yaml, "    forms:\n", "    forms:\n      - {name: Bare, table: bare}\n", 1)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, status) VALUES ('R1', 'broken', 1), ('R2', 'stays', 0)")
	o.rest()
	all := o.connect()
	read := func(server, form, id string) error {
		_, err := run.ReadChain(t.Context(), all, server, form, id)
		return err
	}
	plan := func(form, id string, c run.OwnerChange) error {
		ch, err := run.ReadChain(t.Context(), all, "a", form, id)
		if err != nil {
			return err
		}
		_, err = ch.PlanOwner(o.sys.Document, c)
		return err
	}
	wrong, right := "b", "R1"
	tests := []struct {
		what string
		err  error
		want string
	}{
		{"unknown request", read("a", "Repair", "R9"), "request.unknown"},
		{"unknown form", read("a", "Repiar", "R1"), "catalog.unknown_form"},
		{"no Request ID", read("a", "Bare", "one"), "request.unknown"},
		{"no fields", plan("Bare", "1", master(true)), "owner.no_fields"},
		{"not under ownership", plan("Repair", "R2", master(true)), "owner.none"},
		{"half a place", plan("Repair", "R1", run.OwnerChange{FromServer: &wrong}), "owner.bad_place"},
		{"wrong mapping", plan("Repair", "R1", run.OwnerChange{FromServer: &wrong, FromForm: &right, FromRequest: &right, FromMapping: &right}), "owner.bad_place"},
	}
	for _, test := range tests {
		if name(test.err) != test.want {
			t.Errorf("%s: got %v, want %s", test.what, test.err, test.want)
		}
	}
	// A copy that is changed after it was looked at is not written.
	steps := o.plan("a", "R1", master(true))
	o.exec("b", "UPDATE repair SET dso_master_flag = 0 WHERE id = 'R1'")
	if err := steps[0].Apply(t.Context(), "owner set", "jane"); name(err) != "owner.changed" {
		t.Errorf("got %v", err)
	}
	if got := rows(t, o.dbs["b"], "SELECT what FROM dso_event"); len(got) > 0 {
		t.Errorf("recorded %v", got)
	}
}

// A server that cannot be asked may have a copy that owns the request.
func TestOwnerUnreachable(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite", "sqlite"}, handOverDefinitions)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
	o.rest()
	all := o.connect()
	all[2].Err = errors.New("nobody answers")
	ch, err := run.ReadChain(t.Context(), all, "a", "Repair", "R1")
	if err != nil || len(ch.Copies) != 2 || len(ch.Unreachable) != 1 {
		t.Fatalf("got %v, %v", ch, err)
	}
	if _, err := ch.PlanOwner(o.sys.Document, master(true)); name(err) != "owner.unreachable" {
		t.Errorf("got %v", err)
	}
	forced := master(true)
	forced.Force = true
	if steps, err := ch.PlanOwner(o.sys.Document, forced); err != nil || len(steps) != 2 {
		t.Errorf("got %d steps, %v", len(steps), err)
	}
}
