package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ardso/apply/conflict"
	"ardso/cmd/internal/run"
)

// given reads what a gave up of requests for b.
func (o *outage) given() string {
	o.t.Helper()
	return fmt.Sprint(rows(o.t, o.dbs["a"], "SELECT request, error, status FROM dso_pending_error ORDER BY request"))
}

// timedOut is an outage in which tasks waited for longer than they may; unique: on b each has a row of its own for every
// change.
func timedOut(t *testing.T, source, target, mapping string, unique bool, statements ...string) (*outage, func()) {
	t.Helper()
	o := newOutage(t, source, target)
	if unique {
		o.exec("b", "CREATE UNIQUE INDEX one_n ON task (title, n, id)")
	}
	o.yaml = strings.Replace(o.yaml, "{name: to b,", "{name: to b, max_time_to_retry: 90m, "+mapping, 1)
	o.open()
	o.exec("a", "INSERT INTO task VALUES ('R0', 'made', 1)")
	o.once()
	stop := o.followBy(&o.clock, "a")
	o.server.Stop(t)
	for _, s := range statements {
		o.exec("a", s)
	}
	o.eventually("all wait", func() bool { return o.waiting() > 0 && !behind(t, o.sys, "a") })
	o.clock.turn(100 * time.Minute)
	o.eventually("all is given up", func() bool { return o.waiting() == 0 })
	return o, stop
}

// Several rows of one request that are given up are all kept, in order, and carried out by a retry.
func TestGivenUpInOrder(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0], func(t *testing.T) {
			t.Parallel()
			o, stop := timedOut(t, engines[0], engines[1], "", true,
				"INSERT INTO task VALUES ('R1', 'made', 1)", "UPDATE task SET n = 2", "UPDATE task SET title = 'edited'")
			defer stop()
			const want = "[R0|retry.timeout|held R1|retry.timeout|held]"
			if got := o.given(); got != want {
				t.Fatalf("given up: %s, want %s", got, want)
			}
			// Another edit, which is given up later, joins them.
			o.exec("a", "UPDATE task SET n = 3")
			o.eventually("the edit waits", func() bool { return o.waiting() == 2 })
			o.clock.turn(100 * time.Minute)
			o.eventually("it is given up", func() bool { return o.waiting() == 0 })
			if got := o.given(); got != want {
				t.Fatalf("given up: %s, want %s", got, want)
			}
			// One that waits still comes after them.
			o.exec("a", "UPDATE task SET n = 4")
			o.eventually("the edit waits", func() bool { return o.waiting() == 2 })
			o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
			o.eventually("they wait again", func() bool { return o.given() == "[]" })
			o.server.Start(t)
			o.clock.turn(time.Hour)
			o.eventually("all is carried out", func() bool { return o.waiting() == 0 })
			o.same("a", allTasks, "b", allTasks)
			o.equal("errors on b", rows(t, o.dbs["b"], "SELECT request, error, reason FROM dso_pending_error"))
		})
	}
}

// What was given up does not undo, when it is retried, what was carried out since: a person decides.
func TestGivenUpIsOvertaken(t *testing.T) {
	t.Parallel()
	for _, policy := range inShort([]string{"source", "newest", "merge"}) {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			o, stop := timedOut(t, "postgres15", "mariadb10.11", "on_conflict: "+policy+", ", false, "UPDATE task SET title = 'old'")
			defer stop()
			o.server.Start(t)
			o.clock.turn(time.Hour)
			o.eventually("b accepts again", func() bool { n, _ := o.attempts(); return n == 0 })
			o.exec("a", "UPDATE task SET title = 'new'")
			stop()
			o.once()
			if policy != "source" { // which b's is not the older one by
				o.exec("b", "UPDATE task SET title = 'new'")
			}
			o.equal("task", rows(t, o.dbs["b"], "SELECT title FROM task"), "new")
			o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
			o.once()
			o.equal("task", rows(t, o.dbs["b"], "SELECT title FROM task"), "new")
			o.eventually("a person is asked", func() bool {
				return fmt.Sprint(rows(t, o.dbs["b"], "SELECT DISTINCT request, error FROM dso_pending_error")) == "[R0|update_differs]"
			})
		})
	}
}

// What was given up is on its source, and resolved against what its target has.
func TestResolveGivenUp(t *testing.T) {
	t.Parallel()
	o, stop := timedOut(t, "postgres15", "mariadb10.11", "", false, "UPDATE task SET title = 'edited'", "INSERT INTO task VALUES ('R1', 'made', 1)")
	defer stop()
	ids := rows(t, o.dbs["a"], "SELECT id FROM dso_pending_error ORDER BY request")
	if len(ids) != 2 {
		t.Fatalf("given up: %s", o.given())
	}
	if _, err := o.byHand("test").ResolveError(t.Context(), o.person("a"), ids[0], run.Resolution{Take: conflict.Source}); err == nil {
		t.Error("it was resolved while its target could not be asked")
	}
	o.server.Start(t)
	o.clock.turn(time.Hour)
	o.eventually("b accepts again", func() bool { n, _ := o.attempts(); return n == 0 })
	o.exec("b", "UPDATE task SET title = 'other' WHERE id = 'R0'")
	for _, id := range ids {
		if _, err := o.byHand("test").ResolveError(t.Context(), o.person("a"), id, run.Resolution{Take: conflict.Source}); err != nil {
			t.Fatal(err)
		}
	}
	o.eventually("both are carried out", func() bool { return o.given() == "[]" && o.waiting() == 0 })
	o.equal("tasks", rows(t, o.dbs["b"], allTasks), "R0|edited|1", "R1|made|1")
	o.equal("errors on b", rows(t, o.dbs["b"], "SELECT request, error, reason FROM dso_pending_error"))
}

// Transactions that come in parts are put aside for several threads at once; the lease is renewed meanwhile, and others go on.
func TestLargeTransactionWhileAway(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.yaml = strings.NewReplacer(
				"threads: 3}", "threads: 3}\n  - {name: other}",
				"mappings:", "mappings:\n  - {name: notes, from: {server: a, form: Note}, to: {server: b, form: Note}, match: like names}",
				"filters:", "filters:\n  - {name: notes, server: a, form: Note, on: [submit, modify], transfer: {mapping: notes, pool: other}}",
				taskForm, taskForm+"      - {name: Note, table: note, request_id: id}\n",
			).Replace(o.yaml)
			for s := range o.dbs {
				o.exec(s, "CREATE TABLE note (id varchar(20) PRIMARY KEY, title varchar(50), n integer)")
			}
			o.open()
			o.once()
			epoch := number(t, rows(t, o.dbs["a"], "SELECT epoch FROM dso_reader"))
			o.server.Stop(t)
			n := 60_000                 // with fewer the queues hold all of both threads
			if engines[0] == "sqlite" { // where putting aside so many takes longer than the lease lasts
				n = 30_000
			}
			tx, err := o.dbs["a"].Beginx()
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"task", "note"} {
				if _, err := tx.Exec("INSERT INTO " + table + " SELECT " + requestOf(o.dbs["a"]) + ", 'made', i FROM " + numbers(o.dbs["a"], n)); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			stop := o.followBy(&o.clock, "a")
			began := time.Now()
			o.until(2*time.Minute, "c has all", func() bool {
				return fmt.Sprint(rows(t, o.dbs["c"], "SELECT COUNT(*) FROM task")) == fmt.Sprintf("[%d]", n)
			})
			o.until(2*time.Minute, "all wait for b", func() bool { return o.waiting() == 2*n })
			t.Logf("put aside in %s", time.Since(began).Round(100*time.Millisecond))
			stop()
			if got := number(t, rows(t, o.dbs["a"], "SELECT epoch FROM dso_reader")); got != epoch+1 {
				t.Errorf("the lease was taken %v times, want once", got-epoch)
			}
			o.exec("a", "UPDATE task SET n = n + 1 WHERE n < 10")
			o.server.Start(t)
			o.once()
			o.same("a", allTasks, "b", allTasks)
			const allNotes = "SELECT id, title, n FROM note ORDER BY id"
			o.same("a", allNotes, "b", allNotes)
		})
	}
}
