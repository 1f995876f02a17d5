package trigger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/triggerlog"
	"ardso/sql/value"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("ARDSO_TEST_WRITER"); path != "" {
		os.Exit(writer(path, os.Getenv("ARDSO_TEST_KIND")))
	}
	dbtest.Main(m)
}

// TestTransactions: how log rows become transactions.
func TestTransactions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)`)
	f.setUp("desk")
	start, err := Start(t.Context(), f.db)
	if err != nil {
		t.Fatal(err)
	}
	f.tx(`INSERT INTO desk VALUES (1, 'oak'), (2, 'elm')`)
	f.tx(`UPDATE desk SET name = 'Oak' WHERE id = 1`, `UPDATE desk SET name = name`, `UPDATE desk SET id = 3 WHERE id = 2`)
	f.tx(openMark, `DELETE FROM desk WHERE id = 3`, `INSERT INTO desk VALUES (4, NULL)`, closeMark)
	f.tx(openMark, closeMark)
	f.tx(`INSERT INTO dso_watermark VALUES ('x-1', 'low')`)
	f.tx(`DELETE FROM desk`)
	f.tx(`INSERT INTO dso_watermark VALUES ('x-1', 'high')`)
	f.tx(`DELETE FROM dso_watermark`)
	want := `4 insert desk -> [1 oak] insert desk -> [2 elm] update desk [1 oak] -> [1 Oak] update desk [2 elm] -> [3 elm]
8 mark(tokyo kyoto>tokyo m true) delete desk [3 elm] insert desk -> [4 <null>]
10 mark(tokyo kyoto>tokyo m true)
11 low(x-1)
13 delete desk [1 Oak] delete desk [4 <null>]
14 high(x-1)
16
`
	list := f.read(start, Options{})
	if diff := cmp.Diff(want, show(list)); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	for _, tr := range list {
		if len(tr.Changes) > 0 && (time.Since(tr.CommitTime) > time.Minute || time.Until(tr.CommitTime) > time.Second) {
			t.Errorf("commit time %v, now %v", tr.CommitTime, time.Now())
		}
		// Resuming at any position gives the rest.
		i := slices.Index(list, tr)
		if diff := cmp.Diff(show(list[i+1:]), show(f.read(tr.Position, Options{}))); diff != "" {
			t.Errorf("resumed at %s (-want +got):\n%s", tr.Position, diff)
		}
	}
}

// TestLogEqualsSelect: every value that SQLite can store, whatever the column's type, is the same from the
// log and from a SELECT (INV-5).
func TestLogEqualsSelect(t *testing.T) {
	t.Parallel()
	types := []string{"INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "DATETIME", "DATE", "TIME", "VARCHAR(10)", "DECIMAL(10,2)", "BOOLEAN", ""}
	var columns []string
	for i, typ := range types {
		columns = append(columns, fmt.Sprintf("c%d %s", i, typ))
	}
	f := newFixture(t, `CREATE TABLE torture (id INTEGER PRIMARY KEY, `+strings.Join(columns, ", ")+`)`)
	f.setUp("torture")
	values := []any{
		nil, int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(1) << 53,
		0.0, math.Copysign(0, -1), 0.1, 1.0 / 3, 1e308, -1e308, 5e-324, math.MaxFloat64, 2.2250738585072014e-308,
		math.Inf(1), math.Inf(-1), 1e15, 123456789012345678.0,
		"", "a", "it's", "'", "a\x00b", "\x00", "\x00'", "NULL", "12", "1e5", "漢字😀", " trailing ", "a,b\n",
		"2026-11-22 21:09:00", "2026-02-30", "12:00:00", strings.Repeat("x'", 1<<19),
		[]byte{},
		[]byte{0},
		[]byte("a'b"),
		[]byte{0xff, 0xfe, 0},
		make([]byte, 1<<20),
	}
	r := rand.New(rand.NewPCG(1, 2))
	random := 300
	if testing.Short() {
		random = 30
	}
	for range random {
		values = append(values, math.Float64frombits(r.Uint64()), int64(r.Uint64()), r.NormFloat64()*1e6, float64(r.IntN(1e6))/100)
	}
	marks := strings.Repeat(", ?", len(types))
	for i, v := range values {
		args := []any{i + 1}
		for range types {
			args = append(args, v)
		}
		if x, ok := v.(float64); ok && math.IsNaN(x) {
			continue
		}
		if _, err := f.db.ExecContext(t.Context(), `INSERT INTO torture VALUES (?`+marks+`)`, args...); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(`UPDATE torture SET c11 = id`, `DELETE FROM torture WHERE id % 7 = 0`)

	state := map[int64][]value.Value{}
	kinds := []value.Kind{}
	for _, tr := range f.read("", Options{}) {
		for _, c := range tr.Changes {
			switch c.Kind {
			case cdc.Delete:
				if got := state[c.Before[0].Int()]; !same(got, c.Before) {
					t.Fatalf("before image of delete %v, the log had %v", c.Before, got)
				}
				delete(state, c.Before[0].Int())
			default:
				state[c.After[0].Int()] = c.After
			}
		}
	}
	list := []string{"id"}
	kinds = append(kinds, value.KindInt)
	for i, typ := range types {
		k, _ := f.db.Engine.Kind(typ)
		kinds = append(kinds, k)
		list = append(list, f.db.Engine.Read(k, typ, fmt.Sprintf("c%d", i)))
	}
	rows, err := f.db.QueryxContext(t.Context(), `SELECT `+strings.Join(list, ", ")+` FROM torture`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for ; rows.Next(); n++ {
		raw, err := rows.SliceScan()
		if err != nil {
			t.Fatal(err)
		}
		row := make([]value.Value, len(raw))
		for i := range raw {
			if row[i], err = f.db.Engine.Scan(kinds[i], "", raw[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := state[row[0].Int()]; !same(got, row) {
			t.Fatalf("row %v\n log    %.300v\n select %.300v", row[0], got, row)
		}
	}
	if rows.Err() != nil || n != len(state) {
		t.Errorf("%d rows by SELECT (%v), %d by the log", n, rows.Err(), len(state))
	}
}

// same is Equal and of the same kind too.
func same(a, b []value.Value) bool {
	return slices.EqualFunc(a, b, func(x, y value.Value) bool { return x.Kind() == y.Kind() && x.Equal(y) })
}

// TestContiguous: rollbacks, savepoints and failed statements leave no gap in the numbers, on which the
// detection of lost rows rests.
func TestContiguous(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT UNIQUE, CHECK (name <> 'bad'))`)
	f.setUp("desk")
	conn, err := f.db.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, s := range []string{
		`INSERT INTO desk VALUES (1, 'a'), (2, 'b')`,
		`BEGIN`, `INSERT INTO desk VALUES (3, 'c')`, `ROLLBACK`,
		`BEGIN`, `INSERT INTO desk VALUES (3, 'c')`, `SAVEPOINT s`, `INSERT INTO desk VALUES (4, 'd')`, `ROLLBACK TO s`, `INSERT INTO desk VALUES (5, 'e')`, `COMMIT`,
		`INSERT INTO desk VALUES (6, 'f'), (7, 'bad')`,
		`INSERT OR FAIL INTO desk VALUES (8, 'g'), (9, 'a'), (10, 'h')`,
		`INSERT OR IGNORE INTO desk VALUES (11, 'i'), (12, 'a'), (13, 'j')`,
		`UPDATE OR IGNORE desk SET name = 'a'`, `UPDATE OR FAIL desk SET name = 'z' WHERE id > 2`,
		`INSERT INTO desk VALUES (1, 'k') ON CONFLICT (id) DO UPDATE SET name = 'l'`,
		`INSERT OR ROLLBACK INTO desk VALUES (20, 'm'), (1, 'n')`,
		`INSERT INTO desk VALUES (30, 'o')`,
	} {
		_, _ = conn.ExecContext(t.Context(), s) // some are meant to fail
	}
	got := copyOf(f.read("", Options{}))
	if diff := cmp.Diff(rowsOf(f, `SELECT id, name FROM desk`), got); diff != "" {
		t.Errorf("copy by the log (-table +copy):\n%s", diff)
	}
}

// copyOf applies changes of a table with an integer key and a text.
func copyOf(list []*cdc.Transaction) map[int64]string {
	m := map[int64]string{}
	for _, tr := range list {
		for _, c := range tr.Changes {
			if c.Before != nil {
				delete(m, c.Before[0].Int())
			}
			if c.After != nil {
				m[c.After[0].Int()] = c.After[1].Text()
			}
		}
	}
	return m
}

func rowsOf(f *fixture, query string) map[int64]string {
	f.Helper()
	var rows []struct {
		ID   int64
		Name string
	}
	if err := f.db.SelectContext(f.Context(), &rows, query); err != nil {
		f.Fatal(err)
	}
	m := map[int64]string{}
	for _, r := range rows {
		m[r.ID] = r.Name
	}
	return m
}

// TestLargeTransaction: parts are bounded and cut at the same places each time, and memory is too (G7).
func TestLargeTransaction(t *testing.T) {
	if testing.Short() {
		t.Skip("its transaction is large")
	}
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	f.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
	        INSERT INTO desk SELECT i, hex(randomblob(100)) FROM n`)
	end, err := Start(t.Context(), f.db)
	if err != nil {
		t.Fatal(err)
	}
	var cuts [2][]int
	peak := uint64(0)
	for i := range cuts {
		r := New(f.db, Options{})
		last := false
		err := r.Read(t.Context(), "", func(tr *cdc.Transaction) error {
			if tr.Bytes > 1<<20+1024 || len(tr.Changes) > 1000 || tr.More != (tr.Position == "") {
				return fmt.Errorf("part of %d rows, %d bytes, more %v, position %q", len(tr.Changes), tr.Bytes, tr.More, tr.Position)
			}
			cuts[i] = append(cuts[i], len(tr.Changes))
			if len(cuts[i])%50 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			if !tr.More {
				last = r.Covers(tr.Position, end)
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) || !last {
			t.Fatalf("read: %v, to the end: %v", err, last)
		}
	}
	sum := 0
	for _, n := range cuts[0] {
		sum += n
	}
	if sum != 100_000 || !slices.Equal(cuts[0], cuts[1]) {
		t.Errorf("%d rows; parts %v and %v", sum, cuts[0], cuts[1])
	}
	t.Logf("heap in use at most %d MiB in %d parts", peak>>20, len(cuts[0]))
	if peak > 128<<20 {
		t.Errorf("heap %d MiB", peak>>20)
	}
}

// TestCutIsStable: what is written after a cut was stored is not delivered with it, also when the reader
// died between storing and delivering.
func TestCutIsStable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	f.tx(`INSERT INTO desk VALUES (1, 'a')`)
	if err := triggerlog.Cut(t.Context(), f.db); err != nil {
		t.Fatal(err)
	}
	f.tx(`INSERT INTO desk VALUES (2, 'b')`, `INSERT INTO desk VALUES (3, 'c')`)
	want := "1 insert desk -> [1 a]\n3 insert desk -> [2 b] insert desk -> [3 c]\n"
	for range 2 {
		if got := show(f.read("", Options{})); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

// TestTrim: what is confirmed goes, what is not stays, and a reader that comes too late is told so.
func TestTrim(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	f.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO desk SELECT i, 'x' FROM n`)
	f.read("", Options{})
	f.tx(`INSERT INTO desk VALUES (6000, 'y')`)

	ctx, stop := context.WithCancel(t.Context())
	r := New(f.db, Options{Poll: 10 * time.Millisecond})
	done := make(chan error)
	go func() { done <- r.Read(ctx, "", func(*cdc.Transaction) error { return nil }) }()
	r.Confirm("5000")
	r.Confirm("10") // never goes back
	waitFor(t, func() bool { return extent(f).Trimmed == 5000 })
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("read ended with %v", err)
	}
	if e := extent(f); e.Last != 5001 || e.Trimmed != 5000 {
		t.Errorf("after the trim: %+v", e)
	}
	if got := show(f.read("5000", Options{})); got != "5001 insert desk -> [6000 y]\n" {
		t.Errorf("after the trim, read from it: %s", got)
	}
	for _, from := range []cdc.Position{"", "4999", "999999"} {
		var lost *cdc.PositionLostError
		err := New(f.db, Options{}).Read(t.Context(), from, nil)
		if !errors.As(err, &lost) {
			t.Errorf("read from %q: %v; want a lost position", from, err)
		}
	}
	// Rows that went behind our back.
	f.tx(`INSERT INTO desk VALUES (6001, 'y')`)
	f.exec(`DELETE FROM dso_log WHERE seq = 5001`)
	var lost *cdc.PositionLostError
	if err := New(f.db, Options{}).Read(t.Context(), "5000", func(*cdc.Transaction) error { return nil }); !errors.As(err, &lost) {
		t.Errorf("a deleted row: %v; want a lost position", err)
	}
}

func extent(f *fixture) triggerlog.Extent {
	f.Helper()
	e, err := triggerlog.ReadExtent(f.Context(), f.db)
	if err != nil {
		f.Fatal(err)
	}
	return e
}

// waitFor waits until a condition holds.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("the condition was not met in 30 s")
		}
		time.Sleep(2 * time.Millisecond) // between looks, not instead of one
	}
}

// TestShapes: rows that were logged before a table was altered are read with the columns of their time
// (S-2).
func TestShapes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	f.tx(`INSERT INTO desk VALUES (1, 'a')`)
	f.exec(`ALTER TABLE desk ADD COLUMN legs INTEGER DEFAULT 4`)
	f.setUp("desk")
	f.tx(openMark, `UPDATE desk SET legs = 3`, closeMark)
	f.exec(`ALTER TABLE desk RENAME COLUMN name TO title`)
	f.setUp("desk")
	f.tx(`UPDATE desk SET title = 'b'`)
	list := f.read("", Options{})
	var got []string
	for _, tr := range list {
		for _, c := range tr.Changes {
			got = append(got, fmt.Sprintf("%v %v %v", c.Relation.Columns, c.Before, c.After))
		}
	}
	want := []string{
		"[id name] [] [1 a]",
		"[id name legs] [1 a 4] [1 a 3]",
		"[id title legs] [1 a 3] [1 b 3]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// TestStaleTriggers: a table that was altered and not set up again stops the reader by name.
func TestStaleTriggers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	f.exec(`ALTER TABLE desk ADD COLUMN legs INTEGER`)
	var u *cdc.UnreadableError
	err := New(f.db, Options{Grace: time.Millisecond}).Read(t.Context(), "", func(*cdc.Transaction) error { return nil })
	if !errors.As(err, &u) || !strings.Contains(err.Error(), "legs") || !strings.Contains(u.Remedy(), "ardso init osaka") {
		t.Errorf("read: %v", err)
	}
}

// TestTriggerOrder: a trigger of the user's that changes the same row again is logged after the change
// that made it fire.
func TestTriggerOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	f.exec(`CREATE TRIGGER upper_name AFTER INSERT ON desk BEGIN UPDATE desk SET name = upper(name) WHERE id = new.id; END`)
	findings := names(f)
	if !slices.Contains(findings, "sqlite.trigger_order warning") {
		t.Errorf("findings %v", findings)
	}
	f.setUp("desk")
	f.tx(`INSERT INTO desk VALUES (1, 'a')`)
	if got, want := show(f.read("", Options{})), "2 insert desk -> [1 a] update desk [1 a] -> [1 A]\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func names(f *fixture) []string {
	f.Helper()
	findings, err := Check(f.Context(), f.db, f.tables)
	if err != nil {
		f.Fatal(err)
	}
	var list []string
	for _, x := range findings {
		list = append(list, x.Name+" "+x.Severity.String())
		if x.Severity > cdc.Note && x.Remedy == "" {
			f.Errorf("%s has no remedy", x.Name)
		}
	}
	return list
}

// TestCheck: what `ardso check` finds.
func TestCheck(t *testing.T) {
	t.Parallel()
	notes := []string{"sqlite.replace note", "sqlite.busy_timeout note"}
	tests := []struct {
		name   string
		tables []string
		setUp  bool
		then   []string
		want   []string
	}{
		{"good", []string{"desk"}, true, nil, nil},
		{"nothing set up", []string{"desk"}, false, nil, []string{"sqlite.log_missing error"}},
		{"no table", []string{"chair"}, false, nil, []string{"sqlite.log_missing error", "sqlite.table_missing error"}},
		{"a view", []string{"v"}, false, nil, []string{"sqlite.log_missing error", "sqlite.no_triggers error"}},
		{"no key", []string{"keyless"}, true, nil, []string{"sqlite.no_primary_key error"}},
		{"column added", []string{"desk"}, true, []string{`ALTER TABLE desk ADD COLUMN x`}, []string{"sqlite.triggers error"}},
		{"trigger dropped", []string{"desk"}, true, []string{`DROP TRIGGER dso_log_desk_u`}, []string{"sqlite.triggers error"}},
		{"rollback journal", []string{"desk"}, true, []string{`PRAGMA journal_mode = DELETE`}, []string{"sqlite.journal_mode warning"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`, `CREATE VIEW v AS SELECT * FROM desk`, `CREATE TABLE keyless (a)`)
			f.db.SetMaxOpenConns(1) // a journal mode is only left when no other connection is open
			if tt.setUp {
				f.setUp(tt.tables...)
			} else {
				f.setUp()
				f.carryOut(RemovePlan(t.Context(), f.db))
				f.tables = append(f.tables, tablesOf(tt.tables)...)
			}
			f.exec(tt.then...)
			got := slices.DeleteFunc(names(f), func(n string) bool { return slices.Contains(notes, n) })
			if diff := cmp.Diff(tt.want, got); diff != "" && len(tt.want)+len(got) > 0 {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRemove: everything goes, and a reader then says that the log is missing.
func TestRemove(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE "odd ""name""" (id INTEGER, "a b" TEXT, PRIMARY KEY (id, "a b")) WITHOUT ROWID`)
	f.setUp(`odd "name"`)
	f.tx(`INSERT INTO "odd ""name""" VALUES (1, 'x')`)
	if got := show(f.read("", Options{})); got != "1 insert odd \"name\" -> [1 x]\n" {
		t.Errorf("got %s", got)
	}
	f.carryOut(RemovePlan(t.Context(), f.db))
	if steps, err := RemovePlan(t.Context(), f.db); err != nil || len(steps) > 0 {
		t.Errorf("a second plan: %v, %v", steps, err)
	}
	var u *cdc.UnreadableError
	if err := New(f.db, Options{}).Read(t.Context(), "", nil); !errors.As(err, &u) {
		t.Errorf("read: %v", err)
	}
}

// TestWideTable: a form may have more columns than SQLite lets an expression be deep.
func TestWideTable(t *testing.T) {
	t.Parallel()
	var columns []string
	for i := range 1500 {
		columns = append(columns, fmt.Sprintf("C%d TEXT DEFAULT 'v'", i+2))
	}
	f := newFixture(t, `CREATE TABLE T1 (C1 INTEGER PRIMARY KEY, `+strings.Join(columns, ", ")+`)`)
	f.setUp("t1")
	f.tx(`INSERT INTO T1 (C1) VALUES (1)`, `UPDATE T1 SET C1501 = 'w'`)
	list := f.read("", Options{})
	if c := list[0].Changes; len(c) != 2 || c[1].After[1500].Text() != "w" || c[1].Before[1500].Text() != "v" || c[0].Relation.Table != "T1" {
		t.Errorf("changes %d", len(c))
	}
}

// TestBlockedDelivery: writers go on while the receiver does not, and what they write is cut finely.
func TestBlockedDelivery(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT)`)
	f.setUp("desk")
	ctx, stop := context.WithCancel(t.Context())
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	var mu sync.Mutex
	var got []*cdc.Transaction
	done := make(chan error)
	go func() {
		done <- New(f.db, Options{Poll: 10 * time.Millisecond}).Read(ctx, "", func(tr *cdc.Transaction) error {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-leave
			mu.Lock()
			defer mu.Unlock()
			got = append(got, tr)
			return nil
		})
	}()
	f.tx(`INSERT INTO desk VALUES (0, 'a')`)
	<-entered
	for i := 1; i <= 3; i++ {
		f.tx(fmt.Sprintf(`INSERT INTO desk VALUES (%d, 'a'), (-%d, 'b')`, i, i))
		waitFor(t, func() bool { return extent(f).Cut == int64(1+2*i) })
	}
	close(leave)
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == 4 })
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// writer is another process that writes pairs of rows, each pair in a transaction, until it is done or
// killed. It gives up at the first error.
func writer(path, kind string) int {
	db, err := engine.Open(context.Background(), engine.Config{Server: "writer", URL: "sqlite:" + path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = db.Close() }()
	for i := 0; kind == "endless" || i < 200; i++ {
		tx, err := db.Begin()
		for j := 0; j < 2 && err == nil; j++ {
			_, err = tx.Exec(`INSERT INTO pair (writer, n) VALUES (?, ?)`, os.Getpid(), i)
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if i == 0 {
			fmt.Println("writing")
		}
	}
	return 0
}

// TestOtherProcesses: processes write while the reader reads; neither meets an error, no transaction is
// split, and one that is killed in the middle leaves nothing half.
func TestOtherProcesses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `CREATE TABLE pair (id INTEGER PRIMARY KEY, writer INTEGER, n INTEGER)`)
	f.setUp("pair")
	ctx, stop := context.WithCancel(t.Context())
	r := New(f.db, Options{Poll: 10 * time.Millisecond})
	count := map[string]int{}
	position := cdc.Position("")
	done := make(chan error, 1)
	go func() {
		done <- r.Read(ctx, "", func(tr *cdc.Transaction) error {
			for _, c := range tr.Changes {
				count[fmt.Sprintf("%v/%v", c.After[1], c.After[2])]++
			}
			for k, n := range count {
				if !tr.More && n != 2 {
					return fmt.Errorf("%s: %d of 2 rows at %s", k, n, tr.Position)
				}
			}
			if !tr.More {
				clear(count)
				position = tr.Position
				r.Confirm(position)
			}
			return nil
		})
	}()
	path := f.db.URL.Opaque + f.db.URL.Path
	var finite []*exec.Cmd
	for range 2 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ARDSO_TEST_WRITER="+path, "ARDSO_TEST_KIND=finite")
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		finite = append(finite, cmd)
	}
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ARDSO_TEST_WRITER="+path, "ARDSO_TEST_KIND=endless")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
	}
	for _, cmd := range finite {
		if err := cmd.Wait(); err != nil {
			t.Errorf("a writer: %v", err)
		}
	}
	end, err := Start(t.Context(), f.db)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		select {
		case err := <-done:
			t.Fatalf("the reader: %v", err)
		default:
		}
		return extent(f).Trimmed >= parsed(t, end)
	})
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the reader: %v", err)
	}
	if position != end {
		t.Errorf("read to %s of %s", position, end)
	}
}

func parsed(t testing.TB, p cdc.Position) int64 {
	t.Helper()
	n, err := parsePosition(p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPositions(t *testing.T) {
	t.Parallel()
	r := New(&engine.DB{}, Options{})
	tests := []struct {
		durable, p cdc.Position
		want       bool
	}{
		{"", "", true},
		{"9", "10", false},
		{"10", "9", true},
		{"10", "10", true},
		{"", "1", false},
		{"1", "", true},
		{"x", "1", false},
		{"1", "-1", false},
		{"99999999999999999999", "1", false},
	}
	for _, tt := range tests {
		if got := r.Covers(tt.durable, tt.p); got != tt.want {
			t.Errorf("Covers(%q, %q) = %v", tt.durable, tt.p, got)
		}
	}
	var lost *cdc.PositionLostError
	if err := r.Read(t.Context(), "0/16B3748", nil); !errors.As(err, &lost) {
		t.Errorf("a foreign position: %v", err)
	}
}
