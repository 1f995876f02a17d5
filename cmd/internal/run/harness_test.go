package run_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cdc"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping/definition"
	"ardso/sql/engine"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if run := flag.Lookup("test.run"); testing.Short() && run.Value.String() == "" {
		if err := run.Value.Set(core); err != nil {
			panic(err) // it is a text
		}
	}
	// Most tests wait for servers and clocks, not for a processor: by default as many run at once as there are of those.
	if p := flag.Lookup("test.parallel"); p.Value.String() == p.DefValue {
		if err := p.Value.Set(strconv.Itoa(2 * runtime.GOMAXPROCS(0))); err != nil {
			panic(err) // it is a number
		}
	}
	dbtest.Main(m)
}

// core are the tests that run where all of them would take too long: `go test -short` without -run. Each stands for others.
const core = "^Test(Conformance|Matrix|HandOver|ForeignChange|TargetAway|MappingGoneWhileAway|FromPool|JoinAsSource|TwoWayProperty|" +
	"FollowTheSun|LargeTransaction|ReloadRefuses|StartCutOff|InitCheckRemove|" +
	"OwnerClear|LayoutRoundTrip|ParseLayoutRefuses|PlaceSpreads|CoverageAcrossLayouts)$"

// world is some servers with definitions on them.
type world struct {
	t    *testing.T
	dbs  map[string]*engine.DB
	yaml string
	sys  *run.System
}

// newWorld writes the servers section for dbs, by logical name, before the definitions: plain
// catalogs with the forms given for each server as YAML list items.
func newWorld(t *testing.T, dbs map[string]*engine.DB, forms map[string]string, definitions string) *world {
	t.Helper()
	var b strings.Builder
	b.WriteString("servers:\n")
	for _, name := range slices.Sorted(mapKeys(dbs)) {
		c := dbs[name].Config()
		fmt.Fprintf(&b, "  %s:\n    url: %q\n    catalog: plain\n", name, c.URL)
		if c.Password != "" {
			fmt.Fprintf(&b, "    password: ${PASSWORD_%s}\n", name)
		}
		b.WriteString("    forms:\n" + forms[name])
	}
	return &world{t: t, dbs: dbs, yaml: b.String() + definitions}
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// secrets are those that newWorld's definitions name.
func (w *world) secrets() definition.Secrets {
	return definition.Secrets{Env: func(name string) (string, bool) {
		db := w.dbs[strings.TrimPrefix(name, "PASSWORD_")]
		if db == nil {
			return "", false
		}
		return db.Config().Password, true
	}}
}

// open opens the definitions and makes every server ready, as `ardso init` does.
func (w *world) open() *run.System {
	w.t.Helper()
	ctx := w.t.Context()
	sys, err := run.Open(ctx, []definition.File{{Name: "ardso.yaml", Text: w.yaml}}, w.secrets())
	if err != nil {
		w.t.Fatalf("open: %v\n%s", err, w.yaml)
	}
	w.t.Cleanup(func() { _ = sys.Close() })
	copiesCompile(w.t, sys)
	w.sys = sys
	for _, name := range slices.Sorted(mapKeys(sys.Servers)) {
		w.init(name)
	}
	return sys
}

// init does to a server what `ardso init` does, and returns the steps.
func (w *world) init(name string) (done []string) {
	w.t.Helper()
	if err := w.sys.Init(w.t.Context(), name, func(s cdc.Step) { done = append(done, s.What) }); err != nil {
		w.t.Fatalf("init %s: %v", name, err)
	}
	return done
}

// once carries out all that the logs hold now.
func (w *world) once() run.Summary {
	w.t.Helper()
	sum, err := w.sys.Run(w.t.Context(), nil, run.Options{Once: true, Log: testLog(w.t)})
	if err != nil {
		w.t.Fatalf("run --once: %v", err)
	}
	return sum
}

func testLog(t *testing.T) *slog.Logger {
	if os.Getenv("ARDSO_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// exec runs statements on a server, each in a transaction of its own.
func (w *world) exec(server string, statements ...string) {
	w.t.Helper()
	for _, s := range statements {
		if _, err := w.dbs[server].ExecContext(context.Background(), s); err != nil {
			w.t.Fatalf("%s: %v\n%s", server, err, s)
		}
	}
}

// patiently executes a statement, again where the engine says that it may do better: writers of MariaDB and
// MySQL lock each other out, and ardso's threads are among them.
func patiently(db *engine.DB, statement string) error {
	for {
		_, err := db.ExecContext(context.Background(), statement)
		if err == nil || db.Engine.Class(err) != engine.Transient {
			return err
		}
	}
}

// upsert ends an INSERT that changes the request where it is there already.
func upsert(db *engine.DB, set string) string {
	if db.Engine.Dialect == "mysql" {
		return " ON DUPLICATE KEY UPDATE " + set
	}
	return " ON CONFLICT (id) DO UPDATE SET " + set
}

// numbers is a table expression: s, whose column i has the numbers from 1 to n.
func numbers(db *engine.DB, n int) string {
	switch db.Engine.Dialect {
	case "postgres":
		return fmt.Sprintf("(SELECT i FROM generate_series(1, %d) i) s", n)
	case "sqlite":
		return fmt.Sprintf("(WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < %d) SELECT i FROM r) s", n)
	}
	const digits = "(SELECT 0 d" + " UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4" +
		" UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	sum, from := "1 + d0.d", digits+" d0"
	for k, unit := 1, 10; unit < n; k, unit = k+1, unit*10 {
		sum += fmt.Sprintf(" + %d * d%d.d", unit, k)
		from += fmt.Sprintf(", %s d%d", digits, k)
	}
	return fmt.Sprintf("(SELECT i FROM (SELECT %s AS i FROM %s) d WHERE i <= %d) s", sum, from, n)
}

// rows reads a query as text, NULL as <null>, times to the microsecond where they have any.
func rows(t *testing.T, db *engine.DB, query string) []string {
	t.Helper()
	r, err := db.QueryxContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v\n%s", db.Server, err, query)
	}
	defer r.Close()
	var out []string
	for r.Next() {
		cols, err := r.SliceScan()
		if err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(cols))
		for i, c := range cols {
			switch x := c.(type) {
			case nil:
				parts[i] = "<null>"
			case []byte:
				parts[i] = string(x)
			case time.Time:
				parts[i] = x.Format("2006-01-02 15:04:05.999999")
			default:
				parts[i] = fmt.Sprint(x)
			}
		}
		out = append(out, strings.Join(parts, "|"))
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// same compares what two servers answer to a query each.
func (w *world) same(a, queryA, b, queryB string) {
	w.t.Helper()
	if diff := cmp.Diff(rows(w.t, w.dbs[a], queryA), rows(w.t, w.dbs[b], queryB)); diff != "" {
		w.t.Errorf("%s and %s differ (-%s +%s):\n%.4000s", a, b, a, b, diff)
		for name, db := range w.dbs {
			if got := rows(w.t, db, "SELECT error, reason FROM dso_pending_error"); len(got) > 0 {
				w.t.Logf("%s: errors: %.2000s", name, strings.Join(got, "\n"))
			}
		}
	}
}

// follow runs ardso in the background until the returned function is called, which drains it.
func (w *world) follow(servers ...string) (stop func()) {
	w.t.Helper()
	drain := make(chan struct{})
	done := make(chan error, 1)
	ready := make(chan struct{}, 16)
	go func() {
		_, err := w.sys.Run(context.Background(), drain, run.Options{Servers: servers, Log: testLog(w.t), Ready: func(string) { ready <- struct{}{} }})
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

// eventually waits for a condition.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	w.until(30*time.Second, what, ok)
}

// until is eventually with a time of its own.
func (w *world) until(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(limit); !ok(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// reopen reads changed definitions and makes what they name ready; the reader's position stays.
func (w *world) reopen() {
	w.t.Helper()
	if err := w.sys.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// inShort is the first of what a test goes through, in short runs.
func inShort[T any](list []T) []T {
	if testing.Short() {
		return list[:1]
	}
	return list
}
