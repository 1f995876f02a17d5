package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cmd/internal/run"
)

// hold verifies ownership and holds what it finds, as `ardso verify --ownership` does.
func (o *owned) hold() (held []string) {
	o.t.Helper()
	all := o.connect()
	_, err := run.VerifyOwnership(o.t.Context(), all, run.VerifyOptions{Patience: time.Millisecond}, func(f run.OwnershipFinding) error {
		if !f.IsHeld() {
			return nil
		}
		ok, err := run.HoldOwnership(o.t.Context(), all, f, "jane")
		if ok {
			held = append(held, f.Request+" "+f.Name)
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	slices.Sort(held)
	return held
}

// repair makes a server's copy the owner and lets go on what waits for that, as `ardso owner set --master yes` does.
func (o *owned) repair(server, id string) {
	o.t.Helper()
	ch := o.chain(server, id)
	steps, err := ch.PlanOwner(o.sys.Document, master(true))
	for i := 0; err == nil && i < len(steps); i++ {
		err = steps[i].Apply(o.t.Context(), "owner set --master yes", "jane")
	}
	if err == nil {
		err = ch.RetryHeld(o.t.Context())
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// faults counts, by fault, the requests that status shows as held.
func (o *owned) faultsOf(server string) string {
	o.t.Helper()
	for _, c := range o.connect() {
		if c.Name == server {
			return fmt.Sprint(run.ReadStatus(o.t.Context(), c, o.sys.Document).Owned.Faults)
		}
	}
	return ""
}

func (o *owned) errorsOn(server string) []string {
	o.t.Helper()
	return rows(o.t, o.dbs[server], "SELECT request, mapping, error, status FROM dso_pending_error ORDER BY request, mapping, error")
}

const faultDefinitions = `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: b to c, from: {server: b, form: Repair}, to: {server: c, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: b copies, from: {server: b, form: Repair}, to: {server: c, form: Copy}, duplicate_request_id: overwrite}
filters:
  - {name: give, server: a, form: Repair, on: submit, run_if: "'status' = 1", transfer: {mapping: a to b}}
  - {name: on, server: b, form: Repair, on: modify, run_if: "'status' = 3", transfer: {mapping: b to c}}
  - {name: copy, server: b, form: Repair, on: modify, run_if: "'status' = 4", transfer: {mapping: b copies}}
`

// A request that two copies own, or none, is not distributed until a person says who owns it: then the owner's copy,
// with what was done to it meanwhile, is what all have, and what else waited goes on.
func TestHeldForRepair(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][]string{{"postgres15", "mariadb10.11", "sqlite"}, {"mariadb10.11", "sqlite", "postgres15"}, {"sqlite", "postgres15", "mariadb10.11"}}) {
		t.Run(strings.Join(engines, " "), func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, engines, faultDefinitions)
			o.exec("c", "CREATE TABLE copies (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer)")
			o.yaml = strings.Replace(o.yaml, faultDefinitions, "      - {name: Copy, table: copies, request_id: id}"+faultDefinitions, 1)
			o.open()
			for i := 1; i <= 4; i++ {
				o.exec("a", fmt.Sprintf("INSERT INTO repair (id, summary, notes, status) VALUES ('R%d', 'broken', 'n', 1)", i))
			}
			o.rest()
			if held := o.hold(); len(held) > 0 {
				t.Fatalf("held %v where nothing is wrong", held)
			}
			// Somebody gives a its requests back by hand: two own R1; R3 loses its owner.
			o.exec("a", "UPDATE repair SET dso_master_flag = 1 WHERE id = 'R1'", "UPDATE dso_owner SET owner = 1 WHERE request = 'R1'")
			o.exec("b", "UPDATE dso_owner SET epoch = 5 WHERE request = 'R1'",
				"UPDATE repair SET dso_master_flag = 0 WHERE id = 'R3'", "UPDATE dso_owner SET owner = 0 WHERE request = 'R3'")
			o.rest()
			for range 2 { // the second time finds them held already
				if held := strings.Join(o.hold(), ", "); held != "R1 ownership.several, R3 ownership.none" {
					t.Fatalf("held %s", held)
				}
			}
			o.rest()
			for _, s := range []string{"a", "b"} {
				if got := o.faultsOf(s); got != "map[ownership.none:1 ownership.several:1]" {
					t.Errorf("%s: status counts %s", s, got)
				}
			}

			o.exec("b", "UPDATE repair SET notes = 'b''s', status = 4 WHERE id IN ('R1', 'R2')", "UPDATE repair SET status = 3 WHERE id = 'R1'")
			o.exec("a", "UPDATE repair SET summary = 'a''s' WHERE id = 'R1'")
			o.rest()
			o.want("R1", "a", "a's|n|1", "b", "broken|b's|1", "c", "") // nothing has gone anywhere
			o.want("R2", "a", "broken|b's|0", "b", "broken|b's|1")     // another request has
			if got := fmt.Sprint(rows(t, o.dbs["c"], "SELECT id, notes FROM copies")); got != "[R2|b's]" {
				t.Errorf("copies %s", got)
			}
			for server, want := range map[string]string{
				"a": "[R1|a to b|ownership.fault|held]",
				"b": "[R1|a to b|ownership.fault|held R1|b to c|ownership.fault|held]",
				"c": "[R1|b copies|ownership.fault|held]",
			} {
				if got := fmt.Sprint(o.errorsOn(server)); got != want {
					t.Errorf("%s: errors %s, want %s", server, got, want)
				}
			}
			// A retry before the repair changes nothing.
			o.exec("b", "UPDATE dso_pending_error SET status = 'retry'")
			o.exec("c", "UPDATE dso_pending_error SET status = 'retry'")
			o.rest()
			o.want("R1", "a", "a's|n|1", "b", "broken|b's|1", "c", "")

			o.repair("b", "R1")
			o.rest()
			o.want("R1", "a", "broken|b's|0", "b", "broken|b's|0", "c", "broken|b's|1")
			if got := fmt.Sprint(rows(t, o.dbs["c"], "SELECT id, notes FROM copies ORDER BY id")); got != "[R1|b's R2|b's]" {
				t.Errorf("copies %s", got)
			}
			// a's edit has lost, and is kept.
			if got := fmt.Sprint(rows(t, o.dbs["a"], "SELECT request, kind, outcome FROM dso_conflict ORDER BY kind")); got != "[R1|foreign_change|nothing R1|update_differs|update]" {
				t.Errorf("a: conflicts %s", got)
			}
			if got := rows(t, o.dbs["a"], "SELECT target_image FROM dso_conflict WHERE kind = 'update_differs'"); len(got) != 1 || !strings.Contains(got[0], "a's") {
				t.Errorf("a: lost values %v", got)
			}

			o.repair("b", "R3")
			o.exec("b", "UPDATE repair SET notes = 'more' WHERE id = 'R3'")
			o.rest()
			o.want("R3", "a", "broken|more|0", "b", "broken|more|1")
			for server := range o.dbs {
				if got := o.errorsOn(server); len(got) > 0 {
					t.Errorf("%s: errors %v", server, got)
				}
				if got := o.faultsOf(server); got != "map[]" {
					t.Errorf("%s: status still counts %s", server, got)
				}
			}
			if held := o.hold(); len(held) > 0 {
				t.Errorf("still held: %v", held)
			}
		})
	}
}

// What did not find its way along the chain, because the mapping was missing, goes on once it is back and the error is
// retried: an edit as the request is then, and a delete.
func TestRetryAlong(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 1)")
		o.rest()
		whole := o.yaml
		o.yaml = strings.ReplaceAll(whole, "a to b", "another")
		o.reopen()
		o.exec("b", "UPDATE repair SET notes = 'first' WHERE id = 'R1'", "UPDATE repair SET summary = 'second' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R2'")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "second|first|1")
		if got := fmt.Sprint(o.errorsOn("b")); got != "[R1|a to b|ownership.mapping_differs|held R2|a to b|ownership.mapping_differs|held]" {
			t.Fatalf("errors %s", got)
		}
		o.yaml = whole
		o.reopen()
		o.exec("b", "UPDATE dso_pending_error SET status = 'retry'")
		o.rest()
		o.want("R1", "a", "second|first|0", "b", "second|first|1")
		o.want("R2", "a", "", "b", "")
		for server := range o.dbs {
			if got := o.errorsOn(server); len(got) > 0 {
				t.Errorf("%s: errors %v", server, got)
			}
			if got := rows(t, o.dbs[server], "SELECT kind, outcome FROM dso_conflict"); len(got) > 0 {
				t.Errorf("%s: conflicts %v", server, got)
			}
		}
	})
}
