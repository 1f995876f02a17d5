package wire_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ardso/cdc/binlog/wire"

	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// The real servers of these tests know no caching_sha2_password. Vitess's server does, over TLS and a unix socket;
// it has no RSA key to offer, so that way is tested by the scripted peer only.

const password = "Schlüssel-zur-Tür"

// accounts knows one account, and its password by heart after the first login.
type accounts struct {
	mu     sync.Mutex
	hashes map[string][]byte // SHA256(SHA256(password)) by user
	full   int               // logins by the password itself
	first  mysql.AuthMethodDescription
}

var (
	_ mysql.AuthServer       = (*accounts)(nil)
	_ mysql.CachingStorage   = (*accounts)(nil)
	_ mysql.PlainTextStorage = (*accounts)(nil)
	_ mysql.UserValidator    = (*accounts)(nil)
)

func (a *accounts) AuthMethods() []mysql.AuthMethod {
	return []mysql.AuthMethod{mysql.NewSha2CachingAuthMethod(a, a, a)}
}

func (a *accounts) DefaultAuthMethodDescription() mysql.AuthMethodDescription { return a.first }

func (a *accounts) HandleUser(user string, _ net.Addr) bool { return user == "ardso" }

func (a *accounts) UserEntryWithCacheHash(
	_ []*x509.Certificate, salt []byte, user string, answer []byte, _ net.Addr,
) (mysql.Getter, mysql.CacheState, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	hash, is := a.hashes[user]
	switch {
	case !is:
		return nil, mysql.AuthNeedMoreData, nil
	case mysql.VerifyHashedCachingSha2Password(answer, salt, hash):
		return &mysql.StaticUserData{}, mysql.AuthAccepted, nil
	}
	return nil, mysql.AuthRejected, nil
}

func (a *accounts) UserEntryWithPassword(_ []*x509.Certificate, user, given string, _ net.Addr) (mysql.Getter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.full++
	if given != password {
		return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError, "Access denied for user '%v'", user)
	}
	once := sha256.Sum256([]byte(given))
	twice := sha256.Sum256(once[:])
	a.hashes[user] = twice[:]
	return &mysql.StaticUserData{}, nil
}

// answers is a server that knows three statements.
type answers struct{}

func (answers) NewConnection(*mysql.Conn)                   {}
func (answers) ConnectionClosed(*mysql.Conn)                {}
func (answers) ConnectionAborted(*mysql.Conn, string) error { return nil }
func (answers) ComInitDB(*mysql.Conn, string) error         { return nil }
func (answers) WarningCount(*mysql.Conn) uint16             { return 0 }
func (answers) ComResetConnection(*mysql.Conn) error        { return nil }
func (answers) ParserOptionsForConnection(*mysql.Conn) (sqlparser.ParserOptions, error) {
	return sqlparser.ParserOptions{}, nil
}

func (answers) ComQuery(_ context.Context, _ *mysql.Conn, statement string, callback mysql.ResultSpoolFn) error {
	switch statement {
	case "DO 1":
		return callback(&sqltypes.Result{}, false)
	case "SELECT rows":
		return callback(&sqltypes.Result{
			Fields: []*querypb.Field{{Name: "a", Type: querypb.Type_VARCHAR}, {Name: "b", Type: querypb.Type_VARCHAR}},
			Rows: [][]sqltypes.Value{
				{sqltypes.NewVarChar("x"), sqltypes.NULL},
				{sqltypes.NewVarChar(""), sqltypes.NewVarChar(strings.Repeat("long", 1<<22))},
			},
		}, false)
	}
	return mysql.NewSQLError(mysql.ERNoSuchTable, mysql.SSUnknownTable, "no such table")
}

func (a answers) ComMultiQuery(ctx context.Context, c *mysql.Conn, s string, f mysql.ResultSpoolFn) (string, error) {
	return "", a.ComQuery(ctx, c, s, f)
}

func (answers) ComPrepare(context.Context, *mysql.Conn, string, *mysql.PrepareData) ([]*querypb.Field, error) {
	return nil, errors.New("not here")
}

func (answers) ComStmtExecute(context.Context, *mysql.Conn, *mysql.PrepareData, func(*sqltypes.Result) error) error {
	return errors.New("not here")
}

// stranger starts Vitess's server and returns how to log in.
func stranger(t *testing.T, a *accounts, network, address string, server *tls.Config) wire.Config {
	t.Helper()
	l, err := mysql.NewListener(network, address, a, answers{}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.TLSConfig = server
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Accept()
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return wire.Config{Network: network, Address: l.Addr().String(), User: "ardso", Password: password}
}

// TestStranger logs in by caching_sha2_password: first by the password itself, then by its hash, and is refused.
func TestStranger(t *testing.T) {
	for _, first := range []mysql.AuthMethodDescription{mysql.CachingSha2Password, mysql.MysqlNativePassword} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(fmt.Sprintf("%s/%s", first, network), func(t *testing.T) {
				a := &accounts{hashes: map[string][]byte{}, first: first}
				var config wire.Config
				if network == "tcp" {
					server, client := wire.Certificates(t)
					config = stranger(t, a, network, "127.0.0.1:0", server)
					config.TLS = client
				} else {
					config = stranger(t, a, network, filepath.Join(t.TempDir(), "s"), nil)
				}
				logins(t, a, config)
			})
		}
	}
}

func logins(t *testing.T, a *accounts, config wire.Config) {
	t.Helper()
	wrong := config
	wrong.Password = "wrong"
	for _, test := range []struct {
		what string
		by   wire.Config
		full int // logins by the password itself, until then
		in   bool
	}{
		{"wrong password, full", wrong, 1, false},
		{"full", config, 2, true},
		{"fast", config, 2, true},
		{"wrong password, fast", wrong, 2, false},
	} {
		c, err := wire.Connect(t.Context(), test.by)
		var said *wire.ServerError
		if test.in != (err == nil) || err != nil && (!errors.As(err, &said) || said.Number != 1045) {
			t.Fatalf("%s: got %v", test.what, err)
		}
		if a.full != test.full {
			t.Errorf("%s: %d logins by the password itself, want %d", test.what, a.full, test.full)
		}
		if err == nil {
			statements(t, c)
			c.Close()
		}
	}
}

func statements(t *testing.T, c *wire.Conn) {
	t.Helper()
	if r, err := c.Query(t.Context(), "DO 1"); err != nil || len(r.Columns) > 0 {
		t.Errorf("no result: got %v, %v", r, err)
	}
	r, err := c.Query(t.Context(), "SELECT rows")
	if err != nil || len(r.Rows) != 2 || strings.Join(r.Columns, " ") != "a b" {
		t.Fatalf("got %d rows of %v, %v", len(r.Rows), r.Columns, err)
	}
	if r.Rows[0][0].Text != "x" || !r.Rows[0][1].Null || r.Rows[1][0] != (wire.Cell{}) || len(r.Rows[1][1].Text) != 1<<24 {
		t.Errorf("got %.60v", r.Rows)
	}
	var said *wire.ServerError
	if _, err := c.Query(t.Context(), "SELECT nothing"); !errors.As(err, &said) || said.Number != 1146 {
		t.Errorf("got %v, want 1146", err)
	}
}

// TestStrangerWithoutTLS: that server lets nobody in by caching_sha2_password who may be listened to.
func TestStrangerWithoutTLS(t *testing.T) {
	a := &accounts{hashes: map[string][]byte{}, first: mysql.CachingSha2Password}
	config := stranger(t, a, "tcp", "127.0.0.1:0", nil)
	_, err := wire.Connect(t.Context(), config)
	var said *wire.ServerError
	if !errors.As(err, &said) || a.full > 0 {
		t.Errorf("got %v, and %d times the password", err, a.full)
	}
	config.TLS = &tls.Config{InsecureSkipVerify: true}
	var named *wire.UnsupportedError
	if _, err := wire.Connect(t.Context(), config); !errors.As(err, &named) {
		t.Errorf("TLS demanded: got %v, want an *UnsupportedError", err)
	}
}
