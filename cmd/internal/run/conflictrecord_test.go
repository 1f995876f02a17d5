package run_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"ardso/apply"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/value"
)

// recorded is a row of dso_conflict on dst.
type recorded struct {
	kind, by, outcome string
	op                apply.Recorded
	held              map[int]value.Value // nil: the target had none
}

// records reads the conflicts of a request, or of all, in order of request.
func (w *world) records(request string) (list []recorded) {
	w.t.Helper()
	all, err := control.ListConflicts(w.t.Context(), w.dbs["dst"], control.ConflictFilter{Request: request})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range all {
		r := recorded{kind: c.Kind, by: c.SettledBy, outcome: c.Outcome}
		if r.op, r.held, err = run.ReadConflict(c.SourceImage, c.TargetImage); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b recorded) int { return strings.Compare(a.op.Request, b.op.Request) })
	return list
}

// String is the record in one line: rule, outcome, and what was lost, by field ID.
func (r recorded) String() string {
	s := fmt.Sprintf("%s|%s|%s|%s", r.op.Request, r.kind, r.by, r.outcome)
	for _, l := range r.op.Lost {
		s += fmt.Sprintf("|%s %d %s", l.Side, l.Field, diaryText(l.Value.String()))
	}
	return s
}

// transfer sends what a qualification selects along a mapping.
func (w *world) transfer(mapping, where string) {
	w.t.Helper()
	if _, err := w.sys.Transfer(w.t.Context(), mapping, where, run.TransferOptions{Log: testLog(w.t)}); err != nil {
		w.t.Fatal(err)
	}
}

func diaryText(s string) string {
	return strings.NewReplacer("\x03", ";", "\x04", ",").Replace(s)
}

// setForm is a form with a diary and a group list.
const setForm = `      - name: %[1]s
        table: %[1]s
        request_id: id
        fields:
          - {column: id, name: Request ID, id: 1}
          - {column: status, name: Status, id: 7}
          - {column: assigned, name: Assigned To, id: 4}
          - {column: notes, name: Notes, id: 8}
          - {column: modified, name: Modified Date, id: 6}
          - {column: groups, name: Assignee Group, id: 112}
          - {column: log, name: Work Log, id: 900001, type: diary}
`

// setTable creates the table of setForm.
func setTable(db *engine.DB, name string) string {
	return "CREATE TABLE " + name + map[string]string{
		"postgres": ` (id varchar(15) PRIMARY KEY, status varchar(20), assigned varchar(40), notes varchar(40), modified timestamp, "groups" varchar(255), log text)`,
		"mysql":    " (id varchar(15) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, status varchar(20), assigned varchar(40), notes varchar(40), modified datetime, `groups` varchar(255), log longtext) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
		"sqlite":   ` (id varchar(15) PRIMARY KEY NOT NULL, status varchar(20), assigned varchar(40), notes varchar(40), modified timestamp, "groups" varchar(255), log text)`,
	}[db.Engine.Dialect]
}

// quoted is a statement with column groups as the engine wants it: it is a word of MySQL's.
func quoted(db *engine.DB, q string) string {
	return strings.ReplaceAll(q, "GROUPS", db.Engine.Quote("groups"))
}

const (
	logSeed = "100\x04ann\x04begun\x03"
	logSrc  = "300\x04ann\x04glued\x03"
	logDst  = "200\x04bob\x04looked at\x03"
)

// setWorld has forms one to one from src to dst, by name with what their mapping says.
func setWorld(t *testing.T, from, to string, forms [][2]string) *world {
	t.Helper()
	var declared, definitions strings.Builder
	definitions.WriteString("pools:\n  - {name: p, threads: 2}\nmappings:\n")
	for _, f := range forms {
		fmt.Fprintf(&declared, setForm, f[0])
		fmt.Fprintf(&definitions, "  - {name: m %[1]s, from: {server: src, form: %[1]s}, to: {server: dst, form: %[1]s}, transfer_mode: independent copy, %[2]s}\n", f[0], f[1])
	}
	definitions.WriteString("filters:\n")
	for _, f := range forms {
		definitions.WriteString(sendAll(f[0], "m "+f[0]))
	}
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)},
		map[string]string{"src": declared.String(), "dst": declared.String()}, definitions.String())
	for name, db := range w.dbs {
		for _, f := range forms {
			w.exec(name, setTable(db, f[0]))
		}
	}
	w.open()
	return w
}

// Diaries keep the entries of both sides whatever the mapping says; group lists are merged; field groups are settled
// each by itself. All of it is recorded, with what was lost.
func TestDiariesAndFieldGroups(t *testing.T) {
	forms := [][2]string{
		{"f_error", "on_conflict: error"},
		{"f_source", "on_conflict: source, duplicate_request_id: overwrite"},
		{"f_target", "on_conflict: target"},
		{"f_newest", "on_conflict: newest"},
		{"f_merge", "on_conflict: merge"},
		{"f_groups", "on_conflict: merge, field_groups: [{fields: [Status, Assigned To], on_conflict: source}, {fields: Notes, on_conflict: target}]"},
		{"f_strict", "on_conflict: merge, field_groups: [{fields: [Status, Assigned To], on_conflict: error}]"},
	}
	const (
		both   = "log = '" + logSeed + "%s', modified = '%s'"
		src    = "UPDATE %s SET %s WHERE id = '%s'"
		early  = "2026-02-01 00:00:00"
		late   = "2026-03-01 00:00:00"
		merged = "100,ann,begun;200,bob,looked at;300,ann,glued;"
	)
	tests := []struct {
		form, id string
		dst, src string // what each sets
		want     string // status, assigned, notes, groups, log on dst
		record   string
	}{
		// An entry on each side, and nothing else but the time.
		{"f_error", "de", fmt.Sprintf(both, logDst, early), "log = '" + logSeed + logSrc + "'", "New|ann|n|;1;2;|100,ann,begun;200,bob,looked at;", "de|update_differs|parked|parked"},
		{"f_source", "ds", fmt.Sprintf(both, logDst, early), fmt.Sprintf(both, logSrc, late), "New|ann|n|;1;2;|" + merged, "ds|update_differs|on_conflict: source|update|target 6 " + early},
		{"f_target", "dt", fmt.Sprintf(both, logDst, early), fmt.Sprintf(both, logSrc, late), "New|ann|n|;1;2;|" + merged, "dt|update_differs|on_conflict: target|update|source 6 " + late},
		{"f_newest", "dn", fmt.Sprintf(both, logDst, late), fmt.Sprintf(both, logSrc, early) + ", status = 'Fixed'", "New|ann|n|;1;2;|" + merged, "dn|update_differs|on_conflict: newest|update|source 6 " + early + "|source 7 Fixed"},
		{"f_merge", "dm", fmt.Sprintf(both, logDst, early) + ", GROUPS = ';2;-3;'", fmt.Sprintf(both, logSrc, late) + ", GROUPS = ';1;2;''Dan O''''Connor'';'", "New|ann|n|;-3;2;'Dan O''Connor';|" + merged, "dm|update_differs|on_conflict: merge|update|target 6 " + early},
		// Only the diaries differ: in no conflict, under error either.
		{"f_error", "dj", "log = '" + logSeed + logDst + "'", "log = '" + logSeed + logSrc + "', notes = 'src'", "New|ann|src|;1;2;|" + merged, "dj|update_differs|diary: entries of both|update"},
		// Groups.
		{"f_groups", "gs", "status = 'Closed', assigned = 'dst', modified = '" + early + "'", "status = 'Fixed', modified = '" + late + "'", "Fixed|ann|n|;1;2;|100,ann,begun;", "gs|update_differs|field_groups: source|update|target 4 dst|target 6 " + early + "|target 7 Closed"},
		{"f_groups", "gt", "notes = 'dst', modified = '" + late + "'", "notes = 'src', status = 'Fixed', modified = '" + early + "'", "Fixed|ann|dst|;1;2;|100,ann,begun;", "gt|update_differs|field_groups: target|update|source 6 " + early + "|source 8 src"},
		{"f_groups", "gn", "notes = 'dst'", "status = 'Fixed', log = '" + logSeed + logSrc + "'", "Fixed|ann|dst|;1;2;|100,ann,begun;300,ann,glued;", "gn|update_differs|field_groups: no group changed by both|update"},
		{"f_strict", "se", "status = 'Closed'", "assigned = 'src'", "Closed|ann|n|;1;2;|100,ann,begun;", "se|update_differs|parked|parked"},
		{"f_strict", "so", "notes = 'dst'", "assigned = 'src'", "New|src|dst|;1;2;|100,ann,begun;", "so|update_differs|field_groups: no group changed by both|update"},
	}
	for _, p := range atHand(conflictPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := setWorld(t, p[0], p[1], forms)
			exec := func(server, q string) { w.exec(server, quoted(w.dbs[server], q)) }
			insert := func(server, form, id, log string) {
				exec(server, "INSERT INTO "+form+" (id, status, assigned, notes, modified, GROUPS, log) VALUES ('"+id+"', 'New', 'ann', 'n', '2026-01-01 00:00:00', ';1;2;', '"+log+"')")
			}
			for _, tt := range tests {
				insert("src", tt.form, tt.id, logSeed)
			}
			w.once()
			// A create that overwrites keeps the entries, too, and so does a transfer by hand.
			insert("dst", "f_source", "co", logDst)
			insert("src", "f_source", "co", logSrc)
			for _, tt := range tests {
				exec("dst", fmt.Sprintf(src, tt.form, tt.dst, tt.id))
				exec("src", fmt.Sprintf(src, tt.form, tt.src, tt.id))
			}
			w.once()
			for _, tt := range tests {
				got := rows(t, w.dbs["dst"], quoted(w.dbs["dst"], fmt.Sprintf("SELECT status, assigned, notes, GROUPS, log FROM %s WHERE id = '%s'", tt.form, tt.id)))
				if len(got) != 1 || diaryText(got[0]) != tt.want {
					t.Errorf("%s: target has %q, want %q", tt.id, diaryText(strings.Join(got, "\n")), tt.want)
				}
				var records []string
				for _, r := range w.records(tt.id) {
					records = append(records, r.String())
				}
				w.equal("record of "+tt.id, records, tt.record)
			}
			const overwritten = "SELECT log FROM f_source WHERE id = 'co'"
			w.equal("overwritten", []string{diaryText(rows(t, w.dbs["dst"], overwritten)[0])}, "200,bob,looked at;300,ann,glued;")
			exec("dst", "UPDATE f_source SET log = '"+logDst+logSeed+"', notes = 'dst' WHERE id = 'co'")
			w.transfer("m f_source", "'Request ID' = \"co\"")
			w.once()
			w.equal("transferred again", []string{diaryText(rows(t, w.dbs["dst"], overwritten)[0])}, merged)
			w.equal("what the transfer overwrote", []string{w.records("co")[1].String()}, "co|insert_exists|duplicate_request_id: overwrite|update|target 8 dst")
			before := w.transactions()
			w.once()
			w.equal("transactions of a further run", w.transactions(), before...)
		})
	}
}

// What owns itself is not made a mere copy by overwriting it (dso-reference 29, choice 31); what came from here is.
func TestOverwriteOfWhatOwnsItself(t *testing.T) {
	const fields = "dso_master_flag integer, dso_from_server varchar(64), dso_from_form varchar(254), dso_from_request_id varchar(255), dso_mapping_history text"
	for _, p := range atHand(conflictPairs[:3]...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			forms := "      - {name: D, table: d, request_id: id}\n      - {name: I, table: i, request_id: id}\n      - {name: P, table: p, request_id: id}\n"
			definitions := "pools:\n  - {name: p, threads: 2}\nmappings:\n"
			for _, m := range [][2]string{{"D", "data only"}, {"I", "independent copy"}, {"P", "data only"}} {
				definitions += fmt.Sprintf("  - {name: %[1]s, from: {server: src, form: %[1]s}, to: {server: dst, form: %[1]s}, match: like names, transfer_mode: %[2]s, duplicate_request_id: overwrite, on_conflict: source}\n", m[0], m[1])
			}
			definitions += "filters:\n"
			for _, f := range []string{"D", "I", "P"} {
				definitions += fmt.Sprintf("  - {name: %[1]s, server: src, form: %[1]s, on: [submit, modify], run_if: '\\'note\\' != \"later\"', transfer: {mapping: %[1]s, pool: p}}\n", f)
			}
			definitions = strings.ReplaceAll(definitions, `'\'note\' != "later"'`, `"'note' != \"later\""`)
			w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, p[0]), "dst": dbtest.New(t, p[1])}, map[string]string{"src": forms, "dst": forms}, definitions)
			for name := range w.dbs {
				for _, table := range []string{"d", "i", "p"} {
					columns := "id varchar(15) NOT NULL PRIMARY KEY, note varchar(40)"
					if name == "dst" && table != "p" {
						columns += ", " + fields
					}
					w.exec(name, "CREATE TABLE "+table+" ("+columns+")")
				}
			}
			w.open()
			w.exec("dst", "INSERT INTO d (id, note, dso_master_flag) VALUES ('yes', 'own', 1), ('empty', 'own', NULL), ('copy', 'own', 0)",
				"INSERT INTO d (id, note, dso_master_flag, dso_from_server, dso_from_form, dso_from_request_id) VALUES ('came', 'own', 1, 'src', 'D', 'came'), ('other', 'own', 1, 'src', 'D', 'another')",
				"INSERT INTO i (id, note, dso_master_flag) VALUES ('yes', 'own', 1)", "INSERT INTO p (id, note) VALUES ('plain', 'own')")
			for table, ids := range map[string][]string{"d": {"yes", "empty", "copy", "came", "other", "new"}, "i": {"yes"}, "p": {"plain"}} {
				for _, id := range ids {
					w.exec("src", "INSERT INTO "+table+" (id, note) VALUES ('"+id+"', 'sent')")
				}
			}
			w.once()
			w.equal("data only", rows(t, w.dbs["dst"], "SELECT id, note, dso_master_flag, dso_from_request_id FROM d ORDER BY id"),
				"came|sent|0|came", "copy|sent|0|copy", "empty|own|<null>|<null>", "new|sent|0|new", "other|own|1|another", "yes|own|1|<null>")
			w.equal("independent copy", rows(t, w.dbs["dst"], "SELECT note, dso_master_flag FROM i"), "sent|1")
			w.equal("without Master Flag", rows(t, w.dbs["dst"], "SELECT note FROM p"), "sent")
			w.equal("errors", w.errors(), "empty|owned_there|create|held", "other|owned_there|create|held", "yes|owned_there|create|held")
			for _, r := range w.records("other") {
				if r.kind != "owned_there" || r.outcome != "parked" || r.held == nil || len(r.op.Lost) > 0 {
					t.Errorf("recorded: %s, target %v", r, r.held)
				}
			}
			// A copy that a modify makes says where it came from as well, so that it may be transferred again.
			w.exec("src", "INSERT INTO d (id, note) VALUES ('mod', 'later')")
			w.once()
			w.exec("dst", "DELETE FROM d WHERE id = 'new'")
			w.exec("src", "UPDATE d SET note = 'now' WHERE id = 'mod'", "UPDATE d SET note = 'again' WHERE id = 'new'")
			w.once()
			w.equal("made by a modify", rows(t, w.dbs["dst"], "SELECT id, note, dso_master_flag, dso_from_server, dso_from_request_id FROM d WHERE id IN ('mod', 'new') ORDER BY id"),
				"mod|now|0|src|mod", "new|again|0|src|new")
			w.exec("dst", "UPDATE d SET note = 'strayed' WHERE id IN ('mod', 'new')")
			w.transfer("D", "'id' = \"mod\" OR 'id' = \"new\"")
			w.once()
			w.equal("transferred again", rows(t, w.dbs["dst"], "SELECT id, note FROM d WHERE id IN ('mod', 'new') ORDER BY id"), "mod|now", "new|again")
		})
	}
}

// Overwritten as a whole, a request keeps its diary's entries, what gets its default is recorded, and what owns itself
// is left alone.
func TestOverwriteAllFieldsIsRecorded(t *testing.T) {
	for _, p := range atHand(conflictPairs[:3]...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			const form = "      - {name: %[1]s, table: %[1]s, request_id: id, fields: [{column: note, name: note, id: 8}, {column: log, name: log, id: 9, type: diary}%[2]s]}\n"
			const own = ", {column: own, name: own, id: 10}"
			definitions := "pools: [{name: p, threads: 2}]\nmappings:\n"
			for _, m := range [][2]string{{"i", "independent copy"}, {"d", "data only"}} {
				definitions += fmt.Sprintf("  - {name: %[1]s, from: {server: src, form: %[1]s}, to: {server: dst, form: %[1]s}, transfer_mode: %[2]s, match: like names, duplicate_request_id: overwrite, overwrite_style: all fields}\n", m[0], m[1])
			}
			definitions += "filters:\n" + sendAll("i", "i") + sendAll("d", "d")
			w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, p[0]), "dst": dbtest.New(t, p[1])}, map[string]string{
				"src": fmt.Sprintf(form, "i", "") + fmt.Sprintf(form, "d", ""), "dst": fmt.Sprintf(form, "i", own) + fmt.Sprintf(form, "d", own),
			}, definitions)
			for _, table := range []string{"i", "d"} {
				w.exec("src", "CREATE TABLE "+table+" (id varchar(15) NOT NULL PRIMARY KEY, note varchar(40), log text)")
				w.exec("dst", "CREATE TABLE "+table+" (id varchar(15) NOT NULL PRIMARY KEY, note varchar(40), log text, own varchar(40), dso_master_flag integer)",
					fmt.Sprintf("INSERT INTO %s (id, note, log, own) VALUES ('differs', 'theirs', '%s', 'mine'), ('agrees', 'ours', '%s', 'mine')", table, logDst, logSrc+logDst))
			}
			w.open()
			for _, table := range []string{"i", "d"} {
				w.exec("src", fmt.Sprintf("INSERT INTO %s VALUES ('differs', 'ours', '%s'), ('agrees', 'ours', '%s')", table, logSrc, logSrc))
			}
			w.once()
			text := func(table string) []string {
				got := rows(t, w.dbs["dst"], "SELECT id, note, log, own FROM "+table+" ORDER BY id")
				for i := range got {
					got[i] = diaryText(got[i])
				}
				return got
			}
			const both = "200,bob,looked at;300,ann,glued;"
			w.equal("independent copies", text("i"), "agrees|ours|"+both+"|<null>", "differs|ours|"+both+"|<null>")
			w.equal("data only", text("d"), "agrees|ours|300,ann,glued;200,bob,looked at;|mine", "differs|theirs|200,bob,looked at;|mine")
			w.equal("errors", w.errors(), "agrees|owned_there|create|held", "differs|owned_there|create|held")
			var records []string
			for _, r := range w.records("") {
				if r.op.Mapping == "i" {
					records = append(records, r.String())
				}
			}
			w.equal("records", records, "agrees|insert_exists|duplicate_request_id: overwrite, all fields|update|target 10 mine",
				"differs|insert_exists|duplicate_request_id: overwrite, all fields|update|target 8 theirs|target 10 mine")
		})
	}
}

// What only the database knows to refuse is parked and recorded, and the others of its batch come over.
func TestValueRefused(t *testing.T) {
	for _, p := range atHand([2]string{"sqlite", "sqlite"}, [2]string{"sqlite", "postgres15"}, [2]string{"postgres15", "mariadb10.11"}) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			const form = "      - {name: N, table: n, request_id: id}\n"
			w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, p[0]), "dst": dbtest.New(t, p[1])}, map[string]string{"src": form, "dst": form},
				"pools: [{name: p, threads: 2}]\nmappings:\n  - {name: m, from: {server: src, form: N}, to: {server: dst, form: N}, transfer_mode: independent copy}\nfilters:\n"+sendAll("N", "m"))
			w.exec("src", "CREATE TABLE n (id varchar(15) NOT NULL PRIMARY KEY, v integer)")
			w.exec("dst", "CREATE TABLE n (id varchar(15) NOT NULL PRIMARY KEY, v integer, CHECK (v < 10))")
			w.open()
			w.exec("src", "INSERT INTO n VALUES ('a', 1), ('b', 11), ('c', 3)")
			w.once()
			w.exec("src", "UPDATE n SET v = 12 WHERE id = 'c'")
			w.once()
			w.equal("rows", rows(t, w.dbs["dst"], "SELECT id, v FROM n ORDER BY id"), "a|1", "c|3")
			w.equal("errors", w.errors(), "b|value_refused|create|held", "c|value_refused|modify|held")
			w.equal("conflicts", w.conflicts(), "b|value_refused|parked|parked", "c|value_refused|parked|parked")
			if r := w.records("c")[0]; len(r.held) != 2 || r.op.Field(named("v")).After.Int() != 12 {
				t.Errorf("images: source %+v, target %v", r.op.Fields, r.held)
			}
		})
	}
}

// Users of both sides edit the same requests at once. Status and Assigned To are one group that side a wins, notes one
// that side b wins; whoever writes into the diary, and whoever adds to the group list, keeps what he wrote.
func TestTwoWayFieldGroups(t *testing.T) {
	tests := [][2]string{{"sqlite", "sqlite"}, {"postgres15", "mariadb10.11"}, {"mysql5.6", "postgres18"}}
	for _, engines := range tests {
		if !areAtHand(engines[:]) {
			continue
		}
		t.Run(engines[0]+" and "+engines[1], func(t *testing.T) {
			form := fmt.Sprintf(setForm, "n")
			const mapping = "  - {name: %[1]s to %[2]s, from: {server: %[1]s, form: n}, to: {server: %[2]s, form: n}, transfer_mode: independent copy, on_conflict: merge, field_groups: [{fields: [Status, Assigned To], on_conflict: %[3]s}, {fields: Notes, on_conflict: %[4]s}]}\n"
			definitions := "pools: [{name: p, threads: 2}]\nmappings:\n" + fmt.Sprintf(mapping, "a", "b", "source", "target") + fmt.Sprintf(mapping, "b", "a", "target", "source") +
				"filters:\n  - {name: a to b, server: a, form: n, on: [submit, modify], transfer: {mapping: a to b, pool: p}}\n  - {name: b to a, server: b, form: n, on: [submit, modify], transfer: {mapping: b to a, pool: p}}\n"
			w := newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, engines[0]), "b": dbtest.New(t, engines[1])}, map[string]string{"a": form, "b": form}, definitions)
			for name, db := range w.dbs {
				w.exec(name, setTable(db, "n"))
			}
			w.open()
			for _, p := range w.sys.Compiled.Warnings {
				if p.Kind == "definition.sides_disagree" {
					t.Fatal(p)
				}
			}
			const requests, edits = 4, 30
			for i := range requests {
				w.exec("a", quoted(w.dbs["a"], fmt.Sprintf("INSERT INTO n (id, status, modified, GROUPS, log) VALUES ('R%d', 'New', '2026-01-01 00:00:00', ';1;', '%s')", i, logSeed)))
			}
			all := func(server string) string {
				return quoted(w.dbs[server], "SELECT id, status, assigned, notes, modified, GROUPS, log FROM n ORDER BY id")
			}
			agree := func() {
				t.Helper()
				for round := 0; ; round++ {
					before := w.transactions()
					w.once()
					if slices.Equal(before, w.transactions()) {
						break
					}
					if round == 10 {
						t.Fatal("not at rest after ten rounds")
					}
				}
				w.same("a", all("a"), "b", all("b"))
				for name, db := range w.dbs {
					w.equal("errors on "+name, rows(t, db, "SELECT request, error, reason FROM dso_pending_error"))
				}
			}
			agree()
			edit := func(from, to int) {
				var g sync.WaitGroup
				for name, db := range w.dbs {
					g.Go(func() {
						for i := from; i < to; i++ {
							if err := patiently(db, setEdit(db, name, i, requests)); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				g.Wait()
			}
			edit(0, edits/3) // before anything is sent
			stop := w.follow()
			edit(edits/3, edits)
			stop()
			agree()
			for name, db := range w.dbs {
				if n := rows(t, db, "SELECT count(*) FROM dso_conflict"); n[0] == "0" {
					t.Errorf("nothing met on %s", name)
				}
			}
			for i := range edits {
				for _, name := range []string{"a", "b"} {
					want := ""
					switch i % 5 {
					case 3:
						want = fmt.Sprintf("SELECT id FROM n WHERE id = 'R%d' AND log LIKE '%%%s%d%%'", i%requests, name, i)
					case 4:
						want = fmt.Sprintf("SELECT id FROM n WHERE id = 'R%d' AND GROUPS LIKE '%%;%d;%%'", i%requests, 1000*(int(name[0]-'a')+1)+i)
					default:
						continue
					}
					w.equal(fmt.Sprintf("edit %d of %s", i, name), rows(t, w.dbs["b"], quoted(w.dbs["b"], want)), fmt.Sprintf("R%d", i%requests))
				}
			}
		})
	}
}

// setEdit is the i-th edit of a server's user. No value is set twice.
func setEdit(db *engine.DB, server string, i, requests int) string {
	side := int(server[0] - 'a')
	join := "%s || '%s'"
	if db.Engine.Dialect == "mysql" {
		join = "concat(%s, '%s')"
	}
	own := fmt.Sprintf("%s%d", server, i)
	var set string
	switch i % 5 {
	case 0:
		set = "status = '" + own + "'"
	case 1:
		set = "assigned = '" + own + "', notes = '" + own + "'"
	case 2:
		set = "notes = '" + own + "'"
	case 3:
		set = "log = " + fmt.Sprintf(join, "log", fmt.Sprintf("%d\x04%s\x04%s\x03", 1000+i, server, own))
	case 4:
		set = "GROUPS = " + fmt.Sprintf(join, "GROUPS", fmt.Sprintf("%d;", 1000*(side+1)+i))
	}
	return quoted(db, fmt.Sprintf("UPDATE n SET %s, modified = '2026-01-01 10:%02d:%02d' WHERE id = 'R%d'", set, i, side, i%requests))
}
