package run_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// owned is a world of servers with the form Repair, which has the distributed fields of a group.
type owned struct {
	*world
	group schema.FieldGroup
}

// newOwned makes servers a, b, c, … on one engine each.
func newOwned(t *testing.T, engines []string, definitions string) *owned {
	t.Helper()
	dbs, forms := make(map[string]*engine.DB), make(map[string]string)
	for i, name := range engines {
		server := string(rune('a' + i))
		dbs[server] = dbtest.New(t, name)
		forms[server] = stormtest.Form
	}
	o := &owned{world: newWorld(t, dbs, forms, definitions), group: schema.Advanced}
	for server := range dbs {
		o.exec(server, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(o.group)+")")
	}
	return o
}

// request is what a server holds of a request: summary, notes, Master Flag; "" = nothing.
func (o *owned) request(server, id string) string {
	o.t.Helper()
	return strings.Join(rows(o.t, o.dbs[server], "SELECT summary, notes, dso_master_flag FROM repair WHERE id = '"+id+"'"), ";")
}

// want compares what the servers hold of a request, given as server, expected, server, expected, ….
func (o *owned) want(id string, pairs ...string) {
	o.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := o.request(pairs[i], id); got != pairs[i+1] {
			o.t.Errorf("%s: request %s is %q, want %q", pairs[i], id, got, pairs[i+1])
		}
	}
	if o.t.Failed() {
		o.dump()
		o.t.FailNow()
	}
}

// dump tells all that may explain a failure.
func (o *owned) dump() {
	for name, db := range o.dbs {
		for _, q := range []string{
			"SELECT form, request, chain, epoch, owner, from_server, to_server, deleted FROM dso_owner",
			"SELECT source, mapping, request, error, reason FROM dso_pending_error",
			"SELECT source, mapping, request, kind, settled_by, outcome FROM dso_conflict",
		} {
			for _, r := range rows(o.t, db, q) {
				o.t.Logf("%s: %.300s", name, r)
			}
		}
	}
}

// rest runs ardso until nothing is left to do.
func (o *owned) rest() {
	o.t.Helper()
	for range 4 { // a chain of n servers needs n rounds
		o.once()
	}
}

const handOverDefinitions = `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 1", transfer: {mapping: a to b}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`

// ownershipEngines are the engines of a and b in tests of two servers.
func ownershipEngines(t *testing.T, f func(t *testing.T, engines []string)) {
	t.Parallel()
	for _, e := range [][]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}, {"sqlite", "postgres15"}} {
		t.Run(strings.Join(e, " to "), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// A request goes to b with ownership, is edited there, a follows, and it is returned.
func TestHandOver(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'stays', 'n', 0)")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.want("R2", "a", "stays|n|<null>", "b", "")
		fields := "SELECT dso_transfer_status, dso_current_server, dso_to_request_id, dso_from_server, dso_from_request_id, dso_from_mapping FROM repair WHERE id = 'R1'"
		if got := fmt.Sprint(rows(t, o.dbs["a"], fields), rows(t, o.dbs["b"], fields)); got != "[0|b|R1|<null>|<null>|<null>] [<null>|b|<null>|a|R1|a to b]" {
			t.Errorf("distributed fields are %s", got)
		}

		o.exec("b", "UPDATE repair SET summary = 'seen' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "seen|n|0", "b", "seen|n|1")

		o.exec("b", "UPDATE repair SET notes = 'done', status = 2 WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "seen|done|1", "b", "seen|done|0")

		o.exec("a", "UPDATE repair SET status = 1, summary = 'again' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "again|done|0", "b", "again|done|1")

		o.exec("b", "DELETE FROM repair WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "", "b", "")
		for name, db := range o.dbs {
			if got := rows(t, db, "SELECT error, reason FROM dso_pending_error"); len(got) > 0 {
				t.Errorf("%s: errors %v", name, got)
			}
			if got := rows(t, db, "SELECT kind, outcome FROM dso_conflict"); len(got) > 0 {
				t.Errorf("%s: conflicts %v", name, got)
			}
		}
	})
}

// Updates wait for their hour as one, and the request says so meanwhile.
func TestUpdatesWait(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: hourly", 1))
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		for _, s := range []string{"one", "two", "three"} {
			o.exec("b", "UPDATE repair SET summary = '"+s+"' WHERE id = 'R1'")
			o.once()
		}
		o.exec("b", "UPDATE repair SET notes = 'm' WHERE id = 'R1'")
		o.once()
		o.want("R1", "a", "broken|n|0", "b", "three|m|1")
		o.equal("waiting", rows(t, o.dbs["b"], "SELECT type, mapping, form, request, target, status FROM dso_pending"), "update|a to b|Repair|R1|a|waiting")
		o.equal("Update Status", rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair"), "1")

		before := rows(t, o.dbs["a"], "SELECT SUM(transactions) FROM dso_checkpoint WHERE source = 'b'")
		o.later(time.Hour)
		o.want("R1", "a", "three|m|0", "b", "three|m|1")
		o.later(time.Hour)
		o.equal("waiting", rows(t, o.dbs["b"], "SELECT status FROM dso_pending"))
		o.equal("Update Status", rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair"), "0")
		if after := rows(t, o.dbs["a"], "SELECT SUM(transactions) FROM dso_checkpoint WHERE source = 'b'"); number(t, after)-number(t, before) != 1 {
			t.Errorf("%v transactions before, %v after: want one more", before, after)
		}
		for name, db := range o.dbs {
			o.equal("conflicts on "+name, rows(t, db, "SELECT kind, outcome FROM dso_conflict"))
		}
	})
}

// An update that a process has taken from those that wait, and had not carried out when it was killed, is carried out
// by the next one.
func TestUpdateTakenBefore(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: hourly", 1))
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.exec("b", "UPDATE repair SET summary = 'seen' WHERE id = 'R1'")
		o.once()
		taken, err := control.TakeUpdates(t.Context(), o.dbs["b"], time.Now().Add(time.Hour))
		if err != nil || len(taken) != 1 {
			t.Fatalf("taken: %v, %v", taken, err)
		}
		o.once()
		o.want("R1", "a", "seen|n|0", "b", "seen|n|1")
		o.equal("waiting", rows(t, o.dbs["b"], "SELECT status FROM dso_pending"))
		o.equal("Update Status", rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair"), "0")
	})
}

// An edit by someone who does not own the request is recorded, and undone if the mapping says so.
func TestForeignChange(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: immediately, on_foreign_change: revert", 1))
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 1)")
		o.rest()
		o.exec("a", "UPDATE repair SET summary = 'mine' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R2'")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.want("R2", "a", "broken|n|0", "b", "broken|n|1")
		o.equal("record", rows(t, o.dbs["a"], "SELECT kind, settled_by, outcome, request FROM dso_conflict ORDER BY request"),
			"foreign_change|on_foreign_change: revert|update|R1", "foreign_change|on_foreign_change: revert|insert|R2")
		o.exec("b", "UPDATE repair SET summary = 'theirs' WHERE id IN ('R1', 'R2')")
		o.rest()
		o.want("R1", "a", "theirs|n|0", "b", "theirs|n|1")
		o.want("R2", "a", "theirs|n|0", "b", "theirs|n|1")
	})
}

// A request that is deleted and made anew under its Request ID before ardso has seen the delete is another request,
// which nothing of the former one touches.
func TestMadeAnew(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'former', 'n', 1)")
		o.rest()
		o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
		o.rest()
		anew := []string{"DELETE FROM repair WHERE id = 'R1'", "INSERT INTO repair (id, summary, status) VALUES ('R1', 'anew', 0)", "UPDATE repair SET notes = 'm' WHERE id = 'R1'"}
		o.exec("a", anew...)
		o.rest()
		o.want("R1", "a", "anew|m|<null>", "b", "former|n|0") // a delete goes to where a copy came from, not to where it was
		o.exec("a", "UPDATE repair SET status = 1 WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "anew|m|0", "b", "anew|m|1")
		o.clean()
	})
}

// The same while the former request's first hand-over is open: its write-back may meet the request that was made anew,
// which is free again in the end.
func TestMadeAnewMeanwhile(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		for i := range 10 {
			o.exec("a", fmt.Sprintf("INSERT INTO repair (id, summary, status) VALUES ('R%d', 'former', 1)", i), fmt.Sprintf("DELETE FROM repair WHERE id = 'R%d'", i),
				fmt.Sprintf("INSERT INTO repair (id, summary, status) VALUES ('R%d', 'anew', %d)", i, i%2))
		}
		o.rest()
		flags := rows(t, o.dbs["a"], "SELECT dso_master_flag FROM repair WHERE status = 0")
		if len(flags) != 5 || slices.Contains(flags, "0") {
			t.Errorf("Master Flags of requests that were made anew and not given away: %v", flags)
		}
		o.exec("a", "UPDATE repair SET status = 1 WHERE status = 0")
		o.rest()
		for i := range 10 {
			o.want(fmt.Sprintf("R%d", i), "a", "anew|<null>|0", "b", "anew|<null>|1")
		}
	})
}

// A copy that is not owned may be deleted where the mapping allows it, and the owner lives on.
func TestAnyUserMayDelete(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: immediately, allow_any_user_to_delete: yes", 1))
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.exec("a", "DELETE FROM repair WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "", "b", "broken|n|1")
		o.equal("record", rows(t, o.dbs["a"], "SELECT kind FROM dso_conflict"))
		// Returned, it is there again (dso-reference 29, choice 20).
		o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "broken|n|1", "b", "broken|n|0")
	})
}

// Copy + delete moves a request; one that was changed after it was copied stays.
func TestCopyAndDelete(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, `
mappings:
  - {name: archive, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: copy + delete}
filters:
  - {name: closed, server: a, form: Repair, on: modify, run_if: "'status' = 4", transfer: {mapping: archive}}
`)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'one', 'n', 1), ('R2', 'two', 'n', 1), ('R3', 'three', 'n', 1)",
			"UPDATE repair SET status = 4 WHERE id IN ('R1', 'R2')", "UPDATE repair SET summary = 'late', status = 1 WHERE id = 'R2'")
		o.rest()
		o.want("R1", "a", "", "b", "one|n|1")
		o.want("R2", "a", "late|n|<null>", "b", "two|n|1")
		o.want("R3", "a", "three|n|<null>", "b", "")
		o.equal("record", rows(t, o.dbs["a"], "SELECT kind, settled_by, request FROM dso_conflict"), "delete_differs|copy + delete: the source was changed|R2")
	})
}

// A request that cannot be taken over stays with its owner, who is told; once the cause is cured it goes as it
// is then.
func TestHandOverRefused(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("b", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'other', 'o', 0)")
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.want("R1", "a", "broken|n|1", "b", "other|o|<null>")
		o.equal("error", rows(t, o.dbs["a"], "SELECT source, mapping, request, error, status FROM dso_pending_error"), "a|a to b|R1|owned_there|held")
		o.equal("Transfer Status", rows(t, o.dbs["a"], "SELECT dso_transfer_status FROM repair"), "2")
		o.exec("a", "UPDATE repair SET notes = 'later', status = 0 WHERE id = 'R1'")
		o.rest()
		o.exec("b", "DELETE FROM repair WHERE id = 'R1'")
		o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
		o.rest()
		o.want("R1", "a", "broken|later|0", "b", "broken|later|1")
		o.equal("error", rows(t, o.dbs["a"], "SELECT error FROM dso_pending_error"))
	})
}

// By hand requests are given away and returned as filters do it.
func TestReturnByHand(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 0), ('R2', 'two', 'n', 0)")
		ctx := t.Context()
		if _, err := o.sys.Transfer(ctx, "a to b", `'id' = "R1"`, run.TransferOptions{}); err != nil {
			t.Fatal(err)
		}
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.want("R2", "a", "two|n|<null>", "b", "")
		if _, err := o.sys.Transfer(ctx, "a to b", `'id' = "R1"`, run.TransferOptions{}); err != nil {
			t.Fatal(err)
		}
		o.equal("error", rows(t, o.dbs["a"], "SELECT error FROM dso_pending_error"), "ownership.not_owner")
		if _, err := o.sys.Return(ctx, "a to b", "", run.TransferOptions{}); err != nil {
			t.Fatal(err)
		}
		o.want("R1", "a", "broken|n|1", "b", "broken|n|0")
	})
}

func number(t *testing.T, one []string) int {
	t.Helper()
	n, err := strconv.Atoi(one[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// later carries out what is due after d.
func (o *owned) later(d time.Duration) {
	o.t.Helper()
	_, err := o.sys.Run(o.t.Context(), nil, run.Options{Once: true, Log: testLog(o.t), Now: func() time.Time { return time.Now().Add(d) }})
	if err != nil {
		o.t.Fatal(err)
	}
}
