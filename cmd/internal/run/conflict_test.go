package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// conflictPairs have every way to read a log, and every family of targets.
var conflictPairs = [][2]string{
	{"sqlite", "sqlite"},
	{"postgres15", "mariadb10.11"},
	{"mariadb10.11", "postgres15"},
	{"postgres15", "mysql5.6"},
	{"mysql5.6", "mariadb11.8"},
	{"mariadb11.8", "postgres18"},
}

// policies are the forms of the conflict tests, one for each way to settle, and what their mapping says.
var policies = []struct{ form, says string }{
	{"error", ""},
	{"source", "on_conflict: source"},
	{"target", "on_conflict: target"},
	{"newest", "on_conflict: newest"},
	{"merge", "on_conflict: merge"},
	{"overwrite", "duplicate_request_id: overwrite"},
}

// policyWorld has one form per policy on src and dst. Column c compares without case where the engine can.
func policyWorld(t *testing.T, from, to string) *world {
	t.Helper()
	var forms, definitions strings.Builder
	definitions.WriteString("pools:\n  - {name: p, threads: 2}\nmappings:\n")
	for _, p := range policies {
		fmt.Fprintf(&forms, "      - {name: F %s, table: f_%s, request_id: id, fields: [{column: modified, name: Modified Date, id: 6}]}\n", p.form, p.form)
		fmt.Fprintf(&definitions, "  - {name: m %s, from: {server: src, form: F %s}, to: {server: dst, form: F %s}, transfer_mode: independent copy%s}\n",
			p.form, p.form, p.form, strings.TrimSuffix(", "+p.says, ", "))
	}
	definitions.WriteString("filters:\n")
	for _, p := range policies {
		fmt.Fprintf(&definitions, "  - {name: send %s, server: src, form: F %s, on: [submit, modify], transfer: {mapping: m %s, pool: p}}\n", p.form, p.form, p.form)
		fmt.Fprintf(&definitions, "  - {name: remove %s, server: src, form: F %s, on: [delete], delete: {mapping: m %s, pool: p}}\n", p.form, p.form, p.form)
	}
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)},
		map[string]string{"src": forms.String(), "dst": forms.String()}, definitions.String())
	columns := map[string]string{
		"postgres": "id varchar(15) PRIMARY KEY, a varchar(40), b varchar(40), c varchar(40), modified timestamp",
		"mysql":    "id varchar(15) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, a varchar(40), b varchar(40), c varchar(40) COLLATE utf8mb4_general_ci, modified datetime(6)",
		"sqlite":   "id varchar(15) PRIMARY KEY NOT NULL, a varchar(40), b varchar(40), c varchar(40) COLLATE NOCASE, modified timestamp",
	}
	for name, db := range w.dbs {
		d := db.Engine.Dialect
		for _, p := range policies {
			q := "CREATE TABLE f_" + p.form + " (" + columns[d] + ")"
			if d == "mysql" {
				q += " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
			}
			w.exec(name, q)
		}
		if name == "dst" {
			w.countWrites("dst", "f_target", "f_error")
		}
	}
	w.open()
	return w
}

// countWrites makes triggers that put the id of every row that is written into the table written.
func (w *world) countWrites(server string, tables ...string) {
	w.t.Helper()
	dialect := w.dbs[server].Engine.Dialect
	w.exec(server, "CREATE TABLE written (id varchar(15), tab varchar(40))")
	for _, table := range tables {
		for _, event := range []string{"INSERT", "UPDATE"} {
			put := fmt.Sprintf("INSERT INTO written VALUES (NEW.id, '%s');", table)
			name := fmt.Sprintf("w_%s_%s", table, strings.ToLower(event))
			switch dialect {
			case "postgres":
				w.exec(server, fmt.Sprintf("CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN %s RETURN NEW; END$$", name, put),
					fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION %s()", name, event, table, name))
			default:
				w.exec(server, fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH ROW BEGIN %s END", name, event, table, put))
			}
		}
	}
}

// errors lists what is parked on dst: request, error, action, status, in order of request.
func (w *world) errors() []string {
	return rows(w.t, w.dbs["dst"], "SELECT request, error, action, status FROM dso_pending_error ORDER BY request")
}

// conflicts lists what dso_conflict of dst holds.
func (w *world) conflicts() []string {
	return rows(w.t, w.dbs["dst"], "SELECT request, kind, settled_by, outcome FROM dso_conflict ORDER BY request, created, id")
}

// equal compares lines.
func (w *world) equal(what string, got []string, want ...string) {
	w.t.Helper()
	if len(got)+len(want) > 0 && !slices.Equal(got, want) {
		w.t.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

// policyCase is one request: it is created on src and carried over unless it is fresh; then dst is
// changed by hand, then src; what comes out is asserted.
type policyCase struct {
	form, id string
	fresh    bool   // not there before
	dst      string // by hand on dst
	src      string // then on src
	want     string // dst's row, "" = none
	err      string // error and action in dso_pending_error; "" = none
	conflict string // kind, rule and outcome in dso_conflict; "" = none
}

const (
	seedRow   = "a0|b0|c0"
	insertRow = "INSERT INTO %[1]s (id, a, b, c, modified) VALUES ('%[2]s', 'a0', 'b0', 'c0', '2026-01-01 00:00:00')"
	insertAlt = "INSERT INTO %[1]s (id, a, b, c, modified) VALUES ('%[2]s', 'other', 'b0', 'c0', '2026-01-01 00:00:00')"
	deleteRow = "DELETE FROM %[1]s WHERE id = '%[2]s'"
	setA1     = "UPDATE %[1]s SET a = 'a1', modified = '2026-02-02 00:00:00' WHERE id = '%[2]s'"
	setA2     = "UPDATE %[1]s SET a = 'a2', modified = '2026-01-15 00:00:00' WHERE id = '%[2]s'"
	setA2Late = "UPDATE %[1]s SET a = 'a2', modified = '2036-01-15 00:00:00' WHERE id = '%[2]s'"
	setB2     = "UPDATE %[1]s SET b = 'b2', modified = '2026-01-15 00:00:00' WHERE id = '%[2]s'"
	setCUpper = "UPDATE %[1]s SET c = 'C0' WHERE id = '%[2]s'"
	sameAsA1  = setA1
)

func policyCases() []policyCase {
	cases := []policyCase{
		// A create meets a request.
		{form: "error", id: "ie", fresh: true, dst: insertAlt, src: insertRow, want: "other|b0|c0", err: "insert_exists|create", conflict: "insert_exists|parked|parked"},
		{form: "overwrite", id: "io", fresh: true, dst: insertAlt, src: insertRow, want: seedRow, conflict: "insert_exists|duplicate_request_id: overwrite|update"},
		{form: "error", id: "is", fresh: true, dst: insertRow, src: insertRow, want: seedRow},
		// A modify meets none.
		{form: "error", id: "me", dst: deleteRow, src: setA1, err: "update_missing|modify", conflict: "update_missing|parked|parked"},
		{form: "source", id: "ms", dst: deleteRow, src: setA1, want: "a1|b0|c0", conflict: "update_missing|on_conflict: source|insert"},
		{form: "target", id: "mt", dst: deleteRow, src: setA1, conflict: "update_missing|on_conflict: target|nothing"},
		{form: "newest", id: "mn", dst: deleteRow, src: setA1, want: "a1|b0|c0", conflict: "update_missing|on_conflict: newest|insert"},
		{form: "merge", id: "mm", dst: deleteRow, src: setA1, want: "a1|b0|c0", conflict: "update_missing|on_conflict: merge|insert"},
		// A modify meets a request that is not its before image.
		{form: "error", id: "ue", dst: setA2, src: setA1, want: "a2|b0|c0", err: "update_differs|modify", conflict: "update_differs|parked|parked"},
		{form: "source", id: "us", dst: setA2, src: setA1, want: "a1|b0|c0", conflict: "update_differs|on_conflict: source|update"},
		{form: "target", id: "ut", dst: setA2, src: setA1, want: "a2|b0|c0", conflict: "update_differs|on_conflict: target|nothing"},
		{form: "newest", id: "un", dst: setA2, src: setA1, want: "a1|b0|c0", conflict: "update_differs|on_conflict: newest|update"},
		{form: "newest", id: "uo", dst: setA2Late, src: setA1, want: "a2|b0|c0", conflict: "update_differs|on_conflict: newest|nothing"},
		{form: "merge", id: "um", dst: setB2, src: setA1, want: "a1|b2|c0", conflict: "update_differs|on_conflict: merge|update"},
		{form: "merge", id: "up", dst: setA2, src: setA1, want: "a2|b0|c0", err: "update_differs|modify", conflict: "update_differs|parked|parked"},
		// Only case differs, in a column that the database compares without case.
		{form: "error", id: "ce", dst: setCUpper, src: setA1, want: "a0|b0|C0", err: "update_differs|modify", conflict: "update_differs|parked|parked"},
		{form: "source", id: "cs", dst: setCUpper, src: setA1, want: "a1|b0|c0", conflict: "update_differs|on_conflict: source|update"},
		{form: "error", id: "cu", src: setCUpper, want: "a0|b0|C0"},
		// The target has it already: no write, no conflict.
		{form: "error", id: "sm", dst: sameAsA1, src: setA1, want: "a1|b0|c0"},
		// A delete meets none, or another request than it knew.
		{form: "error", id: "de", dst: setA2, src: deleteRow, want: "a2|b0|c0", err: "delete_differs|delete", conflict: "delete_differs|parked|parked"},
		{form: "source", id: "ds", dst: setA2, src: deleteRow, conflict: "delete_differs|on_conflict: source|delete"},
		{form: "target", id: "dt", dst: setA2, src: deleteRow, want: "a2|b0|c0", conflict: "delete_differs|on_conflict: target|nothing"},
		{form: "newest", id: "dn", dst: setA2, src: deleteRow, want: "a2|b0|c0", conflict: "delete_differs|on_conflict: newest|nothing"},
		{form: "newest", id: "do", dst: setA2Late, src: deleteRow, want: "a2|b0|c0", conflict: "delete_differs|on_conflict: newest|nothing"},
		{form: "merge", id: "dm", dst: setA2, src: deleteRow, want: "a2|b0|c0", err: "delete_differs|delete", conflict: "delete_differs|parked|parked"},
		{form: "source", id: "dc", dst: setCUpper, src: deleteRow, conflict: "delete_differs|on_conflict: source|delete"},
		{form: "error", id: "dx", src: deleteRow},
	}
	for _, p := range []string{"error", "source", "target", "newest", "merge"} {
		cases = append(cases, policyCase{form: p, id: "d_" + p, dst: deleteRow, src: deleteRow, conflict: "delete_missing|nothing to delete|nothing"})
	}
	return cases
}

// Every kind of conflict under every policy: rows, dso_pending_error and dso_conflict (G5).
func TestConflictPolicies(t *testing.T) {
	for _, p := range atHand(conflictPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := policyWorld(t, p[0], p[1])
			cases := policyCases()
			for _, c := range cases {
				if !c.fresh {
					w.exec("src", fmt.Sprintf(insertRow, "f_"+c.form, c.id))
				}
			}
			w.once()
			w.equal("errors before", w.errors())
			w.equal("conflicts before", w.conflicts())
			for _, c := range cases {
				if c.dst != "" {
					w.exec("dst", fmt.Sprintf(c.dst, "f_"+c.form, c.id))
				}
			}
			w.exec("dst", "DELETE FROM written")
			for _, c := range cases {
				w.exec("src", fmt.Sprintf(c.src, "f_"+c.form, c.id))
			}
			w.once()

			var wantErrors, wantConflicts []string
			for _, c := range cases {
				row := rows(t, w.dbs["dst"], fmt.Sprintf("SELECT a, b, c FROM f_%s WHERE id = '%s'", c.form, c.id))
				if got := strings.Join(row, "\n"); got != c.want {
					t.Errorf("%s %s: target has %q, want %q", c.form, c.id, got, c.want)
				}
				if c.err != "" {
					wantErrors = append(wantErrors, c.id+"|"+c.err+"|held")
				}
				if c.conflict != "" {
					wantConflicts = append(wantConflicts, c.id+"|"+c.conflict)
				}
			}
			slices.Sort(wantErrors)
			slices.Sort(wantConflicts)
			gotErrors, gotConflicts := w.errors(), w.conflicts()
			slices.Sort(gotErrors)
			slices.Sort(gotConflicts)
			w.equal("errors", gotErrors, wantErrors...)
			w.equal("conflicts", gotConflicts, wantConflicts...)
			// Where nothing was to be changed, nothing was written, not even to the same value.
			w.equal("written", rows(t, w.dbs["dst"], "SELECT id FROM written ORDER BY id"), "cu")
			// Every parked conflict has both images.
			if n := rows(t, w.dbs["dst"], "SELECT count(*) FROM dso_conflict WHERE kind <> 'update_missing' AND kind <> 'delete_missing' AND (target_image = 'null' OR source_image = '')"); n[0] != "0" {
				t.Errorf("%s conflicts lack an image", n[0])
			}
			// Nothing is left to do: a further run changes nothing.
			before := w.transactions()
			w.once()
			w.equal("transactions of a further run", w.transactions(), before...)
		})
	}
}

// transactions are the counters of all threads of all servers: they stand still at rest.
func (w *world) transactions() []string {
	w.t.Helper()
	var all []string
	for name, db := range w.dbs {
		for _, n := range rows(w.t, db, "SELECT coalesce(sum(transactions), 0) FROM dso_checkpoint WHERE thread >= 0") {
			all = append(all, name+" "+n)
		}
	}
	slices.Sort(all)
	return all
}

const valueForm = `      - name: V
        table: v
        request_id: id
        fields:
          - {column: kind, name: Kind, id: 7, type: selection, values: {%s}}
          - {column: short, name: Short%s}
          - {column: must, name: Must%s}
          - {column: word, name: Word%s}
      - {name: P, table: parent, request_id: id}
      - {name: C, table: child, request_id: id}
      - {name: U, table: uniq, request_id: id}
`

const valueDefinitions = `
pools:
  - {name: p, threads: 2}
mappings:
  - {name: v, from: {server: src, form: V}, to: {server: dst, form: V}, transfer_mode: independent copy}
  - {name: c, from: {server: src, form: C}, to: {server: dst, form: C}, transfer_mode: independent copy}
  - {name: p, from: {server: src, form: P}, to: {server: dst, form: P}, transfer_mode: independent copy}
  - {name: u, from: {server: src, form: U}, to: {server: dst, form: U}, transfer_mode: independent copy}
filters:
  - {name: v, server: src, form: V, on: [submit, modify], transfer: {mapping: v, pool: p}}
  - {name: v gone, server: src, form: V, on: [delete], delete: {mapping: v, pool: p}}
  - {name: c, server: src, form: C, on: [submit, modify], transfer: {mapping: c, pool: p}}
  - {name: u, server: src, form: U, on: [submit, modify], transfer: {mapping: u, pool: p}}
  - {name: u gone, server: src, form: U, on: [delete], delete: {mapping: u, pool: p}}
`

// valueWorld has a source that takes more than its target: longer texts, finer numbers, more labels.
func valueWorld(t *testing.T, from, to string) *world {
	t.Helper()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)}, map[string]string{
		"src": fmt.Sprintf(valueForm, "0: New, 1: Old, 2: Odd", "", "", ""),
		"dst": fmt.Sprintf(valueForm, "0: New, 5: Old", ", max_length: 5", ", id: 20, required: yes", `, id: 21, pattern: "$DIGIT$"`),
	}, strings.ReplaceAll(valueDefinitions, "independent copy}", "independent copy, match: like names}"))
	key := "id varchar(15) PRIMARY KEY"
	if w.dbs["src"].Engine.Dialect == "sqlite" {
		key += " NOT NULL"
	}
	w.exec("src", "CREATE TABLE v ("+key+", short varchar(200), price numeric(20,6), kind integer, must varchar(20), word varchar(20))",
		"CREATE TABLE parent ("+key+")", "CREATE TABLE child ("+key+", parent varchar(15))", "CREATE TABLE uniq ("+key+", u varchar(20))")
	suffix := ""
	key = "id varchar(15) PRIMARY KEY"
	switch w.dbs["dst"].Engine.Dialect {
	case "mysql":
		suffix = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
	case "sqlite":
		key += " NOT NULL"
	}
	w.exec("dst", "CREATE TABLE v ("+key+", short varchar(5), price numeric(10,2), kind integer, must varchar(20), word varchar(20))"+suffix,
		"CREATE TABLE parent ("+key+")"+suffix,
		"CREATE TABLE child ("+key+", parent varchar(15), FOREIGN KEY (parent) REFERENCES parent (id))"+suffix,
		"CREATE TABLE uniq ("+key+", u varchar(20), UNIQUE (u))"+suffix)
	w.open()
	return w
}

// What the target cannot hold is parked and never cut; the others of the same transaction, and of
// other forms, come over.
func TestValuesThatDoNotFit(t *testing.T) {
	for _, p := range atHand(conflictPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := valueWorld(t, p[0], p[1])
			w.exec("dst", "INSERT INTO parent VALUES ('P1')", "INSERT INTO uniq VALUES ('other', 'taken')")
			tx, err := w.dbs["src"].Beginx()
			if err != nil {
				t.Fatal(err)
			}
			special := map[int]string{
				100: "'123456', 1, 0, 'x', '1'",   // too long by one
				200: "'1', 1.005, 0, 'x', '1'",    // a digit too many
				300: "'1', 1, 0, NULL, '1'",       // required
				400: "'1', 1, 0, 'x', 'letters'",  // pattern
				500: "'1', 1, 2, 'x', '1'",        // a label that the target does not know
				600: "'1', 999999999, 0, 'x', ''", // a number too large
				700: "'12345', 1.50, 1, 'x', '7'", // just fits; "Old" is 5 on the target
			}
			for i := 1; i <= 1000; i++ {
				v := special[i]
				if v == "" {
					v = "'s', 1.25, 0, 'x', '1'"
				}
				if _, err := tx.Exec(fmt.Sprintf("INSERT INTO v VALUES ('%04d', %s)", i, v)); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			w.exec("src", "INSERT INTO child VALUES ('c1', 'P1')", "INSERT INTO child VALUES ('c2', 'P2')", "INSERT INTO child VALUES ('c3', NULL)",
				"INSERT INTO uniq VALUES ('u1', 'taken')", "INSERT INTO uniq VALUES ('u2', 'free')")
			w.once()
			wantErrors := []string{
				"0100|value.too_long|create|held", "0200|value.precision|create|held", "0300|value.required|create|held",
				"0400|value.pattern|create|held", "0500|value.type|create|held", "0600|value.out_of_range|create|held",
				"c2|reference|create|held", "u1|unique_taken|create|held",
			}
			if p[1] == "sqlite" { // holds any number, whatever precision its column declares
				wantErrors = slices.DeleteFunc(wantErrors, func(s string) bool { return strings.HasPrefix(s, "0200") || strings.HasPrefix(s, "0600") })
			}
			w.equal("errors", w.errors(), wantErrors...)
			// Each is recorded, one that meets another request with the image of that one.
			var wantKinds []string
			for _, e := range wantErrors {
				part := strings.Split(e, "|")
				wantKinds = append(wantKinds, part[0]+"|"+part[1]+"|parked|parked")
			}
			w.equal("conflicts", w.conflicts(), wantKinds...)
			for _, r := range w.records("") {
				if r.op.Request == "u1" {
					w.equal("the request that is in the way", []string{fmt.Sprint(r.held)}, fmt.Sprint(map[int]string{named("id"): "other", named("u"): "taken"}))
				} else if r.held != nil {
					t.Errorf("%s: the target had %v", r.op.Request, r.held)
				}
			}
			w.equal("rows", rows(t, w.dbs["dst"], "SELECT count(*) FROM v"), fmt.Sprint(1000-len(wantErrors)+2))
			w.equal("the one that just fits", rows(t, w.dbs["dst"], "SELECT short, kind, word FROM v WHERE id = '0700'"), "12345|5|7")
			w.equal("children", rows(t, w.dbs["dst"], "SELECT id FROM child ORDER BY id"), "c1", "c3")
			w.equal("unique", rows(t, w.dbs["dst"], "SELECT id, u FROM uniq ORDER BY id"), "other|taken", "u2|free")

			// The causes removed, all come over by a retry: those that can be cured on the target, by the
			// retry alone; the others by a correction on the source.
			w.exec("dst", "INSERT INTO parent VALUES ('P2')", "DELETE FROM uniq WHERE id = 'other'")
			w.exec("src", "UPDATE v SET short = '12345' WHERE id = '0100'", "UPDATE v SET price = 1.01 WHERE id = '0200'", "UPDATE v SET must = 'y' WHERE id = '0300'",
				"UPDATE v SET word = '42' WHERE id = '0400'", "UPDATE v SET kind = 1 WHERE id = '0500'", "UPDATE v SET price = 9 WHERE id = '0600'")
			w.once()
			w.retryAll()
			w.once()
			w.equal("errors after the retry", w.errors())
			const q = "SELECT id, short, must, word FROM v ORDER BY id"
			w.same("src", q, "dst", q)
			w.equal("children", rows(t, w.dbs["dst"], "SELECT id FROM child ORDER BY id"), "c1", "c2", "c3")
			w.equal("unique", rows(t, w.dbs["dst"], "SELECT id FROM uniq ORDER BY id"), "u1", "u2")
		})
	}
}

// retryAll gives every row of dso_pending_error on dst free to be tried again.
func (w *world) retryAll() {
	w.t.Helper()
	list, err := control.ListErrors(w.t.Context(), w.dbs["dst"], control.ErrorFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		if err := control.SetErrorStatus(w.t.Context(), w.dbs["dst"], e.ID, control.ErrorRetry); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A parked request holds its later operations back and nobody else's; retried, all are carried out
// in order; removed, the request goes on from there (G3).
func TestHeldRequests(t *testing.T) {
	for _, p := range atHand(conflictPairs[:3]...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := valueWorld(t, p[0], p[1])
			const all = "SELECT id, u FROM uniq ORDER BY id"
			w.exec("dst", "INSERT INTO uniq VALUES ('other', 'taken'), ('other2', 'taken2'), ('other3', 'taken3')")
			w.exec("src", "INSERT INTO uniq VALUES ('a', 'taken')", "INSERT INTO uniq VALUES ('b', 'taken2')", "INSERT INTO uniq VALUES ('c', 'taken3')")
			w.once()
			w.equal("errors", w.errors(), "a|unique_taken|create|held", "b|unique_taken|create|held", "c|unique_taken|create|held")
			// Later ones join, in the same run and in later ones; d flows on meanwhile.
			w.exec("src", "UPDATE uniq SET u = 'a1' WHERE id = 'a'", "INSERT INTO uniq VALUES ('d', 'd0')", "UPDATE uniq SET u = 'a2' WHERE id = 'a'", "DELETE FROM uniq WHERE id = 'b'")
			w.once()
			w.exec("src", "UPDATE uniq SET u = 'd1' WHERE id = 'd'", "UPDATE uniq SET u = 'taken' WHERE id = 'a'")
			w.once()
			w.equal("target meanwhile", rows(t, w.dbs["dst"], all), "d|d1", "other|taken", "other2|taken2", "other3|taken3")
			// The cause is still there: it fails again, and what waits stays.
			w.retryAll()
			w.once()
			got := rows(t, w.dbs["dst"], "SELECT request, error, status FROM dso_pending_error ORDER BY request")
			w.equal("errors after a retry in vain", got, "a|unique_taken|held", "c|unique_taken|held")
			if n := rows(t, w.dbs["dst"], "SELECT attempts FROM dso_pending_error WHERE request = 'a'"); n[0] != "2" {
				t.Errorf("%s attempts, want 2", n[0])
			}
			// A person removes c: the request is free, its next change is an ordinary one.
			list, err := control.ListErrors(t.Context(), w.dbs["dst"], control.ErrorFilter{Request: "c"})
			if err != nil {
				t.Fatal(err)
			}
			if err := control.DeleteError(t.Context(), w.dbs["dst"], list[0].ID); err != nil {
				t.Fatal(err)
			}
			w.exec("src", "UPDATE uniq SET u = 'c1' WHERE id = 'c'", "UPDATE uniq SET u = 'a3' WHERE id = 'a'", "UPDATE uniq SET u = 'a4' WHERE id = 'a'")
			w.once()
			w.equal("errors after the removal", w.errors(), "a|unique_taken|create|held", "c|update_missing|modify|held")
			w.exec("dst", "INSERT INTO uniq VALUES ('c', 'taken3x')", "DELETE FROM uniq WHERE id = 'other3'", "UPDATE uniq SET u = 'taken3' WHERE id = 'c'")
			// The retry comes while ardso follows the log.
			stop := w.follow()
			w.exec("dst", "DELETE FROM uniq WHERE id = 'other'")
			w.retryAll()
			w.eventually("the retries are done", func() bool { return len(w.errors()) == 0 })
			w.exec("src", "UPDATE uniq SET u = 'a5' WHERE id = 'a'")
			stop()
			w.once()
			w.equal("errors in the end", w.errors())
			w.equal("target in the end", rows(t, w.dbs["dst"], all), "a|a5", "c|c1", "d|d1", "other2|taken2")
		})
	}
}
