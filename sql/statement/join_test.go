package statement_test

import (
	"fmt"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
)

// ordersAndLines are two tables and the join form over them.
func ordersAndLines(t *testing.T, db *engine.DB, outer bool) *schema.Form {
	t.Helper()
	for _, s := range []string{
		"CREATE TABLE orders (id varchar(15) NOT NULL PRIMARY KEY, note varchar(20))",
		"CREATE TABLE line (no integer NOT NULL PRIMARY KEY, order_id varchar(15), note varchar(20))",
		"INSERT INTO orders VALUES ('A', 'a'), ('B|', NULL), ('C', 'c'), ('D', 'd')",
		"INSERT INTO line VALUES (1, 'A', 'one'), (2, 'A', NULL), (3, 'B|', 'three'), (4, 'D', 'four'), (5, 'X', 'five'), (6, NULL, 'six')",
	} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	c, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{
		{Name: "Order", Table: "orders"},
		{Name: "Line", Table: "line"},
		{Name: "Order Lines", Join: &catalog.JoinSpec{Primary: "Order", Secondary: "Line", On: [][2]string{{"id", "order_id"}}, Outer: outer}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Lookup("Order Lines")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Requests of a join form are read in order of their parts' keys, whatever the size of a chunk.
func TestSelectJoin(t *testing.T) {
	t.Parallel()
	for _, outer := range []bool{false, true} {
		t.Run(fmt.Sprintf("outer %t", outer), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				f := ordersAndLines(t, db, outer)
				w := statement.NewWriter(db)
				want := []string{"A|1 a one", "A|2 a ", `B\||3  three`, "D|4 d four"}
				if outer {
					want = []string{"A|1 a one", "A|2 a ", `B\||3  three`, "C| c ", "D|4 d four"}
				}
				note, lineNote := f.FieldByName("note"), f.FieldByName("Secondary.note")
				for size := 1; size < 7; size++ {
					var got []string
					for after := ""; ; {
						rows, next, err := w.Select(t.Context(), db, f, schema.Condition{}, statement.Chunk{After: after, Rows: size})
						if err != nil {
							t.Fatal(err)
						}
						for _, r := range rows {
							got = append(got, r[0].Text()+" "+r[note.Index].Text()+" "+r[lineNote.Index].Text())
						}
						if after = next; next == "" {
							break
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("by %d (-want +got):\n%s", size, diff)
					}
				}
				for _, test := range []struct {
					c    schema.Condition
					want int64
				}{
					{schema.Condition{Op: schema.Equal, Column: f.Key[0].Column, Values: []value.Value{value.Text("A|2")}}, 1},
					{schema.Condition{Op: schema.Equal, Column: f.Key[0].Column, Values: []value.Value{value.Text("A")}}, 0},
					{schema.Condition{Op: schema.Equal, Column: lineNote.Column, Values: []value.Value{value.Text("one")}}, 1},
					{schema.Condition{Op: schema.NotEqual, Column: f.Key[0].Column, Values: []value.Value{value.Text("A|2")}}, int64(len(want))},
				} {
					if n, err := w.Count(t.Context(), db, f, test.c); err != nil || n != test.want {
						t.Errorf("%v: got %d, %v, want %d", test.c, n, err, test.want)
					}
				}
				rows, err := w.Lookup(t.Context(), db, f, [][]value.Value{{value.Text(`B\||3`)}, {value.Text("A|")}, {value.Text("A|3")}}, false)
				if err != nil || rows[0] == nil || rows[1] != nil || rows[2] != nil {
					t.Errorf("looked up %v, %v", rows, err)
				}
			})
		})
	}
}

// A view shows nothing of what is written after it was opened, and keeps nobody from writing.
func TestView(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := ordersAndLines(t, db, false)
		w := statement.NewWriter(db)
		v, err := statement.OpenView(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("UPDATE line SET order_id = 'A'"); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			of   sqlx.QueryerContext
			want int64
		}{{v, 4}, {db, 6}} {
			if n, err := w.Count(t.Context(), test.of, f, schema.Condition{}); err != nil || n != test.want {
				t.Errorf("got %d, %v, want %d", n, err, test.want)
			}
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}
