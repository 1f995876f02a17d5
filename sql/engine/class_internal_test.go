package engine

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// one table of codes per engine. Errors that a server can be brought to give are in class_test.go.
func TestClass(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return fmt.Errorf("write: %w", &pgconn.PgError{Code: code}) }
	my := func(n uint16, text string) error {
		return fmt.Errorf("write: %w", &mysql.MySQLError{Number: n, Message: text})
	}
	tests := []struct {
		engine implementation
		err    error
		want   Class
	}{
		{postgres{}, pg("40001"), Transient},
		{postgres{}, pg("40P01"), Transient},
		{postgres{}, pg("40002"), Final},
		{postgres{}, pg("55P03"), Transient},
		{postgres{}, pg("57P01"), Transient},
		{postgres{}, pg("57P03"), Transient},
		{postgres{}, pg("57P04"), Final},
		{postgres{}, pg("08006"), Transient},
		{postgres{}, pg("53100"), Transient},
		{postgres{}, pg("53300"), Transient},
		{postgres{}, pg("25006"), Transient},
		{postgres{}, pg("58030"), Transient},
		{postgres{}, pg("23505"), UniqueTaken},
		{postgres{}, pg("23P01"), UniqueTaken},
		{postgres{}, pg("23503"), Reference},
		{postgres{}, pg("23001"), Reference},
		{postgres{}, pg("28P01"), Denied},
		{postgres{}, pg("42501"), Denied},
		{postgres{}, pg("23502"), Final},
		{postgres{}, pg("22001"), Final},
		{postgres{}, pg("42P01"), Final},
		{postgres{}, pg(""), Final},
		{postgres{}, &pgconn.PgError{Code: "0A000", Message: "cached plan must not change result type"}, Transient},
		{postgres{}, pg("0A000"), Final},
		{postgres{}, &pgconn.ConnectError{}, Final},
		{mysqlFamily{}, my(1205, ""), Transient},
		{mysqlFamily{}, my(1213, ""), Transient},
		{mysqlFamily{}, my(2006, ""), Transient},
		{mysqlFamily{}, my(2013, ""), Transient},
		{mysqlFamily{}, my(1040, ""), Transient},
		{mysqlFamily{}, my(1053, ""), Transient},
		{mysqlFamily{}, my(1290, "The MariaDB server is running with the --read-only option so it cannot execute this statement"), Transient},
		{mysqlFamily{}, my(1290, "The MySQL server is running with the --secure-file-priv option"), Final},
		{mysqlFamily{}, my(1021, ""), Transient},
		{mysqlFamily{}, my(1114, ""), Transient},
		{mysqlFamily{}, my(3, ""), Transient},
		{mysqlFamily{}, my(1030, `Got error 28 "No space left on device" from storage engine InnoDB`), Transient},
		{mysqlFamily{}, my(1030, "Got error 168 from storage engine"), Final},
		{mysqlFamily{}, my(1047, "WSREP has not yet prepared node for application use"), Transient},
		{mysqlFamily{}, my(1062, ""), UniqueTaken},
		{mysqlFamily{}, my(1169, ""), UniqueTaken},
		{mysqlFamily{}, my(1586, ""), UniqueTaken},
		{mysqlFamily{}, my(1451, ""), Reference},
		{mysqlFamily{}, my(1452, ""), Reference},
		{mysqlFamily{}, my(1216, ""), Reference},
		{mysqlFamily{}, my(1217, ""), Reference},
		{mysqlFamily{}, my(1044, ""), Denied},
		{mysqlFamily{}, my(1045, ""), Denied},
		{mysqlFamily{}, my(1142, ""), Denied},
		{mysqlFamily{}, my(1698, ""), Denied},
		{mysqlFamily{}, my(1406, "Data too long"), Final},
		{mysqlFamily{}, my(1364, ""), Final},
		{mysqlFamily{}, mysql.ErrInvalidConn, Transient},
	}
	for _, e := range []implementation{postgres{}, mysqlFamily{}, sqlite{}} {
		for err, want := range map[error]Class{
			driver.ErrBadConn:             Transient,
			io.EOF:                        Transient,
			io.ErrUnexpectedEOF:           Transient,
			context.DeadlineExceeded:      Transient,
			context.Canceled:              Final,
			io.ErrShortBuffer:             Final,
			net.UnknownNetworkError("no"): Transient,
		} {
			tests = append(tests, struct {
				engine implementation
				err    error
				want   Class
			}{e, fmt.Errorf("write: %w", err), want})
		}
	}
	for _, test := range tests {
		if got := test.engine.class(test.err); got != test.want {
			t.Errorf("%T: %v: got %s, want %s", test.engine, test.err, got, test.want)
		}
	}
	codes := map[int]Class{
		5: Transient, 261: Transient, 6: Transient, 8: Transient, 10: Transient, 778: Transient, 13: Transient,
		2067: UniqueTaken, 1555: UniqueTaken, 787: Reference, 1299: Final, 275: Final, 1: Final, 3: Denied,
	}
	for code, want := range codes {
		if got := sqliteCodeClass(code); got != want {
			t.Errorf("SQLite code %d: got %s, want %s", code, got, want)
		}
	}
}

func TestMySQLVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"10.11.19-MariaDB-0+deb12u1-log": 101119, "5.5.5-10.11.19-MariaDB": 101119, "5.6.24-log": 50624, "8.4.0": 80400, "11.8.6-MariaDB": 110806, "9.1": 90100,
	} {
		if got, err := mysqlVersion(text); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	if _, err := mysqlVersion("new"); err == nil {
		t.Error("got no error for a version without numbers")
	}
}

func TestTooOld(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]int{"postgres": 130012, "mariadb": 100529, "mysql": 50562} {
		err := tooOldError(name, version, "old")
		if err == nil || openError(Config{Server: "sf"}, mustURL(t), &Engine{Name: name}, err).Name() != "server.too_old" {
			t.Errorf("%s %d: got %v", name, version, err)
		}
		if err := tooOldError(name, minimum[name], "new"); err != nil {
			t.Error(err)
		}
	}
}
