package statement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Whatever the key is made of, chunks give every row once, in the database's order (H-6, H-7).
func TestSelect(t *testing.T) {
	t.Parallel()
	mixed := func(i int) value.Value {
		return value.Text([]string{"a", "B", "\u00e9", "_", "Z", "b"}[i%6] + fmt.Sprint(i))
	}
	tests := []struct {
		name string
		keys []string // types
		make func(i int) []value.Value
	}{
		{"id", []string{"id"}, func(i int) []value.Value { return texts(fmt.Sprintf("R%d", i)) }},
		{"ci", []string{"ci"}, func(i int) []value.Value { return []value.Value{mixed(i)} }},
		{"latin1", []string{"latin1"}, func(i int) []value.Value { return texts(fmt.Sprintf("\u00e9%d", i)) }},
		{"int", []string{"big"}, func(i int) []value.Value { return ints(i*1000003 - 20000000) }},
		{"decimal", []string{"decimal"}, func(i int) []value.Value { return []value.Value{decimal(fmt.Sprintf("%d.%d", i/10, i%10))} }},
		{"instant", []string{"instant"}, func(i int) []value.Value { return []value.Value{value.Instant(int64(i) * 86400e6 * 100)} }},
		{"date", []string{"date"}, func(i int) []value.Value { return []value.Value{value.Date(int64(value.EpochDay + i))} }},
		{"enum first", []string{"enum", "int"}, func(i int) []value.Value {
			return []value.Value{value.Text([]string{"sad", "happy", "angry"}[i%3]), value.Int(int64(i))}
		}},
		{"enum second", []string{"int", "enum"}, func(i int) []value.Value {
			return []value.Value{value.Int(int64(i / 3)), value.Text([]string{"sad", "happy", "angry"}[i%3])}
		}},
		{"ci and char and epoch", []string{"ci", "char", "epoch"}, func(i int) []value.Value {
			return []value.Value{value.Text(string(rune('A' + i%4))), value.Text(fmt.Sprint(i % 3)), value.Instant(int64(i) * 1e6)}
		}},
	}
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		for n, test := range tests {
			var columns []string
			for i, kind := range test.keys {
				columns = append(columns, fmt.Sprintf("k%d %s", i, kind))
			}
			f := newForm(t, db, fmt.Sprint("keys", n), len(columns), append(columns, "n int")...)
			w := NewWriter(db)
			var rows [][]value.Value
			for i := range 50 {
				rows = append(rows, append(test.make(i), value.Int(int64(i))))
			}
			inTx(t, db, func(tx *Tx) {
				if refused := get(w.Insert(t.Context(), tx, f, f.Fields, rows))(t); len(refused) > 0 {
					t.Fatalf("%s: refused %v", test.name, refused)
				}
			})
			whole, next, err := w.Select(t.Context(), db, f, schema.Condition{}, Chunk{})
			if err != nil || next != "" || len(whole) != 50 {
				t.Errorf("%s: got %d rows at once, next %q, %v; want 50, none", test.name, len(whole), next, err)
			}
			chunked := readChunks(t, w, db, f, schema.Condition{}, Chunk{Rows: 7})
			if len(chunked) != 50 {
				t.Errorf("%s: got %d rows in chunks, want 50", test.name, len(chunked))
			}
			for i := range min(len(whole), len(chunked)) {
				wantRow(t, f, chunked[i], whole[i])
			}
			seen := map[int64]bool{}
			for _, r := range chunked {
				seen[r[len(r)-1].Int()] = true
			}
			if len(seen) != 50 {
				t.Errorf("%s: got %d different rows in chunks, want 50", test.name, len(seen))
			}
			few := readChunks(t, w, db, f, schema.Condition{Op: schema.Less, Column: f.FieldByName("n").Column, Values: ints(20)}, Chunk{Rows: 6})
			if len(few) != 20 {
				t.Errorf("%s: got %d rows under a condition, want 20", test.name, len(few))
			}
		}
	})
}

func readChunks(t *testing.T, w *Writer, db *engine.DB, f *schema.Form, c schema.Condition, chunk Chunk) [][]value.Value {
	t.Helper()
	var all [][]value.Value
	for {
		rows, next, err := w.Select(t.Context(), db, f, c, chunk)
		must(t, err)
		all = append(all, rows...)
		if next == "" || len(all) > 1000 {
			return all
		}
		chunk.After = next
	}
}

// Large rows end a chunk early, and it goes on where it ended, though that row is gone by then.
func TestSelectBytes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := newForm(t, db, "large", 1, "id id", "s text")
		w := NewWriter(db)
		var rows [][]value.Value
		for i := range 10 {
			rows = append(rows, texts(fmt.Sprintf("R%02d", i), strings.Repeat("x", 100_000)))
		}
		inTx(t, db, func(tx *Tx) { get(w.Insert(t.Context(), tx, f, f.Fields, rows))(t) })
		part, next, err := w.Select(t.Context(), db, f, schema.Condition{}, Chunk{Bytes: 250_000})
		if err != nil || len(part) != 3 || next != `["t:R02"]` {
			t.Fatalf("got %d rows, next %q, %v; want 3, R02", len(part), next, err)
		}
		execAll(t, db, "DELETE FROM large WHERE id = 'R02'")
		rest := readChunks(t, w, db, f, schema.Condition{}, Chunk{Bytes: 1, After: next})
		if len(rest) != 7 || rest[0][0].Text() != "R03" {
			t.Errorf("got %d more rows, want 7 from R03", len(rest))
		}
		for _, bad := range []string{"x", `["t:a","t:b"]`, `[null]`} {
			if _, _, err := w.Select(t.Context(), db, f, schema.Condition{}, Chunk{After: bad}); err == nil {
				t.Errorf("key %s was taken", bad)
			}
		}
	})
}

func TestConditions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		f := newForm(t, db, "cond", 1, "id id", "n int", "d decimal", "s ci", "i instant", "b bytes", "o bool", "f single")
		f.EmptyIsNull = true
		w := NewWriter(db)
		row := func(id string, n int, d, s, i string) []value.Value {
			return []value.Value{
				value.Text(id), value.Int(int64(n)), decimal(d), value.Text(s), instant(i), value.Bytes([]byte(id)),
				value.Int(int64(n % 2)), value.Real(float64(float32(0.1 * float64(n)))),
			}
		}
		null := []value.Value{value.Text("N"), value.Null, value.Null, value.Null, value.Null, value.Null, value.Null, value.Null}
		inTx(t, db, func(tx *Tx) {
			get(w.Insert(ctx, tx, f, f.Fields, [][]value.Value{
				row("A", 1, "0.1", "Open", "2026-01-01 00:00:00"),
				row("B", 2, "0.2", "closed", "2026-01-02 00:00:00.5"),
				row("C", 3, "12345678.0000000001", awkward, "2026-01-03 00:00:00"),
				null,
			}))(t)
		})
		execAll(t, db, "INSERT INTO cond (id, s) VALUES ('E', '')")
		column := func(name string) *schema.Column { return f.FieldByName(name).Column }
		leaf := func(op schema.ConditionOp, name string, v ...value.Value) schema.Condition {
			return schema.Condition{Op: op, Column: column(name), Values: v}
		}
		join := func(op schema.ConditionOp, parts ...schema.Condition) schema.Condition {
			return schema.Condition{Op: op, Parts: parts}
		}
		tests := []struct {
			name string
			c    schema.Condition
			want string
		}{
			{"always", schema.Condition{}, "ABCEN"},
			{"empty and", join(schema.And), "ABCEN"},
			{"empty or", join(schema.Or), ""},
			{"equal", leaf(schema.Equal, "n", value.Int(2)), "B"},
			{"not equal", leaf(schema.NotEqual, "n", value.Int(2)), "AC"},
			{"less", leaf(schema.Less, "n", value.Int(2)), "A"},
			{"less or equal", leaf(schema.LessEqual, "n", value.Int(2)), "AB"},
			{"greater", leaf(schema.Greater, "n", value.Int(2)), "C"},
			{"greater or equal", leaf(schema.GreaterEqual, "n", value.Int(2)), "BC"},
			{"beyond the column", leaf(schema.Less, "n", value.Int(1<<60)), "ABC"},
			{"decimal", leaf(schema.Equal, "d", decimal("0.1")), "A"},
			{"by the collation", leaf(schema.Equal, "s", value.Text("OPEN")), "A"},
			{"awkward", leaf(schema.In, "s", value.Text(awkward), value.Text("x")), "C"},
			{"in", leaf(schema.In, "n", value.Int(1), value.Int(3), value.Int(9)), "AC"},
			{"in nothing", leaf(schema.In, "n"), ""},
			{"instant", leaf(schema.Greater, "i", instant("2026-01-02 00:00:00.4")), "BC"},
			{"bytes", leaf(schema.Equal, "b", value.Bytes([]byte("B"))), "B"},
			{"bool", leaf(schema.Equal, "o", value.Int(1)), "AC"},
			{"single", leaf(schema.Equal, "f", value.Real(float64(float32(0.2)))), "B"},
			{"null", leaf(schema.IsNull, "s"), "EN"},
			{"not null", leaf(schema.NotNull, "s"), "ABC"},
			{"null number", leaf(schema.IsNull, "n"), "EN"},
			{"not null number", leaf(schema.NotNull, "n"), "ABC"},
			{"compared with null", leaf(schema.Equal, "n", value.Null), "ABCEN"}, // left out: never stricter
			{"both", join(schema.And, leaf(schema.Greater, "n", value.Int(1)), leaf(schema.Equal, "o", value.Int(1))), "C"},
			{"any", join(schema.Or, leaf(schema.Equal, "n", value.Int(1)), join(schema.And, leaf(schema.Equal, "n", value.Int(2)), leaf(schema.NotNull, "s"))), "AB"},
		}
		if db.Engine.Dialect != "sqlite" { // its decimals are doubles there
			tests = append(tests, struct {
				name string
				c    schema.Condition
				want string
			}{"small difference", leaf(schema.Greater, "d", decimal("12345678.00000000009")), "C"})
		}
		for _, test := range tests {
			var got []string
			for _, r := range get(w.Find(ctx, db, f, test.c, 0))(t) {
				got = append(got, r[0].Text())
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, strings.Join(got, "")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
			if n := get(w.Count(ctx, db, f, test.c))(t); n != int64(len(test.want)) {
				t.Errorf("%s: counted %d, want %d", test.name, n, len(test.want))
			}
		}
		if rows := get(w.Find(ctx, db, f, schema.Condition{}, 2))(t); len(rows) != 2 {
			t.Errorf("got %d rows with a limit of 2", len(rows))
		}
	})
}

// A stored value without meaning is an error with a name, not a NULL.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect != "mysql" {
			return
		}
		f := newForm(t, db, "zero", 1, "id id", "d date")
		execAll(t, db, "INSERT INTO zero VALUES ('A', '2026-01-01')")
		tx := get(Begin(t.Context(), db))(t)
		for _, s := range []string{"SET @mode = @@sql_mode", "SET sql_mode = ''", "INSERT INTO zero VALUES ('Z', '0000-00-00')", "SET sql_mode = @mode"} {
			if _, err := tx.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		must(t, tx.Commit())
		_, err := NewWriter(db).Lookup(t.Context(), db, f, [][]value.Value{texts("A"), texts("Z")}, false)
		if e := wantError[*ReadError](t, err); e.Field != "d" {
			t.Errorf("got field %s, want d", e.Field)
		}
	})
}

// Another transaction waits for a row that a lookup has locked.
func TestLookupLocks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.SingleWriter {
			return
		}
		ctx := t.Context()
		f := newForm(t, db, "locked", 1, "id id", "n int")
		execAll(t, db, "INSERT INTO locked VALUES ('A', 1), ('B', 1)")
		w := NewWriter(db)
		tx := get(Begin(ctx, db))(t)
		get(w.Lookup(ctx, tx, f, [][]value.Value{texts("A"), texts("B")}, true))(t)
		done := make(chan error, 1)
		go func() {
			_, err := db.ExecContext(ctx, "UPDATE locked SET n = n + 10 WHERE id = 'A'")
			done <- err
		}()
		get(w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n"), Guard: fields(f, "n")}, []UpdateRow{{Key: texts("A"), Guard: ints(1), Set: ints(2)}}))(t)
		select {
		case err := <-done:
			t.Errorf("the row was not locked: %v", err)
		default:
		}
		must(t, tx.Commit())
		must(t, <-done)
		var n int
		must(t, db.Get(&n, "SELECT n FROM locked WHERE id = 'A'"))
		if n != 12 {
			t.Errorf("got %d, want 12: one update was lost", n)
		}
	})
}

// Keys are kept in control tables, where anyone can write.
func FuzzDecodeKey(f *testing.F) {
	f.Add(`["t:R1","i:5"]`)
	f.Add(`[null,"b:AA=="]`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := DecodeKey(text)
		if err != nil {
			return
		}
		again, err := EncodeKey(key)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", text, err)
		}
		back, err := DecodeKey(again)
		if err != nil || len(back) != len(key) {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
		for i := range key {
			if key[i].Known() && !key[i].Equal(back[i]) {
				t.Errorf("part %d: got %s, want %s", i, back[i], key[i])
			}
		}
	})
}
