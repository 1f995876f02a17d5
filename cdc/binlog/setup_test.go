package binlog

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
	"ardso/sql/engine"
)

// user makes a user without privileges and opens the database as that user.
func (s *source) user(t *testing.T, grants func(user string) []string) *source {
	t.Helper()
	name := "least_" + s.db.Schema
	quoted := "'" + name + "'@'127.0.0.1'"
	s.exec(t, "CREATE USER "+quoted+" IDENTIFIED BY 'Least-1'")
	t.Cleanup(func() {
		if _, err := s.db.ExecContext(context.WithoutCancel(t.Context()), "DROP USER "+quoted); err != nil {
			t.Error(err)
		}
	})
	for _, q := range grants(quoted) {
		s.exec(t, q)
	}
	c := s.db.Config()
	u := *s.db.URL
	u.User = url.User(name)
	c.URL, c.Password = u.String(), "Least-1"
	db, err := engine.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	as := *s
	as.db = db
	return &as
}

// TestLeastPrivileges reads as a user that has what Grants prints and nothing else, and takes one away.
func TestLeastPrivileges(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		shapes := s.db.Engine.Name == "mysql"
		var grants []string
		as := s.user(t, func(user string) []string {
			grants = binlog.Grants(s.db.Engine, user, s.db.Schema, []string{"item", cdc.CheckpointTable, cdc.WatermarkTable}, shapes)
			return grants
		})
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		s.exec(t, "ALTER TABLE item ADD note varchar(10)")
		s.exec(t, "INSERT INTO item VALUES (2, 'b', 'n')")
		reader := New(as.db, s.tables, s.o)
		got, err := s.readBy(t, reader, from)
		if err != nil || len(got) != 2 {
			t.Errorf("got %d transactions and error %v", len(got), err)
		}
		wantFindings(t, "as granted", as.findings(t, s.keyed("item")))
		if _, err := Start(t.Context(), as.db, s.tables, s.o); err != nil {
			t.Errorf("start: %v", err)
		}
		if b, err := Backlog(t.Context(), as.db, from, s.o); err != nil || b.Behind < 3 {
			t.Errorf("backlog: got %+v and error %v", b, err)
		}

		_, all, _ := strings.Cut(grants[0], "GRANT ")
		what, user, _ := strings.Cut(all, " TO ")
		s.exec(t, "REVOKE "+what+" FROM "+user)
		as.db.SetMaxIdleConns(0) // sessions keep the privileges that they began with
		found, err := Check(t.Context(), as.db, s.tables, s.o)
		i := slices.IndexFunc(found, func(f cdc.Finding) bool { return f.Name == "binlog.privilege" })
		if err != nil || i < 0 || found[i].Severity != cdc.Error {
			t.Errorf("after %s was taken away: got findings %+v and error %v", what, found, err)
		} else if said := strings.Split(found[i].Remedy, "; "); !sameSet(said, grants) {
			t.Errorf("remedy: got %q, want %q", said, grants)
		}
		if _, err := s.readBy(t, New(as.db, s.tables, s.o), from); as.db.Engine.Class(err) != engine.Denied {
			t.Errorf("after %s was taken away: got error %v", what, err)
		}
	})
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// TestLeastPrivilegesOfRole checks as a user who may read by a role of MariaDB.
func TestLeastPrivilegesOfRole(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	for _, name := range dbtest.Have("mariadb10.11") {
		s := newSourceOn(t, dbtest.Server(t, name).Database(t))
		s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY)")
		as := s.user(t, func(user string) []string {
			grants := binlog.Grants(s.db.Engine, "reader", s.db.Schema, []string{"item", cdc.CheckpointTable, cdc.WatermarkTable}, false)
			return append(
				append([]string{"CREATE ROLE reader"}, grants...),
				"GRANT SELECT ON "+s.db.Engine.Table(s.db.Schema, "item")+" TO "+user, // a role is none before the database is open
				"GRANT reader TO "+user, "SET DEFAULT ROLE reader FOR "+user,
			)
		})
		wantFindings(t, "by a role", as.findings(t, s.keyed("item")))
	}
}
