package integration

import (
	"bytes"
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

const (
	sysbenchTables = 4
	sysbenchRows   = 10_000 // a table
)

// sysbench prepares a call of sysbench on a server.
func sysbench(t *testing.T, db *engine.DB, args ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("sysbench")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("sysbench is missing: it is Debian's package of that name (make servers)")
		}
		t.Skip("sysbench is missing: it is Debian's package of that name (make servers)")
	}
	c := db.Config()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{
		"--db-driver=mysql", "--mysql-host=" + u.Hostname(), "--mysql-port=" + u.Port(), "--mysql-user=" + u.User.Username(),
		"--mysql-password=" + c.Password, "--mysql-db=" + strings.TrimPrefix(u.Path, "/"),
		fmt.Sprintf("--tables=%d", sysbenchTables), fmt.Sprintf("--table-size=%d", sysbenchRows), "--threads=4",
	}
	return exec.Command(program, append(all, args...)...)
}

// sysbenchLength is how long sysbench writes.
func sysbenchLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("ARDSO_SYSBENCH_SECONDS")
	if text == "" {
		return time.Minute
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 2 {
		t.Fatalf("ARDSO_SYSBENCH_SECONDS=%q: not a number of seconds, 2 or more", text)
	}
	return time.Duration(n) * time.Second
}

func sysbenchDefinitions() (forms, definitions string) {
	var mappings, filters strings.Builder
	for i := range sysbenchTables {
		name := fmt.Sprintf("sbtest%d", i+1)
		forms += fmt.Sprintf("      - {name: %[1]s, table: %[1]s, request_id: id}\n", name)
		fmt.Fprintf(&mappings, "  - {name: %[1]s, from: {server: src, form: %[1]s}, to: {server: dst, form: %[1]s}, match: like names, transfer_mode: independent copy}\n", name)
		fmt.Fprintf(&filters, "  - {name: %[1]s, server: src, form: %[1]s, on: [submit, modify], transfer: {mapping: %[1]s, pool: bench}}\n", name)
		fmt.Fprintf(&filters, "  - {name: %[1]s gone, server: src, form: %[1]s, on: delete, delete: {mapping: %[1]s, pool: bench}}\n", name)
	}
	return forms, "pools:\n  - {name: bench, threads: 3}\nmappings:\n" + mappings.String() + "filters:\n" + filters.String()
}

// sysbench writes to MariaDB and to MySQL, half of the time reading and writing, half of it writing only, while
// ardso follows to PostgreSQL, and the rows that were there before come by transfer at the same time. In the end
// source and target agree in every row. ARDSO_SYSBENCH_SECONDS sets how long it writes; docs/sysbench.md says what
// a minute of it showed.
func TestSysbench(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of writing to two servers: not with -short")
	}
	for _, from := range []string{"mariadb10.11", "mysql5.6"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			followSysbench(t, from)
		})
	}
}

func followSysbench(t *testing.T, from string) {
	forms, definitions := sysbenchDefinitions()
	s := newSite(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, "postgres15")},
		map[string]string{"src": forms, "dst": forms}, definitions)
	if out, err := sysbench(t, s.dbs["src"], "oltp_read_write", "prepare").CombinedOutput(); err != nil {
		t.Fatalf("sysbench prepare: %v\n%s", err, out)
	}
	for i := range sysbenchTables {
		s.exec("dst", fmt.Sprintf("CREATE TABLE sbtest%d (id integer PRIMARY KEY, k integer, c varchar(120), pad varchar(60))", i+1))
	}
	s.ardso("init")
	run := s.start()
	run.says("following the log", 40*time.Second)

	loaded := make(chan string, 1)
	go func() {
		for i := range sysbenchTables {
			if out, err := s.command("transfer", "--mapping", fmt.Sprintf("sbtest%d", i+1)).CombinedOutput(); err != nil {
				loaded <- fmt.Sprintf("transfer: %v\n%s", err, out)
				return
			}
		}
		loaded <- ""
	}()
	half := sysbenchLength(t) / 2
	var writes int64
	for _, workload := range []string{"oltp_read_write", "oltp_write_only"} {
		var out bytes.Buffer
		c := sysbench(t, s.dbs["src"], "--time="+fmt.Sprint(int(half.Seconds())), workload, "run")
		c.Stdout, c.Stderr = &out, &out
		if err := c.Run(); err != nil {
			t.Fatalf("sysbench %s: %v\n%s\n%s", workload, err, &out, run.log)
		}
		n := sysbenchWrites(t, out.String())
		t.Logf("%s wrote %d changes in %s", workload, n, half)
		writes += n
	}
	behind := s.behind("src")
	if text := <-loaded; text != "" {
		t.Fatalf("%s\n%s", text, run.log)
	}
	peak := run.peakMemory()
	stopped := time.Now()
	run.stop()
	s.ardso("run", "--once")
	t.Logf("%d changes; %d transactions behind when sysbench ended, all carried out %s later; peak memory %d MiB",
		writes, behind, time.Since(stopped).Round(10*time.Millisecond), peak>>20)
	if peak > maxMemory {
		t.Errorf("peak memory %d MiB, allowed %d", peak>>20, maxMemory>>20)
	}
	compared := 0
	for i := range sysbenchTables {
		query := fmt.Sprintf("SELECT id, k, c, pad FROM sbtest%d ORDER BY id", i+1)
		want := s.table("src", query)
		if got := s.table("dst", query); !slices.Equal(got, want) {
			s.same("src", query, "dst", query)
		}
		compared += len(want)
	}
	t.Logf("%d rows compared", compared)
	if e := s.table("dst", "SELECT mapping, request, error, reason FROM dso_pending_error"); len(e) > 0 {
		t.Errorf("%d operations in errors: %.2000s", len(e), strings.Join(e, "\n"))
	}
}

// sysbenchWrites reads how many rows sysbench says that it wrote.
func sysbenchWrites(t *testing.T, report string) int64 {
	t.Helper()
	m := regexp.MustCompile(`write:\s+(\d+)`).FindStringSubmatch(report)
	if m == nil {
		t.Fatalf("sysbench does not say how much it wrote:\n%s", report)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n == 0 {
		t.Fatalf("sysbench wrote %q: %v", m[1], err)
	}
	return n
}
