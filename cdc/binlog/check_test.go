package binlog

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// findings are what Check says, without what it is about: "error binlog.format".
func findings(t *testing.T, db *engine.DB, tables []*schema.Table, o Options) []string {
	t.Helper()
	all, err := Check(t.Context(), db, tables, o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		if f.Text == "" || f.Server != db.Server || (f.Remedy == "") != (f.Severity == cdc.Note) || strings.Contains(f.Text+f.Remedy, "%!") {
			t.Errorf("got finding %+v", f)
		}
		names = append(names, f.Severity.String()+" "+f.Name)
	}
	return names
}

func wantFindings(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// A server that is set up as documented is found fit; unfit tables on it are not (MS-21, MD-18).
func TestCheck(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		state, err := binlog.ReadState(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		var always []string // of such a server
		if !state.HasRowMetadata() {
			always = append(always, "note binlog.row_metadata")
		}
		if state.SyncBinlog != "1" || state.FlushLog != "1" { // tests in a hurry
			always = append(always, "warning binlog.durability")
		}
		s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY, n integer)")
		s.exec(t, "CREATE TABLE keyless (n integer)")
		s.exec(t, "CREATE TABLE crowd (id integer PRIMARY KEY) ENGINE = MyISAM")
		s.exec(t, "CREATE VIEW seen AS SELECT * FROM item")
		item := s.keyed("item")
		wantFindings(t, "as documented", findings(t, s.db, []*schema.Table{item}, s.o), always...)
		tests := []struct {
			name string
			t    *schema.Table
			want string
		}{
			{"missing", &schema.Table{Name: "missing"}, "error binlog.table"},
			{"view", &schema.Table{Name: "seen"}, "error binlog.table"},
			{"no key at all", &schema.Table{Name: "keyless"}, "error binlog.primary_key"},
			{"named by the definitions", &schema.Table{Name: "keyless", Key: []string{"n"}}, "note binlog.primary_key"},
			{"no transactions", s.keyed("crowd"), "warning binlog.engine"},
		}
		for _, tt := range tests {
			wantFindings(t, tt.name, findings(t, s.db, []*schema.Table{item, tt.t}, s.o), append(slices.Clone(always), tt.want)...)
		}
		same := s.o
		same.ServerID = state.ServerID
		if got := findings(t, s.db, []*schema.Table{item}, same); !slices.Contains(got, "error binlog.server_id") {
			t.Errorf("the server's own number: got %q", got)
		}
	})
}

// A replica under our number is found, where the user may see it (MS-5).
func TestCheckReplica(t *testing.T) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSourceOn(t, dbtest.Server(t, name).Database(t))
			from := s.item(t)
			other := s.o
			other.ServerID = s.o.withDefaults(s.db).ServerID
			stranger := *s.db
			stranger.Server = "stranger"
			was := s.db
			s.db = &stranger
			s.o.ServerID = other.ServerID
			_, done, stop := s.following(t, from)
			s.awaitReplica(t, done)
			if got := findings(t, was, s.tables, other); !slices.Contains(got, "error binlog.server_id") {
				t.Errorf("another under our number: got %q", got)
			}
			stop()
		})
	}
}

// awaitReplica waits until the server lists a replica under the name of s.
func (s *source) awaitReplica(t *testing.T, done <-chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case err := <-done:
			t.Fatalf("the reader ended: %v", err)
		default:
		}
		all, _, err := binlog.ReadReplicas(ctx, s.db)
		if err != nil {
			t.Fatalf("wait for a replica: %v", err)
		}
		if slices.ContainsFunc(all, func(r binlog.Replica) bool { return r.Host == replicaHost(s.db.Server) }) {
			return
		}
	}
}

// Each setting that keeps a reader from its work, or makes it unsafe, is found (MS-13, MS-14, MS-19, MS-22).
func TestCheckSettings(t *testing.T) {
	const replica = "slave-connections-needed-for-purge"
	tests := []struct {
		name, server string
		settings     []string
		prepare      []string
		want         []string
	}{
		{
			"weak log", "mariadb10.11",
			[]string{
				"binlog-format=MIXED", "binlog-row-image=MINIMAL", "binlog-row-metadata=MINIMAL", "gtid-strict-mode=OFF",
				"binlog-expire-logs-seconds=3600", "binlog-ignore-db=elsewhere", "sync-binlog=0", "log-slave-updates=OFF",
			},
			[]string{
				"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1", // which makes it a replica
				"CREATE TABLE two (id integer PRIMARY KEY)",
			},
			[]string{
				"error binlog.format", "error binlog.row_image", "error binlog.row_metadata", "warning binlog.filter",
				"warning binlog.gtid", "warning binlog.log_updates", "warning binlog.retention", "warning binlog.durability",
				"warning binlog.xa",
			},
		},
		{
			"newer settings", "mariadb11.8",
			[]string{
				"binlog-row-image=FULL_NODUP", "max-binlog-total-size=1G", replica + "=1", "binlog-do-db=elsewhere",
			},
			nil,
			[]string{
				"error binlog.row_image", "error binlog.filter", "warning binlog.retention", "note binlog.retention",
				"warning binlog.xa",
			},
		},
		{
			"no GTIDs", "mysql5.6",
			[]string{
				"gtid-mode=OFF", "enforce-gtid-consistency=OFF", "binlog-row-image=NOBLOB", "binlog-format=MIXED",
				"innodb-flush-log-at-trx-commit=2", "log-slave-updates=OFF", "expire-logs-days=2",
			},
			nil,
			[]string{
				"error binlog.format", "error binlog.row_image", "note binlog.row_metadata",
				"warning binlog.gtid", "warning binlog.durability", "warning binlog.xa",
			},
		},
		{
			"no log", "mysql5.6",
			[]string{"skip-log-bin", "gtid-mode=OFF", "enforce-gtid-consistency=OFF", "log-slave-updates=OFF"},
			nil,
			[]string{"error binlog.log_bin", "note binlog.row_metadata", "warning binlog.gtid", "warning binlog.xa"},
		},
	}
	for _, tt := range tests {
		if !slices.Contains(live, tt.server) {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.Server(t, tt.server, tt.settings...).Database(t)
			s := &source{db: db}
			s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY)")
			for _, q := range tt.prepare {
				s.exec(t, q)
			}
			run := s.session(t, "XA START 'open'", "INSERT INTO item VALUES (1)", "XA END 'open'", "XA PREPARE 'open'")
			got := findings(t, db, []*schema.Table{s.keyed("item")}, Options{})
			run("XA ROLLBACK 'open'")
			// A run in a hurry makes commits unsafe on all servers.
			if !slices.Contains(tt.want, "warning binlog.durability") {
				got = slices.DeleteFunc(got, func(f string) bool { return f == "warning binlog.durability" })
			}
			wantFindings(t, strings.Join(tt.settings, " "), got, tt.want...)
		})
	}
}

// TestCheckRules tries the rules that take a server that is not at hand.
func TestCheckRules(t *testing.T) {
	good := func() *facts {
		return &facts{
			o: Options{ServerID: 7}, engine: dbEngine(t, "mysql://root@host/app"), schema: "app", server: "a",
			state: binlog.State{
				LogBin: true, ServerID: 1, Format: "ROW", RowImage: "FULL", RowMetadata: "FULL", LogUpdates: "ON",
				SyncBinlog: "1", FlushLog: "1", GTIDMode: "ON",
			},
			log:          binlog.Log{Known: true},
			account:      binlog.Account{Name: "ardso@%", Privileges: map[string]bool{"REPLICATION SLAVE": true}},
			seesReplicas: true,
			tables:       []checked{{Table: binlog.Table{Name: "t", Found: true, Type: "BASE TABLE", Engine: "InnoDB", HasKey: true, CanSelect: true}}},
		}
	}
	tests := []struct {
		name string
		make func(*facts)
		want string
	}{
		{"good", func(*facts) {}, ""},
		{"partial JSON", func(f *facts) { f.state.RowValueOptions = "PARTIAL_JSON" }, "error binlog.row_value_options"},
		{"GTIDs on their way", func(f *facts) { f.state.GTIDMode = "ON_PERMISSIVE" }, "warning binlog.gtid"},
		{"large file", func(f *facts) {
			f.state.GTIDMode, f.log.Files = "OFF", []binlog.File{{Name: "b.000001", Size: 4 << 30}}
		}, "warning binlog.gtid warning binlog.file_size"},
		{"large file with GTIDs", func(f *facts) { f.log.Files = []binlog.File{{Name: "b.000001", Size: 4 << 30}} }, ""},
		{"a role replicates", func(f *facts) { f.account.Privileges = nil }, ""},
		{"nobody replicates", func(f *facts) { f.account.Privileges, f.seesReplicas = nil, false }, "error binlog.privilege"},
		{"all privileges", func(f *facts) {
			f.account.Privileges, f.seesReplicas = map[string]bool{"ALL PRIVILEGES": true}, false
		}, ""},
		{"log not seen", func(f *facts) { f.log = binlog.Log{} }, "error binlog.privilege"},
		{"case of a filter", func(f *facts) { f.log.IgnoreDB, f.state.Fold = []string{"APP"}, true }, "error binlog.filter"},
		{"another database's filter", func(f *facts) { f.log.IgnoreDB = []string{"APP"} }, "warning binlog.filter"},
		{"ours is logged alone", func(f *facts) { f.log.DoDB = []string{"app"} }, "warning binlog.filter"},
		{"no updates, perhaps a replica", func(f *facts) { f.state.LogUpdates = "OFF" }, "note binlog.log_updates"},
		{"no updates, no replica", func(f *facts) { f.state.LogUpdates, f.knowsReplica = "OFF", true }, ""},
		{"kept for a day", func(f *facts) { f.state.ExpireSeconds = 86400 }, ""},
		{"kept for less", func(f *facts) { f.state.ExpireSeconds = 86399 }, "warning binlog.retention"},
		{"may not select", func(f *facts) { f.tables[0].CanSelect = false }, "error binlog.table"},
		{"no number", func(f *facts) { f.state.ServerID = 0 }, "error binlog.server_id"}, // newer servers make a 1 of it
		{"our number", func(f *facts) { f.replicas = []binlog.Replica{{ServerID: 7, Host: "x"}} }, "error binlog.server_id"},
		{"ourselves", func(f *facts) { f.replicas = []binlog.Replica{{ServerID: 7, Host: "ardso-a"}} }, ""},
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

func dbEngine(t *testing.T, text string) *engine.Engine {
	t.Helper()
	e, _, err := engine.ForURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// as opens the database of s as another user.
func (s *source) as(t *testing.T, user, password string) *engine.DB {
	t.Helper()
	c := s.db.Config()
	u := *s.db.URL
	u.User = url.User(user)
	c.URL, c.Password = u.String(), password
	db, err := engine.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// user makes a user with a password and returns it as GRANT takes it.
func (s *source) user(t *testing.T, name, password string) string {
	t.Helper()
	quoted := "'" + name + "'@'%'"
	s.exec(t, "CREATE USER "+quoted+" IDENTIFIED BY '"+password+"'")
	t.Cleanup(func() {
		if _, err := s.db.ExecContext(context.WithoutCancel(t.Context()), "DROP USER "+quoted); err != nil {
			t.Errorf("drop user %s: %v", name, err)
		}
	})
	return quoted
}

// TestLeastPrivileges checks, begins and reads as a user who has what Grants says and nothing else; with less, check
// says what to grant.
func TestLeastPrivileges(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY, name varchar(200), colour enum('red','blue'))")
		s.tables = []*schema.Table{s.keyed("item")}
		name := s.db.Schema[max(0, len(s.db.Schema)-10):] // MySQL 5.6 has 16 characters for it
		quoted := s.user(t, "r_"+name, "Least-1")
		state, err := binlog.ReadState(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		grants := binlog.Grants(s.db.Engine, quoted, s.db.Schema,
			[]string{cdc.CheckpointTable, cdc.WatermarkTable, "item"}, !state.HasRowMetadata())
		s.exec(t, grants[len(grants)-1]) // or the user may not even open the database
		poor := s.as(t, "r_"+name, "Least-1")
		all, err := Check(t.Context(), poor, s.tables, s.o)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(f cdc.Finding) bool { return f.Name == "binlog.privilege" })
		if i < 0 || all[i].Severity != cdc.Error || all[i].Remedy != strings.Join(grants, "; ") {
			t.Errorf("too little: got %+v, want the remedy %q", all, grants)
		}
		if _, err := Backlog(t.Context(), poor, "", s.o); err != nil && !errors.As(err, new(*cdc.PositionLostError)) {
			t.Errorf("backlog with too little: got error %v", err)
		}
		for _, q := range grants {
			s.exec(t, q)
		}
		rich := s.as(t, "r_"+name, "Least-1")
		for _, f := range findings(t, rich, s.tables, s.o) {
			if !strings.HasPrefix(f, "note ") && f != "warning binlog.durability" {
				t.Errorf("all that is needed: got %s", f)
			}
		}
		start, err := Start(t.Context(), rich, s.tables, s.o)
		if err != nil {
			t.Fatalf("start: %v", err)
		}
		s.exec(t, "INSERT INTO item VALUES (1, 'desk', 'blue')")
		got, err := s.readBy(t, New(rich, s.tables, s.o), start)
		if err != nil {
			t.Errorf("read: %v", err)
		}
		wantLines(t, got, "insert item [] -> [1 desk blue]\n---")
		if b, err := Backlog(t.Context(), rich, start, s.o); err != nil || b.Behind < 1 {
			t.Errorf("backlog: got %+v and error %v", b, err)
		}
	})
}

// TestLeastPrivilegesOfRole checks as a user who may read by a role of MariaDB.
func TestLeastPrivilegesOfRole(t *testing.T) {
	for _, name := range dbtest.Have("mariadb10.11") {
		t.Run(name, func(t *testing.T) {
			s := newSourceOn(t, dbtest.Server(t, name).Database(t))
			s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY)")
			s.tables = []*schema.Table{s.keyed("item")}
			quoted := s.user(t, "by_role", "Least-1")
			s.exec(t, "CREATE ROLE reader")
			for _, q := range binlog.Grants(s.db.Engine, "reader", s.db.Schema, []string{cdc.CheckpointTable, cdc.WatermarkTable, "item"}, false) {
				s.exec(t, q)
			}
			s.exec(t, "GRANT reader TO "+quoted)
			s.exec(t, "SET DEFAULT ROLE reader FOR "+quoted)
			for _, f := range findings(t, s.as(t, "by_role", "Least-1"), s.tables, s.o) {
				if strings.HasPrefix(f, "error ") {
					t.Errorf("got %s", f)
				}
			}
		})
	}
}
