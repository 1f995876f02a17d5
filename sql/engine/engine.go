// Package engine is a database engine as a value: how to open it, how it quotes, what it can, what
// its errors mean. Whoever needs to know asks the Engine; nobody compares names.
//
// Read Open, DB, Engine, then Class; Kind, Read and Scan say how values leave a database. The session
// settings that make values canonical (INV-5, A-15, PD-15, MD-8) are in the file of each engine.
//
// What it leaves to others: which tables and columns there are (package catalog), and whole statements
// (package statement).
package engine

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"ardso/sql/value"

	"github.com/jmoiron/sqlx"
)

// Engine is a kind of database with its version.
type Engine struct {
	Name    string // postgres, mariadb, mysql or sqlite
	Version int    // as the server counts it: 150018, 101119, 50624, 3054001; 0 before Open

	// Dialect names the folder of SQL files that this engine takes: postgres, mysql or sqlite.
	Dialect string
	// MaxParams bounds the parameters of one statement.
	MaxParams int
	// MaxPacket bounds the bytes of one statement; 0 = no limit known. Read from the server.
	MaxPacket int
	// SingleWriter: one transaction at a time can write, so one thread per target is enough.
	SingleWriter bool

	impl implementation
}

// implementation is what the file of each engine provides.
type implementation interface {
	quote(name string) string
	placeholder(n int) string
	class(err error) Class
	// connector turns the URL of the definitions into a maker of connections with our session settings.
	connector(u *url.URL, c Config) (driver.Connector, error)
	// setUp asks the opened server what it is and fills d.Schema, the version and the limits.
	setUp(ctx context.Context, d *DB) error
	// openFault tells why a database could not be opened.
	openFault(err error) fault
	kind(typeName string) (value.Kind, bool)
	// read is the expression that selects a column in the form that Engine.Scan reads.
	read(kind value.Kind, typeName, column string) string
	parse(kind value.Kind, typeName, text string) (value.Value, error)
}

// Config says which database to open.
type Config struct {
	Server   string // logical name, for messages
	URL      string // postgres://, mariadb://, mysql:// or sqlite:, without a password
	Password string // "" = none
	// MaxConns bounds the open connections; 0 = 16.
	MaxConns int
	// TLS, if not nil, overrides what the URL asks for (one builder for every connection, O-8).
	TLS *tls.Config
}

// String shows the configuration without the password (O-6).
func (c Config) String() string {
	secret := "none"
	if c.Password != "" {
		secret = "***"
	}
	return fmt.Sprintf("%s at %s, password %s", c.Server, shown(c.URL), secret)
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// DB is an open database.
type DB struct {
	*sqlx.DB
	Engine *Engine
	Server string // logical name
	URL    *url.URL
	// Schema is where unqualified tables are: PostgreSQL's current schema, MySQL's database, "main".
	Schema string

	config    Config
	connector driver.Connector
}

// Answers asks on a connection of its own, so that others which are busy or dead have no part in it, whether the server
// takes connections.
func (d *DB) Answers(ctx context.Context) error {
	db := sql.OpenDB(d.connector)
	defer func() { _ = db.Close() }() // what was asked is known by then
	return db.PingContext(ctx)
}

// Config returns what the database was opened with, for readers that need a connection of their own.
func (d *DB) Config() Config { return d.config }

// Schemes lists the URL schemes of the definitions.
var Schemes = []string{"postgres", "mariadb", "mysql", "sqlite"}

// ForURL returns the engine that a URL names, not yet opened. Its errors hold nothing of the URL but
// its scheme, because people put passwords into URLs (O-6).
func ForURL(raw string) (*Engine, *url.URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, nil, err
	}
	e := &Engine{}
	switch u.Scheme {
	case "postgres", "postgresql":
		*e = Engine{Name: "postgres", Dialect: "postgres", MaxParams: 65535, impl: postgres{}}
	case "mariadb", "mysql":
		*e = Engine{Name: u.Scheme, Dialect: "mysql", MaxParams: 65535, impl: mysqlFamily{}}
	case "sqlite":
		*e = Engine{Name: "sqlite", Dialect: "sqlite", MaxParams: 32766, SingleWriter: true, impl: sqlite{}}
	default:
		return nil, nil, fmt.Errorf("url: scheme %q is none of postgres, mariadb, mysql, sqlite", u.Scheme)
	}
	return e, u, nil
}

// Open connects and makes sure that the server answers and is of the engine that the URL names (MS-4)
// and not too old for us. Errors are *OpenError and hold no password.
func Open(ctx context.Context, c Config) (*DB, error) {
	e, u, err := ForURL(c.URL)
	if err != nil {
		return nil, &OpenError{Server: c.Server, Err: err, fault: badURL}
	}
	connector, err := e.impl.connector(u, c)
	if err != nil {
		return nil, &OpenError{Server: c.Server, Engine: e.Name, Err: err, fault: badURL}
	}
	conns := c.MaxConns
	if conns == 0 {
		conns = 16
	}
	db := sqlx.NewDb(sql.OpenDB(connector), bindNames[e.Dialect])
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	d := &DB{DB: db, Engine: e, Server: c.Server, URL: u, config: c, connector: connector}
	// A server of another kind may wait for us to speak first, as we wait for it.
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := e.impl.setUp(ctx, d); err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, openError(c, u, e, err)
	}
	return d, nil
}

// bindNames are the names under which sqlx knows how an engine writes parameters.
var bindNames = map[string]string{"postgres": "pgx", "mysql": "mysql", "sqlite": "sqlite3"}

// Quote quotes an identifier.
func (e *Engine) Quote(name string) string { return e.impl.quote(name) }

// Table quotes a table's name with its schema; no schema = none.
func (e *Engine) Table(schema, name string) string {
	if schema == "" {
		return e.Quote(name)
	}
	return e.Quote(schema) + "." + e.Quote(name)
}

// Placeholder is the n-th parameter, from 1.
func (e *Engine) Placeholder(n int) string { return e.impl.placeholder(n) }

// Class tells what err means for what was being done.
func (e *Engine) Class(err error) Class {
	if errors.As(err, new(*AbsentError)) {
		return Transient
	}
	return e.impl.class(err)
}

// Class is what an error means for whoever must decide what to do about it.
type Class uint8

const (
	Final       Class = iota // trying again will not help: type, constraint, syntax
	Transient                // the whole transaction may succeed if tried again: deadlock, lost connection, read-only, disk full
	UniqueTaken              // a unique index refused the row
	Reference                // a foreign key refused the row
	Denied                   // wrong password or missing privilege
)

func (c Class) String() string {
	return [...]string{"final", "transient", "unique taken", "reference", "denied"}[min(int(c), 4)]
}
