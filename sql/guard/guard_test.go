package guard_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"ardso/integration/arfixture"
	"ardso/integration/dbtest"
	"ardso/sql/catalog"
	"ardso/sql/control"
	"ardso/sql/distributed"
	"ardso/sql/engine"
	"ardso/sql/guard"
	"ardso/sql/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { dbtest.Main(m) }

func exec(t *testing.T, db *engine.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// form is a database with control tables and the form Repair, which has a group of distributed fields.
type form struct {
	t     *testing.T
	db    *engine.DB
	spec  catalog.Spec
	rules guard.Rules
}

var servers = guard.Rules{Servers: []string{"a", "b", "o'hare"}}

var plain = catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "Repair", Table: "repair"}}}

func newForm(t *testing.T, db *engine.DB, g schema.FieldGroup) *form {
	t.Helper()
	if err := control.Migrate(t.Context(), db, "a"); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200)"+columns(g)+")")
	return &form{t, db, plain, servers}
}

// columns declares the distributed fields of a group; 0 = none.
func columns(g schema.FieldGroup) string {
	var b strings.Builder
	for _, f := range schema.FieldsOf(g) {
		kind := "integer"
		if f.Type == schema.Character {
			kind = "varchar(255)"
		}
		fmt.Fprintf(&b, ", %s %s", f.ColumnName(), kind)
	}
	return b.String()
}

func (f *form) read() *guard.Guard {
	f.t.Helper()
	c, err := catalog.Load(f.t.Context(), f.db, f.spec)
	if err != nil {
		f.t.Fatal(err)
	}
	if names := c.Form("Repair").Table.Triggers; len(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.HasPrefix(n, "users_") })) > 0 {
		f.t.Errorf("the catalog takes %v for triggers of users", names)
	}
	g, err := guard.Read(f.t.Context(), f.db, c.Form("Repair"), f.rules)
	if err != nil {
		f.t.Fatal(err)
	}
	return g
}

func (f *form) apply(g *guard.Guard, steps []guard.Step) (done []string) {
	f.t.Helper()
	if err := g.Apply(f.t.Context(), steps, 0, func(s guard.Step) { done = append(done, s.What) }); err != nil {
		for _, s := range steps {
			f.t.Log(s.SQL())
		}
		f.t.Fatal(err)
	}
	return done
}

// install guards the form and returns how much was done.
func (f *form) install() int {
	f.t.Helper()
	g := f.read()
	steps, err := g.Install()
	if err != nil {
		f.t.Fatal(err)
	}
	n := len(f.apply(g, steps))
	f.is(guard.Guarded)
	return n
}

func (f *form) is(want guard.Status) {
	f.t.Helper()
	if got, why := f.read().State(); got != want {
		f.t.Errorf("the form is %s (%s), want %s", got, why, want)
	}
}

// passes has a user do something.
func (f *form) passes(statements ...string) {
	f.t.Helper()
	exec(f.t, f.db, statements...)
}

// refuses has a user try something, and compares what they are told.
func (f *form) refuses(statement, want string) {
	f.t.Helper()
	_, err := f.db.Exec(statement)
	switch {
	case err == nil:
		f.t.Errorf("%s: passes", statement)
	case !strings.Contains(err.Error(), want):
		f.t.Errorf("%s: got %v, want %q", statement, err, want)
	case f.db.Engine.Class(err) != engine.Final:
		f.t.Errorf("%s: %v is %s", statement, err, f.db.Engine.Class(err))
	}
}

// asArdso runs statements in a transaction of ardso.
func (f *form) asArdso(statements ...string) {
	f.t.Helper()
	ctx := f.t.Context()
	c := control.Checkpoint{Source: "b", Pool: "p", Origin: "b", Path: "b", Epoch: 1}
	if err := control.Prepare(ctx, f.db, "b", 1, c); err != nil {
		f.t.Fatal(err)
	}
	conn, err := f.db.Connx(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() {
		if f.db.Engine.Dialect == "mysql" { // the tests' users come by the same pool
			if _, err := conn.ExecContext(ctx, "SET @ardso_writer = NULL"); err != nil {
				f.t.Error(err)
			}
		}
		_ = conn.Close()
	}()
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	handle := struct {
		*sqlx.Tx
	}{tx}
	if err := control.Advance(ctx, handle, c); err != nil {
		f.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			f.t.Fatalf("as ardso: %s: %v", s, err)
		}
	}
	if err := control.CloseMark(ctx, handle, c); err != nil {
		f.t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
}

// What users may and may not do, and that ardso may all of it.
func TestGuard(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := newForm(t, db, schema.Advanced)
		f.is(guard.None)
		exec(t, db,
			"INSERT INTO repair (id, summary, dso_master_flag, dso_current_server) VALUES ('away', 'x', 0, 'o''hare'), ('unknown', 'x', 0, 'far')",
			"INSERT INTO repair (id, summary, dso_master_flag, dso_from_server, dso_transfer_status) VALUES ('owned', 'x', 1, 'b', NULL)",
			"INSERT INTO repair (id, summary, dso_master_flag) VALUES ('nowhere', 'x', 0)",
		)
		if f.install() == 0 || f.install() != 0 {
			t.Error("it is not installed once and for all")
		}
		const owned = "ardso: this request is owned by another server"
		f.refuses("UPDATE repair SET summary = 'y' WHERE id = 'away'", owned+" (o'hare): change it there, or have it returned")
		f.refuses("UPDATE repair SET dso_master_flag = 1 WHERE id = 'away'", owned+" (o'hare)")
		f.refuses("DELETE FROM repair WHERE id = 'away'", owned+" (o'hare)")
		f.refuses("DELETE FROM repair WHERE id = 'nowhere'", owned+": change it there")
		f.refuses("UPDATE repair SET summary = 'y'", owned)
		if db.Engine.Dialect != "sqlite" {
			f.refuses("UPDATE repair SET summary = 'y' WHERE id = 'unknown'", owned+" (far)")
		}

		f.passes(
			"UPDATE repair SET summary = 'y', dso_to_mapping = 'm', dso_to_server = 'b', dso_from_mapping = '' WHERE id = 'owned'",
			"UPDATE repair SET dso_master_flag = 1, dso_from_server = 'b' WHERE id = 'owned'",
			"INSERT INTO repair (id, summary) VALUES ('new', 'x')",
			"INSERT INTO repair (id, summary, dso_master_flag) VALUES ('mine', 'x', 1)",
			"UPDATE repair SET summary = 'y' WHERE id IN ('new', 'mine')",
			"DELETE FROM repair WHERE id IN ('new', 'mine')",
		)
		for _, x := range schema.FieldsOf(schema.Advanced) {
			set := fmt.Sprintf("UPDATE repair SET %s = 2 WHERE id = 'owned'", x.ColumnName())
			if guard.IsProtected(x.ID) {
				f.refuses(set, fmt.Sprintf("ardso: field %q (%d) is changed by transfers and returns alone", x.Name, x.ID))
			} else {
				f.passes(set)
			}
		}
		f.refuses("UPDATE repair SET dso_from_server = 'B' WHERE id = 'owned'", "From Server")
		f.refuses("UPDATE repair SET dso_master_flag = 0 WHERE id = 'owned'", "Master Flag")
		f.refuses("INSERT INTO repair (id, summary, dso_master_flag) VALUES ('new', 'x', 0)", "ardso: a new request is owned where it is made")
		switch db.Engine.Dialect {
		case "postgres":
			f.refuses("INSERT INTO repair (id, summary) VALUES ('away', 'z') ON CONFLICT (id) DO UPDATE SET summary = 'z'", owned)
			f.passes("INSERT INTO repair (id, summary) VALUES ('owned', 'z') ON CONFLICT (id) DO UPDATE SET summary = 'z'")
		case "mysql":
			f.refuses("REPLACE INTO repair (id, summary) VALUES ('away', 'z')", owned)
			f.refuses("INSERT INTO repair (id, summary) VALUES ('away', 'z') ON DUPLICATE KEY UPDATE summary = 'z'", owned)
			f.passes("INSERT INTO repair (id, summary) VALUES ('owned', 'z') ON DUPLICATE KEY UPDATE summary = 'z'")
		case "sqlite":
			f.refuses("REPLACE INTO repair (id, summary) VALUES ('away', 'z')", owned)
			f.refuses("INSERT INTO repair (id, summary) VALUES ('away', 'z') ON CONFLICT (id) DO UPDATE SET summary = 'z'", owned)
			f.passes("INSERT INTO repair (id, summary) VALUES ('owned', 'z') ON CONFLICT (id) DO UPDATE SET summary = 'z'")
		}

		f.asArdso(
			"UPDATE repair SET summary = 'z', dso_current_server = 'c' WHERE id = 'away'",
			"UPDATE repair SET dso_master_flag = 0, dso_from_server = NULL WHERE id = 'owned'",
			"UPDATE repair SET dso_master_flag = 1 WHERE id = 'nowhere'",
			"INSERT INTO repair (id, dso_master_flag) VALUES ('copy', 0)",
			"DELETE FROM repair WHERE id = 'unknown'",
		)
		// The pass ends with the transaction.
		f.refuses("UPDATE repair SET summary = 'y' WHERE id = 'away'", owned)

		g := f.read()
		steps, err := g.Remove()
		if err != nil {
			t.Fatal(err)
		}
		f.apply(g, steps)
		f.is(guard.None)
		if left, err := guard.Installed(t.Context(), db); err != nil || len(left) > 0 {
			t.Errorf("left over: %v, %v", left, err)
		}
		f.passes("UPDATE repair SET summary = 'y', dso_master_flag = 1", "DELETE FROM repair")
	})
}

// A form of AR System's dictionary, whose columns are numbers and whose text may ignore case.
func TestAR(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Dictionary{Upper: true}.Create(t, db, arfixture.Form{ID: 1001, Name: "Repair", NextID: 7, Prefix: "SF"})
		if err := control.Migrate(t.Context(), db, "a"); err != nil {
			t.Fatal(err)
		}
		f := &form{t: t, db: db, spec: catalog.Spec{Kind: catalog.AR}, rules: servers}
		c, err := catalog.Load(t.Context(), db, f.spec)
		if err != nil {
			t.Fatal(err)
		}
		s, err := distributed.Read(t.Context(), db, c, "Repair")
		if err != nil {
			t.Fatal(err)
		}
		plan, err := s.Add(t.Context(), schema.Full, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(t.Context(), plan.Steps, 0, func(distributed.Step) {}); err != nil {
			t.Fatal(err)
		}
		f.install()
		form := f.read().Form
		column := func(id int) string { return db.Engine.Quote(form.FieldByID(id).Column.Name) }
		table := db.Engine.Quote(form.Table.Name)
		insert := func(id, rest string) string {
			var names, values []string
			for _, x := range form.Fields {
				if !x.Column.Nullable && !x.Column.HasDefault && x.ID != schema.RequestID {
					names, values = append(names, db.Engine.Quote(x.Column.Name)), append(values, "1")
				}
			}
			names, values = append(names, column(schema.RequestID), column(schema.FromServer)), append(values, "'"+id+"'", "'b'")
			return fmt.Sprintf("INSERT INTO %s (%s, %s) VALUES (%s, %s)", table, strings.Join(names, ", "), column(schema.MasterFlag), strings.Join(values, ", "), rest)
		}
		f.asArdso(insert("SF0000000000001", "0"), insert("SF0000000000002", "1"))
		set := func(id, what string) string {
			return fmt.Sprintf("UPDATE %s SET %s WHERE %s = '%s'", table, what, column(schema.RequestID), id)
		}
		f.refuses(set("SF0000000000001", column(schema.Submitter)+" = 'me'"), "owned by another server")
		f.refuses(set("SF0000000000002", column(schema.FromServer)+" = 'B'"), "\"From Server\" (311)")
		f.passes(set("SF0000000000002", column(schema.Submitter)+" = 'me'"))
		f.refuses(insert("SF0000000000003", "0"), "a new request")
	})
}

// Where the form does not tell who owns a request, dso_owner does.
func TestOwnerFromControlTable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := newForm(t, db, schema.Basic)
		exec(t, db, "INSERT INTO repair (id, dso_master_flag) VALUES ('known', 0), ('unknown', 0)")
		f.install()
		o := control.Owner{OwnerKey: control.OwnerKey{Form: "Repair", Request: "known"}, Chain: "x", Epoch: 1, To: control.OwnerPlace{Server: "b"}}
		if err := control.WriteOwner(t.Context(), db, o); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"UPDATE repair SET summary = 'y' WHERE id = '%s'", "DELETE FROM repair WHERE id = '%s'"} {
			f.refuses(fmt.Sprintf(s, "known"), "owned by another server (b): change it there")
			f.refuses(fmt.Sprintf(s, "unknown"), "owned by another server: change it there")
		}
	})
}

// Where definitions let any user delete copies of a mapping, the guard does: of one that was given away by the mapping that
// it went by, as dso_owner tells, else by the one that it came by. A change of that is one of the guard.
func TestFreeToDelete(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := newForm(t, db, schema.Basic)
		f.install()
		f.rules.GaveFree, f.rules.GaveBound, f.rules.CameFree = []string{"gave"}, []string{"bound"}, []string{"came", `it's \ "odd"`}
		f.is(guard.Outdated)
		f.install()
		const owned = "ardso: this request is owned by another server"
		for _, x := range []struct {
			id, to, from, field string
			passes              bool
		}{
			{"1", "gave", "", "", true},
			{"2", "bound", "", "", false},
			{"3", "gave", "other", "other", true},
			{"4", "bound", "came", "came", false},
			{"5", "back", "came", "came", true},
			{"6", "back", "other", "other", false},
			{"7", "", "", "came", true},
			{"8", "", "", `it's \ "odd"`, true},
			{"9", "", "", "CAME", false},
			{"10", "", "", "", false},
		} {
			field := strings.ReplaceAll(x.field, "'", "''")
			if db.Engine.Dialect == "mysql" {
				field = strings.ReplaceAll(field, `\`, `\\`)
			}
			exec(t, db, "DELETE FROM dso_owner")
			f.asArdso("INSERT INTO repair (id, dso_master_flag, dso_from_mapping) VALUES ('" + x.id + "', 0, '" + field + "')")
			if x.to+x.from != "" {
				o := control.Owner{OwnerKey: control.OwnerKey{Form: "Repair", Request: x.id}, Chain: "x", Epoch: 1, To: control.OwnerPlace{Server: "b", Mapping: x.to}, From: control.OwnerPlace{Server: "b", Mapping: x.from}}
				if err := control.WriteOwner(t.Context(), db, o); err != nil {
					t.Fatal(err)
				}
			}
			f.refuses("UPDATE repair SET summary = 'y' WHERE id = '"+x.id+"'", owned)
			if remove := "DELETE FROM repair WHERE id = '" + x.id + "'"; x.passes {
				f.passes(remove)
			} else {
				f.refuses(remove, owned)
			}
		}
		f.rules = servers
		f.is(guard.Outdated)
	})
}

// What is not as it should be any more is told and renewed, and nothing else is done.
func TestRenew(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := newForm(t, db, schema.Basic)
		f.install()
		exec(t, db, "INSERT INTO repair (id, dso_master_flag) VALUES ('mine', 1)", "ALTER TABLE repair ADD COLUMN dso_current_form varchar(255)")
		f.is(guard.Outdated)
		f.install()
		f.refuses("UPDATE repair SET dso_current_form = 'x'", "Current Form")

		drop := "DROP TRIGGER dso_guard_repair_u"
		if db.Engine.Dialect == "postgres" {
			drop += " ON repair"
		}
		exec(t, db, drop)
		f.is(guard.Outdated)
		f.passes("UPDATE repair SET dso_current_form = NULL")
		f.install()
		f.refuses("UPDATE repair SET dso_current_form = 'x'", "Current Form")
		if db.Engine.Dialect == "postgres" {
			exec(t, db, "ALTER TABLE repair DISABLE TRIGGER dso_guard_repair_u")
			f.is(guard.Disabled)
			f.install()
		}

		exec(t, db, "ALTER TABLE repair RENAME TO old", "ALTER TABLE old RENAME TO repair")
		f.is(guard.Guarded)
	})
}

// A form without a Master Flag is refused; removing what is not there does nothing.
func TestNoMasterFlag(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		f := newForm(t, db, 0)
		var missing *guard.NoMasterFlagError
		if _, err := f.read().Install(); !errors.As(err, &missing) || !strings.Contains(missing.Remedy(), "ardso fields add") {
			t.Errorf("got %v", err)
		}
		if steps, err := f.read().Remove(); err != nil || len(steps) > 0 {
			t.Errorf("remove: got %v, %v", steps, err)
		}
	})
}

// Triggers of users stay. Where a table has room for one, the guard is merged into it by hand.
func TestUsersTriggers(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("mariadb10.11", "mysql5.6") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			f := newForm(t, db, schema.Full)
			exec(t, db, "CREATE TRIGGER users_own BEFORE UPDATE ON repair FOR EACH ROW SET NEW.summary = UPPER(NEW.summary)",
				"INSERT INTO repair (id, summary, dso_master_flag) VALUES ('mine', 'x', 1), ('away', 'x', 0)")
			g := f.read()
			steps, err := g.Install()
			if name == "mariadb10.11" {
				if err != nil {
					t.Fatal(err)
				}
				f.apply(g, steps)
				f.is(guard.Guarded)
				return
			}
			var taken *guard.PlaceTakenError
			if !errors.As(err, &taken) || taken.Trigger != "users_own" || taken.Place != "BEFORE UPDATE" {
				t.Fatalf("got %v", err)
			}
			exec(t, db, "DROP TRIGGER users_own",
				"CREATE TRIGGER users_own BEFORE UPDATE ON repair FOR EACH ROW BEGIN\n  "+taken.Ours+";\n  SET NEW.summary = UPPER(NEW.summary);\nEND")
			if n := f.install(); n != 2 {
				t.Errorf("%d steps, want the two others", n)
			}
			f.refuses("UPDATE repair SET summary = 'y' WHERE id = 'away'", "owned by another server")
			f.passes("UPDATE repair SET summary = 'y' WHERE id = 'mine'")

			exec(t, db, "ALTER TABLE repair DROP COLUMN dso_from_pool")
			f.is(guard.Outdated)
			if _, err := f.read().Install(); !errors.As(err, &taken) {
				t.Errorf("a merged one of another version: got %v", err)
			}
			g = f.read()
			var merged *guard.MergedError
			if steps, err = g.Remove(); !errors.As(err, &merged) || !slices.Equal(merged.Triggers, []string{"users_own"}) {
				t.Errorf("remove: got %v", err)
			}
			f.apply(g, steps)
			f.is(guard.Outdated)
		})
	}
}

// A user who lacks privileges is told the least that is needed, and that is enough.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("postgres15", "mariadb10.11", "mysql5.6") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin := dbtest.New(t, name)
			newForm(t, admin, schema.Full)
			const user, password = "ardso_guards", "Guards-1"
			tables := admin.Engine.Quote(admin.Schema) + ".*"
			create := []string{"CREATE USER " + user + " IDENTIFIED BY '" + password + "'", "GRANT SELECT, INSERT, UPDATE, DELETE ON " + tables + " TO " + user}
			drop := []string{"DROP USER " + user, "SET GLOBAL log_bin_trust_function_creators = OFF"}
			if admin.Engine.Dialect == "postgres" {
				create = []string{"CREATE ROLE " + user + " LOGIN PASSWORD '" + password + "'", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + user}
				drop = []string{"DROP OWNED BY " + user + " CASCADE", "DROP ROLE " + user}
			}
			exec(t, admin, create...)
			defer exec(t, admin, drop...)
			c := admin.Config()
			u := *admin.URL
			u.User = nil
			c.URL, c.Password = u.Scheme+"://"+user+"@"+u.Host+u.Path+"?"+u.RawQuery, password
			db, err := engine.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			f := &form{t, db, plain, servers}
			for range 3 {
				g := f.read()
				steps, err := g.Install()
				if err != nil {
					t.Fatal(err)
				}
				err = g.Apply(t.Context(), steps, 0, func(guard.Step) {})
				if err == nil {
					break
				}
				var denied *guard.StepError
				if !errors.As(err, &denied) || denied.Name() != "guard.denied" {
					t.Fatal(err)
				}
				exec(t, admin, strings.Split(denied.Privilege, "; ")...)
			}
			f.is(guard.Guarded)
			exec(t, admin, "INSERT INTO repair (id, dso_master_flag) VALUES ('mine', 1)")
			f.refuses("UPDATE repair SET dso_master_flag = 0", "Master Flag")
			g := f.read()
			steps, err := g.Remove()
			if err != nil {
				t.Fatal(err)
			}
			f.apply(g, steps)
			f.is(guard.None)
		})
	}
}

// Nobody waits long behind a CREATE TRIGGER that waits for somebody's transaction.
func TestLocked(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("postgres15", "mariadb10.11", "mysql5.6") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newForm(t, dbtest.New(t, name), schema.Full)
			tx, err := f.db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec("INSERT INTO repair (id) VALUES ('x')"); err != nil {
				t.Fatal(err)
			}
			g := f.read()
			steps, err := g.Install()
			if err != nil {
				t.Fatal(err)
			}
			var locked *guard.StepError
			err = g.Apply(t.Context(), steps, time.Second, func(s guard.Step) { t.Logf("done: %s", s.What) })
			if !errors.As(err, &locked) || locked.Name() != "guard.locked" {
				t.Errorf("got %v, want guard.locked", err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			f.install()
		})
	}
}

// MariaDB and MySQL take 128 characters of a message.
func TestMessagesFit(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("mariadb10.11", "mysql5.6") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			f := newForm(t, db, schema.Full)
			exec(t, db, "INSERT INTO repair (id, dso_master_flag, dso_current_server) VALUES ('away', 0, '"+strings.Repeat("ж", 40)+"')")
			f.install()
			f.refuses("DELETE FROM repair", strings.Repeat("ж", 40)+"): change it there, or have it returned")
		})
	}
}

// The statements of each engine, as --dry-run shows them.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("postgres15", "mariadb10.11", "sqlite") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			var b strings.Builder
			free := servers
			free.GaveFree, free.GaveBound, free.CameFree = []string{"m2", "m1"}, []string{"strict"}, []string{"it's m1"}
			for _, x := range []struct {
				title string
				group schema.FieldGroup
				rules guard.Rules
				only  string
			}{{"basic", schema.Basic, servers, ""}, {"full", schema.Full, servers, ""}, {"free to delete", schema.Full, free, "DELETE ON"}} {
				f := newForm(t, db, x.group)
				f.rules = x.rules
				steps, err := f.read().Install()
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range steps {
					if strings.Contains(s.SQL(), x.only) || x.only != "" && strings.Contains(s.SQL(), "m2") {
						fmt.Fprintf(&b, "-- %s: %s\n%s\n", x.title, s.What, s.SQL())
					}
				}
				exec(t, db, "DROP TABLE repair")
			}
			got := strings.ReplaceAll(b.String(), db.Engine.Quote(db.Schema)+".", "")
			file := filepath.Join("testdata", db.Engine.Dialect+".sql")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
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
