package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping/definition"
	"ardso/sql/engine"
)

// workOf lists the pools whose threads have carried a source's operations out on a server, by the checkpoints that
// are left.
func (w *world) workOf(server, source string) string {
	w.t.Helper()
	return strings.Join(rows(w.t, w.dbs[server], "SELECT DISTINCT pool FROM dso_checkpoint WHERE source = '"+source+"' AND thread >= 0 AND transactions > 0 AND pool <> 'home' ORDER BY pool"), " ")
}

// Operations run in the pool that their request names, and in the default pool where that is disabled or not there.
func TestPoolsByField(t *testing.T) {
	t.Parallel()
	for _, p := range atHand(across...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			const form = "      - {name: F, table: f, request_id: id}\n"
			w := newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, p[0]), "b": dbtest.New(t, p[1])}, map[string]string{"a": form, "b": form}, `
pools: [{name: p, threads: 2}, {name: q}, {name: off, enabled: no}, {name: main, default: yes}]
mappings: [{name: m, from: {server: a, form: F}, to: {server: b, form: F}, transfer_mode: independent copy}]
filters:
  - {name: send, server: a, form: F, on: [submit, modify], transfer: {mapping: m, pool: $pool$}}
  - {name: gone, server: a, form: F, on: delete, delete: {mapping: m, pool: $pool$}}
`)
			for server := range w.dbs {
				w.exec(server, "CREATE TABLE f (id varchar(15) PRIMARY KEY, pool varchar(20), n integer)")
			}
			w.open()
			const all = "SELECT id, pool, n FROM f ORDER BY id"
			for i, x := range []struct{ named, work string }{{"p", "p"}, {"off", "main p"}, {"nowhere", "main p"}, {"q", "main p q"}} {
				w.exec("a", fmt.Sprintf("INSERT INTO f VALUES ('R%d', '%s', 0)", i, x.named))
				w.once()
				w.equal("pools that have worked", []string{w.workOf("b", "a")}, x.work)
			}
			// One request wanders, also within a transaction, and comes again after it was deleted.
			tx, err := w.dbs["a"].BeginTxx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []string{
				"UPDATE f SET pool = 'q', n = 1 WHERE id = 'R0'", "UPDATE f SET pool = 'p', n = 2 WHERE id = 'R0'", "DELETE FROM f WHERE id = 'R0'",
				"INSERT INTO f VALUES ('R0', 'q', 3)", "UPDATE f SET pool = 'off', n = 4 WHERE id = 'R0'",
			} {
				if _, err := tx.ExecContext(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			w.exec("a", "DELETE FROM f WHERE id = 'R0'", "INSERT INTO f VALUES ('R0', 'p', 5)", "UPDATE f SET pool = 'q', n = 6 WHERE id = 'R0'")
			w.once()
			w.same("a", all, "b", all)
			w.equal("errors", rows(t, w.dbs["b"], "SELECT request, error, reason FROM dso_pending_error"))
			w.equal("conflicts", rows(t, w.dbs["b"], "SELECT request, kind FROM dso_conflict"))
		})
	}
}

// Updates and returns run in the pool that brought the request, which its From Pool tells; a request may be handed
// over in another one each time.
func TestFromPool(t *testing.T) {
	t.Parallel()
	for _, e := range inShort(dbtest.Have("sqlite", "postgres15", "mariadb10.11")) {
		t.Run(e, func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, []string{e, e}, `
pools: [{name: p, threads: 2}, {name: q}, {name: off, enabled: no}]
mappings: [{name: give, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}]
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 1", transfer: {mapping: give, pool: $notes$}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`)
			o.open()
			const fromPool = "SELECT dso_from_pool FROM repair WHERE id = 'R1'"
			var pools []string
			for i, x := range []struct{ named, runs string }{{"p", "p"}, {"q", "q"}, {"off", "default"}, {"p", "p"}} {
				if i == 0 {
					o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'p', 1)")
				} else {
					o.exec("a", fmt.Sprintf("UPDATE repair SET notes = '%s', status = 1 WHERE id = 'R1'", x.named))
				}
				o.rest()
				o.equal("From Pool", rows(t, o.dbs["b"], fromPool), x.runs)
				o.exec("b", fmt.Sprintf("UPDATE repair SET summary = 'seen %d' WHERE id = 'R1'", i))
				o.rest()
				o.want("R1", "a", fmt.Sprintf("seen %d|%s|0", i, x.named), "b", fmt.Sprintf("seen %d|%s|1", i, x.named))
				if !slices.Contains(pools, x.runs) {
					pools = append(pools, x.runs)
					slices.Sort(pools)
				}
				o.equal("pools that have brought updates", []string{o.workOf("a", "b")}, strings.Join(pools, " "))
				o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
				o.rest()
				o.want("R1", "a", fmt.Sprintf("seen %d|%s|1", i, x.named), "b", fmt.Sprintf("seen %d|%s|0", i, x.named))
			}
			for server := range o.dbs {
				if diff := cmp.Diff([]string(nil), rows(t, o.dbs[server], "SELECT request, error, reason FROM dso_pending_error")); diff != "" {
					t.Errorf("errors on %s: %s", server, diff)
				}
			}
		})
	}
}

// What goes through a pool that polls waits for its time, one row for each request, and holds up neither the log nor what
// goes through other pools; then it is carried out in order, and what comes later waits again.
func TestPolling(t *testing.T) {
	t.Parallel()
	for _, p := range atHand(across...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			const forms = "      - {name: F, table: f, request_id: id}\n      - {name: G, table: g, request_id: id}\n"
			o := &outage{}
			o.world = newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, p[0]), "b": dbtest.New(t, p[1])}, map[string]string{"a": forms, "b": forms}, `
pools: [{name: nightly, threads: 2, polling: yes, interval: 24h}]
mappings:
  - {name: f, from: {server: a, form: F}, to: {server: b, form: F}}
  - {name: g, from: {server: a, form: G}, to: {server: b, form: G}}
filters:
  - {name: f, server: a, form: F, on: [submit, modify], transfer: {mapping: f, pool: nightly}}
  - {name: f gone, server: a, form: F, on: delete, delete: {mapping: f, pool: nightly}}
  - {name: g, server: a, form: G, on: [submit, modify], transfer: {mapping: g}}
`)
			for server := range o.dbs {
				o.exec(server, "CREATE TABLE f (id varchar(15) PRIMARY KEY, n integer)", "CREATE TABLE g (id varchar(15) PRIMARY KEY, n integer)")
			}
			o.open()
			const all = "SELECT id, n FROM f ORDER BY id"
			o.exec("a", "INSERT INTO f VALUES ('R0', 0), ('R9', 9)")
			o.once() // a batch run waits for no time
			o.same("a", all, "b", all)

			stop := o.followBy(&o.clock, "a")
			defer func() { stop() }()
			o.exec("a", "INSERT INTO f VALUES ('R1', 0), ('R2', 0)", "UPDATE f SET n = n + 1 WHERE id <> 'R9'", "UPDATE f SET n = n + 1 WHERE id <> 'R9'", "DELETE FROM f WHERE id = 'R0'",
				"INSERT INTO g VALUES ('G1', 1)")
			o.eventually("G1 is there", func() bool { return len(rows(t, o.dbs["b"], "SELECT id FROM g")) == 1 })
			o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
			o.equal("copies before the time", rows(t, o.dbs["b"], all), "R0|0", "R9|9")
			o.equal("what waits", rows(t, o.dbs["a"], "SELECT request, pool, status, error FROM dso_pending ORDER BY request"),
				"R0|nightly|retry|pool.polls", "R1|nightly|retry|pool.polls", "R2|nightly|retry|pool.polls")
			o.clock.turn(24 * time.Hour)
			agree := func() bool { return slices.Equal(rows(t, o.dbs["a"], all), rows(t, o.dbs["b"], all)) }
			o.eventually("all is carried out", func() bool { return agree() && o.waiting() == 0 })

			// Once the moment is over, what comes waits again; a person may have it carried out at once.
			o.eventually("an edit waits", func() bool {
				o.exec("a", "UPDATE f SET n = n + 1 WHERE id = 'R1'")
				o.eventually("it is read", func() bool { return !behind(t, o.sys, "a") })
				return o.waiting() == 1
			})
			o.exec("a", "UPDATE dso_pending SET due = created WHERE type = 'operation'")
			o.eventually("it is carried out", func() bool { return agree() && o.waiting() == 0 })

			// What waits when ardso stops is carried out when it starts.
			o.eventually("an edit waits", func() bool {
				o.exec("a", "UPDATE f SET n = n + 1 WHERE id = 'R2'")
				o.eventually("it is read", func() bool { return !behind(t, o.sys, "a") })
				return o.waiting() == 1
			})
			stop()
			stop = o.followBy(&o.clock, "a")
			o.eventually("it is carried out", func() bool { return agree() && o.waiting() == 0 })
			stop()
			o.equal("errors", rows(t, o.dbs["b"], "SELECT request, error, reason FROM dso_pending_error"))
			o.equal("conflicts", rows(t, o.dbs["b"], "SELECT request, kind FROM dso_conflict"))
		})
	}
}

// A target that does not accept when a pool's time has come gets what waits once it accepts again, before anything new.
func TestPollingWhileAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "postgres15", "mariadb10.11")
	o.yaml = strings.Replace(o.yaml, "{name: work, threads: 3}", "{name: work, threads: 3, polling: yes, interval: 1h}", 1)
	o.open()
	stop := o.followBy(&o.clock, "a")
	defer stop()
	o.exec("a", "INSERT INTO task SELECT "+requestOf(o.dbs["a"])+", 'made', i FROM "+numbers(o.dbs["a"], 30))
	toB := func() int {
		return int(number(t, rows(t, o.dbs["a"], "SELECT COUNT(*) FROM dso_pending WHERE type = 'operation' AND target = 'b'")))
	}
	o.eventually("all wait", func() bool { return toB() == 30 })
	o.server.Stop(t)
	o.clock.turn(time.Hour)
	o.eventually("b is away", func() bool { n, _ := o.attempts(); return n > 0 })
	o.eventually("c has all", func() bool { return fmt.Sprint(rows(t, o.dbs["c"], "SELECT COUNT(*) FROM task")) == "[30]" })
	o.exec("a", "UPDATE task SET n = n + 1, title = 'edited'")
	o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
	o.server.Start(t)
	o.clock.turn(time.Hour)
	o.eventually("nothing waits", func() bool { return o.waiting() == 0 && !behind(t, o.sys, "a") })
	stop()
	for _, s := range []string{"b", "c"} {
		o.same("a", allTasks, s, allTasks)
		o.equal("errors on "+s, rows(t, o.dbs[s], "SELECT request, error, reason FROM dso_pending_error"))
	}
}

// What a pool that polls has for a target that is away at its time is carried out once that accepts again, not at the
// pool's next time.
func TestPollingMissed(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "postgres15", "mariadb10.11")
	o.yaml = strings.Replace(o.yaml, "{name: work, threads: 3}", "{name: work, threads: 3, polling: yes, interval: 24h}", 1)
	o.open()
	stop := o.followBy(&o.clock, "a")
	defer stop()
	o.exec("a", "INSERT INTO task VALUES ('R1', 'made', 1)")
	o.eventually("it waits for b and c", func() bool { return o.waiting() == 2 })
	o.server.Stop(t)
	o.clock.turn(24 * time.Hour)
	o.eventually("b is away", func() bool { n, _ := o.attempts(); return n > 0 })
	o.server.Start(t)
	o.clock.turn(time.Minute)
	o.eventually("b has it", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], allTasks)) == "[R1|made|1]" })
}

// A hand-over through a pool that polls is not begun before its time: the giver goes on as the owner, and the request is
// handed over as it is then. Updates and returns do not wait.
func TestPollingHandOver(t *testing.T) {
	t.Parallel()
	for _, e := range inShort(dbtest.Have("sqlite", "postgres15", "mariadb10.11")) {
		t.Run(e, func(t *testing.T) {
			t.Parallel()
			w := newOwned(t, []string{e, e}, `
pools: [{name: nightly, polling: yes, interval: 24h}, {name: other}]
mappings: [{name: give, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}]
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 1", transfer: {mapping: give, pool: nightly}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`)
			o := &outage{world: w.world}
			o.open()
			stop := o.followBy(&o.clock)
			defer stop()
			o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
			o.eventually("it waits", func() bool {
				return slices.Equal(rows(t, o.dbs["a"], "SELECT type, request, pool FROM dso_pending WHERE status = 'retry'"), []string{"transfer again|R1|nightly"})
			})
			o.exec("a", "UPDATE repair SET summary = 'mine still' WHERE id = 'R1'")
			o.eventually("the edit is read", func() bool { return !behind(t, o.sys, "a") })
			w.want("R1", "a", "mine still|n|1", "b", "")
			o.clock.turn(24 * time.Hour)
			o.eventually("R1 is b's", func() bool {
				return w.request("b", "R1") == "mine still|n|1" && w.request("a", "R1") == "mine still|n|0"
			})
			o.exec("b", "UPDATE repair SET notes = 'seen' WHERE id = 'R1'")
			o.eventually("a sees it", func() bool { return w.request("a", "R1") == "mine still|seen|0" })
			o.exec("b", "UPDATE repair SET status = 2 WHERE id = 'R1'")
			o.eventually("R1 is a's", func() bool {
				return w.request("a", "R1") == "mine still|seen|1" && w.request("b", "R1") == "mine still|seen|0"
			})
			stop()
			for s := range o.dbs {
				if got := w.errorsOn(s); len(got) > 0 {
					t.Errorf("%s: errors %v", s, got)
				}
			}
		})
	}
}

// What waits for a target that is away is carried out once and in order, whatever pools its requests name and go to
// meanwhile, and whatever the definitions of the processes that put it aside and carry it out.
func TestAwayByPools(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.open()
			o.exec("a", "INSERT INTO task SELECT "+requestOf(o.dbs["a"])+", 'made', 0 FROM "+numbers(o.dbs["a"], 20))
			o.once()
			// Opened while b accepts, they do not know it to be away when they begin.
			var systems []*run.System
			base := o.yaml
			for _, x := range []struct{ pools, action string }{
				{"  - {name: work, threads: 3}\n  - {name: other, threads: 2}\n", "$title$"},
				{"  - {name: work, threads: 3, polling: yes}\n", "work"},
				{"  - {name: work, threads: 2}\n  - {name: other, enabled: no}\n  - {name: third, default: yes}\n", "$title$"},
				{"  - {name: work, threads: 4}\n  - {name: other}\n", "$title$"},
			} {
				o.yaml = strings.ReplaceAll(strings.Replace(base, "  - {name: work, threads: 3}\n", x.pools, 1), "pool: work", "pool: "+x.action)
				sys, err := run.Open(t.Context(), []definition.File{{Name: "ardso.yaml", Text: o.yaml}}, o.secrets())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = sys.Close() })
				systems = append(systems, sys)
			}
			for i := range 8 {
				o.sys = systems[i%len(systems)]
				ctx, cut := context.WithCancel(context.Background())
				ended, ready := make(chan struct{}), make(chan struct{})
				begin := sync.OnceFunc(func() { close(ready) })
				go func() {
					defer close(ended)
					_, _ = o.sys.Run(ctx, nil, run.Options{Servers: []string{"a"}, Log: testLog(t), Now: o.clock.now, Ready: func(string) { begin() }})
				}()
				<-ready
				o.wander(i)
				switch i % 4 {
				case 0, 2:
					o.server.Kill(t)
				case 1, 3:
					o.server.Start(t)
					o.clock.turn(time.Hour)
				}
				o.wander(i)
				if i%3 > 0 { // else it is cut off in the midst
					o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
				}
				cut()
				<-ended
			}
			o.clock.turn(time.Hour)
			stop := o.followBy(&o.clock, "a")
			o.exec("a", "UPDATE task SET n = n + 1")
			o.eventually("all is carried out", func() bool { return o.waiting() == 0 && !behind(t, o.sys, "a") })
			stop()
			for _, s := range []string{"b", "c"} {
				o.same("a", allTasks, s, allTasks)
				o.equal("errors on "+s, rows(t, o.dbs[s], "SELECT request, error, reason FROM dso_pending_error"))
				o.equal("conflicts on "+s, rows(t, o.dbs[s], "SELECT request, kind, outcome FROM dso_conflict"))
			}
		})
	}
}

// wander has requests name one pool after another.
func (o *outage) wander(round int) {
	for j := range 12 {
		id := fmt.Sprintf("R%d", 1+(round*5+j*3)%20)
		pool := []string{"work", "other", "third", "none"}[(round+j)%4]
		o.exec("a", fmt.Sprintf("UPDATE task SET n = n + 1, title = '%s' WHERE id = '%s'", pool, id))
		if j%5 == 0 {
			o.exec("a", "DELETE FROM task WHERE id = '"+id+"'", fmt.Sprintf("INSERT INTO task VALUES ('%s', '%s', %d)", id, []string{"other", "work"}[j%2], round))
		}
	}
}
