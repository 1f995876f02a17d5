package run_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// twoServers is definitions that copy form Repair from a to b.
func twoServers(t *testing.T, a, b *engine.DB) *definition.Document {
	t.Helper()
	text := "servers:\n"
	for name, db := range map[string]*engine.DB{"a": a, "b": b} {
		text += fmt.Sprintf("  %s: {url: %q, catalog: plain, forms: [{name: Repair, table: repair}]", name, db.Config().URL)
		if db.Config().Password != "" {
			text += fmt.Sprintf(", password: \"${%s}\"", strings.ToUpper(name))
		}
		text += "}\n"
	}
	text += `mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, match: like names, duplicate_request_id: overwrite}
filters:
  - {name: all, server: a, form: Repair, on: [submit, modify], transfer: {mapping: a to b}}
`
	passwords := map[string]string{"A": a.Config().Password, "B": b.Config().Password}
	doc, err := definition.Parse([]definition.File{{Name: "t.yaml", Text: text}}, definition.Secrets{
		Env: func(name string) (string, bool) { return passwords[name], true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func database(t *testing.T, name string) *engine.DB {
	t.Helper()
	db := dbtest.New(t, name)
	exec(t, db, "CREATE TABLE repair (id INTEGER PRIMARY KEY, summary VARCHAR(50))")
	return db
}

func exec(t *testing.T, db *engine.DB, text string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func open(t *testing.T, doc *definition.Document) *run.System {
	t.Helper()
	sys, err := run.OpenDocument(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Close() })
	return sys
}

// initialize returns what was done.
func initialize(t *testing.T, sys *run.System, names ...string) []string {
	t.Helper()
	var done []string
	for _, n := range names {
		if err := sys.Init(t.Context(), n, func(s cdc.Step) { done = append(done, n+": "+s.What) }); err != nil {
			t.Fatal(err)
		}
	}
	return done
}

func errorsIn(list []cdc.Finding) (names []string) {
	for _, f := range list {
		if f.Severity == cdc.Error {
			names = append(names, f.Server+" "+f.Name)
		}
	}
	return names
}

func check(t *testing.T, doc *definition.Document) []cdc.Finding {
	t.Helper()
	list, err := run.Check(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func once(t *testing.T, sys *run.System) run.Summary {
	t.Helper()
	s, err := sys.Run(t.Context(), nil, run.Options{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every source that there is a reader for is set up, works, and is taken down without a trace.
func TestInitCheckRemove(t *testing.T) {
	t.Parallel()
	for _, ends := range [][2]string{
		{"postgres15", "mariadb10.11"},
		{"postgres18", "postgres15"},
		{"sqlite", "mysql5.6"},
		{"mariadb10.11", "sqlite"},
		{"mariadb11.8", "mariadb10.11"},
		{"mysql5.6", "postgres15"},
	} {
		t.Run(ends[0]+" to "+ends[1], func(t *testing.T) {
			t.Parallel()
			a, b := database(t, ends[0]), database(t, ends[1])
			doc := twoServers(t, a, b)
			if got := errorsIn(check(t, doc)); !slices.Contains(got, "a control.not_initialised") || !slices.Contains(got, "b control.not_initialised") {
				t.Errorf("before init: got errors %q", got)
			}
			sys := open(t, doc)
			plan, err := sys.InitPlan(t.Context(), "a")
			if err != nil || len(plan) < 2 {
				t.Fatalf("plan: got %v, %v", plan, err)
			}
			var none *control.NotInitialisedError
			if _, _, err := control.Version(t.Context(), a); !errors.As(err, &none) {
				t.Fatalf("the plan changed something: %v", err)
			}
			done := initialize(t, sys, "a", "b")
			for i, s := range plan {
				if !strings.HasSuffix(done[i], s.What) {
					t.Errorf("step %d: done %q, planned %q", i, done[i], s.What)
				}
			}
			if again := initialize(t, sys, "a", "b"); len(again) > 0 {
				t.Errorf("second init: got %q, want nothing", again)
			}
			if got := errorsIn(check(t, doc)); len(got) > 0 {
				t.Errorf("after init: got errors %q", got)
			}

			exec(t, a, "INSERT INTO repair VALUES (1, 'one')")
			if s := once(t, sys); s.Servers[0].Written != 1 {
				t.Errorf("got %+v, want one request written", s)
			}
			remove(t, doc, "a", "b")
			if got := errorsIn(check(t, doc)); !slices.Contains(got, "a control.not_initialised") {
				t.Errorf("after remove: got errors %q", got)
			}

			// Set up anew it follows what comes, whatever was counted before.
			initialize(t, sys, "a", "b")
			exec(t, a, "INSERT INTO repair VALUES (2, 'two')")
			if s := once(t, sys); s.Servers[0].Written != 1 {
				t.Errorf("set up anew: got %+v, want one request written", s)
			}
			remove(t, doc, "a", "b")
		})
	}
}

func remove(t *testing.T, doc *definition.Document, names ...string) {
	t.Helper()
	all, err := run.Connect(t.Context(), doc, names...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.CloseAll(all) }()
	for _, c := range all {
		if err := run.Remove(t.Context(), &c.Server, func(cdc.Step) {}); err != nil {
			t.Fatal(err)
		}
		if steps, err := run.RemovePlan(t.Context(), &c.Server); err != nil || len(steps) > 0 {
			t.Errorf("%s: still there: %v, %v", c.Name, steps, err)
		}
	}
}

// Only the source was removed: its log counts from the beginning again, and its lease too, while the
// target remembers both.
func TestSourceSetUpAnew(t *testing.T) {
	t.Parallel()
	a, b := database(t, "sqlite"), database(t, "sqlite")
	doc := twoServers(t, a, b)
	sys := open(t, doc)
	initialize(t, sys, "a", "b")
	for i := range 5 {
		exec(t, a, fmt.Sprintf("INSERT INTO repair VALUES (%d, 'x')", i))
		once(t, sys)
	}
	remove(t, doc, "a")
	initialize(t, sys, "a")
	exec(t, a, "INSERT INTO repair VALUES (10, 'anew')")
	once(t, sys)
	var n int
	if err := b.Get(&n, "SELECT COUNT(*) FROM repair WHERE id = 10"); err != nil || n != 1 {
		t.Errorf("got %d, %v, want the request of after the removal", n, err)
	}
}

// A slot that was dropped is a lost position, by name; init makes a new one and goes on.
func TestLostSlot(t *testing.T) {
	t.Parallel()
	a, b := database(t, "postgres15"), database(t, "sqlite")
	doc := twoServers(t, a, b)
	sys := open(t, doc)
	initialize(t, sys, "a", "b")
	defer remove(t, doc, "a")
	exec(t, a, "INSERT INTO repair VALUES (1, 'one')")
	once(t, sys)
	// The server holds the slot until it has noticed that the reader has gone.
	for deadline := time.Now().Add(20 * time.Second); rows(t, a, "SELECT count(*) FROM pg_replication_slots WHERE active AND database = current_database()")[0] != "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the slot is still read")
		}
	}
	exec(t, a, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
	_, err := sys.Run(t.Context(), nil, run.Options{Once: true})
	var lost *cdc.PositionLostError
	if !errors.As(err, &lost) {
		t.Fatalf("got %v, want a lost position", err)
	}
	done := initialize(t, sys, "a")
	if text := strings.Join(done, "\n"); !strings.Contains(text, "is lost") || !strings.Contains(text, "transfer what changed since") {
		t.Errorf("init says %q", done)
	}
	exec(t, a, "INSERT INTO repair VALUES (2, 'two')")
	if s := once(t, sys); s.Servers[0].Written != 1 {
		t.Errorf("got %+v, want one request written", s)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	a, b := database(t, "postgres15"), database(t, "mariadb10.11")
	doc := twoServers(t, a, b)
	sys := open(t, doc)
	initialize(t, sys, "a", "b")
	defer remove(t, doc, "a", "b")
	exec(t, a, "INSERT INTO repair VALUES (1, 'one')")
	once(t, sys)
	all, err := run.Connect(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.CloseAll(all) }()
	status := map[string]run.Status{}
	for _, c := range all {
		status[c.Name] = run.ReadStatus(t.Context(), c, doc)
	}
	if s := status["a"]; s.Error != "" || s.Reader == nil || s.Reader.Unit != "bytes" || s.Reader.Position == "" || s.Reader.Holder != "" {
		t.Errorf("source: got %+v, reader %+v", s, s.Reader)
	}
	if s := status["b"]; s.Error != "" || s.Reader != nil || len(s.Applied) != 1 || s.Applied[0].Transactions != 1 || !strings.HasPrefix(s.Engine, "mariadb 10.11.") {
		t.Errorf("target: got %+v", s)
	}
}

// A MariaDB server without a log is a target only: nothing is changed in one that is to be read.
func TestNoBinlog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	t.Parallel()
	a, b := dbtest.Server(t, "mariadb10.11", "skip-log-bin", "gtid-strict-mode=OFF").Database(t), database(t, "sqlite")
	exec(t, a, "CREATE TABLE repair (id INTEGER PRIMARY KEY, summary VARCHAR(50))")
	doc := twoServers(t, a, b)
	sys := open(t, doc)
	var want *run.FindingError
	if _, err := sys.InitPlan(t.Context(), "a"); !errors.As(err, &want) {
		t.Errorf("plan: got %v", err)
	}
	if err := sys.Init(t.Context(), "a", func(cdc.Step) {}); !errors.As(err, &want) {
		t.Errorf("init: got %v", err)
	}
	var none *control.NotInitialisedError
	if _, _, err := control.Version(t.Context(), a); !errors.As(err, &none) {
		t.Errorf("something was changed: %v", err)
	}
	if got := errorsIn(check(t, doc)); !slices.Contains(got, "a binlog.log_bin") {
		t.Errorf("check: got errors %q", got)
	}
}

// What is wrong with one server is found beside what is wrong with the other.
func TestCheckFindings(t *testing.T) {
	t.Parallel()
	a, b := database(t, "postgres15"), database(t, "mysql5.6")
	doc := twoServers(t, a, b)
	sys := open(t, doc)
	initialize(t, sys, "a", "b")
	defer remove(t, doc, "a", "b")
	exec(t, b, "ALTER TABLE repair ENGINE = MyISAM")
	exec(t, b, "CREATE TRIGGER audit AFTER INSERT ON repair FOR EACH ROW SET @seen = 1")
	exec(t, a, "DROP PUBLICATION "+doc.Server("a").Publication)
	var names []string
	for _, f := range check(t, doc) {
		names = append(names, f.Server+" "+f.Name)
		if f.Severity > cdc.Note && f.Remedy == "" {
			t.Errorf("%s has no remedy", f.Name)
		}
	}
	for _, want := range []string{"b target.not_transactional", "b target.triggers", "a postgres.publication"} {
		if !slices.Contains(names, want) {
			t.Errorf("got findings %q, want %s among them", names, want)
		}
	}
}

// A server whose log cannot be read is refused before anything is changed.
func TestInitNeedsLogicalLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	t.Parallel()
	a := dbtest.Server(t, "postgres15", "wal_level=replica").Database(t)
	exec(t, a, "CREATE TABLE repair (id INTEGER PRIMARY KEY, summary VARCHAR(50))")
	doc := twoServers(t, a, database(t, "sqlite"))
	sys := open(t, doc)
	defer sys.Close()
	for what, try := range map[string]func() error{
		"plan": func() error { _, err := sys.InitPlan(t.Context(), "a"); return err },
		"init": func() error { return sys.Init(t.Context(), "a", func(cdc.Step) {}) },
	} {
		var refused *run.FindingError
		if err := try(); !errors.As(err, &refused) || refused.Name() != "postgres.wal_level" || refused.Remedy() == "" {
			t.Errorf("%s: got %v, want postgres.wal_level", what, err)
		}
	}
	var none *control.NotInitialisedError
	if _, _, err := control.Version(t.Context(), a); !errors.As(err, &none) {
		t.Errorf("something was changed: %v", err)
	}
}

// poor lets a server of the definitions be opened by another user.
func poor(def *definition.Server, db *engine.DB, user, password string) {
	u := *db.URL
	u.User = url.User(user)
	def.URL, def.Password = u.String(), definition.NewSecret(password)
}

// A user who may not create tables is told so, with what an administrator can do instead.
func TestInitDenied(t *testing.T) {
	t.Parallel()
	const user, password = "ardso_poor", "Only-reads-1"
	accounts := map[string]struct{ create, drop []string }{
		"postgres15": {
			create: []string{"CREATE ROLE ardso_poor LOGIN PASSWORD 'Only-reads-1'", "GRANT SELECT, INSERT, UPDATE, DELETE ON repair TO ardso_poor"},
			drop:   []string{"DROP OWNED BY ardso_poor", "DROP ROLE ardso_poor"},
		},
		"mariadb10.11": {
			create: []string{"CREATE USER 'ardso_poor'@'%' IDENTIFIED BY 'Only-reads-1'", "GRANT SELECT, INSERT, UPDATE ON repair TO 'ardso_poor'@'%'"},
			drop:   []string{"DROP USER 'ardso_poor'@'%'"},
		},
	}
	for name, account := range accounts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := database(t, "sqlite"), database(t, name)
			for _, s := range account.create {
				exec(t, b, s)
			}
			defer func() {
				for _, s := range account.drop {
					_, _ = b.Exec(s)
				}
			}()
			doc := twoServers(t, a, b)
			poor(doc.Server("b"), b, user, password)
			sys := open(t, doc)
			defer sys.Close()
			err := sys.Init(t.Context(), "b", func(s cdc.Step) { t.Errorf("done: %s", s.What) })
			var refused *run.StepError
			if !errors.As(err, &refused) || refused.Name() != "init.denied" || !strings.Contains(refused.Remedy(), "--dry-run") {
				t.Errorf("got %v, want init.denied", err)
			}
			if plan, err := sys.InitPlan(t.Context(), "b"); err != nil || len(plan) == 0 {
				t.Errorf("the plan for the administrator: got %v, %v", plan, err)
			}
			if got := errorsIn(check(t, doc)); name == "mariadb10.11" && !slices.Contains(got, "b target.privilege") {
				t.Errorf("check: got errors %q, want target.privilege", got)
			}
		})
	}
}

// A wrong password is a finding that names the remedy, and not the password.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres18", "mariadb11.8", "mysql5.6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := dbtest.New(t, name)
			const secret = "Sesame-4711"
			doc := twoServers(t, good, good)
			doc.Server("b").Password = definition.NewSecret(secret)
			_, err := run.OpenDocument(context.Background(), doc)
			var denied *engine.OpenError
			if !errors.As(err, &denied) || denied.Name() != "server.denied" {
				t.Fatalf("got %v, want server.denied", err)
			}
			list := check(t, doc)
			if text := fmt.Sprintf("%v %+v", err, list); strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(good.Config().Password)) {
				t.Errorf("the password is shown: %s", text)
			}
			if got := errorsIn(list); !slices.Contains(got, "b server.denied") {
				t.Errorf("check: got errors %q", got)
			}
		})
	}
}
