package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// Config says how to reach a server. Network and Address are those of net.Dial: "tcp" and host:port, or "unix" and
// the path of a socket.
type Config struct {
	Network, Address string
	User             string
	Password         Password

	// TLS is how the connection is protected and the server verified; nil = no TLS. Without a ServerName the
	// host of Address is it.
	TLS *tls.Config
	// Plaintext: go on without TLS where the server offers none. Otherwise that is an error.
	Plaintext bool

	// Attributes are shown in the server's performance_schema; keep secrets out.
	Attributes map[string]string
	// Timeout is for all of Connect; 0 = 10 s.
	Timeout time.Duration
	// MaxPacket is the largest packet taken from the server, in bytes; 0 = 1 GiB, the most that servers can be
	// set to, and 1 MiB for what is around such a value.
	MaxPacket int
	// Dial opens the connection; nil = a net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultTimeout   = 10 * time.Second
	defaultMaxPacket = 1<<30 + 1<<20
)

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxPacket <= 0 {
		c.MaxPacket = defaultMaxPacket
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

// Password is text that shows as *** however it is printed or logged (O-6). Convert it to a string to use it.
type Password string

const hidden = "***"

var (
	_ fmt.Formatter  = Password("")
	_ slog.LogValuer = Password("")
)

// Format implements fmt.Formatter, for all verbs.
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String is there for what does not go through fmt.
func (Password) String() string { return hidden }

// LogValue implements slog.LogValuer.
func (Password) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (Password) MarshalText() ([]byte, error) { return []byte(hidden), nil }
