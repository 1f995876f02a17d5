package distributed_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/integration/arfixture"
	"ardso/integration/dbtest"
	"ardso/sql/catalog"
	"ardso/sql/distributed"
	"ardso/sql/engine"
	"ardso/sql/schema"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { dbtest.Main(m) }

var now = time.Unix(1_800_000_000, 0)

func exec(t *testing.T, db *engine.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// form is a form of a database and how its catalog is read.
type form struct {
	db   *engine.DB
	spec catalog.Spec
	name string
}

func (f form) read(t *testing.T) *distributed.State {
	t.Helper()
	s, err := f.try(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f form) try(t *testing.T) (*distributed.State, error) {
	t.Helper()
	c, err := catalog.Load(t.Context(), f.db, f.spec)
	if err != nil {
		return nil, err
	}
	return distributed.Read(t.Context(), f.db, c, f.name)
}

// add gives the form a group and returns what was done.
func (f form) add(t *testing.T, g schema.FieldGroup) []string {
	t.Helper()
	s := f.read(t)
	plan, err := s.Add(t.Context(), g, now)
	if err != nil {
		t.Fatal(err)
	}
	return apply(t, s, plan)
}

func (f form) remove(t *testing.T, g schema.FieldGroup) []string {
	t.Helper()
	s := f.read(t)
	plan, err := s.Remove(g, now)
	if err != nil {
		t.Fatal(err)
	}
	return apply(t, s, plan)
}

func apply(t *testing.T, s *distributed.State, plan distributed.Plan) (done []string) {
	t.Helper()
	if len(plan.Steps) == 0 {
		return nil
	}
	if err := s.Apply(t.Context(), plan.Steps, 0, func(x distributed.Step) { done = append(done, x.What) }); err != nil {
		t.Fatal(err)
	}
	return done
}

// has compares the distributed fields of the form with those of a group; 0 = none.
func (f form) has(t *testing.T, g schema.FieldGroup) {
	t.Helper()
	var got, want []string
	for _, x := range f.read(t).Form.Fields {
		if schema.IsDistributed(x.ID) {
			got = append(got, fmt.Sprintf("%d %s %s %v", x.ID, x.Name, x.Type, x.Values))
			if !x.Column.Nullable || x.Column.HasDefault {
				t.Errorf("column %+v", x.Column)
			}
		}
	}
	for _, x := range schema.FieldsOf(g) {
		want = append(want, fmt.Sprintf("%d %s %s %v", x.ID, x.Name, x.Type, x.Values))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields for group %s (-want +got):\n%s", g, diff)
	}
}

// equal compares what was done.
func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func plainForm(db *engine.DB, fields ...catalog.FieldSpec) form {
	return form{db: db, name: "Repair", spec: catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "Repair", Table: "repair", Fields: fields}}}}
}

// A plain form is given fields and loses them again, group by group, and what was cut off is completed.
func TestPlain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY, summary varchar(50))", "INSERT INTO repair VALUES (1, 'one')")
		f := plainForm(db)
		equal(t, f.add(t, schema.Basic), "add 8 columns to table repair")
		f.has(t, schema.Basic)
		equal(t, f.add(t, schema.Basic))
		equal(t, f.add(t, schema.Advanced), "add 14 columns to table repair")
		f.has(t, schema.Advanced)
		equal(t, f.add(t, schema.Full))

		exec(t, db, "ALTER TABLE repair DROP COLUMN dso_from_server")
		equal(t, f.add(t, schema.Advanced), "add 1 column to table repair")
		f.has(t, schema.Advanced)
		long := strings.Repeat("ж", 254)
		exec(t, db, fmt.Sprintf("UPDATE repair SET dso_from_mapping = '%s', dso_from_request_id = '%[1]s', dso_mapping_history = '%[1]s'", long))
		var back string
		if err := db.Get(&back, "SELECT dso_from_mapping FROM repair"); err != nil || back != long {
			t.Errorf("a name in another script came back as %q, %v", back, err)
		}

		equal(t, f.remove(t, schema.Advanced), "drop 7 columns of table repair")
		f.has(t, schema.Full)
		exec(t, db, "ALTER TABLE repair DROP COLUMN dso_to_mapping")
		equal(t, f.remove(t, schema.Full), "drop 6 columns of table repair")
		f.has(t, schema.Basic)
		equal(t, f.remove(t, schema.Basic), "drop 8 columns of table repair")
		f.has(t, 0)
		equal(t, f.remove(t, schema.Basic))
		if got := len(f.read(t).Form.Table.Columns); got != 2 {
			t.Errorf("%d columns are left, want those of before", got)
		}
	})
}

var arForms = []arfixture.Form{
	{ID: 1001, Name: "Repair", NextID: 7, Prefix: "SF"},
	{ID: 1002, Name: "Other"},
	{ID: 1003, Name: "Repair__o", ResolvedID: 1001, ResolvedName: "Repair", Fields: []arfixture.Field{{ID: 8, Name: "Kurztext", Type: schema.Character, MaxLength: 254}}},
	{ID: 1004, Name: "Repairs and Parts", Kind: 2},
}

// A form of AR System's dictionary, however that is spelt and whatever columns its server has.
func TestAR(t *testing.T) {
	t.Parallel()
	for _, d := range []arfixture.Dictionary{{}, {Upper: true, Rich: true}, {Lean: true}} {
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				forms := arForms
				if d.Lean {
					forms = forms[:2] // which knows no overlays
				}
				d.Create(t, db, forms...)
				f := form{db: db, name: "Repair", spec: catalog.Spec{Kind: catalog.AR}}
				before := snapshot(t, db, d)
				table := f.read(t).Form.Table.Name
				equal(t, f.add(t, schema.Basic), "add 8 columns to table "+table, "enter 8 fields into AR System's dictionary")
				f.has(t, schema.Basic)
				equal(t, f.add(t, schema.Basic))

				// Columns without rows are what MariaDB and MySQL leave where it is cut off between the two.
				s := f.read(t)
				plan, err := s.Add(t.Context(), schema.Full, now)
				if err != nil {
					t.Fatal(err)
				}
				plan.Steps = plan.Steps[:1]
				equal(t, apply(t, s, plan), "add 7 columns to table "+table)
				equal(t, f.add(t, schema.Full), "enter 7 fields into AR System's dictionary")
				f.has(t, schema.Full)
				f.add(t, schema.Advanced)
				f.has(t, schema.Advanced)
				checkARFields(t, f.read(t).Form, d)
				if got := f.read(t).Form.Fields; len(got) != 8+22 {
					t.Errorf("%d fields", len(got))
				}

				s = f.read(t)
				if plan, err = s.Remove(schema.Full, now); err != nil {
					t.Fatal(err)
				}
				plan.Steps = plan.Steps[:1]
				equal(t, apply(t, s, plan), "strike 14 fields from AR System's dictionary")
				equal(t, f.remove(t, schema.Full), "drop 14 columns of table "+table)
				f.has(t, schema.Basic)
				f.remove(t, schema.Basic)
				f.has(t, 0)
				if diff := cmp.Diff(before, snapshot(t, db, d)); diff != "" {
					t.Errorf("the dictionary is not as before (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func checkARFields(t *testing.T, f *schema.Form, d arfixture.Dictionary) {
	t.Helper()
	for id, length := range map[int]int{
		schema.FromServer: 64, schema.FromMapping: 254, schema.FromRequestID: 15, schema.MappingHistory: 0, schema.FromPool: 80,
	} {
		if x := f.FieldByID(id); x.MaxLength != length || x.LengthInBytes || x.Pattern != "" || x.Required || x.System {
			t.Errorf("field %+v, want length %d", x, length)
		}
	}
	// Text is compared as in the form's other fields.
	if got, want := f.FieldByID(schema.FromServer).Column, f.FieldByID(schema.Submitter).Column; !strings.EqualFold(got.BaseType, want.BaseType) || got.CaseFolding != want.CaseFolding {
		t.Errorf("From Server is %s, Submitter %s", got.DataType, want.DataType)
	}
	if x := f.FieldByID(schema.MaxTimeToRetry); !d.Lean && (x.Min != "0" || x.Max != "2147483647") {
		t.Errorf("field %+v", x)
	}
}

// snapshot is what the dictionary holds, with numbers of fields and times of change as one.
func snapshot(t *testing.T, db *engine.DB, d arfixture.Dictionary) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	tables := []string{"arschema", "field", "field_char", "field_enum_values"}
	if d.Rich {
		tables = append(tables, "field_enum")
	}
	if !d.Lean {
		tables = append(tables, "field_int")
	}
	for _, name := range tables {
		if d.Upper {
			name = strings.ToUpper(name)
		}
		rows, err := db.Queryx("SELECT * FROM " + db.Engine.Quote(name))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			m := map[string]any{}
			if err := rows.MapScan(m); err != nil {
				t.Fatal(err)
			}
			var parts []string
			for k, v := range m {
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				if low := strings.ToLower(k); low == "timestamp" || low == "lastchanged" {
					continue
				}
				parts = append(parts, fmt.Sprintf("%s=%v", k, v))
			}
			slices.Sort(parts)
			all[name] = append(all[name], strings.Join(parts, " "))
		}
		slices.Sort(all[name])
	}
	return all
}

// What servers have besides is taken from the form's own fields, and the form says that it was changed.
func TestRichDictionary(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Dictionary{Rich: true}.Create(t, db, arForms...)
		f := form{db: db, name: "Repair", spec: catalog.Spec{Kind: catalog.AR}}
		f.add(t, schema.Basic)
		get := func(query string) string {
			t.Helper()
			var s string
			if err := db.Get(&s, query); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			return s
		}
		quote := func(s string) string {
			if db.Engine.Dialect == "postgres" {
				s = strings.ToLower(s)
			}
			return db.Engine.Quote(s)
		}
		for query, want := range map[string]string{
			"SELECT CONCAT(numFields, '|', " + quote("timestamp") + ", '|', lastChanged) FROM arschema WHERE schemaId = 1001":                                            "16|1800000000|Distributed Server",
			"SELECT CONCAT(numFields, '|', " + quote("timestamp") + ", '|', lastChanged) FROM arschema WHERE schemaId = 1002":                                            "8|1000|Demo",
			"SELECT CONCAT(fbOption, createMode, owner, '|', " + quote("timestamp") + ", helpText, '|', overlayProp) FROM field WHERE schemaId = 1001 AND fieldId = 303": "12Demo|1800000000|0",
			"SELECT CONCAT(lengthUnits, qbeMatchOp, COALESCE(charMenu, 'none')) FROM field_char WHERE fieldId = 311":                                                     "11none",
			"SELECT CONCAT(enumStyle, maxEnum) FROM field_enum WHERE fieldId = 303":                                                                                      "12",
		} {
			if got := get(query); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	})
}

// Requests that would lose something are counted.
func TestValues(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY)")
		f := plainForm(db)
		f.add(t, schema.Advanced)
		exec(t, db,
			"INSERT INTO repair (id) VALUES (1)",
			"INSERT INTO repair (id, dso_master_flag) VALUES (2, 1)",
			"INSERT INTO repair (id, dso_from_server, dso_to_form) VALUES (3, '', '')",
			"INSERT INTO repair (id, dso_master_flag) VALUES (4, 0)",
			"INSERT INTO repair (id, dso_master_flag, dso_from_server) VALUES (5, 1, 'sf')",
			"INSERT INTO repair (id, dso_transfer_status) VALUES (6, 0)",
			"INSERT INTO repair (id, dso_max_time_to_retry) VALUES (7, 60)",
		)
		s := f.read(t)
		for g, want := range map[schema.FieldGroup]distributed.Values{
			schema.Basic: {Requests: 4, Owned: 2}, schema.Full: {Requests: 1}, schema.Advanced: {Requests: 1},
		} {
			if got, err := s.Values(t.Context(), s.Present(g)); err != nil || got != want {
				t.Errorf("%s: got %+v, %v, want %+v", g, got, err, want)
			}
		}
		if got, err := s.Values(t.Context(), nil); err != nil || got.Requests != 0 {
			t.Errorf("no fields: got %+v, %v", got, err)
		}
	})
}

// What stands in the way is named, and all of it at once.
func TestRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY, summary varchar(50), dso_from_mapping varchar(254), dso_from_form varchar(254) DEFAULT 'x', dso_from_pool varchar(80) NOT NULL)")
		name := func(g schema.FieldGroup, fields ...catalog.FieldSpec) (names []string) {
			t.Helper()
			f := plainForm(db, fields...)
			_, err := f.read(t).Add(t.Context(), g, now)
			for _, e := range unjoin(err) {
				var named interface {
					Name() string
					Remedy() string
				}
				if !errors.As(e, &named) || named.Remedy() == "" {
					t.Fatalf("%v has no name and remedy", e)
				}
				names = append(names, named.Name())
			}
			return names
		}
		equal(t, name(schema.Basic, catalog.FieldSpec{Column: "summary", ID: schema.MasterFlag}), "fields.taken")
		equal(t, name(schema.Basic, catalog.FieldSpec{Column: "summary", Name: "From Server"}, catalog.FieldSpec{Column: "dso_from_form", ID: 900}), "fields.taken", "fields.taken")
		equal(t, name(schema.Basic, catalog.FieldSpec{Column: "summary", Name: "To Form"}))
		equal(t, name(schema.Full, catalog.FieldSpec{Column: "summary", Name: "To Form"}), "fields.taken")

		// Under an ID that definitions give it, a field stays where it is.
		f := plainForm(db, catalog.FieldSpec{Column: "summary", ID: schema.FromServer, Name: "Origin"})
		equal(t, f.add(t, schema.Basic), "add 4 columns to table repair")
		equal(t, f.add(t, schema.Basic))
	})
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Forms that store nothing, columns that fit nothing, IDs that are taken in a dictionary.
func TestRefusedAR(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		forms := append(slices.Clone(arForms), arfixture.Form{ID: 1005, Name: "Taken", Fields: []arfixture.Field{
			{ID: schema.MasterFlag, Name: "Flagge", Type: schema.Character, MaxLength: 3},
			{ID: schema.FromPool, Name: "Shown", Type: schema.Character, Option: 4},
			{ID: 900000, Name: "From Server", Type: schema.Character},
		}})
		arfixture.Create(t, db, forms...)
		spec := catalog.Spec{Kind: catalog.AR}
		var kind *distributed.KindError
		if _, err := (form{db, spec, "Repairs and Parts"}).try(t); !errors.As(err, &kind) || !strings.Contains(kind.Error(), "join") {
			t.Errorf("a join form: got %v", err)
		}
		var unknown *catalog.UnknownFormError
		if _, err := (form{db, spec, `Repait'\`}).try(t); !errors.As(err, &unknown) || errors.As(err, &kind) || unknown.Nearest != "Repair" {
			t.Errorf("an unknown form: got %v", err)
		}
		s := form{db, spec, "Taken"}.read(t)
		_, err := s.Add(t.Context(), schema.Basic, now)
		if got := unjoin(err); len(got) != 3 {
			t.Errorf("got %v, want three that are taken", err)
		}
		if _, err := s.Remove(schema.Basic, now); len(unjoin(err)) != 2 {
			t.Errorf("remove: got %v, want the two that are no distributed fields", err)
		}
		other := form{db, spec, "Other"}
		exec(t, db, "ALTER TABLE "+db.Engine.Quote(other.read(t).Form.Table.Name)+" ADD COLUMN C303 varchar(10)")
		var column *distributed.ColumnError
		if _, err := other.read(t).Add(t.Context(), schema.Basic, now); !errors.As(err, &column) || !strings.EqualFold(column.Column, "C303") {
			t.Errorf("a column that fits nothing: got %v", err)
		}
	})
}

// Nobody waits long behind an ALTER TABLE that waits for somebody's transaction.
func TestLocked(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("postgres15", "mariadb10.11", "mysql5.6") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY)")
			f := plainForm(db)
			s := f.read(t)
			plan, err := s.Add(t.Context(), schema.Basic, now)
			if err != nil {
				t.Fatal(err)
			}
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec("INSERT INTO repair VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			var locked *distributed.StepError
			err = s.Apply(t.Context(), plan.Steps, time.Second, func(x distributed.Step) { t.Errorf("done: %s", x.What) })
			if !errors.As(err, &locked) || locked.Name() != "fields.locked" {
				t.Errorf("got %v, want fields.locked", err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			f.add(t, schema.Basic)
			f.has(t, schema.Basic)
		})
	}
}

var citext = regexp.MustCompile(`public\.citext CHECK \(char_length\("c\d+"\) <= (\d+)\)`)

// The statements of each engine, as --dry-run shows them.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("postgres15", "mariadb10.11", "sqlite") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			arfixture.Dictionary{Rich: true}.Create(t, db, arForms...)
			exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY)")
			var b strings.Builder
			for _, x := range []struct {
				form
				group schema.FieldGroup
			}{{plainForm(db), schema.Advanced}, {form{db, catalog.Spec{Kind: catalog.AR}, "Repair"}, schema.Basic}} {
				f, g := x.form, x.group
				s := f.read(t)
				plan, err := s.Add(t.Context(), g, now)
				if err != nil {
					t.Fatal(err)
				}
				show(&b, fmt.Sprintf("%s: add %s", f.spec.Kind, g), plan)
				apply(t, s, plan)
				if plan, err = f.read(t).Remove(schema.Basic, now); err != nil {
					t.Fatal(err)
				}
				show(&b, f.spec.Kind+": remove basic", plan)
			}
			got := strings.ReplaceAll(b.String(), db.Engine.Quote(db.Schema)+".", "")
			// Where the server comes without citext, the fixture has varchar.
			got = citext.ReplaceAllString(got, "varchar($1)")
			file := filepath.Join("testdata", db.Engine.Dialect+".sql")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("statements (-want +got):\n%s", diff)
			}
		})
	}
}

func show(b *strings.Builder, title string, p distributed.Plan) {
	fmt.Fprintf(b, "-- %s\n", title)
	for _, s := range p.Steps {
		fmt.Fprintf(b, "-- * %s\n%s", s.What, s.SQL())
	}
}
