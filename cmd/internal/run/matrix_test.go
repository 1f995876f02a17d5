package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// sources are the engines whose logs are read: all.
func sources() []string { return dbtest.Names() }

// across has every engine once as source and once as target, also if `make test-short` leaves out the second
// half. It stands for all pairs in tests that take long and depend on either end, and not on both.
var across = [][2]string{
	{"mariadb10.11", "postgres15"},
	{"postgres15", "sqlite"},
	{"sqlite", "mariadb10.11"},
	{"mysql5.6", "postgres18"},
	{"postgres18", "mariadb11.8"},
	{"mariadb11.8", "mysql5.6"},
}

// atHand are those of some pairs whose engines the tests have, in short tests the first two.
func atHand(pairs ...[2]string) (some [][2]string) {
	for _, p := range pairs {
		if areAtHand(p[:]) {
			some = append(some, p)
		}
	}
	if testing.Short() {
		some = some[:min(2, len(some))]
	}
	return some
}

// all are the pairs of every source with every target, in short tests each engine once as either.
func all() (pairs [][2]string) {
	if testing.Short() {
		return slices.DeleteFunc(slices.Clone(across), func(p [2]string) bool { return !areAtHand(p[:]) })
	}
	for _, from := range sources() {
		for _, to := range dbtest.Names() {
			pairs = append(pairs, [2]string{from, to})
		}
	}
	return pairs
}

func areAtHand(engines []string) bool {
	return !slices.ContainsFunc(engines, func(e string) bool { return !slices.Contains(dbtest.Names(), e) })
}

const repairForms = `      - name: Repair
        table: repair
        request_id: id
`

const repairDefinitions = `
pools:
  - {name: repairs, threads: 3}
mappings:
  - name: repairs
    from: {server: src, form: Repair}
    to: {server: dst, form: Repair}
    transfer_mode: independent copy
    match: like names
filters:
  - name: send repairs
    server: src
    form: Repair
    on: [submit, modify]
    transfer: {mapping: repairs, pool: repairs}
  - name: delete repairs
    server: src
    form: Repair
    on: [delete]
    delete: {mapping: repairs, pool: repairs}
`

var repairTable = map[string]string{
	"postgres": `CREATE TABLE repair (id varchar(15) PRIMARY KEY, summary varchar(254), status integer, price numeric(28,10), weight double precision, noted timestamp, due date, at time, log text)`,
	"mysql":    `CREATE TABLE repair (id varchar(15) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, summary varchar(254), status int, price decimal(28,10), weight double, noted datetime(6), due date, at time(6), log longtext) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
	"sqlite":   `CREATE TABLE repair (id varchar(15) PRIMARY KEY NOT NULL, summary varchar(254), status integer, price text, weight double, noted timestamp, due date, at time, log text)`,
}

// pair makes a source and a target with the table Repair each and definitions that keep them in step.
func pair(t *testing.T, from, to string) *world {
	t.Helper()
	return pairOf(t, dbtest.New(t, from), dbtest.New(t, to))
}

func pairOf(t *testing.T, src, dst *engine.DB) *world {
	t.Helper()
	w := newWorld(t, map[string]*engine.DB{"src": src, "dst": dst},
		map[string]string{"src": repairForms, "dst": repairForms}, repairDefinitions)
	w.exec("src", repairTable[w.dbs["src"].Engine.Dialect])
	w.exec("dst", repairTable[w.dbs["dst"].Engine.Dialect])
	w.open()
	return w
}

// settle carries out the log and compares source and target, whole and by an independent query.
func (w *world) settle() {
	w.t.Helper()
	w.carryOut()
	if diff := cmp.Diff(w.images("src"), w.images("dst")); diff != "" {
		w.t.Errorf("source and target differ (-src +dst):\n%.4000s", diff)
	}
}

// carryOut carries out the log and compares source and target by an independent query.
func (w *world) carryOut() {
	w.t.Helper()
	if n := w.once().Parked(); n > 0 {
		w.t.Errorf("%d operations went to errors: %s", n, strings.Join(rows(w.t, w.dbs["dst"], "SELECT request, error, reason FROM dso_pending_error"), "\n"))
	}
	const q = "SELECT id, summary, status, log FROM repair ORDER BY id"
	w.same("src", q, "dst", q)
}

// images are all requests of Repair by Request ID, in canonical values.
func (w *world) images(server string) map[string]string {
	w.t.Helper()
	srv := w.sys.Servers[server]
	form := srv.Catalog.Form("Repair")
	all, err := statement.NewWriter(srv.DB).Find(w.t.Context(), srv.DB, form, schema.Condition{}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	out := make(map[string]string, len(all))
	for _, row := range all {
		var b strings.Builder
		for i, f := range form.Fields {
			v := row[i]
			if f.Name == "price" && v.Kind() == value.KindText { // SQLite keeps exact decimals as text
				v, _ = value.Decimal(v.Text())
			}
			fmt.Fprintf(&b, "%s=%.80s(%d) ", f.Name, v, len(v.Text()))
		}
		out[row[form.Key[0].Index].SQL()] = b.String()
	}
	return out
}

// Every source to every target: the life of requests.
func TestMatrix(t *testing.T) {
	for _, p := range all() {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := pair(t, p[0], p[1])
			src := w.dbs["src"]

			// Create, with NULLs, quotes, four-byte characters, and fractions.
			w.exec("src", "INSERT INTO repair VALUES ('R1', 'Desk leg', 0, '12.5', 0.1, '2026-11-22 10:00:00.123456', '2026-11-30', '10:30:00', NULL)",
				"INSERT INTO repair (id, summary, status) VALUES ('R2', 'Büro 🪑 chair', NULL)",
				"INSERT INTO repair (id) VALUES ('R3')")
			w.settle()

			// Modify one field, all fields, to NULL and back; a text of 1 MiB.
			w.exec("src", "UPDATE repair SET status = 1 WHERE id = 'R1'",
				`UPDATE repair SET summary = NULL, log = 'it''s "done" \ or % not' WHERE id = 'R2'`)
			if _, err := src.ExecContext(t.Context(), src.Rebind("UPDATE repair SET summary = 'all', status = 2, price = '-0.0000000001', weight = 1e300, noted = '1999-12-31 23:59:59', due = '1970-01-01', at = '23:59:59.999999', log = ? WHERE id = 'R3'"), strings.Repeat("0123456789abcdé🪑", 1<<16)); err != nil {
				t.Fatal(err)
			}
			w.settle()

			// Change keys, one taking the place of another, and delete; several at once and one after another.
			w.exec("src", "UPDATE repair SET id = 'R9' WHERE id = 'R1'", "UPDATE repair SET id = 'R1' WHERE id = 'R2'",
				"UPDATE repair SET status = 7 WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R3'",
				"INSERT INTO repair (id, summary) VALUES ('R3', 'again')", "UPDATE repair SET id = concat(id, 'x') WHERE id <> 'R3'")
			w.settle()
			w.exec("src", "DELETE FROM repair")
			w.settle()
			if n := len(w.images("dst")); n != 0 {
				t.Errorf("%d requests left on the target", n)
			}
		})
	}
}

// fill inserts n requests in one transaction.
func fill(db *engine.DB, n int) string {
	return "INSERT INTO repair (id, summary, status, price) SELECT concat('B', i), concat('bulk ', i), i % 5, i * 1.25 FROM " + numbers(db, n)
}

// A transaction of 100,000 rows comes over whole, then its update, then its delete.
func TestLargeTransaction(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5000 // more than a part
	}
	for _, p := range atHand(across...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			w := pair(t, p[0], p[1])
			w.exec("src", "INSERT INTO repair (id, summary) VALUES ('before', 'x')", fill(w.dbs["src"], n), "INSERT INTO repair (id, summary) VALUES ('after', 'x')")
			w.carryOut()
			w.exec("src", "UPDATE repair SET status = 9, summary = NULL", "UPDATE repair SET status = 8 WHERE id = 'after'")
			w.carryOut()
			w.exec("src", "DELETE FROM repair WHERE id <> 'before'")
			w.carryOut()
		})
	}
}

// Several writers on the same requests while ardso follows, with transactions of several rows,
// rollbacks and deletes.
func TestConcurrentWriters(t *testing.T) {
	for _, p := range all() {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := pair(t, p[0], p[1])
			stop := w.follow()
			var writers sync.WaitGroup
			for k := range 4 {
				writers.Go(func() { w.scribble(k, 60) })
			}
			writers.Wait()
			stop()
			w.settle()
		})
	}
}

// scribble makes n transactions of a few changes each on a handful of requests.
func (w *world) scribble(writer, n int) {
	for i := range n {
		if err := w.scrawl(writer, i); err != nil {
			w.t.Error(err)
			return
		}
	}
}

// scrawl makes one such transaction, the i-th of a writer.
func (w *world) scrawl(writer, i int) error {
	db := w.dbs["src"]
	ctx := context.Background()
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	for j := range 3 {
		id := fmt.Sprintf("R%d", (writer*7+i*3+j*5)%12)
		var q string
		switch (i + j) % 7 {
		case 0:
			q = "DELETE FROM repair WHERE id = '" + id + "'"
		case 1, 2, 3:
			q = fmt.Sprintf("INSERT INTO repair (id, summary, status) VALUES ('%s', 'w%d', %d)", id, writer, i) + upsert(db, fmt.Sprintf("summary = 'w%d again', log = '%d'", writer, i*10+j))
		default:
			q = fmt.Sprintf("UPDATE repair SET status = %d, summary = 'by %d' WHERE id = '%s'", i, writer, id)
		}
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return tx.Rollback() // a deadlock of the writers themselves
		}
	}
	if i%10 == 9 {
		return tx.Rollback()
	}
	return tx.Commit()
}
