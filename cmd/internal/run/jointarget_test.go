package run_test

import (
	"fmt"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

const (
	flatForm = `      - {name: Flat, table: flat, fields: [{column: id, name: Request ID, id: 1}, {column: customer, name: Customer, id: 902}, {column: state, name: State, id: 903}, {column: item, name: Item, id: 906}]}
`
	flatTable = "CREATE TABLE flat (id varchar(40) NOT NULL PRIMARY KEY, customer varchar(20), state integer, item varchar(20))"
	flatDefs  = `
mappings:
  - {name: copy, from: {server: a, form: Flat}, to: {server: b, form: Order Lines}, on_conflict: %s, duplicate_request_id: %s}
filters:
  - {name: send, server: a, form: Flat, on: [submit, modify], transfer: {mapping: copy}}
`
)

// newFlatWorld is server a with a form whose requests go to the join form on b.
func newFlatWorld(t *testing.T, db *engine.DB, outer bool, policy, duplicate string) *world {
	t.Helper()
	kind := "inner"
	if outer {
		kind = "outer"
	}
	w := newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, "sqlite"), "b": db}, map[string]string{"a": flatForm, "b": fmt.Sprintf(joinForms, kind)},
		fmt.Sprintf(flatDefs, policy, duplicate))
	w.exec("a", flatTable)
	w.exec("b", ordersTable, linesTable)
	w.open()
	return w
}

// parts is what b's parts hold.
func (w *world) parts() string {
	orders := rows(w.t, w.dbs["b"], "SELECT id, customer, state FROM orders ORDER BY id")
	return strings.Join(append(orders, rows(w.t, w.dbs["b"], "SELECT no, order_id, item FROM line ORDER BY no")...), " ")
}

// want compares what b's parts hold, and the names of errors.
func (w *world) want(parts string, errors ...string) {
	w.t.Helper()
	w.once()
	if got := w.parts(); got != parts {
		w.t.Errorf("parts are %s\nwant %s", got, parts)
	}
	if got := rows(w.t, w.dbs["b"], "SELECT error FROM dso_pending_error ORDER BY error"); strings.Join(got, " ") != strings.Join(errors, " ") {
		w.t.Errorf("errors %v, want %v", rows(w.t, w.dbs["b"], "SELECT error, reason FROM dso_pending_error"), errors)
	}
}

// Requests of a join form are created and modified in both parts; a part that is there is shared.
func TestJoinAsTarget(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		w := newFlatWorld(t, db, false, "error", "error")
		w.exec("a", "INSERT INTO flat VALUES ('A|1', 'Ann', 1, 'chair')", "INSERT INTO flat VALUES ('A|2', 'Ann', 1, 'desk')")
		w.want("A|Ann|1 1|A|chair 2|A|desk")
		w.exec("a", "UPDATE flat SET state = 2, item = 'stool' WHERE id = 'A|1'", "UPDATE flat SET state = 2 WHERE id = 'A|2'")
		w.want("A|Ann|2 1|A|stool 2|A|desk")
		w.exec("a", "UPDATE flat SET item = NULL WHERE id = 'A|2'")
		w.want("A|Ann|2 1|A|stool 2|A|<null>")
	})
}

// What was changed in one part is a conflict that leaves the other untouched; it is settled as the mapping says.
func TestJoinTargetConflict(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy, want string
		errors       []string
	}{
		{"error", "A|Ann|1 1|A|mine", []string{"update_differs"}},
		{"source", "A|Anna|2 1|A|stool", nil},
		{"merge", "A|Ann|1 1|A|mine", []string{"update_differs"}},
	} {
		t.Run(test.policy, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				w := newFlatWorld(t, db, false, test.policy, "error")
				w.exec("a", "INSERT INTO flat VALUES ('A|1', 'Ann', 1, 'chair')")
				w.want("A|Ann|1 1|A|chair")
				w.exec("b", "UPDATE line SET item = 'mine'")
				w.exec("a", "UPDATE flat SET customer = 'Anna', state = 2, item = 'stool'")
				w.want(test.want, test.errors...)
				if test.errors == nil {
					return
				}
				// Once the target is as the source knew it, the operation that waits is carried out whole.
				w.exec("b", "UPDATE line SET item = 'chair'", "UPDATE dso_pending_error SET status = 'retry'")
				w.want("A|Anna|2 1|A|stool")
			})
		})
	}
}

// What cannot be a request of a join form is refused by name, and writes nothing.
func TestJoinTargetRefusals(t *testing.T) {
	t.Parallel()
	for i, test := range []struct {
		outer       bool
		duplicate   string
		there       []string
		id          string
		item        string
		error, want string
	}{
		{false, "error", nil, "A|", "NULL", "join.no_secondary", ""},
		{false, "error", nil, "A", "NULL", "join.request_id", ""},
		{false, "error", nil, "|1", "'chair'", "join.request_id", ""},
		{false, "error", nil, "A|one", "'chair'", "join.request_id", ""},
		{true, "error", nil, "A|", "'chair'", "join.no_secondary", ""},
		{true, "error", nil, "A|", "NULL", "", "A|Ann|1"},
		{false, "error", []string{"INSERT INTO orders VALUES ('A', 'Bob', 1)"}, "A|1", "'chair'", "insert_exists", "A|Bob|1"},
		{false, "overwrite", []string{"INSERT INTO orders VALUES ('A', 'Bob', 1)"}, "A|1", "'chair'", "", "A|Ann|1 1|A|chair"},
		{false, "error", []string{"INSERT INTO orders VALUES ('A', 'Ann', 1)"}, "A|1", "'chair'", "", "A|Ann|1 1|A|chair"},
		{false, "overwrite", []string{"INSERT INTO line VALUES (1, 'B', 'desk')"}, "A|1", "'chair'", "join.condition", "1|B|desk"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				w := newFlatWorld(t, db, test.outer, "error", test.duplicate)
				w.exec("b", test.there...)
				w.exec("a", fmt.Sprintf("INSERT INTO flat VALUES ('%s', 'Ann', 1, %s)", test.id, test.item))
				var errors []string
				if test.error != "" {
					errors = append(errors, test.error)
				}
				w.want(test.want, errors...)
			})
		})
	}
}

// From join form to join form: the parts of the copy become those of the source, but for deletes, which are the
// parts' own.
func TestJoinToJoin(t *testing.T) {
	t.Parallel()
	for _, outer := range []bool{false, true} {
		t.Run(map[bool]string{false: "inner", true: "outer"}[outer], func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				kind := map[bool]string{false: "inner", true: "outer"}[outer]
				w := newWorld(t, map[string]*engine.DB{"a": db, "b": dbtest.New(t, "sqlite")},
					map[string]string{"a": fmt.Sprintf(joinForms, kind), "b": fmt.Sprintf(joinForms, kind)}, `
mappings:
  - {name: copy, from: {server: a, form: Order Lines}, to: {server: b, form: Order Lines}}
filters:
  - {name: send, server: a, form: Order Lines, on: [submit, modify], transfer: {mapping: copy}}
`)
				w.exec("a", ordersTable, linesTable)
				w.exec("b", ordersTable, linesTable)
				w.open()
				for _, s := range [][]string{
					{"INSERT INTO orders VALUES ('A', 'Ann', 1)", "INSERT INTO line VALUES (5, 'A', 'chair')"},
					{"UPDATE orders SET state = 2", "INSERT INTO line VALUES (3, 'A', 'desk')", "INSERT INTO line VALUES (7, 'A', 'lamp')"},
					{"UPDATE orders SET customer = 'Anna'", "UPDATE line SET item = 'x' WHERE no < 6"},
				} {
					w.transaction("a", s...)
					w.once()
					for _, q := range []string{"SELECT * FROM orders ORDER BY id", "SELECT * FROM line ORDER BY no"} {
						w.same("a", q, "b", q)
					}
				}
			})
		})
	}
}
