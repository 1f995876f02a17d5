package engine

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Facts are what Open learns from a server. Kept elsewhere, they let it be spoken of while it does not answer.
type Facts struct {
	Engine    string `json:"engine"` // Engine.Name
	Version   int    `json:"version"`
	MaxPacket int    `json:"max_packet,omitempty"`
	Schema    string `json:"schema"`
}

// Facts returns what is known of the open database.
func (d *DB) Facts() Facts {
	return Facts{Engine: d.Engine.Name, Version: d.Engine.Version, MaxPacket: d.Engine.MaxPacket, Schema: d.Schema}
}

// Absent returns the database that c names as Open would, of a server that does not answer because of cause: each use
// of it fails with an *AbsentError at once. f is what was known of it when it answered last.
func Absent(c Config, f Facts, cause error) (*DB, error) {
	e, u, err := ForURL(c.URL)
	if err != nil {
		return nil, &OpenError{Server: c.Server, Err: err, fault: badURL}
	}
	if e.Name != f.Engine {
		return nil, fmt.Errorf("%s: its url says %s, and what is known of it is of %s", c.Server, e.Name, f.Engine)
	}
	e.Version, e.MaxPacket = f.Version, f.MaxPacket
	connector := absent{&AbsentError{cause}}
	db := sqlx.NewDb(sql.OpenDB(connector), bindNames[e.Dialect])
	return &DB{DB: db, Engine: e, Server: c.Server, URL: u, Schema: f.Schema, config: c, connector: connector}, nil
}

// AbsentError is a use of a server that did not answer when it was to be opened, and was not tried again since. It is
// Transient, whatever the answer then was, and shown by that.
type AbsentError struct{ Err error }

func (e *AbsentError) Error() string { return e.Err.Error() }
func (e *AbsentError) Unwrap() error { return e.Err }

// absent makes no connections.
type absent struct{ err error }

func (a absent) Connect(context.Context) (driver.Conn, error) { return nil, a.err }
func (a absent) Driver() driver.Driver                        { return a }
func (a absent) Open(string) (driver.Conn, error)             { return nil, a.err }

// IsSilence reports whether err, of Open or of what was read after it, says that the server does not answer now, as
// one that is down or just starting: it may answer later without anybody changing anything here.
func IsSilence(url string, err error) bool {
	if open, ok := errors.AsType[*OpenError](err); ok {
		return open.class == Transient
	}
	e, _, uerr := ForURL(url)
	return uerr == nil && e.Class(err) == Transient
}
