package run_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cdc"
	"ardso/cdc/postgres"
	"ardso/cdc/trigger"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

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
	w.sys = sys
	for name, srv := range sys.Servers {
		if err := control.Migrate(ctx, srv.DB, name); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range sys.Sources() {
		w.initSource(sys.Servers[name])
	}
	return sys
}

func (w *world) initSource(srv *run.Server) {
	ctx := w.t.Context()
	tables := mapping.NewDecider(srv.Name, w.sys.Compiled).Tables()
	var steps []cdc.Step
	var start cdc.Position
	var err error
	if srv.DB.Engine.Dialect == "postgres" {
		steps, err = postgres.Plan(ctx, srv.DB, tables, run.PostgresOptions(srv, slog.New(slog.DiscardHandler)))
	} else {
		steps, err = trigger.Plan(ctx, srv.DB, tables)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range steps {
		if _, err := srv.DB.ExecContext(ctx, s.SQL); err != nil {
			w.t.Fatalf("%s: %v\n%s", s.What, err, s.SQL)
		}
	}
	if srv.DB.Engine.Dialect == "postgres" {
		start, err = postgres.Start(ctx, srv.DB, run.PostgresOptions(srv, slog.New(slog.DiscardHandler)))
	} else {
		start, err = trigger.Start(ctx, srv.DB)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	epoch, _, ok, err := control.AcquireLease(ctx, srv.DB, "init", 0)
	if err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	if err := control.SavePosition(ctx, srv.DB, epoch, string(start)); err != nil {
		w.t.Fatal(err)
	}
	if err := control.ReleaseLease(ctx, srv.DB, "init", epoch); err != nil {
		w.t.Fatal(err)
	}
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

// rows reads a query as text, NULL as <null>.
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
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// reopen reads changed definitions and makes what they name ready; the reader's position stays.
func (w *world) reopen() {
	w.t.Helper()
	positions := make(map[string]string)
	for name := range w.sys.Servers {
		lease, err := control.ReadLease(w.t.Context(), w.dbs[name])
		if err != nil {
			w.t.Fatal(err)
		}
		positions[name] = lease.Position
	}
	if err := w.sys.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
	for _, name := range w.sys.Sources() {
		db := w.dbs[name]
		epoch, _, ok, err := control.AcquireLease(w.t.Context(), db, "init", 0)
		if err != nil || !ok {
			w.t.Fatal(ok, err)
		}
		if err := control.SavePosition(w.t.Context(), db, epoch, positions[name]); err != nil {
			w.t.Fatal(err)
		}
		if err := control.ReleaseLease(w.t.Context(), db, "init", epoch); err != nil {
			w.t.Fatal(err)
		}
	}
}
