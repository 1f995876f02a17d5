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

// TestCatchUp measures how fast ardso works a backlog off, beside PostgreSQL's own logical
// replication of the same backlog in the same run. It is a measurement, not a check, and runs only
// when asked for: make bench-catchup. docs/benchmarks.md keeps what it said.
func TestCatchUp(t *testing.T) {
	if os.Getenv("ARDSO_BENCH") == "" {
		t.Skip("a measurement: set ARDSO_BENCH=1")
	}
	rows := 200_000
	if n, err := strconv.Atoi(os.Getenv("ARDSO_BENCH")); err == nil && n > 1 {
		rows = n
	}
	for _, w := range []struct {
		name  string
		perTx int
		sql   string
	}{
		{"insert, 1 row a transaction", 1, "INSERT INTO item SELECT r.* FROM item_row(%d) r"},
		{"update, 1 row a transaction", 1, "UPDATE item SET n1 = n1 + 1, s1 = 'changed ' || id WHERE id = %d"},
		{"insert, 1,000 rows a transaction", 1000, "INSERT INTO item SELECT r.* FROM generate_series(%d, %d) g, item_row(g::int) r"},
		{"update, 1,000 rows a transaction", 1000, "UPDATE item SET n1 = n1 + 1, s1 = 'changed ' || id WHERE id BETWEEN %d AND %d"},
	} {
		for _, to := range []string{"postgres18", "mariadb10.11"} {
			t.Run(w.name+" to "+to, func(t *testing.T) { catchUp(t, to, w.perTx, w.sql, rows) })
		}
	}
}

const itemColumns = `id integer PRIMARY KEY, n1 integer, n2 integer, n3 bigint, n4 bigint, d1 numeric(12,2), d2 numeric(28,10), f1 double precision,
	t1 timestamp, t2 date, s1 varchar(100), s2 varchar(100), s3 varchar(100), s4 varchar(100), s5 varchar(100), s6 text, b1 integer, b2 integer, x1 varchar(10), x2 integer`

const itemRow = `CREATE FUNCTION item_row(i integer) RETURNS item LANGUAGE sql AS $$ SELECT i, i, i * 2, i::bigint * 1000003, -i::bigint, i * 0.25, i * 0.0000000123,
	i / 7.0::double precision, timestamp '2026-01-01' + i * interval '1 second', date '2026-01-01' + i % 365, ('name ' || i)::varchar, 'some words to fill a column'::varchar, md5(i::text)::varchar, 'x'::varchar, 'yy'::varchar,
	'a somewhat longer text that stands for a description of the item'::text, i % 2, i % 3, NULL::varchar, NULL::integer $$`

func catchUp(t *testing.T, to string, perTx int, workload string, rows int) {
	form := "      - {name: Item, table: item, request_id: id}\n"
	s := newSite(t, map[string]*engine.DB{"src": dbtest.New(t, "postgres15"), "dst": dbtest.New(t, to)},
		map[string]string{"src": form, "dst": form}, strings.NewReplacer("Account", "Item", "accounts", "items").Replace(accountDefinitions))
	native := dbtest.New(t, "postgres18") // what PostgreSQL's own replication writes to
	s.exec("src", "CREATE TABLE item ("+itemColumns+")", itemRow)
	target := itemColumns
	if s.dbs["dst"].Engine.Dialect == "mysql" {
		target = strings.NewReplacer("double precision", "double", "numeric", "decimal", "timestamp", "datetime(6)").Replace(target) + ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
		s.exec("dst", "CREATE TABLE item ("+target)
	} else {
		s.exec("dst", "CREATE TABLE item ("+target+")")
	}
	if _, err := native.Exec("CREATE TABLE item (" + itemColumns + ")"); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(workload, "UPDATE") { // rows to update, on all three
		s.exec("src", fmt.Sprintf("INSERT INTO item SELECT r.* FROM generate_series(1, %d) g, item_row(g) r", rows))
	}
	s.ardso("init")
	if strings.HasPrefix(workload, "UPDATE") {
		s.ardso("transfer", "--mapping", "items")
		copyItems(t, s.dbs["src"], native)
	}
	slot := fmt.Sprintf("native_%d", time.Now().UnixNano())
	s.exec("src", "CREATE PUBLICATION native FOR TABLE item", fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", slot))
	args := "i"
	if perTx > 1 {
		args = fmt.Sprintf("i, i + %d", perTx-1)
	}
	body := strings.NewReplacer("%d AND %d", "$1 AND $2", "%d, %d", "$1, $2", "%d", "$1").Replace(workload)
	using := "i"
	if perTx > 1 {
		using = args
	}
	s.exec("src", fmt.Sprintf("DO $do$ DECLARE i integer; BEGIN SET synchronous_commit = off; FOR i IN 1..%d BY %d LOOP EXECUTE $q$%s$q$ USING %s; COMMIT; END LOOP; END $do$", rows, perTx, body, using))

	t.Logf("backlog written")

	// Ours.
	began := time.Now()
	s.ardso("run", "--once")
	ours := time.Since(began)
	check := "SELECT count(*), sum(n1) FROM item"
	if got, want := s.table("dst", check), s.table("src", check); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}

	// Theirs: from CREATE SUBSCRIPTION until the last row shows.
	c := s.dbs["src"].Config()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn := fmt.Sprintf("host=%s port=%s dbname=%s user=%s password=%s", u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), u.User.Username(), c.Password)
	want := s.table("src", check)
	began = time.Now()
	if _, err := native.Exec(fmt.Sprintf("CREATE SUBSCRIPTION %s CONNECTION '%s' PUBLICATION native WITH (create_slot = false, slot_name = '%s', copy_data = false)", slot, conn, slot)); err != nil {
		t.Fatal(err)
	}
	n := &site{t: t, dbs: map[string]*engine.DB{"native": native}}
	eventually(t, 10*time.Minute, "native replication has caught up", func() bool { return slices.Equal(n.table("native", check), want) })
	theirs := time.Since(began)
	if _, err := native.Exec("DROP SUBSCRIPTION " + slot); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows: ardso %.0f rows/s (%s), native PostgreSQL %.0f rows/s (%s), ratio %.2f",
		rows, float64(rows)/ours.Seconds(), ours.Round(10*time.Millisecond), float64(rows)/theirs.Seconds(), theirs.Round(10*time.Millisecond), theirs.Seconds()/ours.Seconds())
}

// copyItems brings the rows over before native replication begins.
func copyItems(t *testing.T, from, to *engine.DB) {
	t.Helper()
	rows, err := from.Queryx("SELECT i::text FROM item i ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var batch []string
	flush := func() {
		if len(batch) == 0 {
			return
		}
		if _, err := to.Exec("INSERT INTO item SELECT (x::item).* FROM unnest($1::text[]) x", batch); err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if batch = append(batch, line); len(batch) == 5000 {
			flush()
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	flush()
}
