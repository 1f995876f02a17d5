package preflight_test

import (
	"fmt"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/preflight"
	"ardso/sql/schema"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestClockAndDurability(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		offset, uncertain, err := preflight.ClockOffset(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		// The servers of the tests run on this machine, in a time zone of their own.
		if limit := time.Second + uncertain; offset.Abs() > limit {
			t.Errorf("clock offset: got %s, want less than %s", offset, limit)
		}
		if _, err := preflight.Undurable(t.Context(), db); err != nil {
			t.Error(err)
		}
		if err := preflight.Writable(t.Context(), db); err != nil {
			t.Error(err)
		}
	})
}

// A user who may only read a table is told so, for each kind of writing.
func TestDenied(t *testing.T) {
	grants := map[string][]string{
		"postgres": {
			"CREATE ROLE %[1]s LOGIN PASSWORD '%[2]s'", "GRANT USAGE ON SCHEMA %[3]s TO %[1]s", "GRANT SELECT, INSERT ON t TO %[1]s",
		},
		"mysql": {"CREATE USER '%[1]s'@'%%' IDENTIFIED BY '%[2]s'", "GRANT SELECT, INSERT ON t TO '%[1]s'@'%%'"},
	}
	drops := map[string][]string{
		"postgres": {"DROP OWNED BY %[1]s", "DROP ROLE %[1]s"},
		"mysql":    {"DROP USER '%[1]s'@'%%'"},
	}
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(10))"); err != nil {
			t.Fatal(err)
		}
		table := &schema.Table{Schema: db.Schema, Name: "t", Columns: []*schema.Column{{Name: "id"}, {Name: "a"}}}
		kinds := []string{"INSERT", "UPDATE", "DELETE"}
		if got, err := preflight.Denied(t.Context(), db, table, kinds...); err != nil || len(got) > 0 {
			t.Fatalf("as administrator: got %v, %v, want nothing denied", got, err)
		}
		if grants[db.Engine.Dialect] == nil {
			return
		}
		const user, password = "ardso_reads", "Only-reads-1"
		run := func(list []string) {
			for _, s := range list {
				if _, err := db.Exec(fmt.Sprintf(s, user, password, db.Engine.Quote(db.Schema))); err != nil {
					t.Fatal(err)
				}
			}
		}
		run(grants[db.Engine.Dialect])
		defer run(drops[db.Engine.Dialect])
		c := db.Config()
		u := *db.URL
		u.User = nil
		c.URL = u.Scheme + "://" + user + "@" + u.Host + u.Path + "?" + u.RawQuery
		c.Password = password
		reader, err := engine.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = reader.Close() }()
		got, err := preflight.Denied(t.Context(), reader, table, kinds...)
		if want := "[UPDATE DELETE]"; err != nil || fmt.Sprint(got) != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	})
}
