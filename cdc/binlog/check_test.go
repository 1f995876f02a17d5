package binlog

import (
	"slices"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// findings are what Check says, as "error binlog.format", but for what these servers always have.
func (s *source) findings(t *testing.T, tables ...*schema.Table) []string {
	t.Helper()
	all, err := Check(t.Context(), s.db, tables, s.o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		if f.Text == "" || f.Server != s.db.Server || (f.Remedy == "") != (f.Severity == cdc.Note) || strings.Contains(f.Text+f.Remedy, "%!") {
			t.Errorf("got finding %+v", f)
		}
		if f.Name == "binlog.durability" || f.Name == "binlog.row_metadata" && f.Severity == cdc.Note {
			continue // tests may be told not to wait for the disk; MySQL 5.6 names no columns
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
		for _, q := range []string{
			"CREATE TABLE item (id integer PRIMARY KEY, n integer)",
			"CREATE TABLE keyless (n integer)",
			"CREATE TABLE crowd (id integer PRIMARY KEY) ENGINE = MyISAM",
			"CREATE VIEW seen AS SELECT * FROM item",
		} {
			s.exec(t, q)
		}
		item := s.keyed("item")
		wantFindings(t, "as documented", s.findings(t, item))
		for _, tt := range []struct {
			name string
			t    *schema.Table
			want string
		}{
			{"missing", &schema.Table{Name: "missing"}, "error binlog.table"},
			{"in other case", &schema.Table{Name: "ITEM"}, "error binlog.table"}, // which these servers heed
			{"view", &schema.Table{Name: "seen"}, "error binlog.table"},
			{"no key at all", &schema.Table{Name: "keyless"}, "error binlog.primary_key"},
			{"named by the definitions", &schema.Table{Name: "keyless", Key: []string{"n"}}, "note binlog.primary_key"},
			{"no transactions", s.keyed("crowd"), "warning binlog.engine"},
		} {
			wantFindings(t, tt.name, s.findings(t, item, tt.t), tt.want)
		}
	})
}

// Each setting that keeps a reader from its work, or makes it unsafe, is found (MS-13, MS-14, MS-19, MS-22).
func TestCheckSettings(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
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
				"expire-logs-days=0.5", "binlog-ignore-db=elsewhere", "log-slave-updates=OFF",
			},
			[]string{
				"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1", // which makes it a replica
				"CREATE TABLE two (id integer PRIMARY KEY)",
			},
			[]string{
				"error binlog.format", "error binlog.row_image", "error binlog.row_metadata", "warning binlog.filter",
				"warning binlog.gtid", "warning binlog.log_updates", "warning binlog.retention",
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
				"log-slave-updates=OFF", "expire-logs-days=2",
			},
			nil,
			[]string{
				"error binlog.format", "error binlog.row_image", "warning binlog.gtid", "warning binlog.xa",
			},
		},
		{
			"no log", "mysql5.6",
			[]string{"skip-log-bin", "gtid-mode=OFF", "enforce-gtid-consistency=OFF", "log-slave-updates=OFF"},
			nil,
			[]string{"error binlog.log_bin", "warning binlog.gtid", "warning binlog.xa"},
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
			got := s.findings(t, s.keyed("item"))
			run("XA ROLLBACK 'open'")
			wantFindings(t, strings.Join(tt.settings, " "), got, tt.want...)
		})
	}
}

// TestRules tries the rules that take a server that is not at hand.
func TestRules(t *testing.T) {
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
		{"the server's number", func(f *facts) { f.o.ServerID = 1 }, "error binlog.server_id"},
		{"no metadata in this version", func(f *facts) { f.state.RowMetadata = "" }, "note binlog.row_metadata"},
		{"not durable", func(f *facts) { f.state.SyncBinlog = "0" }, "warning binlog.durability"},
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
