package statement

import (
	"fmt"
	"slices"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/value"
)

// Every type goes through statements of many rows, and does not only end well because rows were
// then taken one by one.
func TestTogether(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect != "mysql" {
			return
		}
		ctx := t.Context()
		all := torture(db.Engine.Dialect)
		names := []string{"id id", "part int"}
		var kinds []string
		for kind, values := range all {
			kinds = append(kinds, kind)
			// Rows too large for a packet go apart.
			all[kind] = slices.DeleteFunc(values, func(v value.Value) bool { return v.Size() > 1000 })
		}
		slices.Sort(kinds)
		for _, k := range kinds {
			names = append(names, "f_"+k+" "+k)
		}
		f := newForm(t, db, "together", 2, names...)
		w := NewWriter(db)
		const rows = 60
		rowOf := func(i, shift int) []value.Value {
			r := []value.Value{value.Text(fmt.Sprint("R", i)), value.Int(int64(i % 3))}
			for _, k := range kinds {
				r = append(r, all[k][(i+shift)%len(all[k])])
			}
			return r
		}
		var before, after, keys [][]value.Value
		for i := range rows {
			before, after = append(before, rowOf(i, 0)), append(after, rowOf(i, 1))
			keys = append(keys, before[i][:2])
		}
		ready := func(s *shape, setTo [][]value.Value) []row {
			var list []row
			for i := range rows {
				r := row{index: i}
				if len(s.Set) > 0 {
					get(s.fill(&r, s.Set, setTo[i][2:]))(t)
				}
				get(s.fill(&r, s.Key, before[i][:2]))(t)
				if !get(s.fill(&r, s.Guard, before[i]))(t) {
					t.Fatal("a guard does not fit")
				}
				list = append(list, r)
			}
			return list
		}
		inTx(t, db, func(tx *Tx) {
			get(w.Insert(ctx, tx, f, f.Fields, before))(t)
			update := get(w.shape(f, spec{name: "update", set: f.Fields[2:], guard: f.Fields}))(t)
			if !get(mysql{}.together(ctx, w, tx, update, ready(update, after)))(t) {
				t.Error("updates were undone")
			}
			for i, r := range get(w.Lookup(ctx, tx, f, keys, false))(t) {
				wantRow(t, f, r, after[i])
			}
			if get(mysql{}.together(ctx, w, tx, update, ready(update, after)))(t) {
				t.Error("updates with an old guard were accepted")
			}
			before = after
			remove := get(w.shape(f, spec{name: "delete", guard: f.Fields}))(t)
			if !get(mysql{}.together(ctx, w, tx, remove, ready(remove, nil)))(t) {
				t.Error("deletes were undone")
			}
		})
		if n := count(t, db, "together"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

// What fails within a statement of many rows is undone and tried in the caller's order, where it may
// succeed.
func TestTogetherUndone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect == "postgres" {
			return
		}
		ctx := t.Context()
		f := newForm(t, db, "chain", 1, "id int", "n int")
		execAll(t, db, "CREATE UNIQUE INDEX chain_n ON chain (n)")
		w := NewWriter(db)
		var rows [][]value.Value
		var updates []UpdateRow
		for i := range 20 {
			rows = append(rows, ints(i, i))
			updates = append(updates, UpdateRow{Key: ints(19 - i), Guard: ints(19 - i), Set: ints(20 - i)})
		}
		inTx(t, db, func(tx *Tx) {
			get(w.Insert(ctx, tx, f, f.Fields, rows))(t)
			if refused := get(w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n"), Guard: fields(f, "n")}, updates))(t); len(refused) > 0 {
				t.Errorf("refused %v", refused)
			}
			slices.Reverse(updates)
			must(t, tx.Savepoint(ctx, "dso"))
			for i := range updates {
				updates[i].Guard, updates[i].Set = updates[i].Set, ints(int(updates[i].Set[0].Int())+1)
			}
			if _, err := w.Update(ctx, tx, f, UpdateSet{Set: fields(f, "n"), Guard: fields(f, "n")}, updates); err == nil || db.Engine.Class(err) != engine.UniqueTaken {
				t.Errorf("got %v, want class %s", err, engine.UniqueTaken)
			}
			must(t, tx.RollbackTo(ctx, "dso"))
		})
		var sum int
		must(t, db.Get(&sum, "SELECT SUM(n) FROM chain"))
		if sum != 210 {
			t.Errorf("got a sum of %d, want 210", sum)
		}
	})
}
