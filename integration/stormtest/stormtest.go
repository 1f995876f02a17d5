// Package stormtest has users who edit, give away, return and delete requests at random, and looks at what
// any interleaving with ardso must leave once it has nothing left to do (docs/ownership.md).
package stormtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Servers are those that users work on.
var Servers = []string{"a", "b", "c"}

// Form declares the form Repair in the definitions of a server with a plain catalog.
const Form = "      - {name: Repair, table: repair, request_id: id}\n"

// Habits say what users do beside editing fields of their own and handing requests over.
type Habits struct {
	Shared  bool // owners edit one field, too
	Deletes bool // owners delete requests, and users make them again under the same Request ID
	Guarded bool // guards keep users from what is not theirs; else their statements do
}

// Users are those of all servers. They act one after another.
type Users struct {
	Habits
	Rand *rand.Rand
	Down string // a server that does not answer for now

	t        testing.TB
	dbs      map[string]*engine.DB
	requests map[string]*life // by summary, which nobody changes
	ids      []string
	edits    int
}

// columns are those that an edit has for itself.
const columns = 14

// New makes the table of the form Repair on every server. Begin follows once ardso has been made ready.
func New(t testing.TB, dbs map[string]*engine.DB, h Habits, r *rand.Rand) *Users {
	t.Helper()
	u := &Users{Habits: h, Rand: r, t: t, dbs: dbs, requests: make(map[string]*life)}
	table := "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), trail varchar(2000), go varchar(10), " + DistributedColumns(schema.Advanced)
	for i := range columns {
		table += fmt.Sprintf(", f%d varchar(20)", i)
	}
	for server, db := range dbs {
		if _, err := db.ExecContext(context.Background(), table+")"); err != nil {
			t.Fatalf("%s: %v", server, err)
		}
	}
	return u
}

// Begin lets users of a make the first requests, edit one and give it away.
func (u *Users) Begin() {
	for i := range 6 {
		id := fmt.Sprintf("R%d", i)
		u.ids = append(u.ids, id)
		u.create("a", id)
	}
	u.edit("a", "R0")
	u.attempt("a", "R0", "UPDATE repair SET go = 'b'")
}

// DistributedColumns declares the columns of a group of distributed fields.
func DistributedColumns(g schema.FieldGroup) string {
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

// rows reads a query as text, a row each, columns joined by |; NULL is <null>.
func (u *Users) rows(server, query string) (list []string) {
	u.t.Helper()
	r, err := u.dbs[server].QueryxContext(context.Background(), query)
	if err != nil {
		u.t.Fatalf("%s: %v\n%s", server, err, query)
	}
	defer r.Close()
	for r.Next() {
		cols, err := r.SliceScan()
		if err != nil {
			u.t.Fatal(err)
		}
		parts := make([]string, len(cols))
		for i, c := range cols {
			switch x := c.(type) {
			case nil:
				parts[i] = "<null>"
			case []byte:
				parts[i] = string(x)
			default:
				parts[i] = fmt.Sprint(x)
			}
		}
		list = append(list, strings.Join(parts, "|"))
	}
	if err := r.Err(); err != nil {
		u.t.Fatal(err)
	}
	return list
}

// Definitions hand a request over between any two of three servers, by what its columns ask for: go is
// the server that it is to go to, or "return".
func Definitions(whenToUpdate string, h Habits) string {
	duplicate := "overwrite"
	if h.Deletes {
		duplicate = "error" // else requests of two lives under one ID may overwrite each other
	}
	var mappings, filters strings.Builder
	for _, from := range Servers {
		for _, to := range Servers {
			if from == to {
				continue
			}
			fmt.Fprintf(&mappings, "  - {name: %[1]s to %[2]s, from: {server: %[1]s, form: Repair}, to: {server: %[2]s, form: Repair}, transfer_mode: data + ownership, when_to_update: %[3]s, exclude: [go], duplicate_request_id: %[4]s}\n", from, to, whenToUpdate, duplicate)
			fmt.Fprintf(&filters, "  - {name: %[1]s to %[2]s, server: %[1]s, form: Repair, on: [submit, modify], run_if: \"'TR.go' = \\\"%[2]s\\\"\", transfer: {mapping: %[1]s to %[2]s}}\n", from, to)
		}
		fmt.Fprintf(&filters, "  - {name: back from %[1]s, server: %[1]s, form: Repair, on: [modify], run_if: \"'TR.go' = \\\"return\\\"\", return: {}}\n", from)
	}
	return "mappings:\n" + mappings.String() + "filters:\n" + filters.String()
}

// life is one request from its creation on; another may come to have its Request ID once it is deleted.
type life struct {
	id      string
	edits   map[string]string // by column of its own: what an owner wrote there
	trail   []string          // marks of edits by owners of the one field
	deleted bool
}

func (u *Users) pick(list []string) string { return list[u.Rand.IntN(len(list))] }

// create lets a user make a request where none of that ID is.
func (u *Users) create(server, id string) {
	name := fmt.Sprintf("%s.%d", id, len(u.requests))
	_, err := u.dbs[server].ExecContext(context.Background(), "INSERT INTO repair (id, summary, trail) VALUES ('"+id+"', '"+name+"', '')")
	if u.isRefused(server, err) || u.dbs[server].Engine.Class(err) == engine.UniqueTaken {
		return
	}
	if err != nil {
		u.t.Fatalf("%s: %v", server, err)
	}
	u.requests[name] = &life{id: id, edits: make(map[string]string)}
}

// isRefused reports a statement that the guard or the engine did not let pass, for now.
func (u *Users) isRefused(server string, err error) bool {
	return err != nil && (u.Guarded && strings.Contains(err.Error(), "owned by another server") || u.dbs[server].Engine.Class(err) == engine.Transient)
}

// attempt lets a user of a server try a statement on a request of that server, which is found locked, as by
// `ardso guard`, by who does not own it. It returns the life that was changed, nil if none.
func (u *Users) attempt(server, id, statement string) *life {
	found := u.rows(server, "SELECT summary FROM repair WHERE id = '"+id+"'")
	if len(found) == 0 {
		return nil
	}
	where := " WHERE id = '" + id + "' AND summary = '" + found[0] + "'"
	if !u.Guarded {
		where += " AND (dso_master_flag IS NULL OR dso_master_flag = 1)"
	}
	r, err := u.dbs[server].ExecContext(context.Background(), statement+where)
	if u.isRefused(server, err) {
		return nil
	}
	if err != nil {
		u.t.Fatalf("%s: %v", server, err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		u.t.Fatal(err)
	}
	if n == 0 {
		return nil
	}
	return u.requests[found[0]]
}

// edit lets a user of a server edit a request: a field that nobody else edits, or one that all do, whose value
// tells whose edits were seen.
func (u *Users) edit(server, id string) {
	u.edits++
	mark := fmt.Sprintf("%s%d,", server, u.edits)
	if u.Shared && u.Rand.IntN(2) == 0 {
		if l := u.attempt(server, id, "UPDATE repair SET trail = concat(trail, '"+mark+"')"); l != nil {
			l.trail = append(l.trail, mark)
		}
		return
	}
	column := fmt.Sprintf("f%d", u.edits%columns)
	for _, l := range u.requests {
		if l.id == id && l.edits[column] != "" {
			return
		}
	}
	if l := u.attempt(server, id, "UPDATE repair SET "+column+" = '"+mark+"'"); l != nil {
		l.edits[column] = mark
	}
}

// Operation lets a user do something.
func (u *Users) Operation() {
	server, id := u.pick(Servers), u.pick(u.ids)
	if server == u.Down {
		return
	}
	give := func(to string) { u.attempt(server, id, "UPDATE repair SET go = "+to) }
	switch x := u.Rand.IntN(20); {
	case x < 10:
		u.edit(server, id)
	case x < 15:
		give("'" + u.pick(Servers) + "'")
	case x < 17:
		give("'return'")
	case x < 18 || !u.Deletes:
		give("NULL")
	case x < 19:
		if l := u.attempt(server, id, "DELETE FROM repair"); l != nil {
			l.deleted = true
		}
		if u.Rand.IntN(2) == 0 {
			u.create(server, id)
		}
	default:
		u.create(server, id)
	}
}

// ownerRow is a row of dso_owner, as far as it matters here.
type ownerRow struct{ chain, epoch, from, deleted string }

// ownerRows reads what servers know of a request, by server.
func (u *Users) ownerRows(id string) map[string]ownerRow {
	known := make(map[string]ownerRow)
	for _, server := range Servers {
		for _, r := range u.rows(server, "SELECT chain, epoch, from_server, deleted FROM dso_owner WHERE request = '"+id+"'") {
			p := strings.Split(r, "|")
			known[server] = ownerRow{p[0], p[1], p[2], p[3]}
		}
	}
	return known
}

// chainFrom lists the servers down the From chain of a server's copy, itself first.
func chainFrom(known map[string]ownerRow, server string) (chain []string) {
	at := known[server].chain
	for server != "" && !slices.Contains(chain, server) && known[server].chain == at {
		chain = append(chain, server)
		server = known[server].from
	}
	return chain
}

// sharedColumns are those that copies share.
func (u *Users) sharedColumns() string {
	list := "summary, trail"
	for i := range columns {
		list += fmt.Sprintf(", f%d", i)
	}
	return list
}

// Check looks at every request at rest.
func (u *Users) Check() {
	u.t.Helper()
	recorded := make(map[string]string) // by request
	for server := range u.dbs {
		for _, r := range u.rows(server, "SELECT request, kind, settled_by, outcome, source_image, target_image FROM dso_conflict") {
			request, rest, _ := strings.Cut(r, "|")
			recorded[request] += rest + "\n"
			switch kind, _, _ := strings.Cut(rest, "|"); {
			case !u.Deletes && !u.Shared, kind == "foreign_change":
				u.t.Errorf("%s: conflict %.500s", server, r)
			}
		}
		for _, r := range u.rows(server, "SELECT request, error, reason FROM dso_pending_error") {
			p := strings.Split(r, "|")
			if p[1] != "ownership.nowhere_to_return" && !(u.Deletes && p[1] == "owned_there") {
				u.t.Errorf("%s: error %s", server, r)
			}
		}
		for _, r := range u.rows(server, "SELECT type, request, target, status FROM dso_pending") {
			u.t.Errorf("%s: pending %s", server, r)
		}
	}
	edits := 0
	for _, name := range slices.Sorted(maps.Keys(u.requests)) {
		l := u.requests[name]
		edits += len(l.edits) + len(l.trail)
		u.checkOne(name, l, recorded[l.id])
	}
	epochs := 0
	for _, id := range u.ids {
		highest := 0
		for _, r := range u.ownerRows(id) {
			n, _ := strconv.Atoi(r.epoch)
			highest = max(highest, n)
		}
		epochs += max(highest-1, 0)
	}
	conflicts := 0
	for _, r := range recorded {
		conflicts += strings.Count(r, "\n")
	}
	u.t.Logf("%d requests, %d edits by owners, %d hand-overs, %d conflicts", len(u.requests), edits, epochs, conflicts)
	if edits == 0 || epochs == 0 {
		u.t.Error("nothing was put to the test")
	}
	if u.t.Failed() {
		u.Dump()
		u.t.FailNow()
	}
}

// checkOne looks at one request; recorded is what dso_conflict has of its Request ID.
func (u *Users) checkOne(name string, l *life, recorded string) {
	u.t.Helper()
	held := make(map[string]string)
	var owners []string
	for _, server := range Servers {
		got := u.rows(server, "SELECT dso_master_flag, "+u.sharedColumns()+" FROM repair WHERE summary = '"+name+"'")
		if len(got) == 0 {
			continue
		}
		flag, row, _ := strings.Cut(got[0], "|")
		held[server] = row
		if flag != "0" {
			owners = append(owners, server)
		}
	}
	known := u.ownerRows(l.id)
	switch {
	case l.deleted && len(owners) == 0:
		for at, r := range known {
			for _, server := range chainFrom(known, at) {
				if _, ok := held[server]; ok && r.deleted == "1" {
					u.t.Errorf("request %s: it was deleted on %s, but not on %s", name, at, server)
				}
			}
		}
		return
	case len(owners) != 1:
		u.t.Errorf("request %s: owners %v, copies %v, deleted %v", name, owners, held, l.deleted)
		return
	case l.deleted && !strings.Contains(recorded, "delete_differs"):
		u.t.Errorf("request %s: a delete that lost is not recorded", name)
	}
	owner := owners[0]
	parts := strings.Split(held[owner], "|")
	for column, want := range l.edits {
		n, _ := strconv.Atoi(column[1:])
		if got := parts[n+2]; got != want && !(l.deleted && strings.Contains(recorded, want)) {
			u.t.Errorf("request %s: %s of the owner, %s, is %q, want %q", name, column, owner, got, want)
		}
	}
	for _, mark := range l.trail {
		if !strings.Contains(","+parts[1], ","+mark) && !strings.Contains(recorded, mark) {
			u.t.Errorf("request %s: edit %s is lost: neither has the owner, %s, it or seen it (%s), nor is a conflict recorded", name, mark, owner, parts[1])
		}
	}
	if l.deleted {
		return // the copies behind the one that was deleted are gone, or hold what was recorded as lost
	}
	for _, server := range chainFrom(known, owner) {
		if row, ok := held[server]; (ok || !u.Deletes) && row != held[owner] {
			u.t.Errorf("request %s: the copy on %s is\n%s, the owner's, on %s,\n%s", name, server, row, owner, held[owner])
		}
	}
}

// Dump tells all that may explain a failure.
func (u *Users) Dump() {
	for _, server := range Servers {
		for _, q := range []string{
			"SELECT form, request, chain, epoch, owner, from_server, to_server, deleted FROM dso_owner",
			"SELECT source, mapping, request, error, reason FROM dso_pending_error",
			"SELECT source, mapping, request, kind, settled_by, outcome FROM dso_conflict",
		} {
			for _, r := range u.rows(server, q) {
				u.t.Logf("%s: %.300s", server, r)
			}
		}
	}
}
