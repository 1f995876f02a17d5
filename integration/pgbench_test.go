package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// bench is what pgbench does to a database, as a source of changes that ardso did not make up.
type bench struct {
	t      *testing.T
	target *engine.DB
}

// command prepares a call of pgbench on the source.
func (b bench) command(args ...string) *exec.Cmd {
	b.t.Helper()
	program := "/usr/lib/postgresql/15/bin/pgbench"
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("pgbench"); err != nil {
			b.t.Fatalf("pgbench is missing: it comes with Debian's package postgresql-15 (make servers): %v", err)
		}
	}
	c := b.target.Config()
	u, err := url.Parse(c.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(
		os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(),
		"PGDATABASE="+strings.Trim(u.Path, "/"), "PGPASSWORD="+c.Password, "PGSSLMODE=disable",
	)
	return cmd
}

// benchTables are pgbench's tables with the queries by which their copies are compared. What an engine
// pads or prints in its own way is made equal in the query, not in Go: blanks at the end of char(n) are
// no part of the value, and a time is its text with microseconds.
var benchTables = []struct{ form, table, query string }{
	{"Account", "pgbench_accounts", "SELECT aid, bid, abalance, rtrim(filler) FROM pgbench_accounts ORDER BY aid"},
	{"Branch", "pgbench_branches", "SELECT bid, bbalance, rtrim(filler) FROM pgbench_branches ORDER BY bid"},
	{"Teller", "pgbench_tellers", "SELECT tid, bid, tbalance, rtrim(filler) FROM pgbench_tellers ORDER BY tid"},
	{"History", "pgbench_history", "SELECT hid, tid, bid, aid, delta, TIME, rtrim(filler) FROM pgbench_history ORDER BY hid"},
}

// benchTime is how an engine prints the time of pgbench_history.
var benchTime = map[string]string{
	"postgres": "to_char(mtime, 'YYYY-MM-DD HH24:MI:SS.US')",
	"mysql":    "date_format(mtime, '%Y-%m-%d %H:%i:%s.%f')",
}

// benchSchema makes the tables of a target.
var benchSchema = map[string][]string{
	"postgres": {
		"CREATE TABLE pgbench_accounts (aid integer PRIMARY KEY, bid integer, abalance integer, filler char(84))",
		"CREATE TABLE pgbench_branches (bid integer PRIMARY KEY, bbalance integer, filler char(88))",
		"CREATE TABLE pgbench_tellers (tid integer PRIMARY KEY, bid integer, tbalance integer, filler char(84))",
		"CREATE TABLE pgbench_history (hid bigint PRIMARY KEY, tid integer, bid integer, aid integer, delta integer, mtime timestamp, filler char(22))",
	},
	"mysql": {
		"CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) ENGINE=InnoDB",
		"CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88)) ENGINE=InnoDB",
		"CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84)) ENGINE=InnoDB",
		"CREATE TABLE pgbench_history (hid bigint PRIMARY KEY, tid int, bid int, aid int, delta int, mtime datetime(6), filler char(22)) ENGINE=InnoDB",
	},
}

// benchTargets are the copies, by name.
var benchTargets = []string{"maria", "pg18"}

func benchDefinitions() (forms, definitions string) {
	var mappings, filters strings.Builder
	for _, x := range benchTables {
		forms += fmt.Sprintf("      - {name: %s, table: %s}\n", x.form, x.table)
		for _, target := range benchTargets {
			name := x.form + " to " + target
			fmt.Fprintf(&mappings, "  - {name: %s, from: {server: src, form: %s}, to: {server: %s, form: %s}, match: like names, transfer_mode: independent copy}\n",
				name, x.form, target, x.form)
			fmt.Fprintf(&filters, "  - {name: %s, server: src, form: %s, on: [submit, modify], transfer: {mapping: %s, pool: bench}}\n", name, x.form, name)
			fmt.Fprintf(&filters, "  - {name: %s gone, server: src, form: %s, on: delete, delete: {mapping: %s, pool: bench}}\n", name, x.form, name)
		}
	}
	return forms, "pools:\n  - {name: bench, threads: 3}\nmappings:\n" + mappings.String() + "filters:\n" + filters.String()
}

// benchLength is how long pgbench writes.
func benchLength(t *testing.T) time.Duration {
	if text := os.Getenv("ARDSO_PGBENCH_SECONDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("ARDSO_PGBENCH_SECONDS=%q: not a number of seconds", text)
		}
		return time.Duration(n) * time.Second
	}
	return 20 * time.Second
}

// behind is how much log, in bytes, is not yet carried out.
func (s *site) behind(server string) int64 {
	s.t.Helper()
	var status struct {
		Reader struct{ Behind int64 }
	}
	text, _, _ := strings.Cut(s.ardso("status", "--json", server), "\n")
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		s.t.Fatalf("status: %v\n%s", err, text)
	}
	return status.Reader.Behind
}

// number reads a single number.
func (s *site) number(server, query string) int64 {
	s.t.Helper()
	var n int64
	if err := s.dbs[server].QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v\n%s", server, err, query)
	}
	return n
}

// pgbench writes to PostgreSQL 15 while ardso follows to two targets, and the rows that were there before
// come by transfer at the same time. In the end source and targets agree in every row.
// ARDSO_PGBENCH_SECONDS sets how long it writes; docs/pgbench.md says what a minute of it showed.
func TestPgbench(t *testing.T) {
	if testing.Short() {
		t.Skip("the initial load of 100,000 accounts to two servers takes half a minute: not with -short")
	}
	length := benchLength(t)
	forms, definitions := benchDefinitions()
	s := newSite(
		t, map[string]*engine.DB{"src": dbtest.New(t, "postgres15"), "maria": dbtest.New(t, "mariadb10.11"), "pg18": dbtest.New(t, "postgres18")},
		map[string]string{"src": forms, "maria": forms, "pg18": forms}, definitions,
	)
	b := bench{t, s.dbs["src"]}
	if out, err := b.command("-i", "-q").CombinedOutput(); err != nil {
		t.Fatalf("pgbench -i: %v\n%s", err, out)
	}
	s.exec("src", "ALTER TABLE pgbench_history ADD COLUMN hid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
	for _, target := range benchTargets {
		s.exec(target, benchSchema[s.dbs[target].Engine.Dialect]...)
	}
	s.ardso("init")
	run := s.start()
	run.says("following the log", 40*time.Second)

	// -n: the vacuum before a run would TRUNCATE pgbench_history, which ardso stops at by name.
	var out bytes.Buffer
	writer := b.command("-n", "-c", "8", "-j", "2", "-T", fmt.Sprint(int(length.Seconds())))
	writer.Stdout, writer.Stderr = &out, &out
	began := time.Now()
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- writer.Wait() }()
	defer func() { _ = writer.Process.Kill() }()
	eventually(t, 20*time.Second, "pgbench writes", func() bool { return s.number("src", "SELECT count(*) FROM pgbench_history") > 0 })

	loaded := make(chan string, 1)
	go func() {
		for _, x := range benchTables {
			for _, target := range benchTargets {
				if out, err := s.command("transfer", "--mapping", x.form+" to "+target).CombinedOutput(); err != nil {
					loaded <- fmt.Sprintf("transfer of %s to %s: %v\n%s", x.form, target, err, out)
					return
				}
			}
		}
		loaded <- ""
	}()
	var load time.Duration
	writing, loading := true, true
	for writing || loading {
		select {
		case err := <-ended:
			if writing = false; err != nil {
				t.Fatalf("pgbench: %v\n%s\n%s", err, &out, run.log)
			}
			behind := s.behind("src")
			for _, target := range benchTargets {
				t.Logf("when pgbench ended, %d of %d transactions were on %s; %.1f MiB of log were to be carried out", s.number(target, "SELECT count(*) FROM pgbench_history"),
					s.number("src", "SELECT count(*) FROM pgbench_history"), target, float64(behind)/(1<<20))
			}
		case text := <-loaded:
			if loading, load = false, time.Since(began); text != "" {
				t.Fatalf("%s\n%s", text, run.log)
			}
			t.Logf("initial load done %s after pgbench began to write", load.Round(100*time.Millisecond))
		case <-time.After(length + 4*time.Minute):
			t.Fatalf("pgbench or the initial load does not end\n%s", run.log)
		}
	}

	peak := run.peakMemory()
	stopped := time.Now()
	run.stop()
	drained := time.Since(stopped)
	stopped = time.Now()
	s.ardso("run", "--once")
	t.Logf("drained in %s, the rest by run --once in %s; peak memory %d MiB", drained.Round(10*time.Millisecond), time.Since(stopped).Round(10*time.Millisecond), peak>>20)
	if peak > maxMemory {
		t.Errorf("peak memory %d MiB, allowed %d", peak>>20, maxMemory>>20)
	}

	m := regexp.MustCompile(`number of transactions actually processed: (\d+)`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("pgbench does not say how many transactions it did:\n%s", &out)
	}
	transactions, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d transactions of 4 changes in %s", transactions, length)
	for _, x := range benchTables {
		want := s.table("src", benchQuery(x.query, s.dbs["src"]))
		for _, target := range benchTargets {
			query := benchQuery(x.query, s.dbs[target])
			if got := s.table(target, query); !slices.Equal(got, want) {
				s.same("src", benchQuery(x.query, s.dbs["src"]), target, query)
			}
		}
		t.Logf("%s: %d rows compared", x.table, len(want))
	}
	for _, target := range benchTargets {
		if n := s.number(target, "SELECT count(*) FROM pgbench_history"); n != transactions {
			t.Errorf("%s: got %d rows of history, want %d, as many as pgbench's transactions", target, n, transactions)
		}
		s.balanced(target)
		if e := s.table(target, "SELECT mapping, request, error, reason FROM dso_pending_error"); len(e) > 0 {
			t.Errorf("%s: %d operations in errors: %.2000s", target, len(e), strings.Join(e, "\n"))
		}
	}
}

func benchQuery(query string, db *engine.DB) string {
	return strings.Replace(query, "TIME", benchTime[db.Engine.Dialect], 1)
}

// balanced checks what pgbench's transactions keep true: each adds the same delta to an account, a teller
// and a branch, and to the history. So the copy is right by itself, not only the same as the source.
func (s *site) balanced(target string) {
	s.t.Helper()
	delta := s.number(target, "SELECT sum(delta) FROM pgbench_history")
	for _, q := range []string{
		"SELECT sum(abalance) FROM pgbench_accounts", "SELECT sum(tbalance) FROM pgbench_tellers", "SELECT sum(bbalance) FROM pgbench_branches",
	} {
		if n := s.number(target, q); n != delta {
			s.t.Errorf("%s: %s is %d, want %d, the sum of all deltas", target, q, n, delta)
		}
	}
}
