package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Times that a server has to answer: a new connection, and all of Open's questions.
const (
	connectTimeout = 10 * time.Second
	openTimeout    = 20 * time.Second
)

// fault is why a database could not be opened: the last part of the error's name.
type fault string

const (
	unreachable fault = "unreachable"
	denied      fault = "denied"
	wrongEngine fault = "wrong_engine"
	tooOld      fault = "too_old"
	badURL      fault = "bad_url"
	noDatabase  fault = "no_database"
	badTLS      fault = "tls"
)

// OpenError says why a database could not be opened. It never holds a password (O-6).
type OpenError struct {
	Server  string // logical name
	Engine  string // as the URL names it; "" where the URL names none
	Address string // host:port, socket or file; "" with a bad URL
	Err     error

	fault fault
	class Class
}

func (e *OpenError) Error() string {
	what := "open " + e.Server
	if e.Engine != "" && e.Address != "" {
		what += fmt.Sprintf(" (%s at %s)", e.Engine, e.Address)
	}
	// The PostgreSQL driver spreads its attempts over several lines.
	return what + ": " + strings.Join(strings.Fields(e.Err.Error()), " ")
}

func (e *OpenError) Unwrap() error { return e.Err }

// Name is server.unreachable, server.denied, server.wrong_engine, server.too_old, server.bad_url,
// server.no_database or server.tls.
func (e *OpenError) Name() string { return "server." + string(e.fault) }

// Class is Transient where the server may answer later, Denied or Final else.
func (e *OpenError) Class() Class { return e.class }

// Remedy says what to do about it.
func (e *OpenError) Remedy() string {
	switch e.fault {
	case denied:
		return "check the user in the url, the password of server " + e.Server + " in the definitions, and that this user may connect to the database from this machine"
	case wrongEngine:
		return "write the url of server " + e.Server + " with the scheme of the engine that runs there: postgres://, mariadb://, mysql:// or sqlite:"
	case tooOld:
		return "upgrade the database server: ardso needs " + minimumText
	case badURL:
		return "correct the url of server " + e.Server + " in the definitions: " + example(e.Engine)
	case noDatabase:
		return "create the database, or correct the name in the url of server " + e.Server
	case badTLS:
		return "check sslmode, sslrootcert, sslcert and sslkey in the url of server " + e.Server + " against the server's certificate"
	}
	return "see that the server runs and that " + e.Address + " can be reached from this machine, then try again"
}

func example(engine string) string {
	switch engine {
	case "sqlite":
		return "sqlite:folder/file.db"
	case "mariadb", "mysql":
		return engine + "://user@host:3306/database?sslmode=verify-full"
	}
	return "postgres://user@host:5432/database?sslmode=verify-full"
}

// The oldest versions that ardso works with, as Engine.Version counts.
var minimum = map[string]int{"postgres": 140000, "mariadb": 100600, "mysql": 50600}

const minimumText = "PostgreSQL 14, MariaDB 10.6 or MySQL 5.6, or later"

// faultError is a fault that we find ourselves, on a server that answers.
type faultError struct {
	fault fault
	text  string
}

func (e *faultError) Error() string { return e.text }

// tooOldError returns nil for a version that is new enough; shown is the server's own spelling.
func tooOldError(name string, version int, shown string) error {
	if version >= minimum[name] {
		return nil
	}
	return &faultError{tooOld, fmt.Sprintf("the server is %s %s, and ardso needs %s", name, shown, minimumText)}
}

func openError(c Config, u *url.URL, e *Engine, err error) *OpenError {
	out := &OpenError{Server: c.Server, Engine: e.Name, Address: address(u), Err: err, class: Final}
	var own *faultError
	switch {
	case errors.As(err, &own):
		out.fault = own.fault
	case isTLS(err):
		out.fault = badTLS
	default:
		out.fault = e.impl.openFault(err)
	}
	// The PostgreSQL driver says much about its own attempts before it says what is wrong.
	var answer *pgconn.PgError
	var attempt *pgconn.ConnectError
	switch {
	case errors.As(err, &answer):
		out.Err = answer
	case errors.As(err, &attempt):
		out.Err = attempt.Unwrap()
	}
	switch out.fault {
	case denied:
		out.class = Denied
	case unreachable:
		out.class = Transient
		if errors.Is(err, context.Canceled) {
			out.class = Final
		}
	}
	return out
}

func address(u *url.URL) string {
	q := u.Query()
	for _, socket := range []string{q.Get("socket"), q.Get("host")} {
		if socket != "" {
			return socket
		}
	}
	if u.Scheme == "sqlite" {
		return u.Opaque + u.Path
	}
	return u.Host
}

func isTLS(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &name) || errors.As(err, &unknown) || errors.As(err, &invalid) ||
		strings.Contains(err.Error(), "TLS")
}
