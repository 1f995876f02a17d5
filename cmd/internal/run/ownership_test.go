package run_test

import (
	"fmt"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// owned is a world of servers with the form Repair, which has the distributed fields of a group.
type owned struct {
	*world
	group schema.FieldGroup
}

// newOwned makes servers a, b, c, … on one engine each.
func newOwned(t *testing.T, engines []string, definitions string) *owned {
	t.Helper()
	dbs, forms := make(map[string]*engine.DB), make(map[string]string)
	for i, name := range engines {
		server := string(rune('a' + i))
		dbs[server] = dbtest.New(t, name)
		forms[server] = "      - {name: Repair, table: repair, request_id: id}\n"
	}
	o := &owned{world: newWorld(t, dbs, forms, definitions), group: schema.Advanced}
	for server := range dbs {
		o.exec(server, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+columnsOf(o.group)+")")
	}
	return o
}

// columnsOf declares the columns of a group of distributed fields.
func columnsOf(g schema.FieldGroup) string {
	var list []string
	for _, f := range schema.FieldsOf(g) {
		kind := "integer"
		if f.Type == schema.Character {
			kind = "varchar(255)"
			if f.Length == 0 {
				kind = "text"
			}
		}
		list = append(list, f.ColumnName()+" "+kind)
	}
	return strings.Join(list, ", ")
}

// request is what a server holds of a request: summary, notes, Master Flag; "" = nothing.
func (o *owned) request(server, id string) string {
	o.t.Helper()
	return strings.Join(rows(o.t, o.dbs[server], "SELECT summary, notes, dso_master_flag FROM repair WHERE id = '"+id+"'"), ";")
}

// want compares what the servers hold of a request, given as server, expected, server, expected, ….
func (o *owned) want(id string, pairs ...string) {
	o.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := o.request(pairs[i], id); got != pairs[i+1] {
			o.t.Errorf("%s: request %s is %q, want %q", pairs[i], id, got, pairs[i+1])
		}
	}
	if o.t.Failed() {
		o.dump()
		o.t.FailNow()
	}
}

// dump tells all that may explain a failure.
func (o *owned) dump() {
	for name, db := range o.dbs {
		for _, q := range []string{
			"SELECT form, request, chain, epoch, owner, from_server, to_server, deleted FROM dso_owner",
			"SELECT source, mapping, request, error, reason FROM dso_pending_error",
			"SELECT source, mapping, request, kind, settled_by, outcome FROM dso_conflict",
		} {
			for _, r := range rows(o.t, db, q) {
				o.t.Logf("%s: %.300s", name, r)
			}
		}
	}
}

// rest runs ardso until nothing is left to do.
func (o *owned) rest() {
	o.t.Helper()
	for range 4 { // a chain of n servers needs n rounds
		o.once()
	}
}

const handOverDefinitions = `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'status' = 1", transfer: {mapping: a to b}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`

// ownershipEngines are the engines of a and b in tests of two servers.
func ownershipEngines(t *testing.T, f func(t *testing.T, engines []string)) {
	t.Parallel()
	for _, e := range [][]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}, {"sqlite", "postgres15"}} {
		t.Run(strings.Join(e, " to "), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// A request goes to b with ownership, is edited there, a follows, and it is returned.
func TestHandOver(t *testing.T) {
	ownershipEngines(t, func(t *testing.T, engines []string) {
		o := newOwned(t, engines, handOverDefinitions)
		o.open()
		o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'stays', 'n', 0)")
		o.rest()
		o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
		o.want("R2", "a", "stays|n|<null>", "b", "")
		fields := "SELECT dso_transfer_status, dso_current_server, dso_to_request_id, dso_from_server, dso_from_request_id, dso_from_mapping FROM repair WHERE id = 'R1'"
		if got := fmt.Sprint(rows(t, o.dbs["a"], fields), rows(t, o.dbs["b"], fields)); got != "[0|b|R1|<null>|<null>|<null>] [<null>|b|<null>|a|R1|a to b]" {
			t.Errorf("distributed fields are %s", got)
		}

		o.exec("b", "UPDATE repair SET summary = 'seen' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "seen|n|0", "b", "seen|n|1")

		o.exec("b", "UPDATE repair SET notes = 'done', status = 2 WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "seen|done|1", "b", "seen|done|0")

		o.exec("a", "UPDATE repair SET status = 1, summary = 'again' WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "again|done|0", "b", "again|done|1")

		o.exec("b", "DELETE FROM repair WHERE id = 'R1'")
		o.rest()
		o.want("R1", "a", "", "b", "")
		for name, db := range o.dbs {
			if got := rows(t, db, "SELECT error, reason FROM dso_pending_error"); len(got) > 0 {
				t.Errorf("%s: errors %v", name, got)
			}
			if got := rows(t, db, "SELECT kind, outcome FROM dso_conflict"); len(got) > 0 {
				t.Errorf("%s: conflicts %v", name, got)
			}
		}
	})
}
