package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// privateDatabase is database on a server of the test's own.
func privateDatabase(t *testing.T, name string, settings ...string) *engine.DB {
	t.Helper()
	db := dbtest.Server(t, name, settings...).Database(t)
	exec(t, db, "CREATE TABLE repair (id INTEGER PRIMARY KEY, summary VARCHAR(50))")
	return db
}

// A MariaDB or MySQL server whose log does not hold whole rows is refused before anything is changed.
func TestInitNeedsRowLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	t.Parallel()
	for _, tt := range []struct{ server, setting, want string }{
		{"mariadb10.11", "binlog-format=MIXED", "binlog.format"},
		{"mysql5.6", "binlog-row-image=MINIMAL", "binlog.row_image"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			a := privateDatabase(t, tt.server, tt.setting)
			doc := twoServers(t, a, database(t, "sqlite"))
			sys := open(t, doc)
			for what, try := range map[string]func() error{
				"plan": func() error { _, err := sys.InitPlan(t.Context(), "a"); return err },
				"init": func() error { return sys.Init(t.Context(), "a", func(cdc.Step) {}) },
			} {
				var refused *run.FindingError
				if err := try(); !errors.As(err, &refused) || refused.Name() != tt.want || refused.Remedy() == "" {
					t.Errorf("%s: got %v, want %s", what, err, tt.want)
				}
			}
			var none *control.NotInitialisedError
			if _, _, err := control.Version(t.Context(), a); !errors.As(err, &none) {
				t.Errorf("something was changed: %v", err)
			}
			if got := errorsIn(check(t, doc)); !slices.Contains(got, "a "+tt.want) {
				t.Errorf("check: got errors %q", got)
			}
		})
	}
}

// A log that was purged is a lost position, by name; init goes on at the log's present end.
func TestPurgedLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	t.Parallel()
	settings := map[string][]string{
		"mariadb11.8": {"slave-connections-needed-for-purge=0"}, // else it purges nothing while nobody reads
		"mysql5.6":    nil,
	}
	for name, own := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := privateDatabase(t, name, own...), database(t, "sqlite")
			doc := twoServers(t, a, b)
			sys := open(t, doc)
			initialize(t, sys, "a", "b")
			exec(t, a, "INSERT INTO repair VALUES (1, 'one')")
			once(t, sys)
			for _, q := range []string{
				"INSERT INTO repair VALUES (2, 'lost')", "FLUSH BINARY LOGS",
				"INSERT INTO repair VALUES (3, 'lost')", "FLUSH BINARY LOGS",
			} {
				exec(t, a, q)
			}
			// A file that is still sent to the reader that has just gone is not removed.
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				exec(t, a, "PURGE BINARY LOGS TO 'binlog.000003'")
				if strings.HasPrefix(rows(t, a, "SHOW BINARY LOGS")[0], "binlog.000003") {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the server does not purge its log")
				}
			}
			_, err := sys.Run(t.Context(), nil, run.Options{Once: true})
			var lost *cdc.PositionLostError
			if !errors.As(err, &lost) || !strings.Contains(lost.Reason, "purged") {
				t.Fatalf("got %v, want a lost position", err)
			}
			if got := errorsIn(check(t, doc)); !slices.Contains(got, "a reader.position_lost") {
				t.Errorf("check: got errors %q", got)
			}
			if text := strings.Join(initialize(t, sys, "a"), "\n"); !strings.Contains(text, "is lost") {
				t.Errorf("init says %q", text)
			}
			exec(t, a, "INSERT INTO repair VALUES (4, 'four')")
			if s := once(t, sys); s.Servers[0].Written != 1 {
				t.Errorf("got %+v, want one request written", s)
			}
		})
	}
}

func TestStatusOfBinlog(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mariadb10.11", "mysql5.6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := database(t, name), database(t, "sqlite")
			doc := twoServers(t, a, b)
			initialize(t, open(t, doc), "a", "b")
			all, err := run.Connect(t.Context(), doc, "a")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = run.CloseAll(all) }()
			exec(t, a, "INSERT INTO repair VALUES (1, 'one')")
			s := run.ReadStatus(t.Context(), all[0], doc)
			if s.Error != "" || s.Reader == nil || s.Reader.Unit != "transactions" || s.Reader.Behind < 1 || s.Reader.Retained < s.Reader.Behind || s.Reader.Limit != -1 {
				t.Errorf("got %+v, reader %+v", s, s.Reader)
			}
		})
	}
}
