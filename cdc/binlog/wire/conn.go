package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Conn is one connection. One call at a time; SetReadDeadline may come at any time, from anywhere.
type Conn struct {
	raw     net.Conn // below TLS
	stream  *stream
	state   state
	version string
	thread  uint32
	socket  bool
}

// state is what the connection is doing.
type state uint8

const (
	idle    state = iota // it takes commands
	dumping              // the server sends events
	ended                // no more can come
)

var past = time.Unix(1, 0)

// Connect connects and logs in. Besides what Config.Dial and TLS return it returns *NotMySQLError,
// *UnsupportedError, *TLSError, *ServerError (1045: the account or its password; 1040: too many connections; 1129: the host
// is blocked), *PacketError, or the cause of ctx.
func Connect(ctx context.Context, config Config) (*Conn, error) {
	config = config.withDefaults()
	limited, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	raw, err := config.Dial(limited, config.Network, config.Address)
	if err != nil {
		return nil, cause(ctx, err)
	}
	c := &Conn{raw: raw, stream: newStream(raw, maxGreeting), socket: config.Network == "unix"}
	err = c.within(limited, func() error { return c.handshake(config) })
	if err != nil {
		_ = raw.Close() // the first error is the one to tell
		return nil, cause(ctx, err)
	}
	c.stream.limit = config.MaxPacket
	return c, nil
}

// cause prefers the reason for which ctx ended to the error that this has led to.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// within runs f, which ctx can end at any time; then the connection is of no use any more.
func (c *Conn) within(ctx context.Context, f func() error) error {
	if err := c.raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.raw.SetDeadline(past) // f notices
		close(done)
	})
	err := f()
	if !stop() {
		<-done
		if err == nil {
			err = context.Cause(ctx)
		}
		c.state = ended
		_ = c.stream.end(err)
	}
	return err
}

// command runs f, which sends a command and reads what answers it, on a connection that does nothing else.
func (c *Conn) command(ctx context.Context, f func() error) error {
	switch c.state {
	case dumping:
		return errors.New("the connection is reading the log")
	case ended:
		return fmt.Errorf("the connection has ended: %w", c.stream.end(net.ErrClosed))
	}
	err := c.within(ctx, func() error {
		c.stream.seq = 0
		return f()
	})
	if refused := (*ServerError)(nil); err != nil && !errors.As(err, &refused) {
		c.state = ended // who knows what comes next
	}
	return cause(ctx, err)
}

// Next returns the next event after Dump or DumpGTID, from its header to its checksum. The bytes are valid until
// the next call. A deadline that has passed (os.ErrDeadlineExceeded) loses nothing: Next can be called again. It
// returns io.EOF where the server ends the log in order, *ServerError, or *PacketError.
func (c *Conn) Next() ([]byte, error) {
	if c.state != dumping {
		return nil, errors.New("the connection is not reading the log")
	}
	p, err := c.stream.packet()
	if err != nil {
		return nil, err
	}
	if len(p) > 1 && p[0] == packetOK {
		return p[1:], nil
	}
	c.state = ended // servers end the connection after a dump
	return nil, c.stream.end(afterLog(p))
}

// afterLog is what a packet that holds no event means.
func afterLog(p []byte) error {
	switch {
	case isEOF(p):
		return io.EOF
	case len(p) > 0 && p[0] == packetError:
		return parseServerError(p)
	}
	return malformed("%.20q where an event was due", p)
}

// Buffered reports whether Next returns without waiting, because a whole event has been read.
func (c *Conn) Buffered() bool { return c.stream.whole() }

// SetReadDeadline ends a Next that waits for longer; the zero time is no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.raw.SetReadDeadline(t) }

// ServerVersion is the version as the server greets with it, such as "5.5.5-10.11.6-MariaDB-log".
func (c *Conn) ServerVersion() string { return c.version }

// ThreadID is the number of the connection in the server's list of processes.
func (c *Conn) ThreadID() uint32 { return c.thread }

// String names the connection; buffers may hold what is nobody's business.
func (c Conn) String() string { return fmt.Sprintf("connection %d to %s", c.thread, c.version) }

// Format implements fmt.Formatter, for all verbs, and for a Conn that is part of another value as well.
func (c Conn) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

const closeTimeout = time.Second

// Close ends the connection: in order if the server waits for a command, else at once. It takes a second at most,
// also where the peer is gone (MS-25).
func (c *Conn) Close() error {
	if c.state == idle {
		if err := c.raw.SetDeadline(time.Now().Add(closeTimeout)); err == nil {
			c.stream.seq = 0
			_ = c.stream.send([]byte{comQuit}) // a courtesy
		}
	}
	c.state = ended
	_ = c.stream.end(net.ErrClosed)
	return c.raw.Close()
}
