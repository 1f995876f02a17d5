package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"ardso/sql/engine"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// readBuffer is how much is taken from the socket at once.
const readBuffer = 256 << 10

// replicationConfig is the configuration of all connections to that server, so that address, password,
// TLS and what makes the text of values canonical have one maker (O-8, PD-15, PS-25), made one for
// replication. wrap gets each new network connection.
func replicationConfig(db *engine.DB, o Options, wrap func(net.Conn) net.Conn) (*pgconn.Config, error) {
	pg, err := engine.PostgresConfig(db.URL, db.Config())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	c := &pg.Config
	c.RuntimeParams["replication"] = "database"
	c.RuntimeParams["application_name"] = "ardso reader " + o.Slot
	c.RuntimeParams["wal_sender_timeout"] = strconv.FormatInt(o.SenderTimeout.Milliseconds(), 10)
	c.RuntimeParams["lock_timeout"] = "0"
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			// A dead peer is noticed by the kernel, sooner than by its silence (PS-9).
			limitUnacknowledged(tcp, o.SenderTimeout)
			_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: o.SenderTimeout / 4, Interval: o.SenderTimeout / 8, Count: 4})
		}
		return wrap(conn), nil
	}
	return c, nil
}

// wire is the replication connection. One goroutine uses it at a time.
type wire struct {
	pg  *pgconn.PgConn
	buf *bufio.Reader // between the socket and pg's own, small buffer
}

func dialWire(ctx context.Context, c *pgconn.Config) (*wire, error) {
	w := &wire{}
	c.BuildFrontend = func(r io.Reader, out io.Writer) *pgproto3.Frontend {
		w.buf = bufio.NewReaderSize(r, readBuffer)
		return pgproto3.NewFrontend(w.buf, out)
	}
	var err error
	w.pg, err = pgconn.ConnectConfig(ctx, c)
	return w, err
}

// start begins streaming. It returns a *pgconn.PgError where the server refuses.
func (w *wire) start(ctx context.Context, command string) error {
	stop := context.AfterFunc(ctx, func() { _ = w.pg.Conn().SetDeadline(time.Unix(1, 0)) })
	defer stop()
	f := w.pg.Frontend()
	f.SendQuery(&pgproto3.Query{String: command})
	if err := f.Flush(); err != nil {
		return err
	}
	for {
		m, err := f.Receive()
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		switch m := m.(type) {
		case *pgproto3.CopyBothResponse:
			return nil
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus:
		default:
			return fmt.Errorf("start replication: unexpected answer %T", m)
		}
	}
}

// receive returns the next message of the stream; its content is valid until the next call.
func (w *wire) receive() ([]byte, error) {
	for {
		m, err := w.pg.Frontend().Receive()
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *pgproto3.CopyData:
			return m.Data, nil
		case *pgproto3.ErrorResponse:
			return nil, pgconn.ErrorResponseToPgError(m)
		case *pgproto3.NoticeResponse:
			// PostgreSQL 18 goes on without a publication that does not exist, and only warns (PS-17).
			if m.Code == codePrerequisite {
				return nil, pgconn.ErrorResponseToPgError((*pgproto3.ErrorResponse)(m))
			}
		case *pgproto3.ParameterStatus:
		case *pgproto3.CopyDone:
			return nil, errors.New("the server ended the stream")
		default:
			return nil, fmt.Errorf("unexpected message %T in the stream", m)
		}
	}
}

// drained reports whether all that has arrived has been received, as far as this side knows.
func (w *wire) drained() bool { return w.buf.Buffered() == 0 && w.pg.Frontend().ReadBufferLen() == 0 }

// send sends one message of the stream. The server reads while it writes, so this does not block long.
func (w *wire) send(data []byte) error {
	_ = w.pg.Conn().SetWriteDeadline(time.Now().Add(10 * time.Second))
	f := w.pg.Frontend()
	f.Send(&pgproto3.CopyData{Data: data})
	return f.Flush()
}

// close says good-bye, so that the server frees the slot at once.
func (w *wire) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.pg.Conn().SetDeadline(time.Time{})
	_ = w.pg.Close(ctx)
}
