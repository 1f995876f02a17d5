package integration

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// TestCatchUp measures how fast ardso works a backlog off, beside the source's own replication of the
// same backlog in the same run. It is a measurement, not a check, and runs only when asked for: make
// bench-catchup. docs/benchmarks.md keeps what it said.
func TestCatchUp(t *testing.T) {
	if os.Getenv("ARDSO_BENCH") == "" {
		t.Skip("a measurement: set ARDSO_BENCH=1")
	}
	rows := 200_000
	if n, err := strconv.Atoi(os.Getenv("ARDSO_BENCH")); err == nil && n > 1 {
		rows = max(n/1000, 1) * 1000 // whole transactions
	}
	for _, from := range []origin{
		postgresOrigin,
		mariadbOrigin("MariaDB", "innodb-flush-log-at-trx-commit=1", "postgres18", "mariadb10.11"),
		mariadbOrigin("MariaDB, not durable,", "innodb-flush-log-at-trx-commit=2", "mariadb10.11"),
	} {
		for _, w := range []workload{
			{"insert, 1 row a transaction", 1, false},
			{"update, 1 row a transaction", 1, true},
			{"insert, 1,000 rows a transaction", 1000, false},
			{"update, 1,000 rows a transaction", 1000, true},
		} {
			for _, to := range from.targets {
				t.Run(from.product+" "+w.name+" to "+to, func(t *testing.T) { catchUp(t, from, to, w, rows) })
			}
		}
	}
}

// workload is what the transactions of a backlog do.
type workload struct {
	name   string
	perTx  int
	update bool
}

// origin is what differs between the products that a backlog is read from.
type origin struct {
	product string
	targets []string // of ardso
	// servers returns databases on a server with a log and on one that the product's own replication writes to.
	servers func(t *testing.T) (src, native *engine.DB)
	// mark is called where the backlog begins. What it returns carries the backlog out from there to "native".
	mark func(s *site) (replicate func())

	numbers       string // the row numbers i: %[1]s and the %[2]d that follow
	seconds, days string // what adds i of them to a point in time
	loop          string // runs %[3]s, a transaction, for each low from 1 to %[1]d by steps of %[2]d, not waiting for the disk
}

var postgresOrigin = origin{
	product: "PostgreSQL",
	targets: []string{"postgres18", "mariadb10.11"},
	servers: func(t *testing.T) (src, native *engine.DB) {
		return dbtest.New(t, "postgres15"), dbtest.New(t, "postgres18")
	},
	mark:    publish,
	numbers: "generate_series(%[1]s::bigint, %[1]s + %[2]d) AS g(i)",
	seconds: "i * interval '1 second'",
	days:    "(i %% 365)::integer",
	loop:    "DO $$ BEGIN SET synchronous_commit = off; FOR low IN 1..%[1]d BY %[2]d LOOP %[3]s; COMMIT; END LOOP; END $$",
}

// mariadbOrigin has private servers: the source's log holds little but the backlog, and a replica has a number of
// its own, how durable it is as a setting, and no log, which is kindest to it. The first databases of both have the
// same name, as replication wants it.
func mariadbOrigin(product, durability string, targets ...string) origin {
	return origin{
		product: product,
		targets: targets,
		servers: func(t *testing.T) (src, native *engine.DB) {
			return dbtest.Server(t, "mariadb10.11").Database(t), dbtest.Server(t, "mariadb10.11", "server-id=102", "skip-log-bin", durability).Database(t)
		},
		mark:    gtidMark,
		numbers: "(SELECT %[1]s + seq AS i FROM seq_0_to_%[2]d) AS g",
		seconds: "INTERVAL i SECOND",
		days:    "INTERVAL i %% 365 DAY",
		loop: `BEGIN NOT ATOMIC
			DECLARE low integer DEFAULT 1;
			SET GLOBAL innodb_flush_log_at_trx_commit = 0, GLOBAL sync_binlog = 0, SESSION binlog_annotate_row_events = OFF;
			WHILE low <= %[1]d DO %[3]s; SET low = low + %[2]d; END WHILE;
			SET GLOBAL innodb_flush_log_at_trx_commit = 1, GLOBAL sync_binlog = 1;
		END`,
	}
}

// insert is a statement that makes n rows from the number low on.
func (o origin) insert(low string, n int) string {
	return fmt.Sprintf("INSERT INTO item SELECT i, i, i * 2, i * 1000003, -i, i * 0.25, i * 0.0000000123, i / 7e0, "+
		"timestamp '2026-01-01 00:00:00' + "+o.seconds+", date '2026-01-01' + "+o.days+", concat('name ', i), "+
		"'some words to fill a column', md5(concat(i)), 'x', 'yy', 'a somewhat longer text that stands for a description of the item', "+
		"i %% 2, i %% 3, NULL, NULL FROM "+o.numbers, low, n-1)
}

// backlog is a statement that makes transactions of a workload until it has changed so many rows.
func (o origin) backlog(w workload, rows int) string {
	change := o.insert("low", w.perTx)
	if w.update {
		change = fmt.Sprintf("UPDATE item SET n1 = n1 + 1, s1 = concat('changed ', id) WHERE id BETWEEN low AND low + %d", w.perTx-1)
	}
	return fmt.Sprintf(o.loop, rows, w.perTx, change)
}

func createItem(db *engine.DB) string {
	dateTime := "timestamp"
	if db.Engine.Dialect == "mysql" {
		dateTime = "datetime(6)"
	}
	return `CREATE TABLE item (id integer PRIMARY KEY, n1 integer, n2 integer, n3 bigint, n4 bigint, d1 numeric(12,2), d2 numeric(28,10), f1 double precision,
		t1 ` + dateTime + `, t2 date, s1 varchar(100), s2 varchar(100), s3 varchar(100), s4 varchar(100), s5 varchar(100), s6 text, b1 integer, b2 integer, x1 varchar(10), x2 integer)`
}

func catchUp(t *testing.T, from origin, to string, w workload, rows int) {
	form := "      - {name: Item, table: item, request_id: id}\n"
	src, native := from.servers(t)
	s := newSite(t, map[string]*engine.DB{"src": src, "dst": dbtest.New(t, to)},
		map[string]string{"src": form, "dst": form}, strings.NewReplacer("Account", "Item", "accounts", "items").Replace(accountDefinitions))
	s.dbs["native"] = native // ardso does not know it
	for name, db := range s.dbs {
		s.exec(name, createItem(db))
	}
	if w.update { // rows to update, on all three
		s.exec("src", from.insert("1", rows))
		s.exec("native", from.insert("1", rows))
	}
	s.ardso("init")
	if w.update {
		s.ardso("transfer", "--mapping", "items")
	}
	replicate := from.mark(s)
	s.exec("src", from.backlog(w, rows))

	began := time.Now()
	s.ardso("run", "--once")
	ours := time.Since(began)
	began = time.Now()
	replicate()
	theirs := time.Since(began)

	all := "SELECT count(*), sum(n1) FROM item"
	want := s.table("src", all)
	for _, name := range []string{"dst", "native"} {
		if got := s.table(name, all); !slices.Equal(got, want) {
			t.Fatalf("%s: got %v, want %v", name, got, want)
		}
	}
	t.Logf("%d rows: ardso %.0f rows/s (%s), native %s %.0f rows/s (%s), ratio %.2f",
		rows, float64(rows)/ours.Seconds(), ours.Round(10*time.Millisecond), from.product, float64(rows)/theirs.Seconds(), theirs.Round(10*time.Millisecond), theirs.Seconds()/ours.Seconds())
}

// publish is mark by logical replication: a slot, and then a subscription until the last row shows.
func publish(s *site) (replicate func()) {
	slot := fmt.Sprintf("native_%d", time.Now().UnixNano())
	s.exec("src", "CREATE PUBLICATION native FOR TABLE item", fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", slot))
	return func() {
		u, password := s.address("src")
		s.exec("native", fmt.Sprintf("CREATE SUBSCRIPTION %[1]s CONNECTION 'host=%[2]s port=%[3]s dbname=%[4]s user=%[5]s password=%[6]s' PUBLICATION native WITH (create_slot = false, slot_name = '%[1]s', copy_data = false)",
			slot, u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), u.User.Username(), password))
		s.t.Cleanup(func() { s.exec("native", "DROP SUBSCRIPTION "+slot) })
		last := "SELECT id, n1 FROM item ORDER BY id DESC LIMIT 1" // cheap: a count would take its time from what is measured
		want := s.table("src", last)
		eventually(s.t, 10*time.Minute, "native replication has caught up", func() bool { return slices.Equal(s.table("native", last), want) })
	}
}

// gtidMark is mark by a GTID position, from which a replica then reads the table's changes. It is told of no other
// table, since ardso's own are in the same database.
func gtidMark(s *site) (replicate func()) {
	position := func() string { return strings.TrimSuffix(s.table("src", "SELECT @@gtid_binlog_pos")[0], "|") }
	before := position()
	return func() {
		u, password := s.address("src")
		s.exec(
			"native",
			fmt.Sprintf("SET GLOBAL gtid_slave_pos = '%s', GLOBAL replicate_do_table = '%s.item'", before, strings.TrimPrefix(u.Path, "/")),
			fmt.Sprintf("CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %s, MASTER_USER = '%s', MASTER_PASSWORD = '%s', MASTER_USE_GTID = slave_pos",
				u.Hostname(), u.Port(), u.User.Username(), password),
			"START SLAVE",
		)
		if got := s.table("native", fmt.Sprintf("SELECT MASTER_GTID_WAIT('%s', 600)", position())); got[0] != "0|" {
			s.t.Fatalf("native replication has not caught up: %v", s.table("native", "SHOW SLAVE STATUS"))
		}
	}
}

// address is where a server is, for other programs than ardso.
func (s *site) address(server string) (u *url.URL, password string) {
	s.t.Helper()
	c := s.dbs[server].Config()
	u, err := url.Parse(c.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return u, c.Password
}
