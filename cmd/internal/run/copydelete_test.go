package run_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"ardso/cmd/internal/run"
	"ardso/sql/control"
)

// Copy + delete does not delete a request that was given away before the copy was durable, whether the hand-over is
// written back by then or is open still.
func TestCopyAndDeleteOfWhatWasGivenAway(t *testing.T) {
	t.Parallel()
	for _, from := range inShort([]string{"sqlite", "postgres15", "mariadb10.11"}) {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, open %t", from, open), func(t *testing.T) {
				t.Parallel()
				o := newOwned(t, []string{from, "postgres15", "postgres15"}, `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: archive, from: {server: a, form: Repair}, to: {server: c, form: Repair}, transfer_mode: copy + delete}
filters:
  - {name: closed, server: a, form: Repair, on: submit, run_if: "'status' = 4", transfer: {mapping: archive}}
`)
				o.open()
				stop := o.follow("a")
				defer stop()
				archive := o.lock("c", "LOCK TABLE repair IN EXCLUSIVE MODE")
				desk := o.lock("b", "LOCK TABLE repair IN EXCLUSIVE MODE")
				if !open {
					letGo(t, desk)
				}
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'one', 'n', 4)")
				o.eventually("the archive is waited for", func() bool { return o.waitsForLock("c") })
				if _, err := control.InsertPending(t.Context(), o.dbs["a"], control.Pending{
					Type: "transfer", Mapping: "a to b", Form: "Repair", Qualification: `'id' = "R1"`, CreatedBy: "jane", RowsTotal: -1,
				}); err != nil {
					t.Fatal(err)
				}
				if open {
					o.eventually("the hand-over waits", func() bool { return o.waitsForLock("b") })
				} else {
					o.eventually("it is handed over", func() bool { return o.request("a", "R1") == "one|n|0" })
				}
				letGo(t, archive)
				o.eventually("the source is told", func() bool {
					return len(rows(t, o.dbs["a"], "SELECT id FROM dso_conflict")) > 0 || o.request("a", "R1") == ""
				})
				if open {
					letGo(t, desk)
				}
				o.eventually("it is handed over", func() bool { return o.request("a", "R1") == "one|n|0" || o.request("a", "R1") == "" })
				stop()
				o.rest()
				o.want("R1", "a", "one|n|0", "b", "one|n|1", "c", "one|n|1")
				o.equal("record", rows(t, o.dbs["a"], "SELECT kind, settled_by, request FROM dso_conflict"), "delete_differs|copy + delete: the source was given away|R1")
				o.exec("b", "UPDATE repair SET notes = 'm' WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", "one|m|0", "b", "one|m|1", "c", "one|n|1")
			})
		}
	}
}

// Of the mappings that one change names, only the first one that gives the request away or moves it does so. The others are
// refused by name, but for those of data only.
func TestSecondOwnershipAction(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite", "postgres15"}, `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership}
  - {name: archive, from: {server: a, form: Repair}, to: {server: c, form: Repair}, transfer_mode: copy + delete}
  - {name: archive too, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: copy + delete}
  - {name: show, from: {server: a, form: Repair}, to: {server: b, form: Repair}}
filters:
  - {name: all, server: a, form: Repair, on: submit, transfer: [{mapping: show}, {mapping: archive}, {mapping: archive too}, {mapping: a to b}]}
`)
	o.open()
	o.add("a", "R1", 1)
	o.rest()
	o.want("R1", "a", "", "b", "broken|n|0", "c", "broken|n|1")
	o.equal("errors", o.errorsOn("a"), "R1|a to b|ownership.not_owner|held", "R1|archive too|ownership.not_owner|held")
	o.exec("a", "UPDATE dso_pending_error SET status = 'retry'") // there is nothing left to give away
	o.rest()
	o.want("R1", "a", "", "b", "broken|n|0", "c", "broken|n|1")
	o.equal("errors", o.errorsOn("a"))
}

// A process that is killed may have carried out a copy + delete of which the next one does not know whether its source was
// told. That deletes it only where the target shows the copy, and says so where it does not.
func TestCopyAndDeleteAfterKill(t *testing.T) {
	t.Parallel()
	const failure, canceled = "2", "4" // Transfer Status
	const holdR1 = "INSERT INTO repair (id) VALUES ('R1')"
	inB := func(o *owned) bool { return o.request("b", "R1") == "one|n|1" }
	failed := func(o *owned) bool {
		return len(o.errorsOn("b")) > 0 && o.transferStatus("R1") == failure
	}
	tests := []struct {
		name    string
		mapping string
		untold  string // what holds the target up until the source cannot be told
		before  func(o *owned)
		until   func(o *owned) bool // that is when it is killed
		between func(o *owned)
		want    [2]string // R1 on a and b
		status  string
		errors  []string // on a
	}{
		{name: "it was taken", untold: holdR1, until: inB, want: [2]string{"", "one|n|1"}},
		{
			name: "it was taken by a matching qualification", mapping: `, matching_qualification: "'summary' = $summary$", duplicate_request_id: overwrite`, untold: "UPDATE repair SET notes = notes WHERE id = 'R7'",
			before: func(o *owned) { o.exec("b", "INSERT INTO repair (id, summary, notes) VALUES ('R7', 'one', 'other')") },
			until:  func(o *owned) bool { return o.request("b", "R7") == "one|n|1" }, want: [2]string{"", ""}, // as R7
		},
		{
			name: "the target's own was newer", mapping: ", duplicate_request_id: overwrite, on_conflict: newest",
			before: func(o *owned) {
				o.exec("b", "INSERT INTO repair (id, summary, notes, modified) VALUES ('R1', 'other', 'n', '2037-01-01 00:00:00')")
			},
			until: func(o *owned) bool { return len(rows(o.t, o.dbs["b"], "SELECT id FROM dso_conflict")) > 0 },
			want:  [2]string{"one|n|<null>", "other|n|<null>"}, status: "<null>",
		},
		{
			name:   "a person has removed it",
			before: func(o *owned) { o.add("b", "R1", 0) }, until: failed,
			between: func(o *owned) {
				h := run.NewByHand(o.sys.Document, "errors remove", "")
				defer h.Close()
				for _, c := range o.connect() {
					if c.Name != "b" {
						continue
					}
					if _, err := h.RemoveError(o.t.Context(), c, rows(o.t, o.dbs["b"], "SELECT id FROM dso_pending_error")[0]); err != nil {
						o.t.Fatal(err)
					}
				}
			},
			want: [2]string{"one|n|<null>", "broken|n|<null>"}, status: canceled,
		},
		{
			name:   "it is not among the errors any more",
			before: func(o *owned) { o.add("b", "R1", 0) }, until: failed,
			between: func(o *owned) { o.exec("b", "DELETE FROM dso_pending_error") },
			want:    [2]string{"one|n|<null>", "broken|n|<null>"}, status: failure, errors: []string{"R1|archive|transfer.copy_not_found|held"},
		},
		{
			name: "the copy was deleted", untold: holdR1, until: inB,
			between: func(o *owned) { o.exec("b", "DELETE FROM repair WHERE id = 'R1'") },
			want:    [2]string{"one|n|<null>", ""}, status: failure, errors: []string{"R1|archive|transfer.copy_not_found|held"},
		},
	}
	for _, test := range tests {
		for _, engines := range inShort([][]string{{"postgres15", "sqlite", "postgres15"}, {"mariadb10.11", "postgres15", "postgres15"}}) {
			t.Run(test.name+", from "+engines[0], func(t *testing.T) {
				t.Parallel()
				o := newOwned(t, engines, strings.Replace(`
mappings:
  - {name: archive, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: copy + delete...}
  - {name: slow, from: {server: a, form: Repair}, to: {server: c, form: Repair}}
filters:
  - {name: closed, server: a, form: Repair, on: submit, run_if: "'status' = 4", transfer: {mapping: archive}}
  - {name: other, server: a, form: Repair, on: submit, run_if: "'status' = 9", transfer: {mapping: slow}}
`, "...", test.mapping, 1))
				o.yaml = strings.ReplaceAll(o.yaml, "request_id: id}", "request_id: id, fields: [{column: modified, name: Modified Date, id: 6}]}")
				for server := range o.dbs {
					o.exec(server, "ALTER TABLE repair ADD COLUMN modified timestamp NULL")
				}
				o.open()
				if test.before != nil {
					test.before(o)
				}
				slow := o.lock("c", "LOCK TABLE repair IN EXCLUSIVE MODE") // which keeps the position where it is
				kill := o.toKill("a")
				defer kill()
				o.add("a", "R9", 9)
				o.eventually("the position is held", func() bool { return o.waitsForLock("c") })
				atTarget, atSource := func() {}, func() {} // let go
				if test.untold != "" {
					atTarget = o.user("b", test.untold)
				}
				o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'one', 'n', 4)")
				if test.untold != "" {
					atSource = o.user("a", "UPDATE repair SET notes = notes WHERE id = 'R1'")
				}
				atTarget()
				o.eventually(test.name, func() bool { return test.until(o) })
				kill()
				atSource()
				letGo(t, slow)
				if test.between != nil {
					test.between(o)
				}
				o.rest()
				o.want("R9", "c", "broken|n|0")
				o.want("R1", "a", test.want[0], "b", test.want[1])
				o.equal("errors on a", o.errorsOn("a"), test.errors...)
				o.equal("errors on b", o.errorsOn("b"))
				if test.want[0] != "" && o.transferStatus("R1") != test.status {
					t.Errorf("Transfer Status is %s, want %s", o.transferStatus("R1"), test.status)
				}
				if len(test.errors) > 0 { // a retry moves the request as it is then
					o.exec("b", "DELETE FROM repair")
					o.exec("a", "UPDATE repair SET notes = 'later' WHERE id = 'R1'", "UPDATE dso_pending_error SET status = 'retry'")
					o.rest()
					o.want("R1", "a", "", "b", "one|later|1")
					o.equal("errors on a", o.errorsOn("a"))
				}
			})
		}
	}
}

// Under on_conflict: newest a target's newer request stays but for its diary, to which entries are added: so the source of
// a copy + delete stays, too.
func TestCopyAndDeleteLosesToNewer(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, `
mappings:
  - {name: archive, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: copy + delete, duplicate_request_id: overwrite, on_conflict: newest}
filters:
  - {name: closed, server: a, form: Repair, on: submit, run_if: "'status' = 4", transfer: {mapping: archive}}
`)
		o.yaml = strings.ReplaceAll(o.yaml, "request_id: id}", "request_id: id, fields: [{column: modified, name: Modified Date, id: 6}, {column: notes, name: Notes, type: diary}]}")
		for server := range o.dbs {
			o.exec(server, "ALTER TABLE repair ADD COLUMN modified timestamp NULL")
		}
		o.open()
		o.exec("b", "INSERT INTO repair (id, summary, notes, status, modified) VALUES ('R1', 'newer', '"+logDst+"', 4, '2037-01-01 00:00:00')")
		o.exec("a", "INSERT INTO repair (id, summary, notes, status, modified) VALUES ('R1', 'older', '"+logSrc+"', 4, '2001-01-01 00:00:00')")
		o.rest()
		o.want("R1", "a", "older|"+logSrc+"|<null>", "b", "newer|"+logDst+logSrc+"|1")
	})
}

// Update Status of an update of which the next process does not know whether it was told says Success only where the copy
// shows the update.
func TestUpdateStatusAfterKill(t *testing.T) {
	t.Parallel()
	for _, removed := range []bool{false, true} {
		t.Run(fmt.Sprintf("removed %t", removed), func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, []string{"postgres15", "postgres15", "postgres15"}, `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: slow, from: {server: b, form: Repair}, to: {server: c, form: Repair}}
filters:
  - {name: give, server: a, form: Repair, on: submit, run_if: "'status' = 1", transfer: {mapping: a to b}}
  - {name: other, server: b, form: Repair, on: submit, run_if: "'status' = 9", transfer: {mapping: slow}}
`)
			o.exec("a", "ALTER TABLE repair ADD CHECK (length(notes) < 9)")
			o.open()
			o.add("a", "R1", 1)
			o.rest()
			slow := o.lock("c", "LOCK TABLE repair IN EXCLUSIVE MODE") // which keeps the position where it is
			kill := o.toKill("b")
			defer kill()
			o.add("b", "R9", 9)
			o.eventually("the position is held", func() bool { return o.waitsForLock("c") })
			status := func() string {
				return strings.Join(rows(t, o.dbs["b"], "SELECT dso_update_status FROM repair WHERE id = 'R1'"), ";")
			}
			undo, want := func() {}, "0"
			if removed {
				want = "5"
				o.exec("b", "UPDATE repair SET notes = 'much too long' WHERE id = 'R1'")
				o.eventually("it fails", func() bool { return status() == "3" })
			} else {
				copied := o.user("a", "UPDATE repair SET notes = notes WHERE id = 'R1'")
				o.exec("b", "UPDATE repair SET notes = 'm' WHERE id = 'R1'")
				o.eventually("the update waits", func() bool { return len(rows(t, o.dbs["a"], "SELECT pid FROM pg_locks WHERE NOT granted")) > 0 })
				undo = o.user("b", "UPDATE repair SET notes = notes WHERE id = 'R1'")
				copied()
				o.eventually("the copy is updated", func() bool { return o.request("a", "R1") == "broken|m|0" })
			}
			kill()
			undo()
			letGo(t, slow)
			if removed {
				o.exec("a", "DELETE FROM dso_pending_error")
				o.exec("b", "UPDATE repair SET dso_update_status = 5 WHERE id = 'R1'") // Canceled
			}
			o.rest()
			o.want("R9", "c", "broken|n|0")
			if got := status(); got != want {
				t.Errorf("Update Status is %s, want %s", got, want)
			}
		})
	}
}

func (o *owned) transferStatus(id string) string {
	return strings.Join(rows(o.t, o.dbs["a"], "SELECT dso_transfer_status FROM repair WHERE id = '"+id+"'"), ";")
}

// waitsForLock reports whether something waits for a lock on Repair in a PostgreSQL server.
func (o *owned) waitsForLock(server string) bool {
	return len(rows(o.t, o.dbs[server], "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'repair'::regclass")) > 0
}

func letGo(t *testing.T, held *sql.Tx) {
	t.Helper()
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// toKill runs ardso in the background until it is killed.
func (w *world) toKill(server string) (kill func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := w.sys.Run(ctx, nil, run.Options{Servers: []string{server}, Log: testLog(w.t), Ready: func(string) { close(ready) }})
		done <- err
	}()
	select {
	case <-ready:
	case err := <-done:
		w.t.Fatalf("run: %v", err)
	}
	return sync.OnceFunc(func() {
		cancel()
		<-done // its error is the kill's
	})
}
