package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ardso/integration/dbtest"

	"go.uber.org/goleak"
)

// live are the servers of this protocol among those of the tests.
func live() []string { return dbtest.Have("mariadb10.11", "mariadb11.8", "mysql5.6") }

// eachServer runs f as a parallel subtest on a private server of each kind.
func eachServer(t *testing.T, settings []string, f func(t *testing.T, in *dbtest.Instance, root Config)) {
	t.Helper()
	t.Parallel()
	for _, name := range live() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dbtest.Server(t, name, settings...)
			f(t, in, rootConfig(in))
		})
	}
}

// rootConfig logs in over TCP as the superuser.
func rootConfig(in *dbtest.Instance) Config {
	c := in.Config("")
	return Config{Network: "tcp", Address: in.Addr(), User: "root", Password: Password(c.Password)}
}

// dial connects for the length of a test.
func dial(t testing.TB, config Config) *Conn {
	t.Helper()
	c, err := Connect(t.Context(), config)
	if err != nil {
		t.Fatalf("connect to %s as %s: %v", config.Address, config.User, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func query(t testing.TB, c *Conn, statements ...string) (last Result) {
	t.Helper()
	for _, s := range statements {
		var err error
		if last, err = c.Query(t.Context(), s); err != nil {
			t.Fatalf("%.200s: %v", s, err)
		}
	}
	return last
}

// text is the only value of a statement's result.
func text(t testing.TB, c *Conn, statement string) string {
	t.Helper()
	r := query(t, c, statement)
	if len(r.Rows) != 1 || len(r.Rows[0]) != 1 {
		t.Fatalf("%.200s: got %d rows of %d columns, want one value", statement, len(r.Rows), len(r.Columns))
	}
	return r.Rows[0][0].Text
}

// account makes an account for loopback and for the socket. how is what follows its name.
func account(t testing.TB, root *Conn, name, how string) {
	t.Helper()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		query(t, root, fmt.Sprintf("CREATE USER '%s'@'%s' %s", name, host, how))
	}
}

// socketConfig is config over the server's socket. A socket's path may have some hundred bytes only.
func socketConfig(t testing.TB, root *Conn, config Config) Config {
	t.Helper()
	if os.Getenv("ARDSO_TEST_DOCKER") == "1" {
		t.Skip("the server's socket is inside its container")
	}
	config.Network, config.Address = "unix", filepath.Join(text(t, root, "SELECT @@datadir"), text(t, root, "SELECT @@socket"))
	return config
}

// TestAccounts logs in with all that mysql_native_password knows, by TCP and by socket.
func TestAccounts(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, _ *dbtest.Instance, config Config) {
		root := dial(t, config)
		// The two vectors of TestAnswers that servers can tell have this hash beneath them.
		if got := text(t, root, "SELECT PASSWORD('secret')"); got != "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7" {
			t.Errorf("PASSWORD: got %s", got)
		}
		account(t, root, "native", "IDENTIFIED BY '"+testPassword+"'")
		account(t, root, "empty", "")
		account(t, root, "latin", "IDENTIFIED BY '"+strings.Repeat("x", 60)+"'")
		socket := socketConfig(t, root, config)
		for _, by := range []Config{config, socket} {
			for user, password := range map[string]Password{
				"native": testPassword, "empty": "", "latin": Password(strings.Repeat("x", 60)),
			} {
				by.User, by.Password = user, password
				c := dial(t, by)
				if got := text(t, c, "SELECT CURRENT_USER()"); !strings.HasPrefix(got, user+"@") {
					t.Errorf("%s: logged in as %s", user, got)
				}
				if got := text(t, c, "SELECT CONNECTION_ID()"); got != fmt.Sprint(c.ThreadID()) {
					t.Errorf("%s: connection %s, want %d", user, got, c.ThreadID())
				}
				if got := text(t, c, "SELECT VERSION()"); !strings.Contains(c.ServerVersion(), got) {
					t.Errorf("%s: version %s, want %s", user, c.ServerVersion(), got)
				}
				if got := text(t, c, "SELECT @@character_set_client"); got != "utf8mb4" {
					t.Errorf("%s: character set %s", user, got)
				}
			}
			wrongPasswords(t, by)
		}
	})
}

// wrongPasswords are refused by number, and the password is not in the text.
func wrongPasswords(t *testing.T, by Config) {
	t.Helper()
	for user, password := range map[string]Password{"native": "Wr0ng-one", "empty": "Wr0ng-one", "nobody": "Wr0ng-one", "latin": ""} {
		by.User, by.Password = user, password
		_, err := Connect(t.Context(), by)
		var said *ServerError
		if !errors.As(err, &said) || said.Number != 1045 || said.State != "28000" {
			t.Errorf("%s by %s: got %v, want 1045", user, by.Network, err)
			continue
		}
		if shown := fmt.Sprintf("%v %+v %#v", err, err, by); strings.Contains(shown, "Wr0ng-one") {
			t.Errorf("%s: the password shows: %s", user, shown)
		}
	}
}

// plugins is the folder of the server's plugins that a test needs, such as auth_ed25519.so, which the packages
// with the bare server lack: that of the server itself, or one of the same name as the server below
// ARDSO_TEST_PLUGINS.
func plugins(t *testing.T, name string) []string {
	t.Helper()
	if dir := os.Getenv("ARDSO_TEST_PLUGINS"); dir != "" {
		return []string{"plugin-dir=" + filepath.Join(dir, name)}
	}
	return nil
}

// TestEd25519 logs in by MariaDB's own plugin.
func TestEd25519(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	t.Parallel()
	for _, name := range dbtest.Have("mariadb10.11", "mariadb11.8") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dbtest.Server(t, name, plugins(t, name)...)
			config := rootConfig(in)
			root := dial(t, config)
			if _, err := root.Query(t.Context(), "INSTALL SONAME 'auth_ed25519'"); err != nil {
				t.Skipf("the plugin auth_ed25519 is missing (ARDSO_TEST_PLUGINS): %v", err)
			}
			query(t, root, "CREATE FUNCTION ed25519_password RETURNS STRING SONAME 'auth_ed25519.so'")
			for i, password := range []string{testPassword, "", "x", strings.Repeat("long", 60)} {
				user := fmt.Sprintf("user%d", i)
				account(t, root, user, "IDENTIFIED VIA ed25519 USING '"+text(t, root, "SELECT ed25519_password('"+password+"')")+"'")
				for _, by := range []Config{config, socketConfig(t, root, config)} {
					by.User, by.Password = user, Password(password)
					if got := text(t, dial(t, by), "SELECT CURRENT_USER()"); !strings.HasPrefix(got, user+"@") {
						t.Errorf("%q: logged in as %s", password, got)
					}
					by.Password += "!"
					if _, err := Connect(t.Context(), by); !isServerError(err, 1045) {
						t.Errorf("%q: got %v for a wrong password, want 1045", password, err)
					}
				}
			}
		})
	}
}

func isServerError(err error, number uint16) bool {
	var said *ServerError
	return errors.As(err, &said) && said.Number == number
}

// TestQueries are results and errors of the small kind.
func TestQueries(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, _ *dbtest.Instance, config Config) {
		c := dial(t, config)
		r := query(t, c, "SELECT 1 AS one, NULL AS none, '' AS empty, 'ä€𝄞' AS `ü`, 0x00ff AS bin, REPEAT('x', 251) AS r1, REPEAT('y', 65536) AS r2")
		want := []Cell{
			{Text: "1"}, {Null: true}, {}, {Text: "ä€𝄞"}, {Text: "\x00\xff"}, {Text: strings.Repeat("x", 251)}, {Text: strings.Repeat("y", 65536)},
		}
		if got := strings.Join(r.Columns, " "); got != "one none empty ü bin r1 r2" || len(r.Rows) != 1 {
			t.Fatalf("got columns %s, %d rows", got, len(r.Rows))
		}
		for i, w := range want {
			if r.Rows[0][i] != w {
				t.Errorf("%s: got %.80v, want %.80v", r.Columns[i], r.Rows[0][i], w)
			}
		}
		query(t, c, "CREATE DATABASE q", "USE q", "CREATE TABLE t (a INT, b VARCHAR(10))")
		if r = query(t, c, "SELECT a, b FROM t"); len(r.Columns) != 2 || len(r.Rows) != 0 {
			t.Errorf("empty: got %v", r)
		}
		if r = query(t, c, "INSERT INTO t VALUES (1, NULL), (NULL, 'x'), (NULL, NULL)"); len(r.Columns)+len(r.Rows) != 0 {
			t.Errorf("insert: got %v", r)
		}
		r = query(t, c, "SELECT a, b FROM t ORDER BY a, b")
		if got := fmt.Sprint(r.Rows); got != "[[{ true} { true}] [{ true} {x false}] [{1 false} { true}]]" {
			t.Errorf("got %s", got)
		}
		serverErrors(t, c)
	})
}

// serverErrors leave the connection as it is.
func serverErrors(t *testing.T, c *Conn) {
	t.Helper()
	for statement, want := range map[string]ServerError{
		"SELECT nothing":          {1054, "42S22", "nothing"},
		"SELEC 1":                 {1064, "42000", "SELEC"},
		"SELECT * FROM q.missing": {1146, "42S02", "missing"},
		"":                        {1065, "42000", "empty"},
		"SELECT (SELECT a FROM t UNION SELECT 7)": {1242, "21000", "more than 1 row"}, // while it runs
	} {
		_, err := c.Query(t.Context(), statement)
		var said *ServerError
		if !errors.As(err, &said) || said.Number != want.Number || said.State != want.State || !strings.Contains(said.Message, want.Message) {
			t.Errorf("%q: got %v, want %v", statement, err, &want)
		}
		if got := text(t, c, "SELECT 7"); got != "7" {
			t.Errorf("after %q: got %s", statement, got)
		}
	}
}

// TestManyColumns has a number of columns and of rows that takes more than a byte.
func TestManyColumns(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	eachServer(t, nil, func(t *testing.T, _ *dbtest.Instance, config Config) {
		c := dial(t, config)
		one := "SELECT 1" + strings.Repeat(", NULL", 999)
		r := query(t, c, one+strings.Repeat(" UNION ALL "+one, 299))
		if len(r.Columns) != 1000 || len(r.Rows) != 300 {
			t.Fatalf("got %d columns, %d rows", len(r.Columns), len(r.Rows))
		}
		for _, row := range r.Rows {
			if row[0].Text != "1" || !row[1].Null || !row[999].Null {
				t.Fatalf("got %v", row)
			}
		}
	})
}

// TestGiantQueries are a result and a statement of more than a frame, and sizes at the edge of one.
func TestGiantQueries(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends tens of megabytes")
	}
	eachServer(t, []string{"max-allowed-packet=64M"}, func(t *testing.T, _ *dbtest.Instance, config Config) {
		c := dial(t, config)
		if got := text(t, c, "SELECT REPEAT('x', 17*1024*1024)"); len(got) != 17<<20 || strings.Trim(got, "x") != "" {
			t.Errorf("got %d bytes", len(got))
		}
		const head = len(`SELECT LENGTH('')`) + 1 // of the packet
		for _, n := range []int{17 << 20, maxFrame - head - 1, maxFrame - head} {
			if got := text(t, c, "SELECT LENGTH('"+strings.Repeat("y", n)+"')"); got != fmt.Sprint(n) {
				t.Errorf("statement of %d bytes: got %s", n, got)
			}
		}
		for _, n := range []int{maxFrame - 5, maxFrame - 4} { // the length takes 4 bytes
			if got := text(t, c, fmt.Sprintf("SELECT REPEAT('z', %d)", n)); len(got) != n {
				t.Errorf("result of %d bytes: got %d", n, len(got))
			}
		}
		small := config
		small.MaxPacket = 1 << 20
		if _, err := dial(t, small).Query(t.Context(), "SELECT REPEAT('x', 2*1024*1024)"); !errors.Is(err, ErrTooLarge) {
			t.Errorf("over the limit: got %v", err)
		}
	})
}

// TestCancelledSleep: a statement that runs ends at once, and no goroutine stays behind.
func TestCancelledSleep(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	for _, name := range live() {
		t.Run(name, func(t *testing.T) {
			in := dbtest.Server(t, name)
			other := dial(t, rootConfig(in))
			before := goleak.IgnoreCurrent()
			c, err := Connect(t.Context(), rootConfig(in))
			if err != nil {
				t.Fatal(err)
			}
			why := errors.New("this is why")
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error)
			go func() {
				_, err := c.Query(ctx, "SELECT SLEEP(60)")
				ended <- err
			}()
			asleep := fmt.Sprintf("SELECT COUNT(*) FROM information_schema.processlist WHERE id = %d AND info LIKE '%%SLEEP%%'", c.ThreadID())
			for text(t, other, asleep) == "0" {
				runtime.Gosched()
			}
			begin := time.Now()
			cancel(why)
			if err := <-ended; !errors.Is(err, why) {
				t.Errorf("got %v, want the cause", err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if _, err := c.Query(t.Context(), "SELECT 1"); err == nil {
				t.Error("the connection can be used after that")
			}
			c.Close()
			goleak.VerifyNone(t, before)
		})
	}
}

// TestRegisterAndDump reads the log of each kind of server to its end.
func TestRegisterAndDump(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, _ *dbtest.Instance, config Config) {
		c := dial(t, config)
		query(t, c, "CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
		checksum := text(t, c, "SELECT @@binlog_checksum")
		// Without an ID of its own a replica makes MySQL 5.6 list it with a column too few.
		query(t, c, "SET @master_binlog_checksum = '"+checksum+"'", "SET @mariadb_slave_capability = 4", "SET @slave_uuid = UUID()")
		if err := c.Register(t.Context(), 4711, strings.Repeat("h", 60)); err != nil {
			t.Fatal(err)
		}
		watcher := dial(t, config)
		if r := query(t, watcher, "SHOW SLAVE HOSTS"); len(r.Rows) != 1 || r.Rows[0][0].Text != "4711" {
			t.Errorf("replicas: got %v", r)
		}
		if err := c.Dump(t.Context(), Dump{ServerID: 4711, Position: 4, File: "missing.1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Next(); !isServerError(err, 1236) {
			t.Errorf("a log that is not there: got %v, want 1236", err)
		}
		readToEnd(t, config, checksum)
	})
}

// readToEnd asks for a log that ends (flag 1), for which MariaDB sends an EOF packet and MySQL as well.
func readToEnd(t *testing.T, config Config, checksum string) {
	t.Helper()
	c := dial(t, config)
	query(t, c, "SET @master_binlog_checksum = '"+checksum+"'", "SET @mariadb_slave_capability = 4")
	if err := c.Dump(t.Context(), Dump{ServerID: 4712, Position: 4, Flags: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(t.Context(), "SELECT 1"); err == nil {
		t.Error("a connection that reads the log took a statement")
	}
	inserts := 0
	for {
		p, err := c.Next()
		if err != nil {
			if err.Error() != "EOF" {
				t.Errorf("got %v, want the end", err)
			}
			break
		}
		if kind := p[4]; kind == 23 || kind == 30 { // WRITE_ROWS, version 1 and 2
			inserts++
		}
	}
	if inserts != 1 {
		t.Errorf("got %d events with rows, want 1", inserts)
	}
}

// TestSilentDump: a deadline that passes loses nothing.
func TestSilentDump(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for deadlines to pass")
	}
	eachServer(t, nil, func(t *testing.T, _ *dbtest.Instance, config Config) {
		c, other := dial(t, config), dial(t, config)
		query(t, other, "CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
		query(t, c, "SET @master_binlog_checksum = @@global.binlog_checksum", "SET @mariadb_slave_capability = 4")
		if err := c.Dump(t.Context(), Dump{ServerID: 4713, Position: 4}); err != nil {
			t.Fatal(err)
		}
		late := 0
		for late < 3 {
			if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Next(); errors.Is(err, os.ErrDeadlineExceeded) {
				late++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		query(t, other, "INSERT INTO d.t VALUES (1)")
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for {
			p, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			if kind := p[4]; kind == 23 || kind == 30 {
				return
			}
		}
	})
}

// TestNoTLSAtTheServer demands TLS of servers that have no certificate.
func TestNoTLSAtTheServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	t.Parallel()
	// MariaDB makes itself a certificate since 11.4.
	for _, name := range dbtest.Have("mariadb10.11", "mysql5.6") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := rootConfig(dbtest.Server(t, name, "skip-ssl"))
			config.TLS = &tls.Config{InsecureSkipVerify: true}
			var named *UnsupportedError
			if _, err := Connect(t.Context(), config); !errors.As(err, &named) || named.Remedy() == "" {
				t.Errorf("got %v, want an *UnsupportedError", err)
			}
			config.Plaintext = true
			if got := query(t, dial(t, config), "SHOW STATUS LIKE 'Ssl_version'").Rows[0][1].Text; got != "" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestNobodyListens is an address without a server.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var refused *net.OpError
	if _, err := Connect(t.Context(), configFor(l.Addr().String())); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}
