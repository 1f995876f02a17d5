package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping"
	"ardso/sql/engine"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// joinWorld is server a, where orders and their lines are joined, and server b with a copy of the join form.
type joinWorld struct {
	*world
	outer bool
}

const (
	ordersTable = "CREATE TABLE orders (id varchar(15) NOT NULL PRIMARY KEY, customer varchar(20), state integer)"
	linesTable  = "CREATE TABLE line (no integer NOT NULL PRIMARY KEY, order_id varchar(15), item varchar(20))"
	joinForms   = `      - {name: Order, table: orders, fields: [{column: id, name: Order, id: 901}, {column: customer, name: Customer, id: 902}, {column: state, name: State, id: 903}]}
      - {name: Line, table: line, fields: [{column: no, name: "No", id: 904}, {column: order_id, name: Of, id: 905}, {column: item, name: Item, id: 906}]}
      - name: Order Lines
        join: {primary: Order, secondary: Line, on: "'Primary.Order' = 'Secondary.Of'", type: %s}
`
	copyTable = "CREATE TABLE copied (id varchar(40) NOT NULL PRIMARY KEY, customer varchar(20), state integer, item varchar(20))"
	copyForm  = `      - {name: Copied, table: copied, fields: [{column: id, name: Request ID, id: 1}, {column: customer, name: Customer, id: 902}, {column: state, name: State, id: 903}, {column: item, name: Item, id: 906}]}
`
	joinDefs = `
mappings:
  - {name: copy, from: {server: a, form: Order Lines}, to: {server: b, form: Copied}}
filters:
  - {name: send, server: a, form: Order Lines, on: [submit, modify, merge], transfer: {mapping: copy}}
  - {name: drop, server: a, form: Order Lines, on: delete, delete: {mapping: copy}}
`
)

func newJoinWorld(t *testing.T, db, target *engine.DB, outer bool, defs string) *joinWorld {
	t.Helper()
	kind := "inner"
	if outer {
		kind = "outer"
	}
	w := &joinWorld{outer: outer}
	w.world = newWorld(t, map[string]*engine.DB{"a": db, "b": target}, map[string]string{"a": fmt.Sprintf(joinForms, kind), "b": copyForm}, defs)
	w.exec("a", ordersTable, linesTable)
	w.exec("b", copyTable)
	return w
}

// view is what the join form shows on a.
func (w *joinWorld) view() string {
	id, kind := "o.id || '|' || COALESCE(CAST(l.no AS varchar(10)), '')", "JOIN"
	if w.dbs["a"].Engine.Dialect == "mysql" {
		id = "CONCAT(o.id, '|', COALESCE(l.no, ''))"
	}
	if w.outer {
		kind = "LEFT JOIN"
	}
	return fmt.Sprintf("SELECT %s AS rid, o.customer, o.state, l.item FROM orders o %s line l ON o.id = l.order_id ORDER BY o.id, l.no", id, kind)
}

// agree compares the copy with what the join form shows.
func (w *joinWorld) agree() {
	w.t.Helper()
	// Sorted here: engines differ in where NULL comes.
	a, b := rows(w.t, w.dbs["a"], w.view()), rows(w.t, w.dbs["b"], "SELECT id, customer, state, item FROM copied ORDER BY id")
	if d := diffSorted(a, b); d != "" {
		w.t.Errorf("the copy is not what the join form shows (-a +b):\n%s", d)
		for name, db := range w.dbs {
			if got := rows(w.t, db, "SELECT error, reason FROM dso_pending_error"); len(got) > 0 {
				w.t.Logf("%s: errors: %.2000s", name, strings.Join(got, "\n"))
			}
		}
	}
}

// quiet makes sure that nothing went wrong unnoticed.
func (w *joinWorld) quiet() {
	w.t.Helper()
	for _, table := range []string{"dso_pending_error", "dso_conflict"} {
		if got := rows(w.t, w.dbs["b"], "SELECT * FROM "+table); len(got) > 0 {
			w.t.Errorf("%s: %.3000s", table, strings.Join(got, "\n"))
		}
	}
	if got := rows(w.t, w.dbs["a"], "SELECT * FROM dso_join"); len(got) > 0 {
		w.t.Errorf("dso_join: %v", got)
	}
}

// transaction executes statements in one transaction.
func (w *world) transaction(server string, statements ...string) {
	w.t.Helper()
	tx, err := w.dbs[server].BeginTx(context.Background(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			w.t.Fatalf("%s: %v\n%s", server, err, s)
		}
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

// eachJoin runs a test on each engine as a source, with inner and outer joins.
func eachJoin(t *testing.T, defs string, f func(w *joinWorld)) {
	t.Parallel()
	for _, outer := range inShort([]bool{true, false}) {
		t.Run(map[bool]string{false: "inner", true: "outer"}[outer], func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				f(newJoinWorld(t, db, dbtest.New(t, "sqlite"), outer, defs))
			})
		})
	}
}

// What users do to the parts reaches the copy of the join form: creates, modifies and deletes of either part, both
// in one transaction, and a part that goes from one request to another.
func TestJoinAsSource(t *testing.T) {
	eachJoin(t, joinDefs, func(w *joinWorld) {
		w.open()
		w.exec("a", "INSERT INTO orders VALUES ('A', 'Ann', 1)", "INSERT INTO line VALUES (1, 'A', 'chair')", "INSERT INTO line VALUES (2, 'B', 'desk')")
		w.once()
		w.agree()
		steps := [][]string{
			{"UPDATE orders SET customer = 'Anna' WHERE id = 'A'"},
			{"UPDATE line SET item = 'stool' WHERE no = 1"},
			{"INSERT INTO orders VALUES ('B', 'Bob', 1)"},
			{"UPDATE orders SET state = 2 WHERE id = 'B'", "UPDATE line SET item = 'table' WHERE no = 2"},
			{"UPDATE line SET order_id = 'A' WHERE no = 2"},
			{"UPDATE line SET order_id = NULL WHERE no = 1", "UPDATE line SET order_id = 'B' WHERE no = 2"},
			{"INSERT INTO orders VALUES ('C', 'Cleo', 1)", "INSERT INTO line VALUES (3, 'C', 'lamp')", "UPDATE line SET order_id = 'C' WHERE no = 1"},
			{"DELETE FROM line WHERE no = 3"},
			{"UPDATE orders SET id = 'D' WHERE id = 'C'", "UPDATE line SET order_id = 'D' WHERE no = 1"},
			{"DELETE FROM orders WHERE id = 'B'"},
			{"DELETE FROM orders WHERE id = 'D'", "DELETE FROM line WHERE no = 1"},
		}
		for i, s := range steps {
			w.transaction("a", s...)
			w.once()
			w.agree()
			if w.t.Failed() {
				w.t.Fatalf("after step %d: %v", i, s)
			}
		}
		w.quiet()
	})
}

// Two parts that leave each other in different transactions, of which one run reads both, leave no copy behind.
func TestJoinPartsLeaveEachOther(t *testing.T) {
	eachJoin(t, joinDefs, func(w *joinWorld) {
		w.open()
		w.exec("a", "INSERT INTO orders VALUES ('A', 'Ann', 1)", "INSERT INTO line VALUES (1, 'A', 'chair')", "INSERT INTO line VALUES (2, 'A', 'desk')")
		w.once()
		w.agree()
		w.exec("a", "UPDATE orders SET id = 'B'", "UPDATE line SET order_id = 'C' WHERE no = 1", "DELETE FROM line WHERE no = 2")
		w.once()
		w.agree()
		w.quiet()
	})
}

// A transfer by hand sends what the join form shows, in chunks, while it is followed or not.
func TestJoinTransferredByHand(t *testing.T) {
	eachJoin(t, joinDefs[:strings.Index(joinDefs, "filters:")], func(w *joinWorld) {
		id := func(i string) string {
			if w.dbs["a"].Engine.Dialect == "mysql" {
				return "CONCAT('O', " + i + ")"
			}
			return "'O' || (" + i + ")"
		}
		w.exec("a",
			"INSERT INTO orders SELECT "+id("i")+", 'Ann', i FROM "+numbers(w.dbs["a"], 300),
			"INSERT INTO line SELECT i, "+id("i % 320")+", 'chair' FROM "+numbers(w.dbs["a"], 700))
		w.open()
		for _, where := range []string{"", "'Request ID' = \"O7|327\""} {
			r, err := w.sys.Transfer(w.t.Context(), "copy", where, run.TransferOptions{Log: testLog(w.t)})
			if err != nil || r.Parked != 0 {
				w.t.Fatalf("transfer: %+v, %v", r, err)
			}
			if where != "" && r.Rows != 1 {
				w.t.Errorf("%d rows where %s", r.Rows, where)
			}
		}
		w.agree()
		w.quiet()
	})
}

// However users edit the parts while ardso runs, stops and runs again, in the end the copy is what the join form
// shows, and no change found the copy otherwise than it should be.
func TestJoinProperty(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes; package join has the same in memory")
	}
	for _, outer := range []bool{false, true} {
		t.Run(map[bool]string{false: "inner", true: "outer"}[outer], func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				w := newJoinWorld(t, db, dbtest.New(t, "sqlite"), outer, joinDefs)
				w.open()
				checks := 0
				rapid.Check(t, func(rt *rapid.T) {
					if checks++; checks > 25 && !t.Failed() { // each takes a second or two
						return
					}
					text := func(what string) string { return fmt.Sprintf("'%s%d'", what, rapid.IntRange(1, 3).Draw(rt, what)) }
					for range rapid.IntRange(1, 4).Draw(rt, "runs") {
						stop := func() {}
						if rapid.Bool().Draw(rt, "follow") {
							stop = w.follow("a")
						}
						for range rapid.IntRange(1, 12).Draw(rt, "transactions") {
							var statements []string
							for range rapid.IntRange(1, 3).Draw(rt, "statements") {
								order, no := text("O"), rapid.IntRange(1, 4).Draw(rt, "no")
								statements = append(statements, rapid.SampledFrom([]string{
									fmt.Sprintf("DELETE FROM orders WHERE id = %s", order),
									fmt.Sprintf("DELETE FROM line WHERE no = %d", no),
									fmt.Sprintf("UPDATE orders SET customer = %s, state = %d WHERE id = %s", text("c"), no, order),
									fmt.Sprintf("UPDATE line SET item = %s WHERE no = %d", text("i"), no),
									fmt.Sprintf("UPDATE line SET order_id = %s WHERE no = %d", order, no),
									fmt.Sprintf("UPDATE line SET order_id = NULL WHERE no = %d", no),
									"INSERT INTO orders (id, customer) VALUES (" + order + ", 'new')" + upsert(w.dbs["a"], "customer = "+text("c")),
									fmt.Sprintf("INSERT INTO line VALUES (%d, %s, 'new')", no, order) + strings.Replace(upsert(w.dbs["a"], "order_id = "+order), "(id)", "(no)", 1),
								}).Draw(rt, "statement"))
							}
							w.transaction("a", statements...)
						}
						stop()
					}
					w.once()
					w.agree()
					w.quiet()
					if t.Failed() {
						rt.FailNow()
					}
				})
			})
		})
	}
}

// diffSorted compares two lists without regard to order; "" where they agree.
func diffSorted(a, b []string) string {
	slices.Sort(a)
	slices.Sort(b)
	return cmp.Diff(a, b)
}

// A process that ends at any moment of a round, cut off while users edit both parts, loses no change and carries out
// none twice.
func TestJoinSurvivesKills(t *testing.T) {
	eachJoin(t, joinDefs, func(w *joinWorld) {
		w.open()
		edits := make(chan struct{})
		go func() {
			defer close(edits)
			for i := range 150 {
				for _, s := range []string{
					fmt.Sprintf("INSERT INTO orders (id, customer) VALUES ('O%d', 'new')", i%7) + upsert(w.dbs["a"], fmt.Sprintf("customer = 'c%d'", i)),
					fmt.Sprintf("INSERT INTO line VALUES (%d, 'O%d', 'new')", i%11, i%5) + strings.Replace(upsert(w.dbs["a"], fmt.Sprintf("order_id = 'O%d', item = 'i%d'", i%6, i)), "(id)", "(no)", 1),
					fmt.Sprintf("DELETE FROM line WHERE no = %d", (i*7)%11),
					fmt.Sprintf("DELETE FROM orders WHERE id = 'O%d'", (i*5)%7),
				}[:2+2*(i%2)] {
					if err := patiently(w.dbs["a"], s); err != nil {
						w.t.Errorf("%v\n%s", err, s)
					}
				}
			}
		}()
		for over, n := false, 0; !over; n++ {
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Duration(5+n*37%150)*time.Millisecond)
			_, err := w.sys.Run(ctx, nil, run.Options{Servers: []string{"a"}, Log: testLog(w.t)})
			if ctx.Err() == nil {
				w.t.Fatalf("run ended by itself: %v", err)
			}
			cancel()
			select {
			case <-edits:
				over = true
			default:
			}
		}
		w.once()
		w.agree()
		w.quiet()
	})
}

// What cannot be written into dso_join is not lost: the position stays before the changes.
func TestJoinRefusedRound(t *testing.T) {
	eachJoin(t, joinDefs, func(w *joinWorld) {
		w.open()
		create, drop := "CREATE TRIGGER refuse BEFORE INSERT ON dso_join ", "DROP TRIGGER refuse"
		switch w.dbs["a"].Engine.Dialect {
		case "postgres":
			w.exec("a", "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END'")
			create, drop = create+"FOR EACH ROW EXECUTE FUNCTION refuse()", drop+" ON dso_join"
		case "mysql":
			create += "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'"
		default:
			create += "BEGIN SELECT RAISE(ABORT, 'refused'); END"
		}
		w.exec("a", create, "INSERT INTO orders VALUES ('A', 'Ann', 1)", "INSERT INTO line VALUES (1, 'A', 'chair')")
		if _, err := w.sys.Run(w.t.Context(), nil, run.Options{Once: true, Log: testLog(w.t)}); err == nil || !strings.Contains(err.Error(), "refused") {
			w.t.Fatalf("run: %v", err)
		}
		w.exec("a", "UPDATE line SET item = 'stool'", drop)
		w.once()
		w.agree()
		w.quiet()
	})
}

// A transfer by hand beside users' edits and the filters' transfers: no selected request is newer or older than what the
// changes after it start from.
func TestJoinTransferredWhileFollowed(t *testing.T) {
	eachJoin(t, joinDefs, func(w *joinWorld) {
		for i := range 40 {
			w.exec("a", fmt.Sprintf("INSERT INTO orders VALUES ('O%d', 'Ann', 0)", i), fmt.Sprintf("INSERT INTO line VALUES (%d, 'O%d', 'chair')", i, i/2))
		}
		w.open()
		if _, err := w.sys.Transfer(w.t.Context(), "copy", "", run.TransferOptions{Log: testLog(w.t)}); err != nil {
			w.t.Fatal(err)
		}
		stop := w.follow("a")
		defer stop()
		edits := make(chan error, 1)
		go func() {
			for i := range 120 {
				for _, s := range []string{
					fmt.Sprintf("UPDATE orders SET customer = 'c%d' WHERE id = 'O%d'", i, i%40),
					fmt.Sprintf("UPDATE line SET order_id = 'O%d' WHERE no = %d", i%30, (i*7)%40),
					fmt.Sprintf("UPDATE line SET item = 'i%d' WHERE no = %d", i, (i*3)%40),
				} {
					if err := patiently(w.dbs["a"], s); err != nil {
						edits <- err
						return
					}
				}
			}
			edits <- nil
		}()
		for over := false; !over; {
			if _, err := w.sys.Transfer(w.t.Context(), "copy", "", run.TransferOptions{Log: testLog(w.t)}); err != nil {
				w.t.Fatal(err)
			}
			select {
			case err := <-edits:
				if err != nil {
					w.t.Fatal(err)
				}
				over = true
			default:
			}
		}
		stop()
		w.once()
		w.agree()
		w.quiet()
	})
}

// A transfer by hand sends what was there when it was asked for, though filters follow the join form and do not take it.
func TestJoinTransferIsOfNow(t *testing.T) {
	defs := strings.Replace(joinDefs[:strings.Index(joinDefs, "  - {name: drop")], "on: [submit", "run_if: \"'Customer' = 9\", on: [submit", 1)
	defs = strings.Replace(strings.Replace(defs, "'Customer' = 9", "'Customer' = \\\"nobody\\\"", 1), "form: Copied}}", "form: Copied}, duplicate_request_id: overwrite}", 1)
	eachJoin(t, defs, func(w *joinWorld) {
		w.open()
		for i := range 4 { // with each the process begins before what it has not read
			w.exec("a", fmt.Sprintf("INSERT INTO orders VALUES ('O%d', 'Ann', 0)", i), fmt.Sprintf("INSERT INTO line VALUES (%d, 'O%d', 'chair')", i, i),
				"UPDATE orders SET state = state + 1", fmt.Sprintf("UPDATE line SET item = 'i%d'", i))
			if _, err := w.sys.Transfer(w.t.Context(), "copy", "", run.TransferOptions{Log: testLog(w.t)}); err != nil {
				w.t.Fatal(err)
			}
			w.agree()
			if w.t.Failed() {
				return
			}
		}
	})
}

// What ardso itself wrote to a part is a merge of the join form's request, which has passed the servers that the part's
// change has.
func TestJoinOfMerges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		w := newWorld(t, map[string]*engine.DB{"a": db, "b": dbtest.New(t, "sqlite"), "c": dbtest.New(t, "sqlite")},
			map[string]string{"a": fmt.Sprintf(joinForms, "inner"), "b": copyForm, "c": "      - {name: Order, table: orders, fields: [{column: id, name: Order, id: 901}, {column: customer, name: Customer, id: 902}, {column: state, name: State, id: 903}]}\n" + copyForm}, `
mappings:
  - {name: orders, from: {server: c, form: Order}, to: {server: a, form: Order}, duplicate_request_id: overwrite}
  - {name: copy, from: {server: a, form: Order Lines}, to: {server: b, form: Copied}}
  - {name: back, from: {server: a, form: Order Lines}, to: {server: c, form: Copied}}
filters:
  - {name: orders, server: c, form: Order, on: [submit, modify], transfer: {mapping: orders}}
  - {name: merges, server: a, form: Order Lines, on: merge, transfer: [{mapping: copy}, {mapping: back}]}
`)
		w.exec("a", ordersTable, linesTable, "INSERT INTO line VALUES (1, 'A', 'chair')")
		w.exec("b", copyTable)
		w.exec("c", ordersTable, copyTable)
		w.open()
		w.exec("a", "INSERT INTO orders VALUES ('A', 'Ann', 1)") // a user's: the filter does not run
		w.once()
		if got := rows(t, w.dbs["b"], "SELECT * FROM copied"); len(got) > 0 {
			t.Errorf("a user's change came as a merge: %v", got)
		}
		w.exec("c", "INSERT INTO orders VALUES ('A', 'Cleo', 2)")
		w.once() // to a
		w.once() // from there
		if got := rows(t, w.dbs["b"], "SELECT * FROM copied"); len(got) != 1 || got[0] != "A|1|Cleo|2|chair" {
			t.Errorf("b has %v, want what came from c", got)
		}
		if got := rows(t, w.dbs["c"], "SELECT * FROM copied"); len(got) > 0 {
			t.Errorf("it went back to where it came from: %v", got)
		}
	})
}

// An escalation selects requests of a join form, whether filters follow it or not.
func TestJoinEscalation(t *testing.T) {
	for _, filters := range []string{"", joinDefs[strings.Index(joinDefs, "filters:"):]} {
		t.Run(fmt.Sprintf("followed %t", filters != ""), func(t *testing.T) {
			eachJoin(t, joinDefs[:strings.Index(joinDefs, "filters:")]+filters+`
escalations:
  - {name: evening, server: a, form: Order Lines, at: {time: "18:00"}, run_if: "'Item' != $NULL$", transfer: {mapping: copy}}
`, func(w *joinWorld) {
				w.exec("a", "INSERT INTO orders VALUES ('A', 'Ann', 1)", "INSERT INTO line VALUES (1, 'A', 'chair')", "INSERT INTO orders VALUES ('B', 'Bob', 1)")
				w.open()
				w.at("2026-03-04T17:00:00Z")
				w.exec("a", "UPDATE line SET item = 'stool'", "INSERT INTO line VALUES (2, 'A', NULL)")
				w.at("2026-03-04T18:00:01Z")
				want := []string{"A|1|Ann|1|stool"}
				if filters != "" {
					want = append(want, "A|2|Ann|1|<null>")
				}
				w.equal("copied", rows(w.t, w.dbs["b"], "SELECT * FROM copied ORDER BY id"), want...)
				w.equal("errors", rows(w.t, w.dbs["b"], "SELECT error, reason FROM dso_pending_error"))
			})
		})
	}
}

// A part that was emptied by TRUNCATE stops the join form's changes, until a person says that the copies were seen to.
func TestJoinTruncate(t *testing.T) {
	w := newJoinWorld(t, dbtest.New(t, "postgres15"), dbtest.New(t, "sqlite"), false, joinDefs)
	w.open()
	w.exec("a", "INSERT INTO orders VALUES ('A', 'Ann', 1)", "INSERT INTO line VALUES (1, 'A', 'chair')")
	w.once()
	w.exec("a", "TRUNCATE line")
	_, err := w.sys.Run(w.t.Context(), nil, run.Options{Once: true, Log: testLog(t)})
	var truncated *mapping.TruncateError
	if !errors.As(err, &truncated) || truncated.Form != "Order Lines" {
		t.Fatalf("got %v", err)
	}
	w.exec("b", "DELETE FROM copied")
	if _, err := w.sys.Run(w.t.Context(), nil, run.Options{Once: true, Log: testLog(t), AcceptTruncate: []string{"Order Lines"}}); err != nil {
		t.Fatal(err)
	}
	w.exec("a", "INSERT INTO line VALUES (2, 'A', 'desk')")
	w.once()
	w.agree()
	w.quiet()
}

// A value of a part that means nothing keeps the requests that have it from being copied, and no others.
func TestJoinOfWhatMeansNothing(t *testing.T) {
	w := newJoinWorld(t, dbtest.New(t, "sqlite"), dbtest.New(t, "sqlite"), false, joinDefs)
	w.open()
	w.exec("a", "INSERT INTO orders VALUES ('A', 'Ann', 'many'), ('B', 'Bob', 1)", "INSERT INTO line VALUES (1, 'A', 'chair'), (2, 'B', 'desk')")
	w.once()
	w.equal("copied", rows(t, w.dbs["b"], "SELECT * FROM copied"), "B|2|Bob|1|desk")
	w.equal("errors", rows(t, w.dbs["b"], "SELECT request, error FROM dso_pending_error"), "A|1|value.undecodable")
	w.exec("a", "UPDATE line SET item = 'table' WHERE no = 2", "UPDATE orders SET state = 2 WHERE id = 'A'")
	w.once() // what corrects the request joins what waits
	w.exec("b", "UPDATE dso_pending_error SET status = 'retry'")
	w.once()
	w.equal("copied", rows(t, w.dbs["b"], "SELECT * FROM copied ORDER BY id"), "A|1|Ann|2|chair", "B|2|Bob|1|table")
	w.unharmed()
}
