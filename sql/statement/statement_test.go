package statement

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

const awkward = "it's \\ \"odd\" \U0001F6CB \\' ? $1 %s -- /* é\r\n\t"

// torture lists values of each type that are to come back as they went.
func torture(dialect string) map[string][]value.Value {
	big := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	all := map[string][]value.Value{
		"text":    texts("", " ", "trailing ", awkward, big, "NULL", "\\x41", "{a,b}"),
		"ci":      texts("", "Case", awkward),
		"latin1":  texts("", "caf\u00e9 \u20ac \u2019", "Z\u00fcrich"),
		"char":    texts("", "abc", "abcdefghij", "\u00e9 x"),
		"enum":    texts("sad", "happy"),
		"int":     ints(0, -1, math.MaxInt32, math.MinInt32),
		"big":     {value.Int(0), value.Int(math.MaxInt64), value.Int(math.MinInt64)},
		"bool":    ints(0, 1),
		"decimal": {decimal("0"), decimal("-0.0000000001"), decimal("12.5"), decimal("-1234567890.12345")},
		"real":    {value.Real(0), value.Real(0.1), value.Real(-1.7976931348623157e308), value.Real(5e-324), value.Real(1e15)},
		"single":  {value.Real(float64(float32(0.1))), value.Real(16777216), value.Real(math.MaxFloat32), value.Real(-float64(float32(1e-30)))},
		"bytes":   {value.Bytes(nil), value.Bytes([]byte("\x00\xff'\\\"\x1a")), value.Bytes([]byte(strings.Repeat("\x00\xfe", 1<<16)))},
		"instant": {instant("1970-01-01 00:00:00"), instant("2026-11-22 21:09:00.123456"), instant("9999-12-31 23:59:59.999999"), instant("1001-02-03 04:05:06")},
		"zoned":   {instant("1970-01-01 00:00:01"), instant("2026-07-22 21:09:00.5"), instant("2037-12-31 23:59:59.999999")},
		"epoch":   {value.Instant(0), instant("2026-11-22 21:09:00"), instant("2038-01-19 03:14:07")},
		"date":    {date("1970-01-01"), date("9999-12-31"), date("1001-02-03")},
		"time":    {value.TimeOfDay(0), value.TimeOfDay(86399999999), value.TimeOfDay(3600 * 1_000_000)},
	}
	add := func(kind string, v ...value.Value) { all[kind] = append(all[kind], v...) }
	if dialect != "sqlite" {
		add("decimal", decimal("123456789012345678.0123456789"), decimal("-999999999999999999.9999999999"))
	}
	switch dialect {
	case "postgres":
		add("real", value.Real(math.NaN()), value.Real(math.Inf(-1)))
		add("single", value.Real(math.NaN()), value.Real(math.Inf(1)))
		add("instant", value.Instant(value.PosInfinity), instant("0044-03-15 12:00:00 BC"), instant("29999-01-01 00:00:00"))
		add("zoned", value.Instant(value.NegInfinity), instant("0044-03-15 12:00:00 BC"))
		add("date", value.Date(value.PosInfinity), date("0044-03-15 BC"))
		add("time", value.TimeOfDay(86400*1_000_000))
	case "mysql":
		add("text", value.Text("nul \x00 inside"))
		add("time", value.TimeOfDay(-838*3600*1_000_000), value.TimeOfDay(100*3600*1_000_000+1))
	case "sqlite":
		add("text", value.Text("nul \x00 inside"))
		add("real", value.Real(math.Inf(1)))
	}
	for kind := range all {
		add(kind, value.Null)
	}
	return all
}

// Every type goes in, is read the same, is found by a guard over all fields, is changed, is no
// longer found by the old guard, and is deleted.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		all := torture(db.Engine.Dialect)
		names := []string{"id id"}
		var kinds []string
		for kind := range all {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		rows := 0
		for _, k := range kinds {
			names = append(names, "f_"+k+" "+k)
			rows = max(rows, len(all[k]))
		}
		f := newForm(t, db, "torture", 1, names...)
		rowOf := func(i, shift int) []value.Value {
			row := []value.Value{value.Text(fmt.Sprintf("R%04d", i))}
			for _, k := range kinds {
				row = append(row, all[k][(i+shift)%len(all[k])])
			}
			return row
		}
		w := NewWriter(db)
		var first, second [][]value.Value
		var keys [][]value.Value
		for i := range rows {
			first, second = append(first, rowOf(i, 0)), append(second, rowOf(i, 1))
			keys = append(keys, first[i][:1])
		}
		check := func(want [][]value.Value) {
			t.Helper()
			for i, row := range get(w.Lookup(ctx, db, f, keys, false))(t) {
				if want == nil {
					if row != nil {
						t.Errorf("row %d is still there", i)
					}
					continue
				}
				wantRow(t, f, row, want[i])
			}
		}
		updates := func(from, to [][]value.Value) []UpdateRow {
			var list []UpdateRow
			for i := range from {
				u := UpdateRow{Key: from[i][:1], Guard: from[i]}
				if to != nil {
					u.Set = to[i][1:]
				}
				list = append(list, u)
			}
			return list
		}
		none := func(refused []int) {
			t.Helper()
			if len(refused) > 0 {
				t.Fatalf("rows %v were refused, want none: %s", refused, show(first[refused[0]]))
			}
		}
		inTx(t, db, func(tx *Tx) { none(get(w.Insert(ctx, tx, f, f.Fields, first))(t)) })
		check(first)
		set := UpdateSet{Set: f.Fields[1:], Guard: f.Fields}
		inTx(t, db, func(tx *Tx) { none(get(w.Update(ctx, tx, f, set, updates(first, second)))(t)) })
		check(second)
		inTx(t, db, func(tx *Tx) {
			if refused := get(w.Update(ctx, tx, f, set, updates(first, second)))(t); len(refused) != rows {
				t.Errorf("%d of %d rows with an old guard were refused", len(refused), rows)
			}
			if refused := get(w.Delete(ctx, tx, f, f.Fields, updates(first, nil)))(t); len(refused) != rows {
				t.Errorf("%d of %d deletes with an old guard were refused", len(refused), rows)
			}
		})
		check(second)
		// Each field alone tells the old row from the new one.
		for j, x := range f.Fields[1:] {
			inTx(t, db, func(tx *Tx) {
				var ask []UpdateRow
				var want []int
				for i := range first {
					ask = append(ask, UpdateRow{Key: first[i][:1], Guard: first[i][j+1 : j+2], Set: second[i][1:2]})
					if !first[i][j+1].Equal(second[i][j+1]) {
						want = append(want, i)
					}
				}
				got := get(w.Update(ctx, tx, f, UpdateSet{Set: f.Fields[1:2], Guard: []*schema.Field{x}}, ask))(t)
				if !slices.Equal(got, want) {
					t.Errorf("guard on %s refused %v, want %v", x.Name, got, want)
				}
			})
		}
		inTx(t, db, func(tx *Tx) { none(get(w.Delete(ctx, tx, f, f.Fields, updates(second, nil)))(t)) })
		check(nil)
	})
}

// numbered makes rows "R00000" … with a number and a text.
func numbered(n int) [][]value.Value {
	rows := make([][]value.Value, n)
	for i := range rows {
		rows[i] = []value.Value{value.Text(fmt.Sprintf("R%05d", i)), value.Int(int64(i)), value.Text("text " + fmt.Sprint(i))}
	}
	return rows
}

func count(t testing.TB, db *engine.DB, table string) (n int) {
	t.Helper()
	must(t, db.Get(&n, "SELECT COUNT(*) FROM "+db.Engine.Quote(table)))
	return n
}

// Batches of 10,000 rows are cut to what a statement takes, and what is refused is named exactly.
func TestRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "many", 1, "id id", "n int", "s text")
		w := NewWriter(db)
		rows := numbered(10_000)
		var taken [][]value.Value
		want := []int{0, 1, 999, 1000, 4321, 5000, 9999}
		for _, i := range want {
			taken = append(taken, []value.Value{rows[i][0], value.Int(-1), value.Null})
		}
		// In no order of keys.
		slices.Reverse(taken)
		inTx(t, db, func(tx *Tx) { get(w.Insert(ctx, tx, f, f.Fields, taken))(t) })
		inTx(t, db, func(tx *Tx) {
			refused := get(w.Insert(ctx, tx, f, f.Fields, rows))(t)
			if diff := cmp.Diff(want, refused); diff != "" {
				t.Errorf("refused by insert (-want +got):\n%s", diff)
			}
		})
		if n := count(t, db, "many"); n != 10_000 {
			t.Errorf("got %d rows, want 10000", n)
		}
		// The refused rows hold other values, and some rows are gone.
		gone := []int{7, 8, 2500, 9998}
		inTx(t, db, func(tx *Tx) {
			var list []UpdateRow
			for _, i := range gone {
				list = append(list, UpdateRow{Key: rows[i][:1]})
			}
			if refused := get(w.Delete(ctx, tx, f, nil, list))(t); len(refused) > 0 {
				t.Errorf("delete without a guard refused %v", refused)
			}
		})
		want = append(want, gone...)
		slices.Sort(want)
		updates := make([]UpdateRow, len(rows))
		for i, r := range rows {
			updates[i] = UpdateRow{Key: r[:1], Guard: r[1:], Set: []value.Value{value.Int(int64(i + 1)), value.Null}}
		}
		slices.Reverse(updates)
		mirrored := make([]int, len(want))
		for i, x := range want {
			mirrored[len(want)-1-i] = len(rows) - 1 - x
		}
		inTx(t, db, func(tx *Tx) {
			refused := get(w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n", "s"), Guard: fields(f, "n", "s")}, updates))(t)
			if diff := cmp.Diff(mirrored, refused); diff != "" {
				t.Errorf("refused by update (-want +got):\n%s", diff)
			}
		})
		inTx(t, db, func(tx *Tx) {
			for i := range updates {
				updates[i].Guard, updates[i].Set = updates[i].Set[:1], nil
			}
			refused := get(w.Delete(ctx, tx, f, fields(f, "n"), updates))(t)
			if diff := cmp.Diff(mirrored, refused); diff != "" {
				t.Errorf("refused by delete (-want +got):\n%s", diff)
			}
		})
		found := get(w.Lookup(ctx, db, f, [][]value.Value{rows[5][:1], rows[4321][:1], rows[2500][:1]}, false))(t)
		if found[0] != nil || found[2] != nil {
			t.Errorf("deleted rows were found: %v", found)
		}
		wantRow(t, f, found[1], []value.Value{rows[4321][0], value.Int(-1), value.Null})
		if all := get(w.Lookup(ctx, db, f, nil, false))(t); len(all) != 0 {
			t.Errorf("got %d rows of no keys", len(all))
		}
	})
}

// A statement never exceeds what the server takes.
func TestSmallPackets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "wide", 1, "id id", "n int", "s text")
		small := *db
		e := *db.Engine
		e.MaxPacket, e.MaxParams = 64<<10, 64
		small.Engine = &e
		w := NewWriter(&small)
		rows := numbered(300)
		for i := range rows {
			rows[i][2] = value.Text(strings.Repeat("'", 10_000))
		}
		inTx(t, db, func(tx *Tx) {
			if refused := get(w.Insert(ctx, tx, f, f.Fields, rows))(t); len(refused) > 0 {
				t.Errorf("refused %v", refused)
			}
		})
		var updates []UpdateRow
		for _, r := range rows {
			updates = append(updates, UpdateRow{Key: r[:1], Guard: r[2:], Set: texts("short")})
		}
		inTx(t, db, func(tx *Tx) {
			set := UpdateSet{Set: fields(f, "s"), Guard: fields(f, "s")}
			if refused := get(w.Update(ctx, tx, f, set, updates))(t); len(refused) > 0 {
				t.Errorf("refused %v", refused)
			}
		})
	})
}

// A second unique index is an error of its class, in a batch and alone, and the transaction goes on.
func TestUniqueTaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "uniq", 1, "id id", "n int")
		execAll(t, db, "CREATE UNIQUE INDEX uniq_n ON uniq (n)")
		f.Table.Unique = []schema.Unique{{Name: "uniq_n", Columns: []string{"n"}}}
		w := NewWriter(db)
		row := func(id string, n int) []value.Value { return []value.Value{value.Text(id), value.Int(int64(n))} }
		inTx(t, db, func(tx *Tx) {
			get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{row("A", 1), row("B", 2)}))(t)
			for _, rows := range [][][]value.Value{{row("C", 3), row("D", 1)}, {row("D", 1)}, {row("A", 9), row("D", 1)}} {
				must(t, tx.Savepoint(ctx, "dso"))
				_, err := w.Insert(ctx, tx, f, f.Fields, rows)
				if err == nil || db.Engine.Class(err) != engine.UniqueTaken {
					t.Errorf("got %v for a taken unique value, want class %s", err, engine.UniqueTaken)
				}
				must(t, tx.RollbackTo(ctx, "dso"))
				must(t, tx.Release(ctx, "dso"))
			}
			must(t, tx.Savepoint(ctx, "dso"))
			_, err := w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n")}, []UpdateRow{{Key: texts("A"), Set: ints(2)}})
			if err == nil || db.Engine.Class(err) != engine.UniqueTaken {
				t.Errorf("got %v for a taken unique value, want class %s", err, engine.UniqueTaken)
			}
			must(t, tx.RollbackTo(ctx, "dso"))
			// Both the key and the other value exist: the key decides.
			if refused := get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{row("A", 1)}))(t); !slices.Equal(refused, []int{0}) {
				t.Errorf("refused %v, want [0]", refused)
			}
		})
		if n := count(t, db, "uniq"); n != 2 {
			t.Errorf("got %d rows, want 2", n)
		}
	})
}

func TestCompositeKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "pair", 2, "a ci", "b big", "s text")
		w := NewWriter(db)
		var rows, keys [][]value.Value
		for i := range 700 {
			rows = append(rows, []value.Value{value.Text(fmt.Sprint("k", i/10)), value.Int(int64(i % 10)), value.Text(fmt.Sprint(i))})
			keys = append(keys, rows[i][:2])
		}
		inTx(t, db, func(tx *Tx) {
			get(w.Insert(ctx, tx, f, f.Fields, rows[:500]))(t)
			refused := get(w.Insert(ctx, tx, f, f.Fields, rows[498:502]))(t)
			if !slices.Equal(refused, []int{0, 1}) {
				t.Errorf("refused %v, want [0 1]", refused)
			}
			for i, row := range get(w.Lookup(ctx, tx, f, keys, true))(t) {
				if (row != nil) != (i < 502) {
					t.Errorf("row %d: got %s", i, show(row))
				}
			}
			// The key of a row changes; both parts, and another field with them.
			set := UpdateSet{Set: f.Fields, Guard: fields(f, "s")}
			refused = get(w.Update(ctx, tx, f, set, []UpdateRow{
				{Key: keys[0], Guard: texts("0"), Set: []value.Value{value.Text("new"), value.Int(-1), value.Text("moved")}},
				{Key: keys[600], Guard: texts("600"), Set: rows[600]},
			}))(t)
			if !slices.Equal(refused, []int{1}) {
				t.Errorf("refused %v, want [1]", refused)
			}
			found := get(w.Lookup(ctx, tx, f, [][]value.Value{keys[0], {value.Text("new"), value.Int(-1)}}, false))(t)
			if found[0] != nil {
				t.Error("the old key is still there")
			}
			wantRow(t, f, found[1], []value.Value{value.Text("new"), value.Int(-1), value.Text("moved")})
		})
	})
}

// What a collation takes for equal a guard does not; keys are found as the database finds them.
func TestCollations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "folding", 1, "id ci", "s ci", "l latin1", "c char")
		w := NewWriter(db)
		inTx(t, db, func(tx *Tx) {
			get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{texts("Key", "Chair", "caf\u00e9", "abc"), texts("other", "x", "y", "z")}))(t)
		})
		tests := []struct {
			field, before string
			accepted      bool
		}{
			{"s", "Chair", true},
			{"s", "chair", false},
			{"s", "CHAIR", false},
			{"s", "Chair ", false},
			{"s", "Cha\u00efr", false},
			{"l", "caf\u00e9", true},
			{"l", "cafe", false},
			{"l", "CAF\u00c9", false},
			{"l", "caf\u00e9 ", false},
			{"l", "\u6f22", false},
			{"c", "abc", true},
			{"c", "ABC", false},
		}
		for _, test := range tests {
			inTx(t, db, func(tx *Tx) {
				g := fields(f, test.field)
				refused := get(w.Update(ctx, tx, f, UpdateSet{Set: g, Guard: g}, []UpdateRow{
					{Key: texts("Key"), Guard: texts(test.before), Set: texts(test.before)},
				}))(t)
				if (len(refused) == 0) != test.accepted {
					t.Errorf("%s = %q: refused %v, want accepted = %v", test.field, test.before, refused, test.accepted)
				}
			})
		}
		found := get(w.Lookup(ctx, db, f, [][]value.Value{texts("KEY"), texts("none"), texts("other"), texts("key")}, false))(t)
		if found[0] == nil || found[3] == nil || found[2] == nil || found[1] != nil {
			t.Fatalf("got rows %v, want those of Key, none, other and Key", found)
		}
		wantRow(t, f, found[0], texts("Key", "Chair", "caf\u00e9", "abc"))
		inTx(t, db, func(tx *Tx) {
			refused := get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{texts("new", "", "", ""), texts("kEY", "", "", "")}))(t)
			if !slices.Equal(refused, []int{1}) {
				t.Errorf("refused %v, want [1]", refused)
			}
		})
	})
}

func TestEmptyIsNull(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "empties", 1, "id id", "s ci", "c char", "n int")
		f.EmptyIsNull = true
		w := NewWriter(db)
		execAll(t, db, "INSERT INTO empties (id, s, c, n) VALUES ('E', '', '', 1), ('N', NULL, NULL, 1), ('T', 'x', 'y', 1)")
		for _, key := range []string{"E", "N"} {
			row := get(w.Lookup(ctx, db, f, [][]value.Value{texts(key)}, false))(t)[0]
			wantRow(t, f, row, []value.Value{value.Text(key), value.Null, value.Null, value.Int(1)})
		}
		null := []value.Value{value.Null, value.Null, value.Int(1)}
		inTx(t, db, func(tx *Tx) {
			set := UpdateSet{Set: fields(f, "s", "n"), Guard: f.Fields[1:]}
			refused := get(w.Update(ctx, tx, f, set, []UpdateRow{
				{Key: texts("E"), Guard: null, Set: []value.Value{value.Text("set"), value.Int(2)}},
				{Key: texts("N"), Guard: []value.Value{value.Text(""), value.Null, value.Int(1)}, Set: []value.Value{value.Text(""), value.Int(2)}},
				{Key: texts("T"), Guard: null, Set: []value.Value{value.Text("lost"), value.Int(2)}},
			}))(t)
			if !slices.Equal(refused, []int{2}) {
				t.Errorf("refused %v, want [2]", refused)
			}
		})
		var n int
		must(t, db.Get(&n, "SELECT COUNT(*) FROM empties WHERE id = 'N' AND s IS NULL"))
		if n != 1 {
			t.Error("the empty string was not written as NULL")
		}
	})
}

// A value that does not fit is an error and is never cut; one that no row can hold is refused.
func TestMisfits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		if db.Engine.Dialect == "sqlite" {
			return // its columns hold anything
		}
		f := newForm(t, db, "narrow", 1, "id id", "n int", "d decimal", "t instant", "s ci", "k epoch", "l latin1")
		w := NewWriter(db)
		inTx(t, db, func(tx *Tx) {
			for _, row := range [][]value.Value{
				{value.Text(strings.Repeat("x", 16)), value.Null},
				{value.Text("A"), value.Int(math.MaxInt64)},
			} {
				must(t, tx.Savepoint(ctx, "dso"))
				if _, err := w.Insert(ctx, tx, f, fields(f, "id", "n"), [][]value.Value{row}); err == nil || db.Engine.Class(err) != engine.Final {
					t.Errorf("insert of %s: got %v, want a final error", show(row), err)
				}
				must(t, tx.RollbackTo(ctx, "dso"))
			}
			_, err := w.Insert(ctx, tx, f, fields(f, "id", "k"), [][]value.Value{{value.Text("A"), value.Null}, {value.Text("B"), value.Instant(1)}})
			if e := wantError[*ValueError](t, err); e.Row != 1 || e.Field != "k" {
				t.Errorf("got row %d field %s, want 1 and k", e.Row, e.Field)
			}
			_, err = w.Insert(ctx, tx, f, fields(f, "id", "n"), [][]value.Value{{value.Text("A"), value.Absent}})
			if err == nil {
				t.Error("an absent value was written")
			}
			get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{{
				value.Text("A"), value.Int(1), decimal("1.5"), instant("2026-01-02 00:00:00"),
				value.Text("x"), value.Instant(0), value.Text("y"),
			}}))(t)
			for name, v := range map[string]value.Value{
				"n": value.Int(math.MaxInt64), "d": decimal("1.50000000001"), "t": value.Instant(value.NegInfinity), "s": value.Text("a\x00b"),
				"k": value.Instant(1), "l": value.Text("\U0001F6CB"),
			} {
				refused := get(w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n"), Guard: fields(f, name)}, []UpdateRow{
					{Key: texts("A"), Guard: []value.Value{v}, Set: ints(2)},
				}))(t)
				if len(refused) != 1 {
					t.Errorf("guard %s = %s was accepted", name, v)
				}
			}
			found := get(w.Lookup(ctx, tx, f, [][]value.Value{texts("a\x00b"), texts(strings.Repeat("x", 30)), texts("A")}, false))(t)
			if found[0] != nil || found[1] != nil || found[2] == nil {
				t.Errorf("got %v", found)
			}
		})
	})
}

// Columns that MySQL changes by itself keep their values.
func TestOnUpdate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect != "mysql" {
			return
		}
		ctx := t.Context()
		execAll(t, db, "CREATE TABLE stamped (id varchar(15) PRIMARY KEY, n int, ts timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), zero timestamp NULL)",
			"INSERT INTO stamped VALUES ('A', 1, '2001-02-03 04:05:06', NULL)")
		// A zero date that an old client left is kept as well, though our sessions would not write one.
		tx := get(Begin(ctx, db))(t)
		for _, s := range []string{"SET @mode = @@sql_mode", "SET sql_mode = ''", "UPDATE stamped SET zero = '0000-00-00', ts = ts", "SET sql_mode = @mode"} {
			if _, err := tx.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		must(t, tx.Commit())
		f := describeForm(db.Engine, db.Schema, "stamped", 1, "id id", "n int")
		f.Table.Columns = append(f.Table.Columns, &schema.Column{Name: "ts", DataType: "timestamp(6)", Kind: value.KindInstant},
			&schema.Column{Name: "zero", DataType: "timestamp", Kind: value.KindInstant})
		w := NewWriter(db)
		inTx(t, db, func(tx *Tx) {
			get(w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n")}, []UpdateRow{{Key: texts("A"), Set: ints(2)}}))(t)
		})
		var got string
		must(t, db.Get(&got, "SELECT CAST(ts AS char) FROM stamped WHERE n = 2"))
		if got != "2001-02-03 04:05:06.000000" {
			t.Errorf("got %s, the column changed itself", got)
		}
	})
}

// Values of a unique index that move from one row to another are written in the caller's order where
// the engine takes row by row.
func TestKeyPlaces(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect == "postgres" {
			return
		}
		ctx := t.Context()
		f := newForm(t, db, "moves", 1, "id id", "n int")
		execAll(t, db, "CREATE UNIQUE INDEX moves_n ON moves (n)", "INSERT INTO moves VALUES ('A', 1), ('B', 2)")
		w := NewWriter(db)
		inTx(t, db, func(tx *Tx) {
			get(w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n")}, []UpdateRow{{Key: texts("B"), Set: ints(3)}, {Key: texts("A"), Set: ints(2)}}))(t)
		})
	})
}

// Identity columns are written on PostgreSQL (PD-13), a domain's length is kept, and types without
// an assignment from text are cast.
func TestPostgresTypes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect != "postgres" {
			return
		}
		ctx := t.Context()
		execAll(t, db, "CREATE DOMAIN short AS varchar(3)",
			`CREATE TABLE odd (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, d short, u uuid, j jsonb, a integer[], b bit(8), n inet)`)
		f := describeForm(db.Engine, db.Schema, "odd", 1, "id big", "d text", "u text", "j text", "a text", "b text", "n text")
		f.Table.Columns[0].IdentityAlways = true
		for i, base := range []string{"", "character varying", "uuid", "jsonb", "integer[]", "bit", "inet"} {
			if i > 0 {
				f.Table.Columns[i].BaseType = base
			}
		}
		f.Table.Columns[1].Length = 3
		w := NewWriter(db)
		row := []value.Value{
			value.Int(7), value.Text("abc"), value.Text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), value.Text(`{"a": 1}`),
			value.Text("{1,NULL,3}"), value.Text("10101010"), value.Text("10.0.0.1"),
		}
		inTx(t, db, func(tx *Tx) {
			if refused := get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{row}))(t); len(refused) > 0 {
				t.Errorf("refused %v", refused)
			}
			refused := get(w.Update(ctx, tx, f, UpdateSet{Set: f.Fields[1:], Guard: f.Fields}, []UpdateRow{{Key: row[:1], Guard: row, Set: row[1:]}}))(t)
			if len(refused) > 0 {
				t.Errorf("refused %v", refused)
			}
			wantRow(t, f, get(w.Lookup(ctx, tx, f, [][]value.Value{row[:1]}, true))(t)[0], row)
			for field, v := range map[string]string{"d": "abcd", "b": "101"} {
				must(t, tx.Savepoint(ctx, "dso"))
				if _, err := w.Insert(ctx, tx, f, fields(f, "id", field), [][]value.Value{{value.Int(8), value.Text(v)}}); err == nil {
					t.Errorf("%s was written to %s", v, field)
				}
				must(t, tx.RollbackTo(ctx, "dso"))
			}
		})
	})
}

// nextId is taken and read back in one transaction, whatever the case of the dictionary's columns.
func TestNextID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		q := db.Engine.Quote
		for _, names := range [][2]string{{"schemaid", "nextid"}, {"schemaId", "nextId"}} {
			execAll(t, db, "CREATE TABLE arschema ("+q(names[0])+" integer PRIMARY KEY, "+q("name")+" varchar(254), "+q(names[1])+" integer NOT NULL)",
				"INSERT INTO arschema VALUES (1001, 'Repair', 42), (1002, 'Other', 7)")
			f := describeForm(db.Engine, db.Schema, "t1001", 1, "id id")
			f.ID, f.NextID = 1001, &schema.NextID{Prefix: "SF", Length: 15}
			w := NewWriter(db)
			inTx(t, db, func(tx *Tx) {
				for _, want := range []int64{42, 43} {
					if got := get(w.NextID(ctx, tx, f, 1))(t); got != want {
						t.Errorf("got %d, want %d", got, want)
					}
				}
				if got := get(w.NextID(ctx, tx, f, 10))(t); got != 44 {
					t.Errorf("got %d, want 44", got)
				}
				g := *f
				g.ID = 1003
				_, err := w.NextID(ctx, tx, &g, 1)
				wantError[*NoCounterError](t, err)
			})
			var next int
			must(t, db.Get(&next, "SELECT "+q(names[1])+" FROM arschema WHERE "+q(names[0])+" = 1001"))
			if next != 54 {
				t.Errorf("got nextId %d, want 54", next)
			}
			execAll(t, db, "DROP TABLE arschema")
		}
	})
}

// Where the server makes the key, no row is refused and other failures are errors.
func TestServerMakesKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		key := map[string]string{
			"postgres": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
			"sqlite": "INTEGER PRIMARY KEY",
		}[db.Engine.Dialect]
		execAll(t, db, "CREATE TABLE made (id "+key+", n int UNIQUE)")
		f := describeForm(db.Engine, db.Schema, "made", 1, "id big", "n int")
		f.Table.Columns[0].IdentityAlways = db.Engine.Dialect == "postgres"
		w := NewWriter(db)
		inTx(t, db, func(tx *Tx) {
			if refused := get(w.Insert(ctx, tx, f, fields(f, "n"), [][]value.Value{ints(1), ints(2)}))(t); len(refused) > 0 {
				t.Errorf("refused %v", refused)
			}
			must(t, tx.Savepoint(ctx, "dso"))
			if _, err := w.Insert(ctx, tx, f, fields(f, "n"), [][]value.Value{ints(3), ints(2)}); err == nil || db.Engine.Class(err) != engine.UniqueTaken {
				t.Errorf("got %v, want class %s", err, engine.UniqueTaken)
			}
			must(t, tx.RollbackTo(ctx, "dso"))
		})
		if n := count(t, db, "made"); n != 2 {
			t.Errorf("got %d rows, want 2", n)
		}
	})
}
