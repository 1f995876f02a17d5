package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// clock is one that tests set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) turn(d time.Duration) { c.ahead.Add(int64(d)) }
func (w *world) followBy(c *clock, servers ...string) (stop func()) {
	w.t.Helper()
	return w.followWith(run.Options{Servers: servers, Log: testLog(w.t), Now: c.now})
}

// followWith runs ardso in the background until the returned function is called, which drains it.
func (w *world) followWith(o run.Options) (stop func()) {
	w.t.Helper()
	drain := make(chan struct{})
	done := make(chan error, 1)
	ready := make(chan struct{}, 16)
	o.Ready = func(string) { ready <- struct{}{} }
	sys := w.sys
	go func() {
		_, err := sys.Run(context.Background(), drain, o)
		done <- err
	}()
	select {
	case <-ready:
	case err := <-done:
		w.t.Fatalf("run: %v", err)
	}
	return sync.OnceFunc(func() {
		close(drain)
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
}

// outage is a source with two targets, one of which has a server of its own that can be stopped.
type outage struct {
	*world
	server *dbtest.Instance
	clock  clock
	since  time.Time // b is away
}

const taskForm = "      - {name: Task, table: task, request_id: id}\n"

const outageDefinitions = `
pools:
  - {name: work, threads: 3}
mappings:
  - {name: to b, from: {server: a, form: Task}, to: {server: b, form: Task}, match: like names}
  - {name: to c, from: {server: a, form: Task}, to: {server: c, form: Task}, match: like names}
filters:
  - {name: send, server: a, form: Task, on: [submit, modify], transfer: [{mapping: to b, pool: work}, {mapping: to c, pool: work}]}
  - {name: forget, server: a, form: Task, on: delete, delete: [{mapping: to b, pool: work}, {mapping: to c, pool: work}]}
`

func newOutage(t *testing.T, source, target string) *outage {
	t.Helper()
	o := &outage{server: dbtest.Server(t, target)}
	o.world = newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, source), "b": o.server.Database(t), "c": dbtest.New(t, "sqlite")},
		map[string]string{"a": taskForm, "b": taskForm, "c": taskForm}, outageDefinitions)
	for s := range o.dbs {
		o.exec(s, "CREATE TABLE task (id varchar(20) PRIMARY KEY, title varchar(50), n integer)")
	}
	return o
}

// waiting counts the operations that wait for b.
func (o *outage) waiting() int {
	return int(number(o.t, rows(o.t, o.dbs["a"], "SELECT COUNT(*) FROM dso_pending WHERE type = 'operation'")))
}

const allTasks = "SELECT id, title, n FROM task ORDER BY id"

// A target that does not accept stops neither the source's log nor the other target; its operations wait, one row for
// each request, and are carried out in order once it accepts again.
func TestTargetAway(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.open()
			o.exec("a", "INSERT INTO task SELECT "+requestOf(o.dbs["a"])+", 'made', i FROM "+numbers(o.dbs["a"], 50))
			stop := o.followBy(&o.clock, "a")
			defer stop()
			o.eventually("b has all", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], "SELECT COUNT(*) FROM task")) == "[50]" })

			o.server.Stop(t)
			for i := range 5 {
				o.exec("a", fmt.Sprintf("UPDATE task SET title = 'edited %d', n = n + 1 WHERE id LIKE 'R1%%'", i))
			}
			o.exec("a", "DELETE FROM task WHERE id = 'R20'", "INSERT INTO task VALUES ('R60', 'new', 1)", "UPDATE task SET title = 'newer' WHERE id = 'R60'",
				"INSERT INTO task VALUES ('R61', 'gone', 1)", "DELETE FROM task WHERE id = 'R61'", "UPDATE task SET id = 'R70' WHERE id = 'R2'",
				"UPDATE task SET title = 'renamed' WHERE id = 'R70'", "UPDATE task SET title = 'last' WHERE id = 'R10'")
			o.eventually("c follows", func() bool {
				return fmt.Sprint(rows(t, o.dbs["c"], allTasks)) == fmt.Sprint(rows(t, o.dbs["a"], allTasks))
			})
			o.eventually("the log is not held", func() bool { return o.waiting() >= 15 && !behind(t, o.sys, "a") })
			if n := o.waiting(); n > 20 {
				t.Errorf("%d rows wait, of 11 requests that were edited 5 times, and some more", n)
			}
			o.server.Start(t)
			o.clock.turn(time.Minute * 5)
			o.eventually("b has caught up", func() bool { return o.waiting() == 0 })
			stop()
			o.same("a", allTasks, "b", allTasks)
			for _, s := range []string{"b", "c"} {
				if got := rows(t, o.dbs[s], "SELECT request, error, reason FROM dso_pending_error"); len(got) > 0 {
					t.Errorf("%s: errors %v", s, got)
				}
				if got := rows(t, o.dbs[s], "SELECT request, kind, outcome FROM dso_conflict"); len(got) > 0 {
					t.Errorf("%s: conflicts %v", s, got)
				}
			}
		})
	}
}

// behind reports whether the source's position lies before the end of its log.
func behind(t *testing.T, sys *run.System, server string) bool {
	t.Helper()
	lease, err := control.ReadLease(t.Context(), sys.Servers[server].DB)
	if err != nil {
		t.Fatal(err)
	}
	at := lease.Position
	if err := control.WriteWatermark(t.Context(), sys.Servers[server].DB, "end", control.NewID()); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		time.Sleep(50 * time.Millisecond)
		lease, err := control.ReadLease(t.Context(), sys.Servers[server].DB)
		if err != nil {
			t.Fatal(err)
		}
		if lease.Position != at {
			return false
		}
	}
	return true
}

// A target that hangs, all connections open, is found to: it stops neither the source's log nor the other target, and gets
// what waits once it answers again, whatever of that had come to it.
func TestTargetHangs(t *testing.T) {
	t.Parallel()
	for _, engines := range [][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}} {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.open()
			o.exec("a", "INSERT INTO task SELECT "+requestOf(o.dbs["a"])+", 'made', i FROM "+numbers(o.dbs["a"], 50))
			stop := o.followBy(&o.clock, "a")
			defer stop()
			o.eventually("b has all", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], "SELECT COUNT(*) FROM task")) == "[50]" })
			o.server.Pause(t)
			for i := range 5 {
				o.exec("a", fmt.Sprintf("UPDATE task SET title = 'edited %d', n = n + 1", i))
			}
			o.eventually("c has all", func() bool {
				return fmt.Sprint(rows(t, o.dbs["c"], "SELECT COUNT(*) FROM task WHERE title = 'edited 4'")) == "[50]"
			})
			before := time.Now()
			o.until(time.Minute, "all waits", func() bool { return o.waiting() >= 50 })
			t.Logf("found after %s", time.Since(before).Round(time.Second))
			o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
			o.server.Resume(t)
			o.clock.turn(5 * time.Minute)
			o.eventually("nothing waits", func() bool { return o.waiting() == 0 && !behind(t, o.sys, "a") })
			stop()
			for _, s := range []string{"b", "c"} {
				o.same("a", allTasks, s, allTasks)
				o.equal("errors on "+s, rows(t, o.dbs[s], "SELECT request, error, reason FROM dso_pending_error"))
				o.equal("conflicts on "+s, rows(t, o.dbs[s], "SELECT request, kind FROM dso_conflict"))
			}
		})
	}
}

// A hand-over that its target does not accept is not begun: the giver goes on as the owner, the request says Retry, and
// it is handed over as it is then once the target accepts. Updates wait likewise.
func TestHandOverAway(t *testing.T) {
	t.Parallel()
	o := &outage{server: dbtest.Server(t, "mariadb10.11")}
	dbs := map[string]*engine.DB{"a": dbtest.New(t, "postgres15"), "b": o.server.Database(t)}
	o.world = newWorld(t, dbs, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, handOverDefinitions)
	w := &owned{world: o.world, group: 2}
	for s := range dbs {
		o.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(w.group)+")")
	}
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 0), ('R3', 'broken', 'n', 0)")
	w.rest()
	stop := o.followBy(&o.clock, "a")
	defer stop()
	o.server.Stop(t)
	o.exec("a", "UPDATE repair SET status = 1 WHERE id = 'R2'")
	o.eventually("R2 says Retry", func() bool {
		return fmt.Sprint(rows(t, dbs["a"], "SELECT dso_transfer_status, dso_master_flag FROM repair WHERE id = 'R2'")) == "[1|1]"
	})
	o.exec("a", "UPDATE repair SET summary = 'mine still' WHERE id = 'R2'")
	o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
	o.server.Start(t)
	o.clock.turn(5 * time.Minute)
	o.eventually("R2 is b's", func() bool {
		return w.request("b", "R2") == "mine still|n|1" && w.request("a", "R2") == "mine still|n|0"
	})
	o.eventually("the job is done", func() bool {
		return len(rows(t, dbs["a"], "SELECT id FROM dso_pending WHERE status IN ('new', 'running')")) == 0
	})
	stop()
	if got := rows(t, dbs["a"], "SELECT type, request, status FROM dso_pending WHERE status IN ('retry', 'new', 'running')"); len(got) > 0 {
		t.Errorf("still pending: %v", got)
	}
	w.rest()
	w.want("R1", "a", "broken|n|0", "b", "broken|n|1")
	w.want("R3", "a", "broken|n|<null>", "b", "")
	for s := range dbs {
		if got := w.errorsOn(s); len(got) > 0 {
			t.Errorf("%s: errors %v", s, got)
		}
	}
}

// A hand-over that waits for its target, and whose mapping is gone when that accepts again, goes to errors and holds up
// nothing, though nothing hands requests over any more.
func TestHandOverMappingGone(t *testing.T) {
	t.Parallel()
	o := &outage{server: dbtest.Server(t, "mariadb10.11")}
	dbs := map[string]*engine.DB{"a": dbtest.New(t, "postgres15"), "b": o.server.Database(t)}
	o.world = newWorld(t, dbs, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, handOverDefinitions)
	w := &owned{world: o.world, group: schema.Full}
	for s := range dbs {
		o.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(w.group)+")")
	}
	o.open()
	o.once()
	stop := o.followBy(&o.clock, "a")
	o.server.Stop(t)
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
	const waits = "SELECT request FROM dso_pending WHERE status = 'retry'"
	o.eventually("R1 waits", func() bool { return len(rows(t, dbs["a"], waits)) == 1 })
	stop()
	o.server.Start(t)
	head, _, _ := strings.Cut(o.yaml, "mappings:")
	sys, err := run.Open(t.Context(), []definition.File{{Name: "ardso.yaml", Text: head + `
mappings: [{name: copy, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: independent copy}]
filters: [{name: copy, server: a, form: Repair, on: submit, transfer: {mapping: copy}}]
`}}, o.secrets())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Close() })
	o.sys = sys
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R2', 'new', 'n', 0)")
	o.once()
	o.equal("what waits", rows(t, dbs["a"], waits))
	o.equal("errors", rows(t, dbs["a"], "SELECT request, error, status FROM dso_pending_error"), "R1|retry.no_mapping|held")
	o.equal("copies", rows(t, dbs["b"], "SELECT id, summary FROM repair"), "R2|new")
}

// A hand-over that has waited for its target for as long as its mapping, or the request itself, allows is given up: the
// request says Timeout, its owner keeps it, and a retry hands it over as it is then.
func TestHandOverTimesOut(t *testing.T) {
	t.Parallel()
	o := &outage{server: dbtest.Server(t, "postgres15")}
	dbs := map[string]*engine.DB{"a": dbtest.New(t, "mariadb10.11"), "b": o.server.Database(t)}
	o.world = newWorld(t, dbs, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, strings.Replace(handOverDefinitions, "{name: a to b,", "{name: a to b, max_time_to_retry: 90m,", 1))
	w := &owned{world: o.world, group: schema.Advanced}
	for s := range dbs {
		o.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(w.group)+")")
	}
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status, dso_max_time_to_retry) VALUES ('R1', 'broken', 'n', 0, NULL), ('R2', 'broken', 'n', 0, 36000)")
	w.rest()
	stop := o.followBy(&o.clock, "a")
	defer func() { stop() }()
	o.server.Stop(t)
	o.exec("a", "UPDATE repair SET status = 1")
	says := func(want ...string) func() bool {
		return func() bool {
			return slices.Equal(rows(t, dbs["a"], "SELECT id, dso_transfer_status, dso_master_flag FROM repair ORDER BY id"), want)
		}
	}
	o.eventually("both say Retry", says("R1|1|1", "R2|1|1"))
	o.clock.turn(2 * time.Hour)
	o.eventually("R1 says Timeout", says("R1|3|1", "R2|1|1"))
	const parked = "SELECT request, error, status FROM dso_pending_error"
	o.equal("errors", rows(t, dbs["a"], parked), "R1|retry.timeout|held")
	o.equal("what waits", rows(t, dbs["a"], "SELECT request FROM dso_pending WHERE status = 'retry'"), "R2")
	o.exec("a", "UPDATE repair SET summary = 'mine still', status = 0 WHERE id = 'R1'")
	o.server.Start(t)
	o.clock.turn(7 * time.Hour)
	o.eventually("R2 is b's", func() bool { return w.request("a", "R2") == "broken|n|0" && w.request("b", "R2") == "broken|n|1" })
	w.want("R1", "b", "")
	o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
	o.eventually("R1 is b's", func() bool {
		return w.request("a", "R1") == "mine still|n|0" && w.request("b", "R1") == "mine still|n|1"
	})
	o.eventually("no error is left", func() bool { return len(rows(t, dbs["a"], parked)) == 0 })
}

// What a process has put aside, the next one carries out, whether the target is away when it begins or not; whatever
// was under way when either ended takes effect once.
func TestAwayOverRestarts(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "mariadb10.11"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.open()
			o.exec("a", "INSERT INTO task SELECT "+requestOf(o.dbs["a"])+", 'made', 0 FROM "+numbers(o.dbs["a"], 40))
			o.once()
			for i := range 4 {
				down := i%2 == 0
				stop := o.followBy(&o.clock, "a")
				o.exec("a", "UPDATE task SET n = n + 1")
				if down {
					o.server.Kill(t)
				} else {
					o.server.Start(t)
					o.clock.turn(time.Hour)
				}
				for j := range 5 {
					o.exec("a", fmt.Sprintf("UPDATE task SET n = n + 1, title = 'round %d' WHERE id LIKE 'R%d%%'", i, j+1))
				}
				o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
				stop()
			}
			o.server.Kill(t)
			o.server.Start(t)
			o.clock.turn(time.Hour)
			stop := o.followBy(&o.clock, "a")
			o.exec("a", "UPDATE task SET n = n + 1")
			o.eventually("b has caught up", func() bool {
				return o.waiting() == 0 && fmt.Sprint(rows(t, o.dbs["b"], allTasks)) == fmt.Sprint(rows(t, o.dbs["a"], allTasks))
			})
			stop()
			o.same("a", allTasks, "c", allTasks)
			for _, s := range []string{"b", "c"} {
				if got := rows(t, o.dbs[s], "SELECT request, error, reason FROM dso_pending_error"); len(got) > 0 {
					t.Errorf("%s: errors %v", s, got)
				}
				if got := rows(t, o.dbs[s], "SELECT request, kind, outcome FROM dso_conflict"); len(got) > 0 {
					t.Errorf("%s: conflicts %v", s, got)
				}
			}
		})
	}
}

// What waits for a target and has no mapping any more when that accepts again goes to errors, holds up nothing, and is
// carried out by a retry once the mapping is back.
func TestMappingGoneWhileAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "postgres15", "mariadb10.11")
	const task, note = "      - {name: Task, table: task, request_id: id}\n", "      - {name: Note, table: note, request_id: id}\n"
	o.yaml = strings.ReplaceAll(o.yaml, task, task+note)
	for s := range o.dbs {
		o.exec(s, "CREATE TABLE note (id varchar(20) PRIMARY KEY, title varchar(50), n integer)")
	}
	both := strings.NewReplacer(
		"mappings:\n", "mappings:\n  - {name: notes, from: {server: a, form: Note}, to: {server: b, form: Note}}\n",
		"filters:\n", "filters:\n  - {name: notes, server: a, form: Note, on: [submit, modify], transfer: {mapping: notes}}\n",
	).Replace(o.yaml)
	gone := strings.NewReplacer(
		"  - {name: to b, from: {server: a, form: Task}, to: {server: b, form: Task}, match: like names}\n", "", "{mapping: to b, pool: work}, ", "",
	).Replace(both)
	o.yaml = both
	o.open()
	o.exec("a", "INSERT INTO task VALUES ('R1', 'made', 1)")
	o.once()
	o.server.Stop(t)
	o.exec("a", "UPDATE task SET n = 2", "INSERT INTO note VALUES ('N1', 'made', 1)")
	stop := o.followBy(&o.clock, "a")
	o.eventually("two wait", func() bool { return o.waiting() == 2 })
	stop()
	o.server.Start(t)
	o.reopen(gone)
	o.once()
	const parked = "SELECT request, error FROM dso_pending_error"
	o.equal("notes", rows(t, o.dbs["b"], "SELECT id, n FROM note"), "N1|1")
	o.equal("tasks", rows(t, o.dbs["b"], "SELECT id, n FROM task"), "R1|1")
	o.equal("errors", rows(t, o.dbs["a"], parked), "R1|retry.no_mapping")
	if n := o.waiting(); n != 0 {
		t.Errorf("%d operations wait", n)
	}
	o.reopen(both)
	o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
	o.once()
	o.equal("tasks", rows(t, o.dbs["b"], "SELECT id, n FROM task"), "R1|2")
	o.equal("errors", rows(t, o.dbs["a"], parked))
}

// reopen opens the system by other definitions.
func (o *outage) reopen(yaml string) {
	o.t.Helper()
	o.yaml = yaml
	sys, err := run.Open(o.t.Context(), []definition.File{{Name: "ardso.yaml", Text: yaml}}, o.secrets())
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = sys.Close() })
	o.sys = sys
}

// A target that comes back with a column less, or under another name, gets what waits into the right columns: what only
// compares the column goes on, what brings a value for it goes to errors, and is carried out once a field has its ID.
func TestColumnGoneWhileAway(t *testing.T) {
	t.Parallel()
	for _, engines := range [][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}} {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			for s := range o.dbs {
				o.exec(s, "DROP TABLE task", "CREATE TABLE task (early varchar(20), id varchar(20) PRIMARY KEY, title varchar(50), n integer, late varchar(20))")
			}
			o.open()
			const all = "SELECT * FROM task ORDER BY id"
			o.exec("a", "INSERT INTO task VALUES ('e1', 'R1', 'made', 1, 'l1'), ('e2', 'R2', 'made', 1, 'l2'), ('e3', 'R3', 'made', 1, 'l3')")
			o.once()
			o.server.Stop(t)
			o.exec("a", "UPDATE task SET late = 'l4' WHERE id = 'R1'", "UPDATE task SET early = 'e5', late = 'l5' WHERE id = 'R2'",
				"DELETE FROM task WHERE id = 'R3'", "INSERT INTO task VALUES (NULL, 'R4', 'new', 2, 'l6')", "INSERT INTO task VALUES ('e7', 'R5', 'new', 2, 'l7')")
			stop := o.followBy(&o.clock, "a")
			o.eventually("all wait", func() bool { return o.waiting() == 5 })
			stop()
			o.server.Start(t)
			o.exec("b", "ALTER TABLE task RENAME COLUMN early TO soon")
			o.reopen(o.yaml)
			o.once()
			o.equal("tasks", rows(t, o.dbs["b"], all), "e1|R1|made|1|l4", "e2|R2|made|1|l2", "<null>|R4|new|2|l6")
			const parked = "SELECT request, error FROM dso_pending_error ORDER BY request"
			o.equal("errors", rows(t, o.dbs["b"], parked), "R2|field.missing", "R5|field.missing")

			a, b, _ := strings.Cut(o.yaml, "\n  b:")
			renamed := fmt.Sprintf("      - {name: Task, table: task, request_id: id, fields: [{column: soon, name: early, id: %d}]}\n", named("early"))
			o.reopen(a + "\n  b:" + strings.Replace(b, taskForm, renamed, 1))
			o.exec("b", "UPDATE dso_pending_error SET status = 'retry'")
			o.once()
			o.equal("tasks", rows(t, o.dbs["b"], all), rows(t, o.dbs["a"], all)...)
			o.equal("errors", rows(t, o.dbs["b"], parked))
		})
	}
}

// named is the ID of a field that is declared with none.
func named(name string) int { return schema.NamedFieldID(name, func(int) bool { return false }) }

// attempts tells how often b was tried since it is away, and when, in minutes since then, it is tried next.
func (o *outage) attempts() (n int, next float64) {
	o.t.Helper()
	list, err := control.LoadAway(o.t.Context(), o.dbs["a"])
	if err != nil {
		o.t.Fatal(err)
	}
	if len(list) != 1 {
		return 0, 0
	}
	o.since = list[0].Since
	return list[0].Attempts, list[0].Next.Sub(o.since).Minutes()
}

// turnTo sets the clock to minutes since b is away.
func (o *outage) turnTo(minutes float64) {
	o.clock.turn(o.since.Add(time.Duration(minutes * float64(time.Minute))).Sub(o.clock.now()))
}

// keepsSchedule makes sure that b, which is away, is tried at these minutes and, once the first is over, not before.
func (o *outage) keepsSchedule(minutes ...float64) {
	o.t.Helper()
	o.eventually("b is away", func() bool { n, _ := o.attempts(); return n > 0 })
	o.turnTo(1.02)
	o.eventually("the first minute is over", func() bool { _, next := o.attempts(); return next == minutes[0] })
	for _, want := range minutes {
		n, next := o.attempts()
		if next != want {
			o.t.Fatalf("the next attempt is at %v min, want %v", next, want)
		}
		o.turnTo(want - 0.02)
		time.Sleep(1200 * time.Millisecond) // in which the clock is looked at
		if now, _ := o.attempts(); now > n {
			o.t.Errorf("%d attempts before the one at %v min", now-n, want)
		}
		o.turnTo(want + 0.02)
		o.eventually(fmt.Sprintf("the attempt at %v min", want), func() bool { now, next := o.attempts(); return now > n && next > want })
	}
}

// A target is tried at the times of DSO's schedule, after a minute in which it is tried often; what has waited for as long
// as its mapping allows is given up, and can be retried by hand.
func TestRetrySchedule(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "sqlite", "postgres15")
	o.yaml = strings.Replace(o.yaml, "{name: to b,", "{name: to b, max_time_to_retry: 90m,", 1)
	o.open()
	o.once()
	stop := o.followBy(&o.clock, "a")
	defer stop()
	o.server.Stop(t)
	o.exec("a", "INSERT INTO task VALUES ('R1', 'made', 1)")
	o.eventually("R1 waits", func() bool { return o.waiting() == 1 })
	o.keepsSchedule(5, 10, 15, 20, 25, 30, 60)
	if _, next := o.attempts(); next != 90 {
		t.Errorf("the next attempt is at %v min, want 90", next)
	}
	o.exec("a", "INSERT INTO task VALUES ('R2', 'made', 1)") // an hour later
	o.eventually("both wait", func() bool { return o.waiting() == 2 })
	o.turnTo(100)
	o.eventually("R1 is given up", func() bool {
		return fmt.Sprint(rows(t, o.dbs["a"], "SELECT request, error, status FROM dso_pending_error")) == "[R1|retry.timeout|held]"
	})
	o.server.Start(t)
	o.clock.turn(24 * time.Hour)
	o.eventually("R2 has come", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], allTasks)) == "[R2|made|1]" })
	o.exec("a", "UPDATE dso_pending_error SET status = 'retry'")
	o.eventually("R1 has come", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], allTasks)) == "[R1|made|1 R2|made|1]" })
}

// A batch run waits for a target that is away, for a while, and carries out what waited, hand-overs too.
func TestBatchAway(t *testing.T) {
	t.Parallel()
	o := &outage{server: dbtest.Server(t, "postgres15")}
	dbs := map[string]*engine.DB{"a": dbtest.New(t, "sqlite"), "b": o.server.Database(t)}
	o.world = newWorld(t, dbs, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, strings.Replace(handOverDefinitions, "filters:",
		"  - {name: copy, from: {server: a, form: Repair}, to: {server: b, form: Copy}}\nfilters:\n  - {name: copy, server: a, form: Repair, on: submit, run_if: \"'status' = 0\", transfer: {mapping: copy}}", 1))
	o.yaml = strings.Replace(o.yaml, "\nmappings:", "      - {name: Copy, table: copies, request_id: id}\n\nmappings:", 1)
	w := &owned{world: o.world, group: 2}
	for s := range dbs {
		o.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(w.group)+")")
	}
	o.exec("b", "CREATE TABLE copies (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer)")
	o.open()
	o.once()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 0)")
	o.server.Stop(t)
	if _, err := o.sys.Run(t.Context(), nil, run.Options{Once: true, Log: testLog(t)}); name(err) != "server.not_accepting" {
		t.Errorf("a run whose target stays away ends with %v", err)
	}
	if got := fmt.Sprint(rows(t, dbs["a"], "SELECT type, request, status FROM dso_pending ORDER BY request")); got != "[transfer again|R1|retry operation|R2|retry]" {
		t.Errorf("left behind: %s", got)
	}
	done := make(chan error, 1)
	go func() {
		_, err := o.sys.Run(context.Background(), nil, run.Options{Once: true, Servers: []string{"a"}, Log: testLog(t)})
		done <- err
	}()
	o.server.Start(t)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.want("R1", "a", "broken|n|0", "b", "broken|n|1")
	if got := fmt.Sprint(rows(t, dbs["b"], "SELECT id, summary FROM copies")); got != "[R2|broken]" {
		t.Errorf("copies: %s", got)
	}
	if got := rows(t, dbs["a"], "SELECT type, request, status FROM dso_pending"); len(got) > 0 {
		t.Errorf("still pending: %v", got)
	}
}
