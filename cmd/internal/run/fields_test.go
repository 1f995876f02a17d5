package run_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping/definition"
	"ardso/sql/distributed"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// fields looks at a form as `ardso fields` does, over a connection of its own.
func (w *world) fields(server, form string) *run.Fields {
	w.t.Helper()
	all, err := run.Connect(w.t.Context(), w.sys.Document, server)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = run.CloseAll(all) })
	if all[0].Err != nil {
		w.t.Fatal(all[0].Err)
	}
	f, err := all[0].Fields(w.t.Context(), form)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// addFields gives a form a group and returns what was done.
func (w *world) addFields(server, form string, g schema.FieldGroup) []string {
	w.t.Helper()
	f := w.fields(server, form)
	steps, err := f.AddPlan(w.t.Context(), g)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.apply(f, steps)
}

func (w *world) removeFields(server, form string, g schema.FieldGroup) []string {
	w.t.Helper()
	f := w.fields(server, form)
	steps, _, err := f.RemovePlan(w.t.Context(), g)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.apply(f, steps)
}

func (w *world) apply(f *run.Fields, steps []distributed.Step) (done []string) {
	w.t.Helper()
	if len(steps) == 0 {
		return nil
	}
	if err := f.Apply(w.t.Context(), steps, 0, func(s distributed.Step) { done = append(done, s.What) }); err != nil {
		w.t.Fatal(err)
	}
	return done
}

const (
	fieldsForm    = "      - {name: Repair, table: repair}\n"
	fieldsMapping = "  - {name: m, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, match: like names, duplicate_request_id: overwrite, transfer_mode: independent copy"
	fieldsFilter  = "}\nfilters:\n  - {name: f, server: src, form: Repair, on: [submit, modify], transfer: {mapping: m}}\n"
)

// fieldsWorld is a form on src whose changes go to dst, a SQLite database.
func fieldsWorld(t *testing.T, name string) *world {
	t.Helper()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, name), "dst": dbtest.New(t, "sqlite")},
		map[string]string{"src": fieldsForm, "dst": fieldsForm}, "mappings:\n"+fieldsMapping+fieldsFilter)
	for _, server := range []string{"src", "dst"} {
		w.exec(server, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY, summary varchar(50), note varchar(64))")
	}
	w.open()
	return w
}

// Fields come and go while ardso follows the form, and no change is missed; those of the new columns are
// there once definitions speak of them.
func TestFieldsWhileRunning(t *testing.T) {
	for _, name := range dbtest.Have("postgres15", "mariadb10.11", "mysql5.6", "sqlite") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fieldsWorld(t, name)
			stop := w.follow("src")
			defer stop()
			arrived := func(want ...string) {
				t.Helper()
				w.eventually(fmt.Sprintf("%q on the target", want), func() bool {
					return slices.Equal(rows(t, w.dbs["dst"], "SELECT id, summary, note FROM repair ORDER BY id"), want)
				})
			}
			w.exec("src", "INSERT INTO repair (id, summary) VALUES (1, 'one')")
			arrived("1|one|<null>")
			done := w.addFields("src", "Repair", schema.Basic)
			if logged := len(done) == 3; logged != (name == "sqlite") {
				t.Errorf("done: %q", done)
			}
			w.exec("src", "INSERT INTO repair (id, summary, dso_master_flag, dso_from_server) VALUES (2, 'two', 1, 'sf')",
				"UPDATE repair SET summary = 'uno', dso_from_server = 'chi' WHERE id = 1")
			arrived("1|uno|<null>", "2|two|<null>")

			// What is written before definitions speak of the fields is in the log.
			stop()
			w.exec("src", "INSERT INTO repair (id, summary, dso_from_server) VALUES (3, 'three', 'sf')")
			w.yaml = strings.Replace(w.yaml, fieldsMapping, fieldsMapping+", fields: {note: \"'From Server'\"}", 1)
			w.reopen()
			if steps := w.init("src"); len(steps) > 0 {
				t.Errorf("init still does %q", steps)
			}
			stop = w.follow("src")
			arrived("1|uno|<null>", "2|two|<null>", "3|three|sf")
			w.exec("src", "UPDATE repair SET dso_from_server = 'nyc' WHERE id = 3")
			arrived("1|uno|<null>", "2|two|<null>", "3|three|nyc")

			// Those that nothing speaks of may go meanwhile.
			w.addFields("src", "Repair", schema.Advanced)
			w.exec("src", "INSERT INTO repair (id, dso_from_server, dso_to_form) VALUES (4, 'sf', 'Repair')")
			// The log of MySQL 5.6 names no columns: one change of the table at a time.
			arrived("1|uno|<null>", "2|two|<null>", "3|three|nyc", "4|<null>|sf")
			w.removeFields("src", "Repair", schema.Full)
			w.exec("src", "UPDATE repair SET summary = 'four' WHERE id = 4")
			arrived("1|uno|<null>", "2|two|<null>", "3|three|nyc", "4|four|sf")
			stop()
			if got := rows(t, w.dbs["dst"], "SELECT error, reason FROM dso_pending_error"); len(got) > 0 {
				t.Errorf("errors: %q", got)
			}
		})
	}
}

// Triggers that miss changes already are not replaced by new ones that would hide it.
func TestFieldsStaleTriggers(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, "sqlite")
	w.exec("src", "ALTER TABLE repair ADD COLUMN other integer")
	_, err := w.fields("src", "Repair").AddPlan(t.Context(), schema.Basic)
	var named interface{ Name() string }
	if !errors.As(err, &named) || named.Name() != "reader.unreadable" {
		t.Errorf("got %v, want reader.unreadable", err)
	}
	w.init("src")
	w.addFields("src", "Repair", schema.Basic)
}

// Every place of definitions that names a field keeps it.
func TestFieldsInUse(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, "sqlite")
	w.addFields("src", "Repair", schema.Full)
	w.addFields("dst", "Repair", schema.Full)
	yaml := w.yaml
	check := func(server string, g schema.FieldGroup, from, to string, want ...string) {
		t.Helper()
		w.yaml = strings.Replace(yaml, from, to, 1)
		if w.yaml == yaml {
			t.Fatalf("no %q in the definitions", from)
		}
		w.reopen()
		srv, err := w.sys.Server(server)
		if err != nil {
			t.Fatal(err)
		}
		f, err := srv.Fields(t.Context(), "Repair")
		if err != nil {
			t.Fatal(err)
		}
		var used *run.FieldsInUseError
		if err := w.sys.CheckUnused(server, f.Form, f.Present(g)); err != nil && !errors.As(err, &used) {
			t.Fatal(err)
		}
		var got []string
		if used != nil {
			got = used.Uses
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", to, got, want)
		}
	}
	const send = "transfer: {mapping: m}"
	check("src", schema.Basic, send, "run_if: \"'summary' != $NULL$\", "+send)
	check("src", schema.Basic, send, "run_if: \"'DB.Master Flag' = \\\"Yes\\\"\", "+send, `filter "f": run_if names "Master Flag"`)
	check("src", schema.Full, send, "run_if: \"'303' = 1\", "+send)
	check("dst", schema.Basic, send, "run_if: \"'303' = 1\", "+send)
	check("src", schema.Basic, send, "enabled: no, run_if: \"'303' = 1\", "+send, `filter "f": run_if names "Master Flag"`)
	check("src", schema.Basic, send, "delete: {server: dst, form: Repair, request_id: \"'From Request ID'\"}", `filter "f": request_id names "From Request ID"`)
	check("src", schema.Basic, fieldsMapping, fieldsMapping+", exclude: [To Form, 311]", `mapping "m": exclude names "To Form"`, `mapping "m": exclude names "From Server"`)
	check("dst", schema.Full, fieldsMapping, fieldsMapping+", exclude: [To Form]", `mapping "m": exclude names "To Form"`)
	check("src", schema.Basic, fieldsMapping, fieldsMapping+", fields: {note: \"'From Form' + \\\"!\\\"\"}", `mapping "m": fields names "From Form"`)
	check("dst", schema.Basic, fieldsMapping, fieldsMapping+", return_fields: {note: \"'From Form'\"}", `mapping "m": return_fields names "From Form"`)
	check("dst", schema.Basic, fieldsMapping, fieldsMapping+", matching_qualification: \"'From Request ID' = $note$\"", `mapping "m": matching_qualification names "From Request ID"`)
	check("src", schema.Basic, fieldsMapping, fieldsMapping+", matching_qualification: \"'note' = $From Request ID$\"", `mapping "m": matching_qualification names "From Request ID"`)
	check("dst", schema.Basic, fieldsForm, "      - {name: Repair, table: repair, fields: [{column: dso_from_form, name: Origin}, {column: note, id: 900}]}\n", `form "Repair" declares column dso_from_form`)

	// Ownership is not handed over by this version, and its fields are needed for that.
	srv, err := w.sys.Server("src")
	if err != nil {
		t.Fatal(err)
	}
	f, err := srv.Fields(t.Context(), "Repair")
	if err != nil {
		t.Fatal(err)
	}
	w.sys.Compiled.Mappings[0].TransferMode = definition.DataOwnership
	var used *run.FieldsInUseError
	if err := w.sys.CheckUnused("src", f.Form, f.Present(schema.Basic)); !errors.As(err, &used) || !strings.Contains(err.Error(), "data + ownership") {
		t.Errorf("got %v, want the mapping that hands ownership over", err)
	}
}

// Who may not alter the table learns what is needed for that, and nothing is changed.
func TestFieldsDenied(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]struct {
		create, drop []string
		want         string
	}{
		"postgres15": {
			[]string{"CREATE ROLE ardso_fields LOGIN PASSWORD 'Only-reads-1'", "GRANT SELECT, INSERT, UPDATE, DELETE ON repair TO ardso_fields"},
			[]string{"DROP OWNED BY ardso_fields", "DROP ROLE ardso_fields"},
			`OWNER TO "ardso_fields"`,
		},
		"mariadb10.11": {
			[]string{"CREATE USER 'ardso_fields'@'%' IDENTIFIED BY 'Only-reads-1'", "GRANT SELECT, INSERT, UPDATE, DELETE ON repair TO 'ardso_fields'@'%'"},
			[]string{"DROP USER 'ardso_fields'@'%'"},
			"GRANT ALTER ON",
		},
		"mysql5.6": {
			[]string{"CREATE USER 'ardso_fields'@'%' IDENTIFIED BY 'Only-reads-1'", "GRANT SELECT, INSERT, UPDATE, DELETE ON repair TO 'ardso_fields'@'%'"},
			[]string{"DROP USER 'ardso_fields'@'%'"},
			"GRANT ALTER, CREATE, INSERT ON",
		},
	} {
		if len(dbtest.Have(name)) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY)")
			for _, s := range account.create {
				exec(t, db, s)
			}
			defer func() {
				for _, s := range account.drop {
					_, _ = db.Exec(s)
				}
			}()
			doc := twoServers(t, db, db)
			poor(doc.Server("b"), db, "ardso_fields", "Only-reads-1")
			all, err := run.Connect(t.Context(), doc, "b")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = run.CloseAll(all) }()
			f, err := all[0].Fields(t.Context(), "Repair")
			if err != nil {
				t.Fatal(err)
			}
			steps, err := f.AddPlan(t.Context(), schema.Basic)
			if err != nil {
				t.Fatal(err)
			}
			err = f.Apply(t.Context(), steps, 0, func(s distributed.Step) { t.Errorf("done: %s", s.What) })
			var denied *distributed.StepError
			if !errors.As(err, &denied) || denied.Name() != "fields.denied" || !strings.Contains(denied.Remedy(), account.want) {
				t.Errorf("got %v, want fields.denied with %s", err, account.want)
			}
		})
	}
}
