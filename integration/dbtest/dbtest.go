// Package dbtest gives tests real databases: a fresh, empty one per test on every engine of the live
// matrix. It starts the servers it needs by itself, when they are first asked for, and once per test
// process: private throw-away servers from local binaries, or containers with ARDSO_TEST_DOCKER=1.
//
// A package that uses it says
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
// and its tests call Each, or New for one engine. Tests of faults, which stop, kill or pause a server,
// take a private one with Server. Nothing is skipped silently: Main names the engines that were missing,
// and where CI is set a missing one fails the run. `make servers` installs them.
//
// The servers' time zone is three and a half hours off UTC and their root needs a password, so that a
// connection which forgets its session settings or its credentials shows at once.
//
// Environment:
//
//	ARDSO_SERVERS         folder of the servers that `make servers` unpacked
//	ARDSO_TEST_ENGINES    comma-separated part of the matrix to use; tests that want another engine are skipped
//	ARDSO_TEST_FSYNC=off  servers do not wait for the disk, and are in memory where it has room (faster; no
//	                      use for tests of durability)
//	ARDSO_TEST_DOCKER=1   containers; ARDSO_TEST_IMAGE_POSTGRES15 and so on name other images
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ardso/sql/engine"

	"go.uber.org/goleak"
)

// matrix lists the engines that ardso is tested on.
var matrix = []*kind{
	{name: "postgres15", family: postgres{}, locate: debianPostgres("15"), image: "postgres:15"},
	{name: "postgres18", family: postgres{}, locate: unpackedPostgres("postgres18", "18"), image: "postgres:18"},
	{name: "mariadb10.11", family: mysql{scheme: "mariadb"}, locate: debianMariaDB("10.11"), image: "mariadb:10.11"},
	{name: "mariadb11.8", family: mysql{scheme: "mariadb"}, locate: unpackedMariaDB("mariadb11.8", "11.8"), image: "mariadb:11.8"},
	{name: "mysql5.6", family: mysql{scheme: "mysql"}, locate: unpackedMySQL("mysql5.6", "5.6"), image: "mysql:5.6"},
	{name: sqlite},
}

const sqlite = "sqlite"

// kind is one engine of the matrix.
type kind struct {
	name   string
	family family // nil: SQLite, which is no server
	locate func() (binaries, error)
	image  string // default of the variable imageVariable(name)

	once     sync.Once // guards the next two
	instance *Instance // the server that the tests of this process share
	err      error     // why there is none
}

// family is what servers of one kind have in common.
type family interface {
	// prepare makes the data folder of a server that starts for the first time.
	prepare(ctx context.Context, p *process) error
	// command is the server's command line. It stays in the foreground.
	command(p *process) []string
	// settings are options in the form that command and a container's command take.
	settings(own []string) []string
	// environment is what a container needs to be set up as prepare does.
	environment() map[string]string
	containerPort() string
	dataFolder() string // query for the folder in which the server keeps its data
	driver() string
	dsn(addr, database string) string // for driver
	url(addr, database string) string // for engine.Open
	user() string                     // the account that a server runs as when root starts it
	children() bool                   // the server is more than one process
	drop(ctx context.Context, in *Instance, database string) error
}

// missing collects, by name, the engines that were asked for and are not at hand.
var missing = struct {
	sync.Mutex
	why map[string]error
}{why: map[string]error{}}

// Names lists the live matrix, or the part of it that ARDSO_TEST_ENGINES names.
func Names() []string {
	only := os.Getenv("ARDSO_TEST_ENGINES")
	var names []string
	for _, k := range matrix {
		if only == "" || slices.Contains(strings.Split(only, ","), k.name) {
			names = append(names, k.name)
		}
	}
	return names
}

// Have returns those of the named engines that the live matrix has.
func Have(names ...string) []string {
	all := Names()
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(all, name) })
}

// Main runs the tests of a package and ends the process. Afterwards it stops the servers, fails the
// package if goroutines are left over, and names what was missing.
func Main(m *testing.M) {
	code := m.Run()
	code = max(code, finish())
	os.Exit(code)
}

// finish does what Main does after the tests, and returns the exit code that it asks for.
func finish() int {
	code := 0
	if err := stopAll(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest: stop servers:", err)
		code = 1
	}
	// The container library keeps connections of its own open to the end.
	if !docker() {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "dbtest: goroutines left over:", err)
			code = 1
		}
	}
	return max(code, report())
}

// report names the engines that were missing or left out. A missing one is a failure under CI, and so
// are PostgreSQL 15 and SQLite always.
func report() int {
	missing.Lock()
	defer missing.Unlock()
	code := 0
	var names []string
	for _, k := range matrix {
		why, is := missing.why[k.name]
		if !is {
			continue
		}
		names = append(names, k.name)
		fmt.Fprintf(os.Stderr, "dbtest: %s: %v\n", k.name, why)
		if ci() || k.name == "postgres15" {
			code = 1
		}
	}
	if len(names) > 0 {
		fmt.Fprintln(os.Stderr, "missing engines:", strings.Join(names, ", "), "(make servers)")
	}
	if only := os.Getenv("ARDSO_TEST_ENGINES"); only != "" {
		fmt.Fprintln(os.Stderr, "only engines:", only)
	}
	return code
}

func ci() bool     { return os.Getenv("CI") != "" && os.Getenv("CI") != "false" }
func docker() bool { return os.Getenv("ARDSO_TEST_DOCKER") == "1" }

// Each runs f as a parallel subtest for every engine of Names, each with a fresh empty database.
func Each(t *testing.T, f func(t *testing.T, db *engine.DB)) {
	t.Helper()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, New(t, name))
		})
	}
}

// New returns a fresh empty database on the named engine. It is closed and dropped at the end of the
// test, with the replication slots that are left in it. Where the engine is missing the test is
// skipped by name; see Main.
func New(t testing.TB, name string) *engine.DB {
	t.Helper()
	if name == sqlite {
		path := filepath.Join(t.TempDir(), "test.db")
		return open(t, engine.Config{Server: sqlite, URL: "sqlite:" + path})
	}
	k := find(t, name)
	k.once.Do(func() { k.instance, k.err = start(k, nil) })
	if k.err != nil {
		k.refuse(t)
	}
	return k.instance.Database(t)
}

// Server returns a private server of the named engine, for tests that stop, kill or pause it or need
// other settings, such as "wal_level=replica" or "skip-log-bin". It is removed at the end of the test.
// SQLite has none.
func Server(t testing.TB, name string, settings ...string) *Instance {
	t.Helper()
	k := find(t, name)
	if k.family == nil {
		t.Fatalf("dbtest: %s is no server", name)
	}
	in, err := start(k, settings)
	if err != nil {
		k.err = err
		k.refuse(t)
	}
	in.own = true
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, in.runner.log())
		}
		if err := in.remove(); err != nil {
			t.Errorf("dbtest: remove %s: %v", name, err)
		}
	})
	return in
}

func find(t testing.TB, name string) *kind {
	t.Helper()
	i := slices.IndexFunc(matrix, func(k *kind) bool { return k.name == name })
	if i < 0 {
		t.Fatalf("dbtest: no engine %q; there are %s", name, strings.Join(Names(), ", "))
	}
	if !slices.Contains(Names(), name) {
		t.Skipf("%s is not among the engines of ARDSO_TEST_ENGINES", name)
	}
	return matrix[i]
}

// refuse ends a test whose engine is not at hand: a server that is there but does not start is always a
// failure; one that is not installed is one under CI only.
func (k *kind) refuse(t testing.TB) {
	t.Helper()
	if absent := (*absentError)(nil); !errors.As(k.err, &absent) {
		t.Fatalf("dbtest: %s: %v", k.name, k.err)
	}
	missing.Lock()
	missing.why[k.name] = k.err
	missing.Unlock()
	if ci() || k.name == "postgres15" {
		t.Fatalf("dbtest: %s: %v", k.name, k.err)
	}
	t.Skipf("%s is missing: %v", k.name, k.err)
}

// absentError says that an engine is not installed.
type absentError struct{ what string }

func (e *absentError) Error() string { return e.what + " (make servers installs it)" }

// open opens a database for the length of a test.
func open(t testing.TB, c engine.Config) *engine.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := engine.Open(ctx, c)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
