package wire

import (
	"errors"
	"fmt"
)

// ServerError is what the server answered instead of doing what it was asked for.
type ServerError struct {
	Number  uint16 // as in the server's own list, such as 1045
	State   string // five characters, or "" where the server gave none
	Message string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("server error %d (%s): %s", e.Number, e.State, e.Message)
}

// NotMySQLError is a peer that does not greet as MariaDB and MySQL do.
type NotMySQLError struct {
	Got string // what it said, as one can read it
	Err error  // what the connection failed with while waiting for a greeting; may be nil
}

func (e *NotMySQLError) Error() string { return "no MariaDB or MySQL server answers: " + e.Got }
func (e *NotMySQLError) Unwrap() error { return e.Err }

// Name identifies the error in logs and documents.
func (e *NotMySQLError) Name() string { return "connect.no_mysql_server" }

// Remedy says what a person can do.
func (e *NotMySQLError) Remedy() string {
	return "check host and port (the classic protocol, by default 3306, not 33060) and that the server runs"
}

// TLSError is a connection on which no TLS came about: a certificate that is not verified (the errors of crypto/x509
// lie beneath), or a server that has no version or cipher in common with us.
type TLSError struct{ Err error }

func (e *TLSError) Error() string { return "TLS: " + e.Err.Error() }
func (e *TLSError) Unwrap() error { return e.Err }

// Name identifies the error in logs and documents.
func (e *TLSError) Name() string { return "connect.tls" }

// Remedy says what a person can do.
func (e *TLSError) Remedy() string {
	return "check that the server's certificate is valid, has the host's name and comes from a CA that ardso is told of (sslrootcert), " +
		"and that the server speaks TLS 1.2 or later"
}

// UnsupportedError is a server or an account with which no safe connection is possible as things are set up.
type UnsupportedError struct {
	What string
	Fix  string
}

func (e *UnsupportedError) Error() string { return e.What }

// Name identifies the error in logs and documents.
func (e *UnsupportedError) Name() string { return "connect.unsupported" }

// Remedy says what a person can do.
func (e *UnsupportedError) Remedy() string { return e.Fix }

// What a PacketError is about, besides io.ErrUnexpectedEOF for a connection that ended too early.
var (
	ErrSequence  = errors.New("a packet is missing or doubled")
	ErrTooLarge  = errors.New("a packet is too large")
	ErrMalformed = errors.New("a packet is not as the protocol has it")
)

// PacketError is a damaged stream of packets. The connection is of no use any more.
type PacketError struct {
	Detail string
	Err    error // io.ErrUnexpectedEOF, ErrSequence, ErrTooLarge or ErrMalformed
}

func (e *PacketError) Error() string { return e.Err.Error() + ": " + e.Detail }
func (e *PacketError) Unwrap() error { return e.Err }

// Name identifies the error in logs and documents.
func (e *PacketError) Name() string { return "connect.damaged" }

// Remedy says what a person can do.
func (e *PacketError) Remedy() string {
	return "ardso connects again by itself; if it comes again, look at the server's error log and at what is between (proxies, tunnels)"
}

func malformed(format string, args ...any) error {
	return &PacketError{Detail: fmt.Sprintf(format, args...), Err: ErrMalformed}
}

// parseServerError reads an ERR packet. A server that does not know its client yet gives no state. MariaDB's
// progress reports, which have the number 65535, come only to clients that ask for them.
func parseServerError(p []byte) error {
	c := cursor{p: p[1:]}
	e := &ServerError{Number: c.uint16()}
	if len(c.p) >= 6 && c.p[0] == '#' {
		e.State = string(c.bytes(6)[1:])
	}
	if c.short {
		return malformed("an error of %d bytes", len(p))
	}
	e.Message = string(c.p)
	return e
}
