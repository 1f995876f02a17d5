package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/mapping"
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
	pairs := [][]string{{"sqlite", "postgres15"}, {"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}}
	for _, e := range inShort(pairs) {
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

// Update Status says how the last update went, of those that wait and of those that do not.
func TestUpdateStatus(t *testing.T) {
	for _, when := range []string{"immediately", "hourly"} {
		t.Run(when, func(t *testing.T) {
			ownershipEngines(t, func(t *testing.T, engines []string) {
				o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: "+when, 1))
				o.exec("a", "DROP TABLE repair", "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200) CHECK (length(notes) < 9), status integer, "+stormtest.DistributedColumns(o.group)+")")
				o.open()
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
				o.rest()
				edit := func(set, want string) {
					t.Helper()
					o.exec("b", "UPDATE repair SET "+set+" WHERE id = 'R1'")
					o.later(time.Hour)
					o.later(time.Hour)
					o.equal("Update Status after "+set, rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair"), want)
				}
				edit("summary = 'seen'", "0")
				edit("notes = 'much too long for a'", "3")
				o.equal("errors", rows(t, o.dbs["a"], "SELECT error FROM dso_pending_error"), "value_refused")
				edit("notes = 'short'", "3") // it waits behind the one that failed
				o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
				o.later(time.Hour)
				o.want("R1", "a", "seen|short|0", "b", "seen|short|1")
				o.equal("Update Status after the retry", rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair"), "0")
			})
		})
	}
}

// A return takes the place of updates that are held back, and of nothing that its giver edits after it: that goes on
// its way. Where the return is not taken, all goes on waiting in order.
func TestReturnWhileUpdatesAreHeld(t *testing.T) {
	const long, give = "notes = 'much too long for a'", "notes = 'done', status = 2"
	tests := []struct {
		name          string
		before, edits []string // by users of b, before and in the batch of the return
		a, b, held    string
	}{
		{"held before", []string{long}, []string{give, "summary = 'late'"}, "late|done|1", "late|done|0", ""},
		{"held in the same batch", nil, []string{long, give, "summary = 'late'"}, "late|done|1", "late|done|0", ""},
		{"edited on both sides of it", []string{long}, []string{"summary = 'early'", give, "notes = 'late'"}, "early|late|1", "early|late|0", ""},
		{"held anew after it", []string{long}, []string{give, long}, "broken|done|1", "broken|much too long for a|0", "value_refused"},
		{"not taken", []string{long}, []string{"status = 2", "summary = 'late'"}, "broken|n|0", "late|much too long for a|1", "value_refused"},
	}
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.exec("a", "DROP TABLE repair", "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200) CHECK (length(notes) < 9), status integer, "+stormtest.DistributedColumns(o.group)+")")
		o.open()
		edit := func(id string, edits ...string) {
			for _, set := range edits {
				o.exec("b", "UPDATE repair SET "+set+" WHERE id = '"+id+"'")
			}
		}
		held := func(id string) []string {
			return rows(t, o.dbs["a"], "SELECT error FROM dso_pending_error WHERE request = '"+id+"'")
		}
		for i := range tests {
			o.add("a", fmt.Sprint("R", i), 1)
		}
		o.rest()
		for i, test := range tests {
			edit(fmt.Sprint("R", i), test.before...)
		}
		o.rest()
		for i, test := range tests {
			id := fmt.Sprint("R", i)
			if test.before != nil {
				o.equal(test.name+": held before", held(id), "value_refused")
			}
			edit(id, test.edits...)
		}
		o.rest()
		for i, test := range tests {
			id := fmt.Sprint("R", i)
			t.Log(test.name)
			o.want(id, "a", test.a, "b", test.b)
			o.equal(test.name+": held", held(id), strings.Fields(test.held)...)
		}

		// What waits behind a return that was not taken goes with what waited before.
		edit("R4", "notes = 'short', status = 0")
		o.rest()
		o.want("R4", "a", "broken|n|0", "b", "late|short|1")
		o.exec("a", "UPDATE dso_pending_error SET status = 'retry' WHERE request = 'R4'")
		o.rest()
		o.want("R4", "a", "late|short|0", "b", "late|short|1")
		o.equal("held after the retry", held("R4"))
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
		due, _, err := control.DueUpdates(t.Context(), o.dbs["b"], time.Now().Add(time.Hour), "")
		if err != nil || len(due) != 1 {
			t.Fatalf("due: %v, %v", due, err)
		}
		if taken, err := control.TakeUpdate(t.Context(), o.dbs["b"], due[0].ID); err != nil || taken == nil {
			t.Fatalf("taken: %v, %v", taken, err)
		}
		o.once()
		o.want("R1", "a", "seen|n|0", "b", "seen|n|1")
		o.equal("waiting", rows(t, o.dbs["b"], "SELECT status FROM dso_pending"))
		o.equal("Update Status", rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair"), "0")
	})
}

// After a position was set anew, who owns what is what dso_owner says then, not what it said at the one before.
func TestOwnersAtNewPosition(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		for server := range o.dbs { // as of a position before the hand-over
			o.exec(server, "UPDATE dso_owner SET at_reader = ''", "UPDATE dso_reader SET position = ''")
			o.init(server)
			o.equal("at_reader on "+server, rows(t, o.dbs[server], "SELECT at_reader FROM dso_owner"), control.AsNow)
		}
		o.exec("b", "UPDATE repair SET summary = 'seen' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "seen|n|0", "b", "seen|n|1")
		o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "seen|n|1", "b", "seen|n|0")
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
		o.once()
		o.want("R1", "a", "broken|later|0", "b", "broken|later|1")
		o.equal("error", rows(t, o.dbs["a"], "SELECT error FROM dso_pending_error"))
	})
}

// A hand-over that the target's database refuses is recorded there, with the request that is in its way.
func TestHandOverRefusedByIndex(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.exec("b", "CREATE UNIQUE INDEX one_summary ON repair (summary)")
		o.open()
		o.exec("b", "INSERT INTO repair (id, summary, notes, status) VALUES ('R9', 'broken', 'o', 0)")
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.want("R1", "a", "broken|n|1", "b", "")
		o.equal("error", rows(t, o.dbs["a"], "SELECT request, error, status FROM dso_pending_error"), "R1|unique_taken|held")
		o.equal("conflict", rows(t, o.dbs["b"], "SELECT request, kind, settled_by, outcome FROM dso_conflict"), "R1|unique_taken|ownership: not taken|parked")
		if image := rows(t, o.dbs["b"], "SELECT target_image FROM dso_conflict")[0]; !strings.Contains(image, "R9") {
			t.Errorf("the request that is in the way: %s", image)
		}
	})
}

// A retry of what was not begun asks for it again where it is known what for; else it stays as it is.
func TestRetryOfWhatWasNotBegun(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "when_to_update: on return", 1))
		o.yaml = strings.Replace(o.yaml, "request_id: id}", "request_id: id, fields: [{column: summary, required: yes}]}", 1) // of a
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status, dso_max_time_to_retry) VALUES ('R1', 'broken', 'n', 1, -1)",
			"INSERT INTO repair (id, summary, notes, status, dso_to_mapping) VALUES ('R2', 'broken', 'n', 1, 'gone')",
			"INSERT INTO repair (id, summary, notes, status) VALUES ('R3', 'broken', 'n', 1)")
		o.rest()
		o.exec("b", "INSERT INTO repair (id, summary, notes, status) VALUES ('W1', 'made here', 'n', 1)", "UPDATE repair SET status = 2 WHERE id = 'W1'",
			"UPDATE repair SET status = 2, summary = NULL WHERE id = 'R3'")
		held := "SELECT request, error, status FROM dso_pending_error ORDER BY request"
		o.rest()
		o.equal("errors of a", rows(t, o.dbs["a"], held), "R1|override.illegal|held", "R2|override.no_mapping|held")
		o.equal("errors of b", rows(t, o.dbs["b"], held), "R3|value.required|held", "W1|ownership.nowhere_to_return|held")
		o.exec("b", "UPDATE repair SET status = 0, summary = 'whole' WHERE id = 'R3'")
		o.rest()
		o.want("R3", "a", "broken|n|0", "b", "whole|n|1")
		o.exec("a", "UPDATE repair SET dso_max_time_to_retry = NULL, status = 0 WHERE id = 'R1'", "UPDATE dso_pending_error SET status = 'retry'")
		o.exec("b", "UPDATE dso_pending_error SET status = 'retry'")
		o.once()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.want("R3", "a", "whole|n|1", "b", "whole|n|0")
		o.equal("errors of a", rows(t, o.dbs["a"], held), "R2|override.no_mapping|held")
		o.equal("errors of b", rows(t, o.dbs["b"], held), "W1|ownership.nowhere_to_return|held")

		// Which mapping it is, is chosen anew by the request as it is then.
		o.exec("a", "UPDATE repair SET dso_to_mapping = 'gone, too', status = 0 WHERE id = 'R2'", "UPDATE dso_pending_error SET status = 'retry'")
		o.once()
		o.equal("reason", rows(t, o.dbs["a"], "SELECT error, status FROM dso_pending_error WHERE reason LIKE '%gone, too%'"), "override.no_mapping|held")
		o.exec("a", "UPDATE repair SET dso_to_mapping = 'a to b' WHERE id = 'R2'", "UPDATE dso_pending_error SET status = 'retry'")
		o.once()
		o.want("R2", "a", "broken|n|0", "b", "broken|n|1")
		o.equal("errors of a", rows(t, o.dbs["a"], held))
		o.equal("jobs of a", rows(t, o.dbs["a"], "SELECT type FROM dso_pending WHERE status <> 'done'"))
	})
}

// A request whose choice of a mapping failed is transferred by a retry along the one that it chooses by then: which was
// added, or corrected, or is the filter's where it chooses none any more.
func TestRetryChoosesMappingAnew(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status, dso_to_mapping) VALUES ('R1', 'added', 'n', 1, 'copies'), ('R2', 'emptied', 'n', 1, 'gone')",
			"INSERT INTO repair (id, summary, notes, status, dso_to_server, dso_to_form) VALUES ('R3', 'server', 'n', 1, 'nowhere', 'Repair')",
			"INSERT INTO repair (id, summary, notes, status, dso_max_time_to_retry) VALUES ('R4', 'illegal', 'n', 1, -1)",
			"INSERT INTO repair (id, summary, notes, status, dso_to_mapping) VALUES ('R5', 'went', 'n', 1, 'gone')",
			"INSERT INTO repair (id, summary, notes, status, dso_to_mapping) VALUES ('R6', 'stays', 'n', 1, 'gone')")
		o.rest()
		held := "SELECT request, error, status FROM dso_pending_error ORDER BY request"
		o.equal("errors", rows(t, o.dbs["a"], held), "R1|override.no_mapping|held", "R2|override.no_mapping|held", "R3|override.no_mapping|held",
			"R4|override.illegal|held", "R5|override.no_mapping|held", "R6|override.no_mapping|held")

		o.yaml = strings.Replace(o.yaml, "filters:", "  - {name: copies, from: {server: a, form: Repair}, to: {server: b, form: Repair}}\nfilters:", 1)
		o.reopen()
		o.exec("a", "UPDATE repair SET dso_to_mapping = NULL, status = 0 WHERE id = 'R2'",
			"UPDATE repair SET dso_to_server = 'b', status = 0 WHERE id = 'R3'",
			"UPDATE repair SET dso_max_time_to_retry = NULL, dso_to_mapping = 'copies', status = 0 WHERE id = 'R4'",
			"UPDATE repair SET dso_to_mapping = NULL WHERE id = 'R5'", // on this edit the filter gives it away
			"UPDATE dso_pending_error SET status = 'retry'")
		o.rest()
		o.want("R1", "a", "added|n|<null>", "b", "added|n|0")
		o.want("R2", "a", "emptied|n|0", "b", "emptied|n|1")
		o.want("R3", "a", "server|n|0", "b", "server|n|1")
		o.want("R4", "a", "illegal|n|<null>", "b", "illegal|n|0")
		o.want("R5", "a", "went|n|0", "b", "went|n|1")
		o.want("R6", "a", "stays|n|<null>", "b", "")
		o.equal("errors", rows(t, o.dbs["a"], held), "R6|override.no_mapping|held")
		o.equal("errors of b", rows(t, o.dbs["b"], held))
	})
}

// A TRUNCATE stops the stream of a form whose requests came with ownership, though no filter is on it.
func TestTruncateOfWhatIsOwned(t *testing.T) {
	t.Parallel()
	before, _, _ := strings.Cut(handOverDefinitions, "  - {name: back")
	o := newOwned(t, []string{"sqlite", "postgres15"}, before)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
	o.rest()
	o.exec("b", "TRUNCATE repair")
	_, err := o.sys.Run(t.Context(), nil, run.Options{Once: true, Log: testLog(t)})
	if e, ok := errors.AsType[*mapping.TruncateError](err); !ok || e.Server != "b" || e.Form != "Repair" {
		t.Errorf("got %v", err)
	}
}

// A foreign change that is only reported stands until the owner edits the field, and no longer than to the return.
func TestForeignChangeIsNobodys(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.exec("b", "UPDATE repair SET summary = 'seen'")
		o.rest()
		o.exec("a", "UPDATE repair SET summary = 'foreign', notes = 'foreign'")
		o.rest()
		o.want("R1", "a", "foreign|foreign|0", "b", "seen|n|1")
		o.exec("b", "UPDATE repair SET summary = 'edited'")
		o.rest()
		o.want("R1", "a", "edited|foreign|0", "b", "edited|n|1")
		o.exec("b", "UPDATE repair SET status = 2")
		o.rest()
		o.want("R1", "a", "edited|n|1", "b", "edited|n|0")
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

// What cannot be given away or returned says what, where and why, leaves every copy as it was, and goes on saying so
// when it is tried again.
func TestOwnershipBadInput(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		do    func(o *owned)
		on    string // where it is parked
		error string
		says  []string
		want  []string // R1 on a and b
	}{
		{
			"transfer by hand of what is owned elsewhere", func(o *owned) {
				o.add("a", "R1", 1)
				o.rest()
				o.byHand(o.sys.Transfer, `'id' = "R1"`)
			}, "a", "ownership.not_owner", []string{`mapping "a to b"`, `request "R1"`, `form "Repair" on a`, "3116"}, []string{"broken|n|0", "broken|n|1"},
		},
		{
			"transfer to where it owns itself", func(o *owned) {
				o.add("b", "R1", 0)
				o.add("a", "R1", 1)
				o.rest()
			}, "a", "owned_there", []string{`mapping "a to b"`, `request "R1"`, `form "Repair" on b`}, []string{"broken|n|1", "broken|n|<null>"},
		},
		{
			"return by a filter of what came from nowhere", func(o *owned) {
				o.add("b", "R1", 0)
				o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
				o.rest()
			}, "b", "ownership.nowhere_to_return", []string{`request "R1"`, `form "Repair" on b`, "came from nowhere"}, []string{"", "broken|n|<null>"},
		},
		{
			"return by hand of what came from nowhere", func(o *owned) {
				o.add("b", "R1", 0)
				o.byHand(o.sys.Return, "")
			}, "b", "ownership.nowhere_to_return", []string{`request "R1"`, `form "Repair" on b`, "came from nowhere"}, []string{"", "broken|n|<null>"},
		},
		{
			"choice of a mapping that is not there", func(o *owned) {
				o.exec("a", "INSERT INTO repair (id, summary, notes, status, dso_to_mapping) VALUES ('R1', 'broken', 'n', 1, 'a to c')")
				o.rest()
			}, "a", "override.no_mapping", []string{`request "R1"`, `form "Repair" on a`, `"a to c"`}, []string{"broken|n|<null>", ""},
		},
		{
			"update along a mapping that is gone", func(o *owned) {
				o.add("a", "R1", 1)
				o.rest()
				o.yaml = strings.ReplaceAll(o.yaml, "a to b", "renamed")
				o.reopen()
				o.exec("b", "UPDATE repair SET notes = 'm' WHERE id = 'R1'")
				o.rest()
			}, "b", "ownership.mapping_differs", []string{`"a to b"`, `form "Repair" on b`, "3113"}, []string{"broken|n|0", "broken|m|1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, []string{"sqlite", "sqlite"}, handOverDefinitions)
			o.open()
			test.do(o)
			for range 2 {
				o.want("R1", "a", test.want[0], "b", test.want[1])
				o.equal("error", rows(t, o.dbs[test.on], "SELECT request, error, status FROM dso_pending_error"), "R1|"+test.error+"|held")
				reason := rows(t, o.dbs[test.on], "SELECT reason FROM dso_pending_error")
				for _, s := range test.says {
					if !strings.Contains(strings.Join(reason, ""), s) {
						t.Errorf("%q is not in %q", s, reason)
					}
				}
				o.exec(test.on, "UPDATE dso_pending_error SET status = 'retry'")
				o.rest()
			}
		})
	}
}

// add has a user make a request.
func (o *owned) add(server, id string, status int) {
	o.exec(server, fmt.Sprintf("INSERT INTO repair (id, summary, notes, status) VALUES ('%s', 'broken', 'n', %d)", id, status))
}

// byHand gives requests away, or back.
func (o *owned) byHand(operate func(context.Context, string, string, run.TransferOptions) (run.TransferResult, error), where string) {
	o.t.Helper()
	if _, err := operate(o.t.Context(), "a to b", where, run.TransferOptions{Log: testLog(o.t)}); err != nil {
		o.t.Fatal(err)
	}
}

// A return need not carry what the copy that it goes back to must have; where that copy is gone, it is refused.
func TestReturnKeepsRequiredFields(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, strings.Replace(handOverDefinitions, "when_to_update: immediately", "allow_any_user_to_delete: yes", 1))
		o.exec("a", "ALTER TABLE repair ADD COLUMN item varchar(20)")
		o.yaml = strings.Replace(o.yaml, "request_id: id}", "request_id: id, fields: [{column: item, required: yes}]}", 1) // of a
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status, item) VALUES ('R1', 'broken', 'n', 1, 'chair'), ('R2', 'broken', 'n', 1, 'desk')")
		o.rest()
		o.exec("a", "DELETE FROM repair WHERE id = 'R2'")
		o.exec("b", "UPDATE repair SET notes = 'done', status = 2")
		o.rest()
		o.want("R1", "a", "broken|done|1", "b", "broken|done|0")
		o.equal("item", rows(t, o.dbs["a"], "SELECT item FROM repair WHERE id = 'R1'"), "chair")
		o.want("R2", "a", "", "b", "broken|done|1")
		o.equal("error", rows(t, o.dbs["b"], "SELECT request, error FROM dso_pending_error"), "R2|value.required")
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

const revertDefinitions = `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately, on_foreign_change: revert}
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 1", transfer: {mapping: a to b}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`

// onceOn carries out what the log of one server holds now; the others' are not read.
func (o *owned) onceOn(server string) {
	o.t.Helper()
	if _, err := o.sys.Run(o.t.Context(), nil, run.Options{Once: true, Servers: []string{server}, Log: testLog(o.t)}); err != nil {
		o.t.Fatal(err)
	}
}

// Several foreign changes of a request that are in the log before ardso sees to the first are all undone: what ardso or the
// owner wrote last is there again, and what the owner has edited is not lost when ownership comes back.
func TestForeignChangesAtOnce(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, revertDefinitions)
		o.open()
		tests := []struct {
			name   string
			change []string
		}{
			{"edit and edit", []string{"UPDATE repair SET summary = 'x', notes = 'x' WHERE id = 'R'", "UPDATE repair SET summary = 'y', notes = 'y' WHERE id = 'R'"}},
			{"edit and delete", []string{"UPDATE repair SET summary = 'x', notes = 'x' WHERE id = 'R'", "DELETE FROM repair WHERE id = 'R'"}},
			{"edits and delete", []string{"UPDATE repair SET summary = 'x' WHERE id = 'R'", "UPDATE repair SET summary = 'y', notes = 'y' WHERE id = 'R'", "DELETE FROM repair WHERE id = 'R'"}},
			{"delete and insert with its Master Flag", []string{"DELETE FROM repair WHERE id = 'R'", "INSERT INTO repair (id, summary, notes, status, dso_master_flag) VALUES ('R', 'x', 'mine', 1, 0)"}},
			{"set back", []string{"UPDATE repair SET notes = 'x' WHERE id = 'R'", "UPDATE repair SET notes = 'mine' WHERE id = 'R'"}},
			{"set to one value twice", []string{"UPDATE repair SET notes = 'x' WHERE id = 'R'", "UPDATE repair SET notes = 'y' WHERE id = 'R'", "UPDATE repair SET notes = 'x' WHERE id = 'R'"}},
		}
		id := func(i int) string { return fmt.Sprintf("R%d", i) }
		for i := range tests {
			o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('"+id(i)+"', 'broken', 'n', 0)", "UPDATE repair SET notes = 'mine', status = 1 WHERE id = '"+id(i)+"'")
		}
		o.rest()
		o.exec("b", "UPDATE repair SET summary = 'seen'")
		o.rest()
		for i, test := range tests {
			o.want(id(i), "a", "seen|mine|0", "b", "seen|mine|1")
			for _, change := range test.change {
				o.exec("a", strings.ReplaceAll(change, "'R'", "'"+id(i)+"'"))
			}
		}
		o.rest()
		for i, test := range tests {
			if got := o.request("a", id(i)); got != "seen|mine|0" {
				t.Errorf("%s: %q", test.name, got)
			}
			o.equal(test.name+": records", rows(t, o.dbs["a"], "SELECT COUNT(*) FROM dso_conflict WHERE request = '"+id(i)+"' AND kind = 'foreign_change'"), strconv.Itoa(len(test.change)))
		}
		o.exec("b", "UPDATE repair SET status = 2")
		o.rest()
		for i := range tests {
			o.want(id(i), "a", "seen|mine|1", "b", "seen|mine|0")
		}
	})
}

// A foreign change that ardso has not read yet when an update comes, or ownership comes back, does not win over what the
// owner has set. It is recorded when it is read.
func TestForeignChangeUnread(t *testing.T) {
	for _, on := range []string{"report", "revert"} {
		t.Run(on, func(t *testing.T) {
			ownershipEngines(t, func(t *testing.T, engines []string) {
				o := newOwned(t, engines, strings.Replace(revertDefinitions, "on_foreign_change: revert", "on_foreign_change: "+on, 1))
				o.open()
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 1)")
				o.rest()
				o.exec("b", "UPDATE repair SET summary = 'seen'")
				o.rest()
				o.exec("a", "UPDATE repair SET summary = 'foreign', notes = 'foreign'", "UPDATE repair SET summary = 'again'")
				o.exec("b", "UPDATE repair SET summary = 'edited' WHERE id = 'R2'")
				o.onceOn("b")
				o.want("R2", "a", "edited|foreign|0", "b", "edited|n|1")
				o.exec("b", "UPDATE repair SET status = 2")
				o.onceOn("b")
				o.want("R1", "a", "seen|n|1", "b", "seen|n|0")
				o.want("R2", "a", "edited|n|1", "b", "edited|n|0")
				o.rest()
				o.want("R1", "a", "seen|n|1", "b", "seen|n|0")
				o.want("R2", "a", "edited|n|1", "b", "edited|n|0")
				o.equal("records", rows(t, o.dbs["a"], "SELECT request, COUNT(*) FROM dso_conflict WHERE kind = 'foreign_change' GROUP BY request ORDER BY request"), "R1|2", "R2|2")
			})
		})
	}
}

// A foreign change goes to no server by filters either, be it undone or not; what the owner changes does.
func TestForeignChangeGoesNowhere(t *testing.T) {
	for _, on := range []string{"report", "revert"} {
		t.Run(on, func(t *testing.T) {
			ownershipEngines(t, func(t *testing.T, engines []string) {
				o := newOwned(t, append(slices.Clone(engines), "sqlite"), strings.Replace(revertDefinitions, "on_foreign_change: revert", "on_foreign_change: "+on, 1)+`
  - {name: tell c, server: a, form: Repair, on: [submit, modify, merge], run_if: "1 = 1", transfer: {mapping: a to c}}
  - {name: gone, server: a, form: Repair, on: delete, run_if: "1 = 1", delete: {mapping: a to c}}
  - {name: tell b, server: c, form: Repair, on: modify, run_if: "'status' = 5", transfer: {mapping: c to b}}
`)
				o.yaml = strings.Replace(o.yaml, "mappings:\n", "mappings:\n  - {name: a to c, from: {server: a, form: Repair}, to: {server: c, form: Repair}}\n"+
					"  - {name: c to b, from: {server: c, form: Repair}, to: {server: b, form: Repair}}\n", 1)
				o.open()
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 1), ('R3', 'broken', 'n', 0), ('R4', 'broken', 'n', 1), ('R5', 'broken', 'n', 0)")
				o.rest()
				o.want("R1", "b", "broken|n|1", "c", "broken|n|0")
				o.exec("a", "UPDATE repair SET summary = 'mine' WHERE id IN ('R1', 'R3', 'R4')", "DELETE FROM repair WHERE id = 'R2'")
				o.exec("c", "UPDATE repair SET notes = 'told', status = 5 WHERE id = 'R5'") // a copy that no ownership came with
				o.rest()
				o.want("R1", "b", "broken|n|1", "c", "broken|n|0")
				o.want("R2", "b", "broken|n|1", "c", "broken|n|0")
				o.want("R3", "a", "mine|n|<null>", "c", "mine|n|0")
				o.want("R4", "c", "broken|n|0")
				o.want("R5", "b", "broken|told|0", "c", "broken|told|0")

				o.exec("b", "UPDATE repair SET notes = 'm' WHERE id = 'R1'")
				o.rest()
				o.want("R1", "b", "broken|m|1", "c", "broken|m|0")
				o.exec("b", "UPDATE repair SET summary = 's' WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "s|m|0", "b", "s|m|1", "c", "s|m|0")
				o.exec("b", "DELETE FROM repair WHERE id IN ('R1', 'R4')")
				o.exec("a", "DELETE FROM repair WHERE id = 'R3'")
				o.rest()
				o.want("R1", "a", "", "b", "", "c", "")
				o.want("R4", "a", "", "b", "", "c", "")
				o.want("R3", "a", "", "c", "")
				for name, db := range o.dbs {
					o.equal("errors of "+name, rows(t, db, "SELECT error, reason FROM dso_pending_error"))
				}
				o.equal("conflicts of c", rows(t, o.dbs["c"], "SELECT request, kind, outcome FROM dso_conflict"), "R5|foreign_change|nothing")
			})
		})
	}
}

// A copy that is deleted by someone who does not own the request, and made anew under its Request ID, is another request:
// neither is it taken for the former one's, nor does it take anything of that.
func TestForeignDeleteMadeAnew(t *testing.T) {
	for _, on := range []string{"on_foreign_change: report", "on_foreign_change: revert", "allow_any_user_to_delete: yes"} {
		t.Run(on, func(t *testing.T) {
			ownershipEngines(t, func(t *testing.T, engines []string) {
				o := newOwned(t, engines, strings.Replace(revertDefinitions, "on_foreign_change: revert", on, 1))
				o.open()
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'former', 'n', 1), ('R2', 'former', 'n', 1), ('R3', 'former', 'n', 1), ('R4', 'former', 'n', 1)")
				o.rest()
				anew := func(id string, status int) {
					o.exec("a", "DELETE FROM repair WHERE id = '"+id+"'", fmt.Sprintf("INSERT INTO repair (id, summary, status) VALUES ('%s', 'anew', %d)", id, status))
				}
				anew("R1", 0) // stays
				anew("R2", 1) // is given away
				anew("R3", 0) // an update, then a return comes before the log is read
				o.exec("b", "UPDATE repair SET summary = 'edited' WHERE id = 'R3'")
				o.onceOn("b")
				o.want("R3", "a", "anew|<null>|<null>", "b", "edited|n|1")
				o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R3'")
				o.onceOn("b")
				o.want("R3", "a", "anew|<null>|<null>", "b", "edited|n|1")
				anew("R4", 0) // is deleted after
				o.rest()
				o.want("R1", "a", "anew|<null>|<null>", "b", "former|n|1")
				o.want("R2", "a", "anew|<null>|1", "b", "former|n|1")
				o.want("R3", "a", "anew|<null>|<null>", "b", "edited|n|1")
				o.equal("errors of a", rows(t, o.dbs["a"], "SELECT request, error FROM dso_pending_error"), "R2|owned_there")
				o.equal("errors of b", rows(t, o.dbs["b"], "SELECT request, error FROM dso_pending_error"), "R3|owned_there")
				found, _, _ := o.faults(run.VerifyOptions{})
				o.equal("findings", found, "b R1 ownership.from_missing", "b R3 ownership.from_missing", "b R4 ownership.from_missing")

				o.exec("a", "UPDATE repair SET notes = 'mine' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R4'")
				o.exec("b", "UPDATE repair SET notes = 'theirs' WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "anew|mine|<null>", "b", "former|theirs|1")
				o.want("R4", "a", "", "b", "former|n|1")
				// Where the former one is gone, nothing is in the way of the new one.
				o.exec("b", "DELETE FROM repair WHERE id IN ('R1', 'R2')")
				o.rest()
				o.want("R1", "a", "anew|mine|<null>", "b", "")
				o.exec("a", "UPDATE repair SET notes = 'more', status = 1 WHERE id IN ('R1', 'R2')")
				o.rest()
				o.want("R1", "a", "anew|more|0", "b", "anew|more|1")
				o.want("R2", "a", "anew|more|0", "b", "anew|more|1")
			})
		})
	}
}

// A copy that is deleted by someone who does not own the request is not put back once its owner has deleted it.
func TestForeignDeleteMeetsDelete(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, revertDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
		o.rest()
		o.exec("a", "DELETE FROM repair WHERE id = 'R1'")
		o.exec("b", "DELETE FROM repair WHERE id = 'R1'")
		o.onceOn("b")
		o.rest()
		o.want("R1", "a", "", "b", "")
		o.equal("owners", rows(t, o.dbs["a"], "SELECT deleted FROM dso_owner"), "1")
	})
}

// REPLACE by someone who does not own the request, which some logs show as an edit that empties the Master Flag, makes no
// second owner.
func TestForeignReplace(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"report", "revert"} {
		for _, engine := range []string{"sqlite", "mariadb10.11", "mysql5.6"} {
			t.Run(on+" on "+engine, func(t *testing.T) {
				t.Parallel()
				o := newOwned(t, []string{engine, "sqlite"}, strings.Replace(revertDefinitions, "on_foreign_change: revert", "on_foreign_change: "+on, 1))
				o.open()
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'former', 'n', 1)")
				o.rest()
				o.exec("a", "REPLACE INTO repair (id, summary, notes, status) VALUES ('R1', 'anew', 'm', 0)", "UPDATE repair SET summary = 'anew again' WHERE id = 'R1'")
				o.rest()
				want := "anew again|m|<null>" // the log shows that the request was made anew
				switch {
				case engine != "sqlite" && on == "report":
					want = "anew again|m|0"
				case engine != "sqlite":
					want = "former|n|0"
				}
				o.want("R1", "a", want, "b", "former|n|1")
			})
		}
	}
}
