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
	"ardso/sql/schema"

	"github.com/google/go-cmp/cmp"
)

// findings are "severity name" of all but those that the servers under test always have.
func (s *source) findings(t *testing.T, tables ...string) []string {
	t.Helper()
	var of []*schema.Table
	for _, name := range tables {
		of = append(of, s.keyed(name))
	}
	all, err := Check(t.Context(), s.db, of, s.o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		if f.Text == "" || f.Server != s.db.Server || (f.Remedy == "") != (f.Severity == cdc.Note) {
			t.Errorf("got finding %+v", f)
		}
		if f.Name == "binlog.durability" || f.Name == "binlog.row_metadata" && f.Severity == cdc.Note {
			continue // servers under test may be told not to wait for the disk; MySQL 5.6 names no columns
		}
		names = append(names, f.Severity.String()+" "+f.Name)
	}
	return names
}

// TestRulesLive starts servers with the settings that rules are about (MS-13, MS-14, MS-21).
func TestRulesLive(t *testing.T) {
	tests := []struct {
		server   string
		settings []string
		want     []string
	}{
		{"mariadb10.11", nil, nil},
		{"mariadb11.8", nil, nil},
		{"mysql5.6", nil, nil},
		{"mariadb10.11", []string{"skip-log-bin"}, []string{"error binlog.log_bin"}},
		{"mysql5.6", []string{"skip-log-bin", "gtid-mode=OFF", "enforce-gtid-consistency=OFF", "log-slave-updates=OFF"}, []string{"error binlog.log_bin", "warning binlog.gtid"}},
		{"mariadb11.8", []string{"binlog-format=MIXED"}, []string{"error binlog.format"}},
		{"mysql5.6", []string{"binlog-format=STATEMENT"}, []string{"error binlog.format"}},
		{"mariadb10.11", []string{"binlog-row-image=NOBLOB"}, []string{"error binlog.row_image"}},
		{"mariadb10.11", []string{"binlog-row-metadata=MINIMAL"}, []string{"error binlog.row_metadata"}},
		{"mariadb10.11", []string{"binlog-do-db=another"}, []string{"error binlog.filter"}},
		{"mariadb11.8", []string{"binlog-ignore-db=t1"}, []string{"error binlog.filter"}},
		{"mysql5.6", []string{"binlog-do-db=t1"}, []string{"warning binlog.filter"}},
		{"mariadb10.11", []string{"gtid-strict-mode=OFF"}, []string{"warning binlog.gtid"}},
		{"mysql5.6", []string{"gtid-mode=OFF", "enforce-gtid-consistency=OFF"}, []string{"warning binlog.gtid"}},
		{"mariadb10.11", []string{"binlog-expire-logs-seconds=3600"}, []string{"warning binlog.retention"}},
		{"mariadb11.8", []string{"max-binlog-total-size=1000000"}, []string{"warning binlog.retention", "note binlog.retention"}},
		{"mariadb10.11", []string{"expire-logs-days=0.5"}, []string{"warning binlog.retention"}},
		{"mysql5.6", []string{"expire-logs-days=2"}, nil},
		{"mariadb10.11", []string{"log-slave-updates=OFF"}, nil}, // no replica
	}
	for _, tt := range tests {
		if !slices.Contains(live, tt.server) {
			continue
		}
		t.Run(strings.Join(append([]string{tt.server}, tt.settings...), " "), func(t *testing.T) {
			t.Parallel()
			s := &source{db: dbtest.Server(t, tt.server, tt.settings...).Database(t)}
			s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY)")
			if diff := cmp.Diff(tt.want, s.findings(t, "item")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRulesOfTables looks at tables that cannot be read, or not well.
func TestRulesOfTables(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		for _, q := range []string{
			"CREATE TABLE item (id integer PRIMARY KEY)",
			"CREATE TABLE keyless (id integer)",
			"CREATE TABLE old (id integer PRIMARY KEY) ENGINE = MyISAM",
			"CREATE VIEW seen AS SELECT * FROM item",
		} {
			s.exec(t, q)
		}
		want := []string{"error binlog.table", "error binlog.table", "error binlog.primary_key", "warning binlog.engine"}
		if diff := cmp.Diff(want, s.findings(t, "item", "keyless", "old", "seen", "missing")); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		// Names heed case on these servers, and information_schema does not (MD-18).
		if diff := cmp.Diff([]string{"error binlog.table"}, s.findings(t, "ITEM")); diff != "" {
			t.Errorf("in other case: findings (-want +got):\n%s", diff)
		}
	})
}

// TestRules tries the rules that take a server of another version, or a state that is hard to bring about.
func TestRules(t *testing.T) {
	good := func() *facts {
		return &facts{
			o: Options{ServerID: 7}, schema: "app", server: "a",
			engine: &engine.Engine{Name: "mysql", Version: 80400},
			state: binlog.State{
				LogBin: true, ServerID: 1, Format: "ROW", RowImage: "FULL", RowMetadata: "FULL", LogUpdates: "ON",
				SyncBinlog: "1", FlushLog: "1", GTIDMode: "ON", ExpireSeconds: 86400,
			},
			log:     binlog.Log{Known: true, File: "binlog.000001", Files: []binlog.File{{Name: "binlog.000001", Size: 4 << 30}}},
			account: binlog.Account{Name: "ardso@%", Privileges: map[string]bool{"REPLICATION SLAVE": true}},
		}
	}
	tests := []struct {
		name string
		make func(*facts)
		want string // severity and rule
	}{
		{"good", func(*facts) {}, ""},
		{"no metadata in this version", func(f *facts) { f.state.RowMetadata = "" }, "note binlog.row_metadata"},
		{"full without doubles", func(f *facts) { f.state.RowImage = "FULL_NODUP" }, "error binlog.row_image"},
		{"partial JSON", func(f *facts) { f.state.RowValueOptions = "PARTIAL_JSON" }, "error binlog.row_value_options"},
		{"GTIDs of some", func(f *facts) { f.state.GTIDMode = "ON_PERMISSIVE" }, "warning binlog.gtid warning binlog.file_size"},
		{"ignored in other case", func(f *facts) { f.log.IgnoreDB, f.state.Fold = []string{"APP"}, true }, "error binlog.filter"},
		{"server without a number", func(f *facts) { f.state.ServerID = 0 }, "error binlog.server_id"},
		{"number of the server", func(f *facts) { f.o.ServerID = 1 }, "error binlog.server_id"},
		{"number of a replica", func(f *facts) { f.replicas = []binlog.Replica{{ServerID: 7, Host: "db2"}} }, "error binlog.server_id"},
		{"our own", func(f *facts) { f.replicas = []binlog.Replica{{ServerID: 7, Host: "ardso-a"}} }, ""},
		{"replica that does not log", func(f *facts) { f.state.LogUpdates, f.replica, f.knowsReplica = "OFF", true, true }, "warning binlog.log_updates"},
		{"may be a replica", func(f *facts) { f.state.LogUpdates = "OFF" }, "note binlog.log_updates"},
		{"not durable", func(f *facts) { f.state.SyncBinlog = "0" }, "warning binlog.durability"},
		{"prepared XA", func(f *facts) { f.prepared = 1 }, "note binlog.xa"},
		{"a role may have it", func(f *facts) { f.account.Privileges = nil }, "warning binlog.privilege"},
		{"no privilege", func(f *facts) { f.account.Privileges, f.log = nil, binlog.Log{} }, "error binlog.privilege"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := good()
			tt.make(f)
			var got []string
			for _, r := range rules {
				for _, v := range r.judge(f) {
					got = append(got, v.severity.String()+" "+r.name)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

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
		printed, err := Grants(t.Context(), as.db, s.tables)
		if diff := cmp.Diff(grants, printed); err != nil || diff != "" {
			t.Errorf("printed (-want +got):\n%s, error %v", diff, err)
		}
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		s.exec(t, "ALTER TABLE item ADD note varchar(10)")
		s.exec(t, "INSERT INTO item VALUES (2, 'b', 'n')")
		reader := New(as.db, s.tables, s.o)
		got, err := s.readBy(t, reader, from)
		if err != nil || len(got) != 2 {
			t.Errorf("got %d transactions and error %v", len(got), err)
		}
		if got := as.findings(t, "item"); got != nil {
			t.Errorf("got findings %q", got)
		}
		if b, err := Backlog(t.Context(), as.db, from, s.o); err != nil || b.Behind < 3 {
			t.Errorf("backlog: got %+v and error %v", b, err)
		}

		_, all, _ := strings.Cut(grants[0], "GRANT ")
		what, user, _ := strings.Cut(all, " TO ")
		s.exec(t, "REVOKE "+what+" FROM "+user)
		if got := as.findings(t, "item"); !slices.Equal(got, []string{"error binlog.privilege"}) {
			t.Errorf("after %s was taken away: got findings %q", what, got)
		}
		if _, err := s.readBy(t, New(as.db, s.tables, s.o), from); as.db.Engine.Class(err) != engine.Denied {
			t.Errorf("after %s was taken away: got error %v", what, err)
		}
	})
}
