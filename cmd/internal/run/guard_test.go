package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/guard"
	"ardso/sql/schema"
)

// guardEngines are the engines of a and b in tests of guards.
func guardEngines(t *testing.T, f func(t *testing.T, engines []string)) {
	t.Parallel()
	for _, e := range inShort([][]string{{"postgres15", "mariadb10.11"}, {"mysql5.6", "sqlite"}, {"sqlite", "mysql5.6"}, {"mariadb10.11", "postgres15"}}) {
		if len(dbtest.Have(e...)) < len(e) {
			continue
		}
		t.Run(strings.Join(e, " to "), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// connection opens a server as `ardso guard` does.
func (o *owned) connection(server string) *run.Connection {
	o.t.Helper()
	all, err := run.Connect(o.t.Context(), o.sys.Document, server)
	if err != nil || all[0].Err != nil {
		o.t.Fatal(err, all[0].Err)
	}
	o.t.Cleanup(func() { _ = run.CloseAll(all) })
	return all[0]
}

// guard installs the triggers on the form Repair of servers.
func (o *owned) guard(servers ...string) {
	o.t.Helper()
	for _, s := range servers {
		g, err := o.connection(s).Guard(o.t.Context(), "Repair", o.sys.Document)
		if err != nil {
			o.t.Fatal(err)
		}
		steps, err := g.InstallPlan(o.t.Context())
		if err != nil {
			o.t.Fatal(err)
		}
		if err := g.Apply(o.t.Context(), steps, 0, func(guard.Step) {}); err != nil {
			o.t.Fatal(err)
		}
	}
}

// refused has a user try statements, each of which must be refused in these words.
func (o *owned) refused(server, words string, statements ...string) {
	o.t.Helper()
	for _, s := range statements {
		if _, err := o.dbs[server].Exec(s); err == nil || !strings.Contains(err.Error(), words) {
			o.t.Errorf("%s: %s: got %v, want %q", server, s, err, words)
		}
	}
}

// clean looks for errors and conflicts.
func (o *owned) clean() {
	o.t.Helper()
	for name, db := range o.dbs {
		for _, q := range []string{"SELECT error, reason FROM dso_pending_error", "SELECT kind, outcome FROM dso_conflict"} {
			if got := rows(o.t, db, q); len(got) > 0 {
				o.t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// With guards on both sides a request goes to b, is updated, returned, given again and deleted along the chain,
// while users are kept from all that is not theirs. Where only the basic fields are there it is the same.
func TestGuardedHandOver(t *testing.T) {
	for _, group := range []schema.FieldGroup{schema.Basic, schema.Full} {
		t.Run(group.String(), func(t *testing.T) {
			guardEngines(t, func(t *testing.T, engines []string) {
				o := newOwned(t, engines, handOverDefinitions)
				for server := range o.dbs {
					o.exec(server, "DROP TABLE repair", "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(group)+")")
				}
				o.open()
				o.guard("a", "b")
				for name := range o.dbs {
					if done := o.init(name); len(done) > 0 {
						t.Errorf("init of %s after the guard: %v", name, done)
					}
				}
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'stays', 'n', 0)")
				o.rest()
				o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
				o.refused("a", "owned by another server (b)", "UPDATE repair SET summary = 'mine' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R1'", "UPDATE repair SET dso_master_flag = 1 WHERE id = 'R1'")
				o.refused("b", "From Server", "UPDATE repair SET dso_from_server = 'x' WHERE id = 'R1'")
				o.refused("b", "Master Flag", "UPDATE repair SET dso_master_flag = 0 WHERE id = 'R1'")
				o.refused("b", "a new request is owned where it is made", "INSERT INTO repair (id, dso_master_flag) VALUES ('R9', 0)")
				o.exec("a", "UPDATE repair SET notes = 'never distributed' WHERE id = 'R2'")

				o.exec("b", "UPDATE repair SET summary = 'seen' WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "seen|n|0", "b", "seen|n|1")

				o.exec("b", "UPDATE repair SET notes = 'done', status = 2 WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "seen|done|1", "b", "seen|done|0")
				o.refused("b", "owned by another server (a)", "UPDATE repair SET summary = 'mine' WHERE id = 'R1'")

				o.exec("a", "UPDATE repair SET status = 1, summary = 'again' WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "again|done|0", "b", "again|done|1")

				o.exec("b", "DELETE FROM repair WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "", "b", "")
				o.want("R2", "a", "stays|never distributed|<null>", "b", "")
				o.clean()
			})
		})
	}
}

// Where the mapping that a copy came by, or went by, lets any user delete it, the guard does, and still keeps users from all else.
func TestGuardedDeleteByAnyUser(t *testing.T) {
	for _, group := range []schema.FieldGroup{schema.Basic, schema.Full} {
		t.Run(group.String(), func(t *testing.T) {
			guardEngines(t, func(t *testing.T, engines []string) {
				o := newOwned(t, engines, `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately, allow_any_user_to_delete: yes}
  - {name: "it's strict", from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: copies, from: {server: a, form: Repair}, to: {server: b, form: Repair}, allow_any_user_to_delete: yes}
  - {name: strict copies, from: {server: a, form: Repair}, to: {server: b, form: Repair}}
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 1", transfer: {mapping: a to b}}
  - {name: give strictly, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 3", transfer: {mapping: "it's strict"}}
  - {name: copy, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 4", transfer: {mapping: copies}}
  - {name: copy strictly, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 5", transfer: {mapping: strict copies}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`)
				for server := range o.dbs {
					o.exec(server, "DROP TABLE repair", "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(group)+")")
				}
				o.open()
				o.guard("a", "b")
				for _, r := range []struct{ id, status string }{{"R1", "1"}, {"R2", "1"}, {"R3", "3"}, {"R4", "3"}, {"R5", "4"}, {"R6", "5"}} {
					o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('"+r.id+"', 'broken', 'n', "+r.status+")")
				}
				o.rest()
				o.exec("b", "UPDATE repair SET status = 2 WHERE id IN ('R2', 'R4')")
				o.rest()
				o.want("R2", "a", "broken|n|1", "b", "broken|n|0")
				const owned = "owned by another server"
				o.refused("a", owned, "UPDATE repair SET summary = 'mine' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R3'")
				o.refused("b", owned, "UPDATE repair SET summary = 'mine' WHERE id = 'R2'", "UPDATE repair SET summary = 'mine' WHERE id = 'R5'",
					"DELETE FROM repair WHERE id = 'R4'", "DELETE FROM repair WHERE id = 'R6'")
				o.exec("a", "DELETE FROM repair WHERE id = 'R1'")
				o.exec("b", "DELETE FROM repair WHERE id = 'R2'", "DELETE FROM repair WHERE id = 'R5'")
				o.rest()
				o.want("R1", "a", "", "b", "broken|n|1")
				o.want("R2", "a", "broken|n|1", "b", "")
				o.want("R5", "a", "broken|n|<null>", "b", "")
				o.clean()

				// The triggers are of these definitions.
				o.yaml = strings.Replace(o.yaml, "to: {server: b, form: Repair}, allow_any_user_to_delete: yes}", "to: {server: b, form: Repair}}", 1)
				o.reopen()
				states, err := o.connection("b").GuardStates(t.Context(), o.sys.Document, "Repair")
				if err != nil || len(states) != 1 || states[0].Status != guard.Outdated {
					t.Errorf("after a change of the definitions: got %+v, %v", states, err)
				}
			})
		})
	}
}

// What was changed before the guard came, or around it, is undone in spite of it.
func TestGuardedRevert(t *testing.T) {
	guardEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: immediately, on_foreign_change: revert", 1))
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 1)")
		o.rest()
		o.exec("a", "UPDATE repair SET summary = 'mine' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R2'")
		o.guard("a", "b")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.want("R2", "a", "broken|n|0", "b", "broken|n|1")
		if got := rows(t, o.dbs["a"], "SELECT kind, settled_by FROM dso_conflict"); len(got) != 2 {
			t.Errorf("conflicts of a: %v, want two foreign changes", got)
		}
	})
}

// A person who repairs with ardso who owns a request passes, too, and users are guarded by what was repaired.
func TestGuardedRepair(t *testing.T) {
	guardEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.guard("a", "b")
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.change("a", "R1", master(true), -1)
		o.want("R1", "a", "broken|n|1", "b", "broken|n|0")
		o.refused("b", "owned by another server", "UPDATE repair SET summary = 'mine' WHERE id = 'R1'")
		o.exec("a", "UPDATE repair SET summary = 'mine', status = 0 WHERE id = 'R1'")
	})
}

// ardso knows its own triggers: no finding warns of them, the fields that they look at stay, and what init --remove
// leaves behind is a table that users may write.
func TestGuardAmongOthers(t *testing.T) {
	guardEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.guard("b")
		found, err := run.Check(t.Context(), o.sys.Document)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Name == "target.triggers" || f.Name == "sqlite.trigger_order" {
				t.Errorf("%s: %s", f.Server, f.Text)
			}
		}
		conn := o.connection("b")
		states, err := conn.GuardStates(t.Context(), o.sys.Document, "")
		if err != nil || !slices.Equal(states, []run.GuardState{{Server: "b", Form: "Repair", Table: "repair", Status: guard.Guarded}}) {
			t.Errorf("got %+v, %v", states, err)
		}
		fields, err := conn.Fields(t.Context(), "Repair")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := fields.RemovePlan(t.Context(), schema.Advanced); err != nil {
			t.Errorf("fields that the guard does not look at: got %v", err)
		}
		var guarded *run.FieldsGuardedError
		if _, _, err := fields.RemovePlan(t.Context(), schema.Full); !errors.As(err, &guarded) {
			t.Errorf("fields that the guard looks at: got %v", err)
		}
		if err := run.Remove(t.Context(), &conn.Server, func(cdc.Step) {}); err != nil {
			t.Fatal(err)
		}
		o.exec("b", "INSERT INTO repair (id, dso_master_flag) VALUES ('R1', 0)", "UPDATE repair SET dso_master_flag = 1", "DELETE FROM repair")
		g, err := conn.Guard(t.Context(), "Repair", o.sys.Document)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.InstallPlan(t.Context()); err == nil {
			t.Error("a guard is planned without control tables")
		}
	})
}
