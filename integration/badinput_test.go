package integration

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// What can be wrong around ardso, and that each gets its name, a remedy and its exit code, that nothing is
// changed by it, and that everything arrives once it is put right. Mistakes in definitions have their own
// tests beside package definition; here is one, for the way to the terminal.

// secret is a password that must not show anywhere.
const secret = "Sesame-4711"

// Exit codes as the README lists them.
const (
	exitFailure   = 1
	exitUsage     = 2
	exitAttention = 3
	exitNoServer  = 4
	exitLost      = 5
)

// some is all of list, in short tests the first.
func some(list ...string) []string {
	if testing.Short() {
		return list[:1]
	}
	return list
}

// fails runs a command that must end with this exit code and say all of says. What it says holds no
// password.
func (s *site) fails(code int, args []string, says ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	text, got := string(out), 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	if got != code {
		s.t.Errorf("ardso %s: got exit code %d, want %d\n%s", strings.Join(args, " "), got, code, text)
	}
	flat := strings.Join(strings.Fields(text), " ") // wherever a line was broken
	for _, x := range says {
		if !strings.Contains(flat, x) {
			s.t.Errorf("ardso %s: got\n%s\nwant %q in it", strings.Join(args, " "), text, x)
		}
	}
	s.noPassword(text)
	return text
}

func (s *site) noPassword(text string) {
	s.t.Helper()
	if strings.Contains(text, secret) {
		s.t.Errorf("the password is in\n%s", text)
	}
}

// rewrite changes the definitions; the result undoes it.
func (s *site) rewrite(from, to string) (undo func()) {
	s.t.Helper()
	b, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(b), from) {
		s.t.Fatalf("the definitions have no %q:\n%s", from, b)
	}
	write := func(text string) {
		if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	write(strings.ReplaceAll(string(b), from, to))
	return func() { write(string(b)) }
}

// as lets ardso log in to a server as another user, with the secret as password.
func (s *site) as(server, user string) (undo func()) {
	s.t.Helper()
	u, err := url.Parse(s.dbs[server].Config().URL)
	if err != nil {
		s.t.Fatal(err)
	}
	was := u.String()
	u.User = url.User(user)
	back, env := s.rewrite(fmt.Sprintf("%q", was), fmt.Sprintf("%q", u)), s.env
	s.env = append(slices.Clone(env), "PASSWORD_"+strings.ToUpper(server)+"="+secret) // the later one counts
	return func() {
		back()
		s.env = env
	}
}

// privateSite is accountSite with a target of its own, whose settings and users may be changed.
func privateSite(t *testing.T, from string, to *dbtest.Instance) *site {
	t.Helper()
	return accountsOf(t, dbtest.New(t, from), to.Database(t))
}

// stands checks that the target's rows are these.
func (s *site) stands(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.table("dst", allAccounts)); diff != "" {
		s.t.Errorf("rows of the target (-want +got):\n%s", diff)
	}
}

// agrees carries out what is left and compares.
func (s *site) agrees() {
	s.t.Helper()
	s.ardso("run", "--once")
	s.same("src", allAccounts, "dst", allAccounts)
	if e := s.table("dst", "SELECT request, error, reason FROM dso_pending_error"); len(e) > 0 {
		s.t.Errorf("errors: %s", strings.Join(e, "\n"))
	}
}

// begin gives the target a row, and the source a change that is not carried out yet.
func (s *site) begin() {
	s.t.Helper()
	s.settle()
	s.change()
}

// settle gives source and target a row.
func (s *site) settle() {
	s.t.Helper()
	s.exec("src", "INSERT INTO account VALUES (1, 10, 'first')")
	s.agrees()
}

func (s *site) change() {
	s.t.Helper()
	s.exec("src", "UPDATE account SET balance = 11 WHERE id = 1", "INSERT INTO account VALUES (2, 20, 'second')")
}

const beforeFault = "1|10|first|"

func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	for _, server := range some("dst", "src") {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			s := accountSite(t, "postgres15", "postgres18")
			s.begin()
			u, err := url.Parse(s.dbs[server].Config().URL)
			if err != nil {
				t.Fatal(err)
			}
			undo := s.rewrite(u.Host, "127.0.0.1:1")
			for _, args := range [][]string{{"run", "--once"}, {"init"}, {"transfer", "--mapping", "accounts"}} {
				s.fails(exitNoServer, args, "server.unreachable", "open "+server+" ", "remedy see that the server runs")
			}
			s.fails(exitNoServer, []string{"check"}, "server.unreachable")
			s.stands(beforeFault)
			undo()
			s.agrees()
		})
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	for _, engine := range some("mariadb10.11", "postgres18") {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := accountSite(t, "postgres15", engine)
			s.begin()
			env := s.env
			s.env = append(slices.Clone(env), "PASSWORD_DST="+secret)
			for _, args := range [][]string{{"run", "--once"}, {"init"}, {"transfer", "--mapping", "accounts"}} {
				s.fails(exitNoServer, args, "server.denied", "open dst ", "remedy check the user in the url, the password")
			}
			s.fails(exitNoServer, []string{"check"}, "server.denied")
			s.stands(beforeFault)
			s.env = env
			s.agrees()
		})
	}
}

// The user of the source may read the tables, and not the log.
func TestNoReplicationPrivilege(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	t.Parallel()
	src := dbtest.Server(t, "postgres15")
	s := newSite(t, map[string]*engine.DB{"src": src.Database(t), "dst": dbtest.New(t, "sqlite")},
		map[string]string{"src": accountForms, "dst": accountForms}, accountDefinitions)
	for name, db := range s.dbs {
		s.exec(name, accountTable[db.Engine.Dialect])
	}
	s.ardso("init")
	s.begin()
	s.exec("src", "CREATE ROLE reader LOGIN PASSWORD '"+secret+"'", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader")
	s.as("src", "reader")
	s.fails(exitAttention, []string{"check"}, "postgres.privilege", `ALTER ROLE "reader" REPLICATION`)
	s.fails(exitFailure, []string{"run", "--once"}, "src:", "postgres.privilege", `ALTER ROLE "reader" REPLICATION`)
	s.stands(beforeFault)
	s.exec("src", "ALTER ROLE reader REPLICATION")
	s.agrees()
}

// A user of the target who may not write its table: changes wait, and arrive once it is granted.
func TestNoTargetPrivilege(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	t.Parallel()
	tests := []struct {
		engine string
		user   string // as ardso logs in
		create []string
		grant  string
	}{
		{
			"postgres18", "writer",
			[]string{
				"CREATE ROLE writer LOGIN PASSWORD '" + secret + "'", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer",
				"REVOKE INSERT, UPDATE ON account FROM writer",
			},
			"GRANT INSERT, UPDATE ON account TO writer",
		},
		{
			"mariadb10.11", "writer",
			[]string{"CREATE USER writer@'%' IDENTIFIED BY '" + secret + "'", "GRANT SELECT ON DATABASE.* TO writer@'%'", "GRANTS ON dso_"},
			"GRANT INSERT, UPDATE ON account TO writer@'%'",
		},
	}
	for _, test := range tests {
		t.Run(test.engine, func(t *testing.T) {
			t.Parallel()
			s := privateSite(t, "postgres15", dbtest.Server(t, test.engine))
			s.settle()
			for _, q := range test.create {
				if q != "GRANTS ON dso_" {
					s.exec("dst", strings.ReplaceAll(q, "DATABASE", s.dbs["dst"].Schema))
					continue
				}
				for _, table := range s.table("dst", "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name LIKE 'dso\\_%'") {
					s.exec("dst", "GRANT INSERT, UPDATE, DELETE ON "+strings.Trim(table, "|")+" TO writer@'%'")
				}
			}
			s.as("dst", test.user)
			s.fails(exitAttention, []string{"check"}, "target.privilege", "GRANT SELECT, INSERT, UPDATE")
			s.waits(func() {}, func() { s.exec("dst", test.grant) }, "account")
		})
	}
}

// waits follows the log while the target ceases to accept; that is said with its reason, nothing is
// written and nothing goes to errors, and once cure has made it accept everything arrives.
func (s *site) waits(cause, cure func(), reason string) {
	s.t.Helper()
	run := s.start()
	run.says("following the log", 40*time.Second)
	cause()
	s.change()
	run.says("target does not accept, trying again", time.Minute)
	s.exec("src", "INSERT INTO account VALUES (3, 30, 'third')")
	s.stands(beforeFault)
	if e := s.table("dst", "SELECT request, error FROM dso_pending_error"); len(e) > 0 {
		s.t.Errorf("errors while the target does not accept: %q", e)
	}
	if !strings.Contains(run.log.String(), reason) {
		s.t.Errorf("got %s\nwant %q in it", run.log, reason)
	}
	s.noPassword(run.log.String())
	cure()
	run.says("target accepts again", 30*time.Second)
	eventually(s.t, 30*time.Second, "everything arrives", func() bool { return slices.Equal(s.table("src", allAccounts), s.table("dst", allAccounts)) })
	run.stop()
	s.agrees()
}

// A server whose log does not hold what a reader needs: init says so before the position is set.
func TestWALLevelReplica(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	t.Parallel()
	src := dbtest.Server(t, "postgres15", "wal_level=replica")
	s := newSite(t, map[string]*engine.DB{"src": src.Database(t), "dst": dbtest.New(t, "sqlite")},
		map[string]string{"src": accountForms, "dst": accountForms}, accountDefinitions)
	for name, db := range s.dbs {
		s.exec(name, accountTable[db.Engine.Dialect])
	}
	s.exec("src", "INSERT INTO account VALUES (1, 10, 'first')")
	s.fails(exitAttention, []string{"check"}, "postgres.wal_level", "ALTER SYSTEM SET wal_level = 'logical', then restart the server")
	s.fails(exitFailure, []string{"init"}, "wal_level", "remedy")
	s.fails(exitFailure, []string{"run", "--once"}, "src", "remedy")
	s.stands()
}

// A table whose log lost its before images after init: ardso does not follow such a log, and what was
// changed meanwhile goes to errors by name once init has put it right, since it cannot be compared with
// the target. A person who has looked at it lets it pass.
func TestReplicaIdentityDefault(t *testing.T) {
	t.Parallel()
	s := accountSite(t, "postgres15", "mariadb10.11")
	s.begin()
	s.ardso("run", "--once")
	s.exec("src", "ALTER TABLE account REPLICA IDENTITY DEFAULT", "UPDATE account SET note = 'unseen' WHERE id = 1", "UPDATE account SET balance = 21 WHERE id = 2")
	s.fails(exitAttention, []string{"check"}, "postgres.identity", "account", "run `ardso init`")
	s.fails(exitFailure, []string{"run", "--once"}, "src:", "postgres.identity", "account", "run `ardso init`")
	s.stands("1|11|first|", "2|20|second|")
	s.ardso("init")
	s.fails(0, []string{"check"})
	s.fails(exitAttention, []string{"run", "--once"}, "2 operations went to errors")
	s.fails(0, []string{"errors", "--json"}, "source.no_before_image", "run `ardso init src`")
	s.stands("1|11|first|", "2|20|second|")
	s.ardso("errors", "retry", "--all")
	s.agrees()
}

func TestMissingTable(t *testing.T) {
	t.Parallel()
	for _, server := range some("dst", "src") {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			s := accountSite(t, "postgres15", "mariadb10.11")
			s.begin()
			s.exec(server, "ALTER TABLE account RENAME TO mislaid")
			for _, args := range [][]string{{"run", "--once"}, {"init"}, {"transfer", "--mapping", "accounts"}} {
				s.fails(exitFailure, args, "catalog.unknown_table", "account", server, "remedy")
			}
			s.exec(server, "ALTER TABLE mislaid RENAME TO account")
			s.stands(beforeFault)
			s.agrees()
		})
	}
}

// A field that a definition names is gone.
func TestMissingField(t *testing.T) {
	t.Parallel()
	s := accountSite(t, "postgres15", "sqlite")
	s.begin()
	undo := s.rewrite("transfer_mode: independent copy", "transfer_mode: independent copy\n    fields: {remark: \"'note'\"}")
	for _, args := range [][]string{{"run", "--once"}, {"init"}, {"transfer", "--mapping", "accounts"}, {"check"}} {
		s.fails(exitUsage, args, "definition.unknown_field", "remark", s.file)
	}
	s.stands(beforeFault)
	undo()
	s.agrees()
}

// A column goes while ardso runs with definitions that carry it: it ends by name, without a row in errors
// for each request, and goes on when the column is there again.
func TestColumnGoesMeanwhile(t *testing.T) {
	t.Parallel()
	s := accountSite(t, "postgres15", "postgres18")
	s.settle()
	run := s.start()
	run.says("following the log", 40*time.Second)
	s.exec("dst", "ALTER TABLE account RENAME COLUMN note TO remark")
	s.change()
	run.says("[apply.refused]", time.Minute)
	if err := <-run.done; err == nil || run.ProcessState.ExitCode() != exitFailure {
		t.Errorf("ardso run ended with %v, want exit code %d", err, exitFailure)
	}
	run.says("note does not exist", time.Second)
	if n := s.number("dst", "SELECT count(*) FROM account WHERE balance = 10"); n != 1 {
		t.Error("the target has changed")
	}
	s.exec("dst", "ALTER TABLE account RENAME COLUMN remark TO note")
	s.agrees()
}

// The log no longer reaches back: nothing is skipped in silence, init sets a new position and says from
// when on to transfer.
func TestPositionPurged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		engine string
		purge  []string
	}{
		{"postgres15", []string{"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"}},
		{"sqlite", []string{"UPDATE dso_log_state SET seq = (SELECT max(seq) FROM dso_log) WHERE name = 'trimmed'", "INSERT OR IGNORE INTO dso_log_state SELECT 'trimmed', max(seq) FROM dso_log", "DELETE FROM dso_log"}},
		{"mariadb10.11", []string{"RESET MASTER"}},
		{"mysql5.6", []string{"RESET MASTER"}},
	}
	if testing.Short() {
		tests = tests[:2] // no server of its own
	}
	for _, test := range tests {
		t.Run(test.engine, func(t *testing.T) {
			t.Parallel()
			src := dbtest.New // a server's log is that of all its databases
			if strings.HasPrefix(test.engine, "m") {
				src = func(t testing.TB, name string) *engine.DB { return dbtest.Server(t, name).Database(t) }
			}
			s := accountsOf(t, src(t, test.engine), dbtest.New(t, "postgres15"))
			s.begin()
			if test.engine == "postgres15" {
				eventually(t, 20*time.Second, "nobody reads the slot", func() bool {
					return s.number("src", "SELECT count(*) FROM pg_replication_slots WHERE active AND database = current_database()") == 0
				})
			}
			s.exec("src", test.purge...)
			s.fails(exitLost, []string{"run", "--once"}, "reader.position_lost", "src:", "remedy run `ardso init src`")
			s.fails(exitLost, []string{"status"}, "reader.position_lost")
			s.fails(exitAttention, []string{"check"}, "src", "ardso init")
			s.stands(beforeFault)
			s.fails(0, []string{"init", "src"}, "is lost", "transfer what changed since")
			s.rewrite("transfer_mode: independent copy", "transfer_mode: independent copy\n    duplicate_request_id: overwrite")
			s.ardso("transfer", "--mapping", "accounts")
			s.agrees()
		})
	}
}

func TestReadOnlyTarget(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s := privateSite(t, "postgres15", dbtest.Server(t, "postgres18"))
		s.settle()
		holds := func(want string) {
			s.exec("dst", "SELECT pg_reload_conf()")
			eventually(t, 20*time.Second, "default_transaction_read_only = "+want, func() bool {
				return s.table("dst", "SELECT setting FROM pg_settings WHERE name = 'default_transaction_read_only'")[0] == want+"|"
			})
		}
		s.waits(func() {
			s.exec("dst", "ALTER SYSTEM SET default_transaction_read_only = on")
			holds("on")
			s.fails(exitAttention, []string{"check"}, "target.read_only", "default_transaction_read_only is on", "let ardso's user write to the database")
		}, func() {
			s.exec("dst", "ALTER SYSTEM RESET default_transaction_read_only")
			holds("off")
		}, "read-only")
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		s := privateSite(t, "postgres15", dbtest.Server(t, "mariadb10.11"))
		s.settle()
		s.exec("dst", "CREATE USER writer@'%' IDENTIFIED BY '"+secret+"'", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+s.dbs["dst"].Schema+".* TO writer@'%'")
		s.as("dst", "writer")
		s.waits(func() {
			s.exec("dst", "SET GLOBAL read_only = 1")
			s.fails(exitAttention, []string{"check"}, "target.read_only", "read_only is on", "let ardso's user write to the database")
		}, func() { s.exec("dst", "SET GLOBAL read_only = 0") }, "read-only")
	})
}

// A target that is read-only already when ardso starts: it says so, and goes on by itself.
func TestReadOnlyFromTheStart(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a server of its own to be tried again")
	}
	t.Parallel()
	s := privateSite(t, "postgres15", dbtest.Server(t, "mariadb10.11"))
	s.begin()
	s.exec("dst", "CREATE USER writer@'%' IDENTIFIED BY '"+secret+"'", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+s.dbs["dst"].Schema+".* TO writer@'%'", "SET GLOBAL read_only = 1")
	s.as("dst", "writer")
	run := s.start()
	run.says("target does not accept", time.Minute)
	run.says("read-only", time.Second)
	s.noPassword(run.log.String())
	s.stands(beforeFault)
	s.exec("dst", "SET GLOBAL read_only = 0")
	eventually(t, time.Minute, "everything arrives", func() bool { return slices.Equal(s.table("src", allAccounts), s.table("dst", allAccounts)) })
	run.stop()
	s.agrees()
}

// The space for the target's tables is used up, and comes free again.
func TestFullTarget(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills a server of its own")
	}
	t.Parallel()
	// One file for all tables, which may not grow beyond a size, is full as a disk is and needs no disk.
	dst := dbtest.Server(t, "mariadb10.11", "innodb-file-per-table=OFF", "innodb-data-file-path=ibdata1:12M:autoextend:max:24M")
	s := privateSite(t, "postgres15", dst)
	s.settle()
	run := s.start()
	run.says("following the log", 40*time.Second)
	s.exec("dst", "CREATE TABLE filler (id int AUTO_INCREMENT PRIMARY KEY, text varchar(8000)) ENGINE=InnoDB DEFAULT CHARSET=latin1")
	for size := 8000; size > 0; {
		if _, err := s.dbs["dst"].Exec("INSERT INTO filler (text) VALUES (repeat('x', ?))", size); err != nil {
			if !strings.Contains(err.Error(), "1114") {
				t.Fatal(err)
			}
			size /= 2
		}
	}
	// More than the pages that account and the control tables have already can take, in several transactions.
	for i := range 40 {
		s.exec("src", fmt.Sprintf("INSERT INTO account SELECT i, i, repeat('y', 100) FROM generate_series(%d, %d) i", 1000*(i+1), 1000*(i+1)+499))
	}
	run.says("target does not accept, trying again", time.Minute)
	if !strings.Contains(run.log.String(), "is full") {
		t.Errorf("got %s\nwant \"is full\" in it", run.log)
	}
	if n := len(s.table("dst", "SELECT request FROM dso_pending_error")); n > 0 {
		t.Errorf("got %d operations in errors while the target is full", n)
	}
	s.exec("dst", "DROP TABLE filler")
	run.says("target accepts again", 30*time.Second)
	run.stop()
	s.agrees()
}

// Control tables of a newer version are left alone.
func TestNewerControlTables(t *testing.T) {
	t.Parallel()
	for _, server := range some("dst", "src") {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			s := accountSite(t, "postgres15", "mariadb10.11")
			s.begin()
			was := strings.Trim(s.table(server, "SELECT value FROM dso_meta WHERE name = 'schema_version'")[0], "|")
			s.exec(server, "UPDATE dso_meta SET value = '99' WHERE name = 'schema_version'")
			for _, args := range [][]string{{"run", "--once"}, {"init"}, {"init", "--remove", server}} {
				s.fails(exitFailure, args, "control.newer_schema", server, "use the newer ardso")
			}
			s.fails(exitAttention, []string{"check"}, "control.newer_schema")
			s.stands(beforeFault)
			s.exec(server, "UPDATE dso_meta SET value = '"+was+"' WHERE name = 'schema_version'")
			s.agrees()
		})
	}
}

// What a TRUNCATE should mean for the copies a person must say.
func TestTruncate(t *testing.T) {
	t.Parallel()
	s := accountSite(t, "postgres15", "sqlite")
	s.begin()
	s.exec("src", "TRUNCATE account", "INSERT INTO account VALUES (7, 70, 'after')")
	s.fails(exitFailure, []string{"run", "--once"}, "decide.truncate", `form "Account"`, "ardso run --accept-truncate Account")
	// What was before it is carried out, and nothing of what came after.
	s.stands("1|11|first|", "2|20|second|")
	s.fails(exitFailure, []string{"run", "--once"}, "decide.truncate")
	s.exec("dst", "DELETE FROM account")
	s.ardso("run", "--once", "--accept-truncate", "Account")
	s.stands("7|70|after|")
	s.agrees()
}

func TestDefinitionMistake(t *testing.T) {
	t.Parallel()
	s := accountSite(t, "postgres15", "sqlite")
	s.begin()
	undo := s.rewrite("pool: accounts", "poool: accounts")
	for _, args := range [][]string{{"run", "--once"}, {"init"}, {"transfer", "--mapping", "accounts"}, {"check"}} {
		s.fails(exitUsage, args, s.file+":", "definition.unknown_key", `did you mean "pool"?`)
	}
	s.stands(beforeFault)
	undo()
	s.agrees()
}

// A modify whose request the target lacks goes to errors, and what comes later for that request waits
// behind it. As its remedy says a transfer of the request brings it, and nothing is left in errors.
func TestTransferCuresMissingRequest(t *testing.T) {
	t.Parallel()
	for _, target := range some("sqlite", "mariadb10.11") {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			s := accountSite(t, "postgres15", target)
			s.begin()
			s.ardso("run", "--once")
			s.exec("dst", "DELETE FROM account")
			s.exec("src", "UPDATE account SET balance = 12 WHERE id = 1", "UPDATE account SET note = 'joins' WHERE id = 1")
			s.fails(exitAttention, []string{"run", "--once"}, "1 operation went to errors")
			s.fails(0, []string{"errors", "--json"}, "update_missing", "transfer the request (`ardso transfer`)")
			s.stands()
			s.exec("src", "UPDATE account SET balance = 22 WHERE id = 2")
			s.ardso("transfer", "--mapping", "accounts")
			s.agrees()
		})
	}
}
