package integration

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// binary builds ardso once per test process.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ardso-bin")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ardso")
	out, err := exec.Command("go", "build", "-o", path, "ardso/cmd/ardso").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build ardso: %w\n%s", err, out)
	}
	return path, nil
})

// site is some servers with definitions in a file, worked on by the command as users run it.
type site struct {
	t    *testing.T
	dbs  map[string]*engine.DB
	file string
	env  []string
}

// newSite writes the definitions: a servers section for dbs with plain catalogs of the given forms,
// then the rest.
func newSite(t *testing.T, dbs map[string]*engine.DB, forms map[string]string, definitions string) *site {
	t.Helper()
	s := &site{t: t, dbs: dbs, env: os.Environ()}
	var b strings.Builder
	b.WriteString("servers:\n")
	names := make([]string, 0, len(dbs))
	for name := range dbs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := dbs[name].Config()
		fmt.Fprintf(&b, "  %s:\n    url: %q\n    catalog: plain\n", name, c.URL)
		if c.Password != "" {
			fmt.Fprintf(&b, "    password: ${PASSWORD_%s}\n", strings.ToUpper(name))
			s.env = append(s.env, "PASSWORD_"+strings.ToUpper(name)+"="+c.Password)
		}
		b.WriteString("    forms:\n" + forms[name])
	}
	s.file = filepath.Join(t.TempDir(), "ardso.yaml")
	if err := os.WriteFile(s.file, []byte(b.String()+definitions), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// command prepares a call of ardso.
func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command(path, append([]string{"-d", s.file}, args...)...)
	c.Env = s.env
	return c
}

// ardso runs a command to its end; it must succeed.
func (s *site) ardso(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ardso %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// process is `ardso run` in the background.
type process struct {
	*exec.Cmd
	t    *testing.T
	log  *lockedBuffer
	done chan error
}

// lockedBuffer keeps the end of what a process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.b.Len() > 1<<20 {
		b.b.Next(1 << 19)
	}
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts `ardso run`.
func (s *site) start(args ...string) *process {
	s.t.Helper()
	p := &process{Cmd: s.command(append([]string{"run"}, args...)...), t: s.t, log: &lockedBuffer{}, done: make(chan error, 1)}
	p.Stdout, p.Stderr = p.log, p.log
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.done <- p.Wait() }()
	s.t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// says waits until the process has logged a text.
func (p *process) says(text string, limit time.Duration) {
	p.t.Helper()
	eventually(p.t, limit, fmt.Sprintf("ardso run says %q", text), func() bool { return strings.Contains(p.log.String(), text) })
}

// stop drains the process as an administrator does, and expects success.
func (p *process) stop() {
	p.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Fatalf("ardso run after SIGTERM: %v\n%s", err, p.log)
		}
	case <-time.After(time.Minute):
		p.t.Fatalf("ardso run does not end after SIGTERM\n%s", p.log)
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.done
}

// peakMemory is the most memory that the process ever had resident, in bytes (Linux).
func (p *process) peakMemory() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return kb << 10
		}
	}
	p.t.Fatal("no VmHWM")
	return 0
}

// maxMemory is what ardso may take whatever it does (G7).
const maxMemory = 256 << 20

// eventually waits for a condition.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", limit, what)
		case <-tick.C:
		}
	}
}

// exec runs statements on a server.
func (s *site) exec(server string, statements ...string) {
	s.t.Helper()
	for _, q := range statements {
		if _, err := s.dbs[server].ExecContext(context.Background(), q); err != nil {
			s.t.Fatalf("%s: %v\n%s", server, err, q)
		}
	}
}

// table reads a query as lines of text.
func (s *site) table(server, query string) []string {
	s.t.Helper()
	db := s.dbs[server]
	r, err := db.QueryxContext(context.Background(), query)
	for n := 0; n < 10 && err != nil && db.Engine.Class(err) == engine.Transient; n++ { // connections from before a restart are dead
		r, err = db.QueryxContext(context.Background(), query)
	}
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", server, err, query)
	}
	defer r.Close()
	var out []string
	for r.Next() {
		cols, err := r.SliceScan()
		if err != nil {
			s.t.Fatal(err)
		}
		var b strings.Builder
		for _, c := range cols {
			switch x := c.(type) {
			case nil:
				b.WriteString("<null>")
			case []byte:
				b.Write(x)
			default:
				fmt.Fprint(&b, x)
			}
			b.WriteByte('|')
		}
		out = append(out, b.String())
	}
	if err := r.Err(); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// same compares what two servers answer.
func (s *site) same(a, queryA, b, queryB string) {
	s.t.Helper()
	got, want := s.table(b, queryB), s.table(a, queryA)
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("%s and %s differ: %d and %d rows (-%s +%s):\n%.3000s", a, b, len(want), len(got), a, b, diff)
		for name := range s.dbs {
			if e := s.table(name, "SELECT request, error, reason FROM dso_pending_error"); len(e) > 0 {
				s.t.Logf("errors on %s: %.2000s", name, strings.Join(e, "\n"))
			}
		}
	}
}

const accountForms = `      - {name: Account, table: account, request_id: id}
`

const accountDefinitions = `
pools:
  - {name: accounts, threads: 3}
mappings:
  - name: accounts
    from: {server: src, form: Account}
    to: {server: dst, form: Account}
    transfer_mode: independent copy
filters:
  - {name: send, server: src, form: Account, on: [submit, modify], transfer: {mapping: accounts, pool: accounts}}
  - {name: remove, server: src, form: Account, on: [delete], delete: {mapping: accounts, pool: accounts}}
`

var accountTable = map[string]string{
	"postgres": "CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL, note varchar(100))",
	"mysql":    "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, note varchar(100)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	"sqlite":   "CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL, note varchar(100))",
}

func accountSite(t *testing.T, from, to string) *site {
	t.Helper()
	return accountsOf(t, dbtest.New(t, from), dbtest.New(t, to))
}

// accountsOf makes the table in both and all that ardso needs.
func accountsOf(t *testing.T, src, dst *engine.DB) *site {
	t.Helper()
	s := newSite(t, map[string]*engine.DB{"src": src, "dst": dst},
		map[string]string{"src": accountForms, "dst": accountForms}, accountDefinitions)
	for name, db := range s.dbs {
		s.exec(name, accountTable[db.Engine.Dialect])
	}
	s.ardso("init")
	return s
}

// load changes accounts until stop: creates, relative modifies, deletes, in transactions of one to
// five changes. A lost or doubled modify shows in a balance, since the target gets no formulas.
func (s *site) load(stop *atomic.Bool, writers int) (wait func() int64) {
	var g sync.WaitGroup
	var changes atomic.Int64
	db := s.dbs["src"]
	for k := range writers {
		g.Go(func() {
			ctx := context.Background()
			for i := 0; !stop.Load(); i++ {
				tx, err := db.BeginTxx(ctx, nil)
				if err != nil && db.Engine.Class(err) == engine.Transient {
					continue
				}
				if err != nil {
					s.t.Error(err)
					return
				}
				for j := range 1 + i%5 {
					id := k*100 + rand.IntN(100) // of its own, so that writers do not wait for each other
					var q string
					switch (i + j) % 8 {
					case 0:
						q = fmt.Sprintf("DELETE FROM account WHERE id = %d", id)
					case 1, 2:
						q = fmt.Sprintf("INSERT INTO account (id, balance, note) VALUES (%d, 1, 'by %d') %s balance = account.balance + 10", id, k, orUpdate(db))
					default:
						q = fmt.Sprintf("UPDATE account SET balance = balance + 1, note = '%d.%d' WHERE id = %d", i, j, id)
					}
					if _, err = tx.ExecContext(ctx, q); err != nil {
						break
					}
					changes.Add(1)
				}
				if err == nil {
					err = tx.Commit()
				}
				if err != nil {
					_ = tx.Rollback()
					if db.Engine.Class(err) == engine.Transient { // locked out: SQLite's one write lock, gaps between keys
						continue
					}
					s.t.Error(err)
					return
				}
				if db.Engine.SingleWriter { // three tight loops would leave ardso no turn at that lock
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	return func() int64 {
		g.Wait()
		return changes.Load()
	}
}

// orUpdate is what stands between an INSERT and what it sets where the key is there already.
func orUpdate(db *engine.DB) string {
	if db.Engine.Dialect == "mysql" {
		return "ON DUPLICATE KEY UPDATE"
	}
	return "ON CONFLICT (id) DO UPDATE SET"
}

const allAccounts = "SELECT id, balance, note FROM account ORDER BY id"

// Killed at random moments under load, twenty times: no request is lost, none doubled (G1, G2).
func TestKill(t *testing.T) {
	kills := 20
	pairs := [][2]string{
		{"postgres15", "mariadb10.11"},
		{"mariadb10.11", "postgres15"},
		{"postgres18", "postgres15"},
		{"sqlite", "sqlite"},
		{"mariadb11.8", "mysql5.6"},
		{"mysql5.6", "mariadb11.8"},
	}
	if testing.Short() {
		kills, pairs = 3, pairs[:1]
	}
	for _, p := range pairs {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			s := accountSite(t, p[0], p[1])
			var stop atomic.Bool
			wait := s.load(&stop, 3)
			for i := range kills {
				run := s.start()
				run.says("following the log", 40*time.Second)
				// Some are killed at once, some after a while of work.
				time.Sleep(time.Duration(rand.IntN(1+i%4*400)) * time.Millisecond)
				run.kill()
			}
			stop.Store(true)
			n := wait()
			s.ardso("run", "--once")
			s.same("src", allAccounts, "dst", allAccounts)
			t.Logf("%d changes, %d kills, %d requests in the end", n, kills, len(s.table("dst", allAccounts)))
		})
	}
}

// Of two processes one stands by, and takes over within 30 s of the other's death (E-3).
func TestTakeOver(t *testing.T) {
	t.Parallel()
	for _, from := range some("mariadb10.11", "postgres15") {
		t.Run(from, func(t *testing.T) { takeOver(t, from) })
	}
}

func takeOver(t *testing.T, from string) {
	t.Parallel()
	s := accountSite(t, from, "sqlite")
	first := s.start()
	first.says("following the log", 20*time.Second)
	second := s.start()
	second.says("standing by", 20*time.Second)
	s.exec("src", "INSERT INTO account VALUES (1, 1, 'first')")
	eventually(t, 10*time.Second, "the first carries out", func() bool { return len(s.table("dst", allAccounts)) == 1 })
	first.kill()
	died := time.Now()
	s.exec("src", "UPDATE account SET note = 'second'")
	second.says("following the log", 30*time.Second)
	took := time.Since(died)
	eventually(t, 10*time.Second, "the second carries out", func() bool { return slices.Equal(s.table("src", allAccounts), s.table("dst", allAccounts)) })
	second.stop()
	t.Logf("taken over after %s", took.Round(100*time.Millisecond))
}

// A process that was paused past its lease must not write any more once it wakes (fencing).
func TestPausedProcessIsFenced(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a lease to run out, twice")
	}
	t.Parallel()
	pairs := [][2]string{{"mariadb10.11", "postgres15"}, {"postgres15", "postgres18"}}
	for _, p := range pairs {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) { pausedProcess(t, p[0], p[1]) })
	}
}

func pausedProcess(t *testing.T, from, to string) {
	t.Parallel()
	s := accountSite(t, from, to)
	first := s.start()
	first.says("following the log", 20*time.Second)
	s.exec("src", "INSERT INTO account VALUES (1000, 1, 'x')")
	eventually(t, 20*time.Second, "the first carries out", func() bool { return len(s.table("dst", allAccounts)) == 1 })
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := s.start()
	second.says("standing by", 20*time.Second)
	s.exec("src", "CREATE TABLE big (n integer PRIMARY KEY, t text)")
	for i := range 400 { // more than the connection to the first one holds (MS-5)
		s.exec("src", fmt.Sprintf("INSERT INTO big VALUES (%d, repeat('x', 60000))", i))
	}
	for i := range 50 {
		s.exec("src", fmt.Sprintf("INSERT INTO account VALUES (%d, 1, 'x')", i))
	}
	second.says("following the log", 90*time.Second)
	defer func() {
		if t.Failed() {
			t.Logf("the second says:\n%s", second.log)
		}
	}()
	eventually(t, time.Minute, "the second carries out", func() bool { return len(s.table("dst", allAccounts)) == 51 })
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.exec("src", "UPDATE account SET balance = balance + 1")
	eventually(t, 30*time.Second, "both agree", func() bool { return slices.Equal(s.table("src", allAccounts), s.table("dst", allAccounts)) })
	// It is not done for: it stands by, should the second one die.
	first.says("standing by", 30*time.Second)
	first.kill()
	second.stop()
	if e := s.table("dst", "SELECT request, error, reason FROM dso_pending_error"); len(e) > 0 {
		t.Errorf("errors: %s", strings.Join(e, "\n"))
	}
}

// nine has the numbers from 1 to 9.
const nine = "SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9"

// Memory stays bounded through a transaction of 100,000 rows with texts, its update and its delete.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("its transaction is large")
	}
	const n = 100_000
	for _, p := range [][2]string{
		{"postgres15", "mariadb10.11"},
		{"postgres15", "postgres18"},
		{"sqlite", "sqlite"},
		{"mariadb10.11", "postgres15"},
		{"mariadb11.8", "mariadb10.11"},
		{"mysql5.6", "sqlite"},
	} {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			s := accountSite(t, p[0], p[1])
			run := s.start()
			run.says("following the log", 40*time.Second)
			for i := 1; i < n; i *= 10 { // ten times as many each time, so the last insert is of nine tenths
				if i == 1 {
					s.exec("src", "INSERT INTO account VALUES (1, 1, 'some text that takes its place in memory, number 1')")
				}
				s.exec("src", fmt.Sprintf("INSERT INTO account SELECT a.id + %d * d.n, a.id, concat('some text that takes its place in memory, number ', a.id) FROM account a, (%s) d WHERE a.id + %d * d.n <= %d", i, nine, i, n))
			}
			s.exec("src", "UPDATE account SET balance = balance + 1, note = concat(note, ' again')", "DELETE FROM account WHERE id % 2 = 0")
			count := "SELECT count(*), sum(balance) FROM account"
			eventually(t, 3*time.Minute, "all is carried out", func() bool { return slices.Equal(s.table("src", count), s.table("dst", count)) })
			peak := run.peakMemory()
			run.stop()
			s.same("src", allAccounts, "dst", allAccounts)
			t.Logf("peak memory %d MiB", peak>>20)
			if peak > maxMemory {
				t.Errorf("peak memory %d MiB, allowed %d", peak>>20, maxMemory>>20)
			}
		})
	}
}
