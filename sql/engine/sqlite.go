package engine

import (
	"context"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"ardso/sql/value"

	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

type sqlite struct{}

// sqliteSession is applied to each connection, the first one first: the rest already may have to wait
// for another writer. Durable at commit (FULL), readers beside the writer (WAL), and a transaction
// takes the write lock at its start, so that it cannot fail with SQLITE_BUSY in its middle.
const sqliteSession = "_busy_timeout=30000&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_txlock=immediate"

// connector takes sqlite:relative/path, sqlite:/absolute/path and sqlite:///absolute/path. The option
// mode=rw refuses to create the file, mode=ro to write it.
func (sqlite) connector(u *url.URL, c Config) (driver.Connector, error) {
	opts, err := options(u, "mode")
	if err != nil {
		return nil, err
	}
	mode := opts["mode"]
	switch mode {
	case "":
		mode = "rwc"
	case "rw", "rwc", "ro":
	default:
		return nil, errors.New("url: mode is none of rwc, rw, ro")
	}
	path := u.Path
	if u.Opaque != "" {
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return nil, errors.New("url: its path has a bad %XX")
		}
	}
	switch {
	case u.Host != "" || u.User != nil:
		return nil, errors.New("url: an SQLite file has no user and no host: sqlite:folder/file.db")
	case path == "":
		return nil, errors.New("url: it names no file: sqlite:folder/file.db")
	case path == ":memory:":
		return nil, errors.New("url: a database in memory is a different one on each connection: name a file")
	}
	escaped := (&url.URL{Path: path}).EscapedPath()
	session := sqliteSession
	if mode == "ro" {
		session = strings.Replace(session, "_pragma=journal_mode(WAL)&", "", 1)
	}
	return sqlitedriver.NewConnector("file:" + escaped + "?mode=" + mode + "&" + session)
}

//go:embed sqlite/server.sql
var sqliteServer string

func (sqlite) setUp(ctx context.Context, d *DB) error {
	var version string
	var tables int
	// Counting the tables reads the file, which opening it does not.
	if err := d.QueryRowContext(ctx, sqliteServer).Scan(&version, &tables); err != nil {
		return err
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("read SQLite's version %q: %w", version, err)
	}
	d.Engine.Version = major*1000000 + minor*1000 + patch
	d.Engine.MaxPacket = 1_000_000_000 // SQLITE_MAX_SQL_LENGTH and SQLITE_MAX_LENGTH
	d.Schema = "main"
	return nil
}

func (sqlite) openFault(err error) fault {
	var se *sqlitedriver.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_CANTOPEN:
			return noDatabase
		case sqlite3.SQLITE_NOTADB:
			return wrongEngine
		case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY:
			return denied
		}
	}
	return unreachable
}

func (sqlite) quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func (sqlite) placeholder(n int) string { return "?" + strconv.Itoa(n) }

// kind takes a declared type. SQLite's own rules of affinity decide where no name is known to us.
func (sqlite) kind(typeName string) (value.Kind, bool) {
	name, _, _ := strings.Cut(strings.ToUpper(typeName), "(")
	switch strings.TrimSpace(name) {
	case "DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITHOUT TIME ZONE":
		return value.KindInstant, true
	case "DATE":
		return value.KindDate, true
	case "TIME", "TIME WITHOUT TIME ZONE":
		return value.KindTime, true
	case "BOOL", "BOOLEAN":
		return value.KindInt, true
	case "JSON", "UUID", "STRING", "":
		return value.KindText, true
	case "BINARY", "VARBINARY", "BYTEA":
		return value.KindBytes, true
	}
	switch {
	case strings.Contains(name, "INT"):
		return value.KindInt, true
	case strings.Contains(name, "CHAR"), strings.Contains(name, "CLOB"), strings.Contains(name, "TEXT"):
		return value.KindText, true
	case strings.Contains(name, "BLOB"):
		return value.KindBytes, true
	case strings.Contains(name, "REAL"), strings.Contains(name, "FLOA"), strings.Contains(name, "DOUB"):
		return value.KindReal, true
	case strings.Contains(name, "DEC"), strings.Contains(name, "NUM"):
		return value.KindDecimal, true
	}
	return value.KindText, true
}

// read hides the declared type behind an operator that does nothing: the driver would turn text of a
// column declared DATE, DATETIME or TIMESTAMP into a time.Time, and lose what it does not understand.
func (sqlite) read(_ value.Kind, _, column string) string { return "+" + column }

func (sqlite) parse(kind value.Kind, _, text string) (value.Value, error) {
	return value.Parse(kind, text)
}
