package run_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ardso/integration/arfixture"
	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// arSide is a server of an arWorld: with forms it has a dictionary, else plain tables.
type arSide struct {
	engine string
	upper  bool             // the dictionary's names are in capitals
	forms  []arfixture.Form // of an ar catalog
	plain  string           // forms of a plain catalog as YAML list items
	setup  []string         // further statements
}

// arWorld is a world with ar catalogs.
type arWorld struct {
	*world
	sides map[string]arSide
}

func newARWorld(t *testing.T, sides map[string]arSide, definitions string) *arWorld {
	t.Helper()
	plain, forms, ar := make(map[string]*engine.DB), make(map[string]string), make(map[string]*engine.DB)
	for name, s := range sides {
		db := dbtest.New(t, s.engine)
		if s.forms == nil {
			plain[name], forms[name] = db, s.plain
			continue
		}
		ar[name] = db
		arfixture.Dictionary{Upper: s.upper}.Create(t, db, s.forms...)
	}
	w := &arWorld{world: newWorld(t, plain, forms, definitions), sides: sides}
	var servers strings.Builder
	for name, db := range ar {
		c := db.Config()
		fmt.Fprintf(&servers, "  %s:\n    url: %q\n    catalog: ar\n", name, c.URL)
		if c.Password != "" {
			fmt.Fprintf(&servers, "    password: ${PASSWORD_%s}\n", name)
		}
		w.dbs[name] = db
	}
	w.yaml = strings.Replace(w.yaml, "servers:\n", "servers:\n"+servers.String(), 1)
	for name, s := range sides {
		w.write(name, s.setup...)
	}
	w.open()
	return w
}

var arNames = regexp.MustCompile(`\b(T\d+|C\d+|arschema|nextId|schemaId)\b`)

// spell writes the dictionary's names as the server has them.
func (w *arWorld) spell(server, query string) string {
	if !w.sides[server].upper {
		return query
	}
	return arNames.ReplaceAllStringFunc(query, func(s string) string { return w.dbs[server].Engine.Quote(strings.ToUpper(s)) })
}

// write executes statements in one transaction.
func (w *arWorld) write(server string, statements ...string) {
	w.t.Helper()
	tx, err := w.dbs[server].BeginTxx(context.Background(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // the transaction may have ended
	for _, s := range statements {
		if _, err := tx.Exec(w.spell(server, s)); err != nil {
			w.t.Fatalf("%s: %v\n%s", server, err, s)
		}
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

// has compares what a query answers.
func (w *arWorld) has(server, query string, want ...string) {
	w.t.Helper()
	w.equal(server+": "+query, rows(w.t, w.dbs[server], w.spell(server, query)), want...)
}

// noErrors wants nothing parked anywhere.
func (w *arWorld) noErrors() {
	w.t.Helper()
	for name := range w.dbs {
		w.has(name, "SELECT request, error, reason FROM dso_pending_error")
	}
}

// sendAll are filters that transfer each submit and modify of a form on src along a mapping, and deletes.
func sendAll(form string, mappings ...string) string {
	var b strings.Builder
	for _, m := range mappings {
		fmt.Fprintf(&b, "  - {name: send %[2]s, server: src, form: %[1]s, on: [submit, modify], transfer: {mapping: %[2]s, pool: p}}\n", form, m)
		fmt.Fprintf(&b, "  - {name: remove %[2]s, server: src, form: %[1]s, on: [delete], delete: {mapping: %[2]s, pool: p}}\n", form, m)
	}
	return b.String()
}

// arFields are the fields of the forms here; names differ by the suffix.
func arFields(suffix string, kinds ...schema.EnumValue) []arfixture.Field {
	return []arfixture.Field{
		{ID: 900001, Name: "Serial" + suffix, Type: schema.Character, MaxLength: 30},
		{ID: 900002, Name: "Work Log" + suffix, Type: schema.Diary},
		{ID: 900003, Name: "Due" + suffix, Type: schema.DateTime},
		{ID: 900004, Name: "Day" + suffix, Type: schema.Date},
		{ID: 900005, Name: "Hour" + suffix, Type: schema.Time},
		{ID: 900006, Name: "Cost" + suffix, Type: schema.Decimal},
		{ID: 900007, Name: "Kind" + suffix, Type: schema.Selection, Values: kinds},
		{ID: 900008, Name: "Internal" + suffix, Type: schema.Character, MaxLength: 100},
	}
}

var (
	hereKinds  = []schema.EnumValue{{ID: 0, Label: "Desk"}, {ID: 1, Label: "Chair"}, {ID: 2, Label: "Lamp"}}
	thereKinds = []schema.EnumValue{{ID: 0, Label: "Chair"}, {ID: 7, Label: "Desk"}}
)

const (
	arColumns = "C1, C2, C3, C4, C5, C6, C7, C8, C900001, C900002, C900003, C900004, C900005, C900006, C900007, C900008"
	arDiary   = "1795341600\x02ann\x02Leg glued, it holds\x031795345200\x02bob\x02Büro 🪑\x03"
	// arDue is 2026-11-22 10:00:00, arDay the Julian day of that date, arHour 10:30.
	arDue, arDay, arHour = 1795341600, 2461367, 37800
)

// arRow inserts a request of T1001.
func arRow(id, short, serial string, status, kind int) string {
	return fmt.Sprintf("INSERT INTO T1001 (%s) VALUES ('%s', 'ann', 1000, NULL, 'bob', 2000, %d, '%s', %s, '%s', %d, %d, %d, 12.5, %d, 'secret')",
		arColumns, id, status, short, serial, arDiary, arDue, arDay, arHour, kind)
}

const arDefinitions = `pools: [{name: p, threads: 2}]
mappings:
  - {name: kept, from: {server: src, form: Repair}, to: {server: dst, form: Reparatur}, transfer_mode: independent copy, exclude: [Internal]}
  - {name: filled, from: {server: src, form: Repair}, to: {server: dst, form: Log}, transfer_mode: independent copy, match: like names, exclude: [3, Last Modified By, 6]}
filters:
`

// Between two dictionaries, by like IDs and by like names, however the databases spell the dictionary.
func TestARToAR(t *testing.T) {
	tests := []struct {
		from, to string
		upper    bool
	}{
		{"postgres15", "mariadb10.11", false},
		{"postgres15", "mariadb10.11", true},
		{"mariadb10.11", "postgres15", false},
		{"mysql5.6", "mariadb11.8", true},
	}
	for _, tt := range tests {
		if !areAtHand([]string{tt.from, tt.to}) {
			continue
		}
		t.Run(fmt.Sprintf("%s to %s, capitals on the source: %t", tt.from, tt.to, tt.upper), func(t *testing.T) {
			t.Parallel()
			start := time.Now().Unix()
			w := newARWorld(t, map[string]arSide{
				"src": {engine: tt.from, upper: tt.upper, forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: arFields("", hereKinds...)}}},
				"dst": {engine: tt.to, upper: !tt.upper, forms: []arfixture.Form{
					{ID: 2002, Name: "Reparatur", Values: []string{"New", "Closed", "Assigned"}, Fields: arFields(" (de)", thereKinds...)},
					{ID: 2003, Name: "Log", Fields: []arfixture.Field{{ID: 910001, Name: "Serial", Type: schema.Character, MaxLength: 30}, {ID: 900001, Name: "Other", Type: schema.Character}}},
				}},
			}, arDefinitions+sendAll("Repair", "kept", "filled"))
			w.write("src", arRow("A1", "Desk leg", "'S1'", 4, 0), arRow("A2", "Seat", "''", 0, 1), arRow("A3", "Bulb", "'S3'", 1, 2))
			w.once()

			// Labels carry selections whose numbers differ; one that the target lacks is parked.
			rest := fmt.Sprintf("%s|%d|%d|%d|12.5000000000", arDiary, arDue, arDay, arHour)
			w.has("dst", "SELECT "+arColumns+" FROM T2002 ORDER BY C1",
				"A1|ann|1000|<null>|bob|2000|1|Desk leg|S1|"+rest+"|7|<null>",
				"A2|ann|1000|<null>|bob|2000|0|Seat|<null>|"+rest+"|0|<null>") // '' is NULL
			w.equal("errors", w.errors(), "A3|value.type|create|held")
			w.has("dst", "SELECT C1, C2, C5, C7, C8, C910001, C900001 FROM T2003 ORDER BY C1",
				"A1|ann|Distributed Server|4|Desk leg|S1|<null>", "A2|ann|Distributed Server|0|Seat|<null>|<null>", "A3|ann|Distributed Server|1|Bulb|S3|<null>")
			created := w.times("SELECT C3, C6 FROM T2003 WHERE C1 = 'A1'")
			if created[0] < start-1 || created[0] > time.Now().Unix()+1 || created[1] != created[0] {
				t.Errorf("Create Date and Modified Date are %v, want the time of the commit, after %d", created, start)
			}

			// What is excluded stays the target's; '' where NULL was is no conflict.
			w.write("dst", "UPDATE T2002 SET C900008 = 'mine' WHERE C1 = 'A1'", "UPDATE T2002 SET C900001 = '' WHERE C1 = 'A2'")
			w.write("src", "UPDATE T1001 SET C900008 = 'other', C8 = 'Desk leg, glued', C7 = 1, C5 = 'cid', C6 = 3000 WHERE C1 = 'A1'", "UPDATE T1001 SET C8 = 'Seat, new', C900007 = 0 WHERE C1 = 'A2'",
				"UPDATE T1001 SET C900007 = NULL WHERE C1 = 'A3'")
			w.once()
			w.retryAll()
			w.once()
			w.has("dst", "SELECT C1, C3, C5, C6, C7, C8, C900007, C900008 FROM T2002 ORDER BY C1",
				"A1|1000|cid|3000|2|Desk leg, glued|7|mine", "A2|1000|bob|2000|0|Seat, new|7|<null>", "A3|1000|bob|2000|2|Bulb|<null>|<null>")
			w.noErrors()
			if got := w.times("SELECT C3, C6 FROM T2003 WHERE C1 = 'A1'"); got[0] != created[0] || got[1] < created[1] {
				t.Errorf("after a modify Create Date and Modified Date are %v, before %v", got, created)
			}

			w.write("src", "DELETE FROM T1001 WHERE C1 <> 'A2'")
			w.once()
			w.noErrors()
			w.has("dst", "SELECT C1 FROM T2002", "A2")
			w.has("dst", "SELECT C1 FROM T2003", "A2")
		})
	}
}

// times reads one row of whole numbers from dst.
func (w *arWorld) times(query string) (out []int64) {
	w.t.Helper()
	got := rows(w.t, w.dbs["dst"], w.spell("dst", query))
	if len(got) != 1 {
		w.t.Fatalf("%s: %q", query, got)
	}
	for _, s := range strings.Split(got[0], "|") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

const plainRepair = `      - name: Repair
        table: repair
        request_id: id
        fields:
          - {column: id, name: Request ID}
          - {column: submitter, name: Submitter}
          - {column: status, name: Status, type: selection, values: {10: New, 11: Assigned, 12: Closed}}
          - {column: short, name: Short Description}
          - {column: serial, name: Serial}
          - {column: log, name: Work Log, type: diary}
          - {column: due, name: Due}
          - {column: day, name: Day}
          - {column: hour, name: Hour}
          - {column: cost, name: Cost}
`

// plainRepairTable has a type for column due that holds fractions of seconds.
func plainRepairTable(name string) string {
	due := "timestamp"
	if strings.HasPrefix(name, "m") { // MariaDB, MySQL
		due = "datetime(6)"
	}
	return "CREATE TABLE repair (id varchar(15) PRIMARY KEY, submitter varchar(254), status integer, short varchar(254), serial varchar(30), log text, due " + due + ", day date, hour time, cost numeric(28,10))"
}

const plainDefinitions = `pools: [{name: p, threads: 2}]
mappings:
  - {name: m, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, transfer_mode: independent copy, match: like names, exclude: [Kind, Internal]}
filters:
`

const (
	plainQuery = "SELECT id, submitter, status, short, serial, log, due, day, hour, cost FROM repair ORDER BY id"
	arQuery    = "SELECT C1, C2, C7, C8, C900001, C900002, C900003, C900004, C900005, C900006 FROM T1001 ORDER BY C1"
)

// From a dictionary to plain tables: epochs become timestamps, Julian days dates.
func TestARToPlain(t *testing.T) {
	for _, p := range atHand([][2]string{{"sqlite", "postgres15"}, {"mariadb10.11", "postgres15"}, {"mysql5.6", "postgres18"}}...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := newARWorld(t, map[string]arSide{
				"src": {engine: p[0], forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: arFields("", hereKinds...)}}},
				"dst": {engine: p[1], plain: plainRepair, setup: []string{plainRepairTable(p[1])}},
			}, plainDefinitions+sendAll("Repair", "m"))
			query := strings.NewReplacer("due", "due::text", "day", "day::text", "hour", "hour::text").Replace(plainQuery)
			w.write("src", arRow("A1", "Desk leg", "'S1'", 4, 0), arRow("A2", "Seat", "''", 0, 2),
				"INSERT INTO T1001 (C1, C2, C7, C8) VALUES ('A3', 'ann', 1, 'short')")
			w.once()
			rest := arDiary + "|2026-11-22 10:00:00|2026-11-22|10:30:00|12.5000000000"
			const none = "|<null>|<null>|<null>|<null>|<null>|<null>"
			w.has("dst", query, "A1|ann|12|Desk leg|S1|"+rest, "A2|ann|10|Seat|<null>|"+rest, "A3|ann|11|short"+none)
			w.noErrors()
			w.write("src", "UPDATE T1001 SET C900003 = 0, C900004 = 2440588, C900005 = 86399 WHERE C1 = 'A3'", "UPDATE T1001 SET C900003 = NULL, C900001 = '' WHERE C1 = 'A1'", "DELETE FROM T1001 WHERE C1 = 'A2'")
			w.once()
			w.has("dst", query, strings.Replace("A1|ann|12|Desk leg|<null>|"+rest, "2026-11-22 10:00:00", "<null>", 1),
				"A3|ann|11|short|<null>|<null>|1970-01-01 00:00:00|1970-01-01|23:59:59|<null>")
			w.noErrors()
		})
	}
}

// From plain tables to a dictionary; what AR System's columns cannot hold is parked.
func TestPlainToAR(t *testing.T) {
	for _, p := range atHand([][2]string{{"postgres15", "sqlite"}, {"mariadb10.11", "sqlite"}, {"mysql5.6", "sqlite"}}...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := newARWorld(t, map[string]arSide{
				"src": {engine: p[0], plain: plainRepair, setup: []string{plainRepairTable(p[0])}},
				"dst": {engine: p[1], forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: arFields("", hereKinds...)}}},
			}, plainDefinitions+sendAll("Repair", "m"))
			w.write("src", "INSERT INTO repair VALUES ('A1', 'ann', 12, 'Desk leg', 'S1', '"+arDiary+"', '2026-11-22 10:00:00', '2026-11-22', '10:30:00', 12.5)",
				"INSERT INTO repair (id, submitter, status, short, serial) VALUES ('A2', 'ann', 10, 'Seat', '')",
				"INSERT INTO repair (id, submitter, status, short, due) VALUES ('E1', 'ann', 10, 'a fraction', '2026-11-22 10:00:00.5')",
				"INSERT INTO repair (id, submitter, status) VALUES ('E2', 'ann', 10)",                       // Short Description is a core field
				"INSERT INTO repair (id, submitter, status, short) VALUES ('E3', '', 10, 'no submitter')",   // as is Submitter
				"INSERT INTO repair (id, submitter, status, short) VALUES ('E4', 'ann', 13, 'no such one')") // without a label
			w.once()
			const none = "|<null>|<null>|<null>|<null>|<null>|<null>"
			w.has("dst", arQuery, fmt.Sprintf("A1|ann|4|Desk leg|S1|%s|%d|%d|%d|12.5", arDiary, arDue, arDay, arHour), "A2|ann|0|Seat"+none)
			w.has("dst", "SELECT count(*) FROM T1001 WHERE C5 = 'Distributed Server' AND C3 > 1700000000 AND C6 = C3", "2")
			got := w.errors()
			for i, id := range []string{"E1", "E2", "E3", "E4"} {
				if i >= len(got) || !strings.HasPrefix(got[i], id+"|value.") {
					t.Errorf("errors: %q, want one of each of E1 to E4", got)
					break
				}
			}
			w.write("src", "UPDATE repair SET due = '2026-11-22 10:00:00' WHERE id = 'E1'", "UPDATE repair SET short = 'x' WHERE id = 'E2'",
				"UPDATE repair SET submitter = 'ann' WHERE id = 'E3'", "UPDATE repair SET status = 11 WHERE id = 'E4'", "UPDATE repair SET serial = NULL, due = '1970-01-01 00:00:00' WHERE id = 'A2'",
				"DELETE FROM repair WHERE id = 'A1'")
			w.once()
			w.retryAll()
			w.once()
			w.noErrors()
			w.has("dst", "SELECT C1, C2, C7, C8, C900003 FROM T1001 ORDER BY C1", "A2|ann|0|Seat|0", fmt.Sprintf("E1|ann|0|a fraction|%d", arDue),
				"E2|ann|0|x|<null>", "E3|ann|0|no submitter|<null>", "E4|ann|1|no such one|<null>")
		})
	}
}

const ruleDefinitions = `pools: [{name: p, threads: 1}]
mappings:
  - name: computed
    from: {server: src, form: Repair}
    to: {server: dst, form: Computed}
    transfer_mode: independent copy
    match: custom
    fields:
      Request ID: "'Request ID'"
      Submitter: "'Submitter'"
      Status: '"Assigned"'
      Short Description: >-
        UPPER(LEFTC('Short Description', 4)) + " on " + $SERVER$
      Serial: >-
        'Serial' + "/" + $OPERATION$ + "/" + $USER$
      Cost: "'Cost' * 2 + 1"
      Due: "'Due' + 3600"
  - {name: open, from: {server: src, form: Repair}, to: {server: dst, form: Open}, transfer_mode: independent copy, duplicate_request_id: overwrite, on_conflict: source}
  - {name: closed, from: {server: src, form: Repair}, to: {server: dst, form: Closed}, transfer_mode: independent copy, duplicate_request_id: overwrite, on_conflict: source}
  - {name: early, from: {server: src, form: Repair}, to: {server: dst, form: Order}, transfer_mode: independent copy, duplicate_request_id: overwrite, on_conflict: source, fields: {Serial: '"early"'}}
  - {name: late, from: {server: src, form: Repair}, to: {server: dst, form: Order}, transfer_mode: independent copy, duplicate_request_id: overwrite, on_conflict: source, fields: {Serial: '"late"'}}
filters:
  - {name: computed, server: src, form: Repair, on: [submit, modify], transfer: {mapping: computed, pool: p}}
  - name: closed
    server: src
    form: Repair
    on: [modify]
    run_if: >-
      'TR.Status' = "Closed" AND 'DB.Status' < "Fixed" AND $USER$ != "Distributed Server"
    transfer: {mapping: closed, pool: p}
    else:
      transfer: {mapping: open, pool: p}
  - {name: second, server: src, form: Repair, on: [submit], order: 200, transfer: {mapping: late, pool: p}}
  - {name: first, server: src, form: Repair, on: [submit], order: 100, transfer: {mapping: early, pool: p}}
`

// Expressions with functions and keywords, TR. and DB., otherwise, and the order of filters.
func TestARRules(t *testing.T) {
	t.Parallel()
	form := func(id int, name string) arfixture.Form {
		return arfixture.Form{ID: id, Name: name, Fields: arFields("", hereKinds...)}
	}
	w := newARWorld(t, map[string]arSide{
		"src": {engine: "sqlite", forms: []arfixture.Form{form(1001, "Repair")}},
		"dst": {engine: "sqlite", forms: []arfixture.Form{form(2001, "Computed"), form(2002, "Open"), form(2003, "Closed"), form(2004, "Order")}},
	}, ruleDefinitions)
	w.write("src", arRow("A1", "desk leg", "'S1'", 0, 0), arRow("A2", "Büro", "NULL", 1, 1), arRow("A3", "seat", "'S3'", 2, 1))
	w.once()
	w.has("dst", "SELECT C1, C2, C7, C8, C900001, C900003, C900006, C900004 FROM T2001 ORDER BY C1",
		fmt.Sprintf("A1|ann|1|DESK on src|S1/CREATE/bob|%d|26|<null>", arDue+3600),
		fmt.Sprintf("A2|ann|1|BÜRO on src|/CREATE/bob|%d|26|<null>", arDue+3600),
		fmt.Sprintf("A3|ann|1|SEAT on src|S3/CREATE/bob|%d|26|<null>", arDue+3600))
	w.has("dst", "SELECT C1, C900001 FROM T2004 ORDER BY C1", "A1|late", "A2|late", "A3|late")
	w.has("dst", "SELECT C1 FROM T2002")

	// A1 is closed and was New; A2 is assigned no more but not closed; A3 is closed, but was Fixed before.
	w.write("src", "UPDATE T1001 SET C7 = 4, C5 = 'cid' WHERE C1 = 'A1'", "UPDATE T1001 SET C7 = 3 WHERE C1 = 'A2'", "UPDATE T1001 SET C7 = 4, C900006 = 3 WHERE C1 = 'A3'")
	w.once()
	w.noErrors()
	w.has("dst", "SELECT C1, C7 FROM T2003 ORDER BY C1", "A1|4")
	w.has("dst", "SELECT C1, C7 FROM T2002 ORDER BY C1", "A2|3", "A3|4")
	w.has("dst", "SELECT C1, C900001, C900006 FROM T2001 ORDER BY C1", "A1|S1/CREATE/bob|26", "A2|/CREATE/bob|26", "A3|S3/SET/bob|7")
	// Closed already: TR. has no status now.
	w.write("src", "UPDATE T1001 SET C8 = 'still closed' WHERE C1 = 'A1'")
	w.once()
	w.noErrors()
	w.has("dst", "SELECT C1, C8 FROM T2003", "A1|desk leg")
	w.has("dst", "SELECT C1, C8 FROM T2002 WHERE C1 = 'A1'", "A1|still closed")
}

// A chain that closes to a ring: b passes on what ardso wrote there, deletes too, and c sends nothing
// back to a, which the changes came from.
func TestARChain(t *testing.T) {
	for _, engines := range [][]string{{"sqlite", "sqlite", "sqlite"}, {"mariadb10.11", "mysql5.6", "mariadb11.8"}} {
		if !areAtHand(engines) {
			continue
		}
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			t.Parallel()
			sides := make(map[string]arSide)
			var mappings, filters strings.Builder
			for i, name := range []string{"a", "b", "c"} {
				sides[name] = arSide{engine: engines[i], forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: arFields("", hereKinds...)}}}
				to := string("bca"[i])
				fmt.Fprintf(&mappings, "  - {name: %[1]s to %[2]s, from: {server: %[1]s, form: Repair}, to: {server: %[2]s, form: Repair}, transfer_mode: independent copy}\n", name, to)
				on, by := "submit, modify", ""
				if name != "a" {
					on, by = "merge", `, run_if: '$USER$ = "Distributed Server"'`
				}
				fmt.Fprintf(&filters, "  - {name: %[1]s sends, server: %[1]s, form: Repair, on: [%[3]s], transfer: {mapping: %[1]s to %[2]s, pool: p}}\n", name, to, on)
				fmt.Fprintf(&filters, "  - {name: %[1]s removes, server: %[1]s, form: Repair, on: [delete]%[3]s, delete: {mapping: %[1]s to %[2]s, pool: p}}\n", name, to, by)
			}
			w := newARWorld(t, sides, "pools: [{name: p, threads: 2}]\nmappings:\n"+mappings.String()+"filters:\n"+filters.String())
			const query = "SELECT C1, C5, C8 FROM T1001 ORDER BY C1"
			w.write("a", arRow("A1", "Desk leg", "'S1'", 0, 0), arRow("A2", "Seat", "'S2'", 0, 1), arRow("A3", "Bulb", "'S3'", 0, 2))
			w.rest(query)
			w.has("c", query, "A1|bob|Desk leg", "A2|bob|Seat", "A3|bob|Bulb")

			// What a user of b does stays there: b passes only merges on.
			w.write("b", "UPDATE T1001 SET C900008 = 'of b' WHERE C1 = 'A3'", arRow("B1", "of b", "NULL", 0, 0), arRow("B2", "of b", "NULL", 0, 0))
			w.once()
			w.write("b", "DELETE FROM T1001 WHERE C1 = 'B2'")
			w.once()
			w.has("c", "SELECT C1, C900008 FROM T1001 WHERE C1 >= 'A3' ORDER BY C1", "A3|secret")
			w.write("b", "DELETE FROM T1001 WHERE C1 = 'B1'", "UPDATE T1001 SET C900008 = 'secret' WHERE C1 = 'A3'")

			w.write("a", "UPDATE T1001 SET C8 = 'Desk leg, glued' WHERE C1 = 'A1'", "DELETE FROM T1001 WHERE C1 = 'A2'")
			w.rest(query)
			w.has("c", query, "A1|bob|Desk leg, glued", "A3|bob|Bulb")
			w.has("a", "SELECT count(*) FROM dso_checkpoint WHERE transactions > 0", "0")
			w.noErrors()
		})
	}
}
