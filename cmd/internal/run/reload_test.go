package run_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// running is a run in the background whose definitions may change.
type running struct {
	*world
	reload chan struct{}
	drain  chan struct{}
	done   chan error
	log    *logged
	ready  atomic.Int64 // how often a server was begun to be followed
}

// logged keeps what a log says.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

// said are the lines that hold a text.
func (l *logged) said(text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.lines {
		if strings.Contains(s, text) {
			lines = append(lines, s)
		}
	}
	return lines
}

// background runs ardso until stop; each reload takes the world's definitions as they are then.
func (w *world) background(servers ...string) *running {
	w.t.Helper()
	r, ready := w.behindTheScenes(servers...)
	select {
	case <-ready:
	case err := <-r.done:
		w.t.Fatalf("run: %v", err)
	}
	return r
}

// behindTheScenes is background that does not wait until a server is followed: ready is closed then.
func (w *world) behindTheScenes(servers ...string) (*running, <-chan struct{}) {
	w.t.Helper()
	r := &running{world: w, reload: make(chan struct{}), drain: make(chan struct{}), done: make(chan error, 1), log: &logged{}}
	ready := make(chan struct{})
	first := sync.OnceFunc(func() { close(ready) })
	o := run.Options{
		Servers: servers, Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Reload: r.reload,
		Load: func() (*definition.Document, error) {
			return definition.Parse([]definition.File{{Name: "ardso.yaml", Text: w.yaml}}, w.secrets())
		},
		Ready: func(string) {
			r.ready.Add(1)
			first()
		},
	}
	sys, drain := w.sys, r.drain
	go func() {
		_, err := sys.Run(context.Background(), drain, o)
		r.done <- err
	}()
	w.t.Cleanup(r.stop)
	return r, ready
}

// stop drains the run.
func (r *running) stop() {
	r.t.Helper()
	if r.drain == nil {
		return
	}
	close(r.drain)
	r.drain = nil
	if err := <-r.done; err != nil {
		r.t.Errorf("run: %v", err)
	}
	if r.t.Failed() {
		r.t.Logf("log:\n%.20000s", strings.Join(r.log.lines, ""))
	}
	r.available() // its own definitions are closed by now
}

// available opens the definitions as far as servers answer.
func (w *world) available() {
	w.t.Helper()
	doc, err := definition.Parse([]definition.File{{Name: "ardso.yaml", Text: w.yaml}}, w.secrets())
	if err != nil {
		w.t.Fatal(err)
	}
	sys, err := run.OpenAvailable(context.Background(), doc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = sys.Close() })
	w.sys = sys
}

// take has other definitions taken up, and waits until they are.
func (r *running) take(yaml string) {
	r.t.Helper()
	before := len(r.log.said("definitions taken up"))
	r.yaml = yaml
	r.reload <- struct{}{}
	r.eventually("definitions are taken up", func() bool { return len(r.log.said("definitions taken up")) > before })
}

// refuse has other definitions refused for what the log then says, and goes back to those before.
func (r *running) refuse(yaml string, says ...string) {
	r.t.Helper()
	was, before := r.yaml, len(r.log.said("going on with the definitions as they were"))
	r.yaml = yaml
	r.reload <- struct{}{}
	r.eventually("definitions are refused", func() bool { return len(r.log.said("going on with the definitions as they were")) > before })
	r.yaml = was
	for _, text := range says {
		if len(r.log.said(text)) == 0 {
			r.t.Errorf("the log does not say %q:\n%s", text, strings.Join(r.log.said("refused"), ""))
		}
	}
}

// Definitions that change under load, again and again, with other pools, threads and names of rules: nothing is lost,
// nothing doubled, and the lease never goes to the process that stands by.
func TestReloadUnderLoad(t *testing.T) {
	for _, p := range atHand(across...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			w := pair(t, p[0], p[1])
			base := w.yaml
			r := w.background()
			other, err := run.Open(t.Context(), []definition.File{{Name: "ardso.yaml", Text: base}}, w.secrets())
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			standing, over := make(chan struct{}), make(chan struct{})
			var tookOver atomic.Bool
			octx, stopOther := context.WithCancel(context.Background())
			go func() {
				defer close(over)
				_, _ = other.Run(octx, nil, run.Options{StandBy: func(string, string) { close(standing) }, Ready: func(string) { tookOver.Store(true) }})
			}()
			<-standing

			var stop atomic.Bool
			var writers sync.WaitGroup
			for k := range 2 {
				writers.Go(func() { w.editRepairs(&stop, k) })
			}
			rounds := 6
			if testing.Short() {
				rounds = 3
			}
			for i := range rounds {
				seen := r.ready.Load()
				yaml := strings.Replace(base, "  - {name: repairs, threads: 3}", fmt.Sprintf("  - {name: repairs, threads: %d}\n  - {name: other, threads: %d}", 1+i%4, 1+i%3), 1)
				if i%2 == 1 {
					yaml = strings.ReplaceAll(yaml, "pool: repairs", "pool: other")
				}
				r.take(yaml)
				r.eventually("the log is followed by them", func() bool { return r.ready.Load() > seen })
				w.exec("src", fmt.Sprintf("INSERT INTO repair (id, summary, status) VALUES ('N%d', 'new', 1)", i))
				w.eventually("changes arrive", func() bool {
					return len(rows(t, w.dbs["dst"], fmt.Sprintf("SELECT id FROM repair WHERE id = 'N%d'", i))) == 1
				})
			}
			stop.Store(true)
			writers.Wait()
			stopOther()
			<-over
			r.stop()
			if tookOver.Load() {
				t.Error("the process that stood by took the server over")
			}
			w.settle()
			w.equal("errors", rows(t, w.dbs["dst"], "SELECT request, error, reason FROM dso_pending_error"))
			w.equal("conflicts", rows(t, w.dbs["dst"], "SELECT request, kind FROM dso_conflict"))
			if n := len(r.log.said("level=ERROR")) + len(r.log.said("server interrupted")); n > 0 {
				t.Errorf("the log tells of %d errors:\n%s%s", n, strings.Join(r.log.said("level=ERROR"), ""), strings.Join(r.log.said("server interrupted"), ""))
			}
		})
	}
}

// editRepairs changes a writer's own repairs until stop; a lost or doubled change shows, as values go on from each other.
func (w *world) editRepairs(stop *atomic.Bool, writer int) {
	db := w.dbs["src"]
	for i := 0; !stop.Load(); i++ {
		id := fmt.Sprintf("W%d-%d", writer, i%7)
		q := fmt.Sprintf("UPDATE repair SET status = status + 1, summary = '%d' WHERE id = '%s'", i, id)
		switch i % 9 {
		case 0:
			q = "DELETE FROM repair WHERE id = '" + id + "'"
		case 1, 2, 3:
			q = fmt.Sprintf("INSERT INTO repair (id, summary, status) VALUES ('%s', '%d', 1)", id, i) + upsert(db, "status = repair.status + 10")
		}
		if err := patiently(db, q); err != nil {
			w.t.Error(err)
			return
		}
		if db.Engine.SingleWriter { // a tight loop would leave ardso no turn at its lock
			time.Sleep(time.Millisecond)
		}
	}
}

// A bad document is refused whole, with its problems, and the old one goes on.
func TestReloadRefuses(t *testing.T) {
	t.Parallel()
	for _, p := range atHand([2]string{"postgres15", "sqlite"}, [2]string{"mariadb10.11", "sqlite"}, [2]string{"sqlite", "postgres15"}) {
		t.Run(p[0], func(t *testing.T) {
			t.Parallel()
			w := pair(t, p[0], p[1])
			for name, db := range w.dbs {
				w.exec(name, strings.Replace(repairTable[db.Engine.Dialect], "repair", "ticket", 1))
			}
			good := w.yaml
			r := w.background()
			n := 0
			goesOn := func() {
				t.Helper()
				n++
				w.exec("src", fmt.Sprintf("INSERT INTO repair (id, status) VALUES ('R%d', 1)", n))
				w.eventually("changes arrive", func() bool { return rows(t, w.dbs["dst"], "SELECT count(*) FROM repair")[0] == fmt.Sprint(n) })
			}
			goesOn()
			r.refuse("servers: [", "not YAML", "definition.syntax")
			goesOn()
			r.refuse(strings.Replace(good, "mapping: repairs", "mapping: repais", 1)+"pool: []\n",
				`unknown mapping \"repais\"`, "at=ardso.yaml:", "definition.unknown_mapping", `unknown key \"pool\"`)
			goesOn()
			r.refuse(strings.Replace(good, "match: like names", "match: like names\n    exclude: [nothing]", 1), "definition.unknown_field")
			goesOn()
			r.refuse(strings.Replace(good, "server: src", "server: dst", 1), "definition.self_mapping")
			goesOn()
			if p[0] != "mariadb10.11" { // whose log holds all tables
				r.refuse(strings.ReplaceAll(good, "      - name: Repair\n", "      - {name: Ticket, table: ticket, request_id: id}\n      - name: Repair\n")+
					"  - {name: tickets, server: src, form: Ticket, on: submit, delete: {server: dst, form: Ticket, request_id: \"'id'\"}}\n", "ardso init")
				goesOn()
			}
			if got := r.ready.Load(); got != 1 {
				t.Errorf("the log was begun to be followed %d times", got)
			}
			r.stop()
			w.settle()
		})
	}
}

// Changed rules: what is committed after they are taken up goes by them, sources come and go, and what waits is
// carried out by the newest.
func TestReloadRules(t *testing.T) {
	t.Parallel()
	for _, e := range inShort(dbtest.Have("sqlite", "postgres15", "mariadb10.11")) {
		t.Run(e, func(t *testing.T) {
			t.Parallel()
			const form = "      - {name: F, table: f, request_id: id}\n"
			dbs, forms := map[string]*engine.DB{}, map[string]string{}
			for _, server := range []string{"a", "b", "c"} {
				dbs[server], forms[server] = dbtest.New(t, e), form
			}
			hub := func(physical, more string) string {
				return "logical_mappings: [{server: a, logical: hub, physical: " + physical + "}]\n" + more
			}
			const rules = `mappings:
  - {name: up, from: {server: a, form: F}, to: {server: $hub$, form: F}, transfer_mode: independent copy}
filters:
  - {name: up, server: a, form: F, on: [submit, modify], transfer: {mapping: up}}
`
			w := newWorld(t, dbs, forms, hub("b", rules+"  - {name: gone, server: c, form: F, on: delete, delete: {server: b, form: F, request_id: \"'id'\"}}\n"))
			for server := range dbs {
				w.exec(server, "CREATE TABLE f (id varchar(15) PRIMARY KEY, n integer)")
			}
			w.open() // c is a source only to be initialised
			head, _, _ := strings.Cut(w.yaml, "logical_mappings")
			w.yaml = head + hub("b", rules)
			sys, err := run.Open(t.Context(), []definition.File{{Name: "ardso.yaml", Text: w.yaml}}, w.secrets())
			if err != nil {
				t.Fatal(err)
			}
			w.sys = sys
			r := w.background()
			has := func(server string, want ...string) {
				t.Helper()
				w.eventually(fmt.Sprintf("%s has %v, not %v", server, want, rows(t, dbs[server], "SELECT id, n FROM f ORDER BY id")), func() bool {
					return slices.Equal(rows(t, dbs[server], "SELECT id, n FROM f ORDER BY id"), want)
				})
			}
			w.exec("b", "INSERT INTO f VALUES ('R2', 7)")
			w.exec("a", "INSERT INTO f VALUES ('R1', 1)", "INSERT INTO f VALUES ('R2', 2)")
			has("b", "R1|1", "R2|7") // R2 is in errors
			version := func() string {
				v, err := control.ReadDefinitions(t.Context(), dbs["a"])
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			first := version()

			// What waits is retried by the rules as they are then.
			overwrite := strings.Replace(rules, "independent copy", "independent copy, duplicate_request_id: overwrite", 1)
			r.take(head + hub("b", overwrite))
			w.eventually("the version is noted", func() bool { return version() != first })
			list, err := control.ListErrors(t.Context(), dbs["b"], control.ErrorFilter{})
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			if err := control.SetErrorStatus(t.Context(), dbs["b"], list[0].ID, control.ErrorRetry); err != nil {
				t.Fatal(err)
			}
			has("b", "R1|1", "R2|2")

			// The hub moves, and c becomes a source.
			seen := r.ready.Load()
			r.take(head + hub("c", overwrite+"  - {name: gone, server: c, form: F, on: delete, delete: {server: b, form: F, request_id: \"'id'\"}}\n"))
			r.eventually("both are followed", func() bool { return r.ready.Load() == seen+2 })
			w.exec("a", "INSERT INTO f VALUES ('R3', 3)")
			has("c", "R3|3")
			w.exec("c", "DELETE FROM f WHERE id = 'R3'", "INSERT INTO f VALUES ('R1', 0)")
			w.exec("c", "DELETE FROM f WHERE id = 'R1'")
			has("b", "R2|2")

			// c is no source any more; a goes on.
			r.take(head + hub("b", overwrite))
			w.exec("a", "INSERT INTO f VALUES ('R4', 4)")
			has("b", "R2|2", "R4|4")
			r.eventually("c is left", func() bool {
				l, err := control.ReadLease(t.Context(), dbs["c"])
				return err == nil && l.Holder == ""
			})
			w.exec("c", "INSERT INTO f VALUES ('R4', 0)", "DELETE FROM f WHERE id = 'R4'")
			r.stop()
			has("b", "R2|2", "R4|4")

			events, err := control.ListEvents(t.Context(), dbs["a"], control.EventFilter{})
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, x := range events {
				told = append(told, x.What+" "+x.Before)
			}
			if len(told) != 3 || told[0] != fmt.Sprintf(`definitions changed {"version":%q}`, first) {
				t.Errorf("events, the first of which changes %s: %q", first, told)
			}
		})
	}
}
