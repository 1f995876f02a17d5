package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/cdc/binlog/wire"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Reader reads a MariaDB or MySQL database's log. One Read at a time.
type Reader struct {
	db     *engine.DB
	tables []*schema.Table
	o      Options
}

var _ cdc.Reader = (*Reader)(nil)

// New makes a reader of the changes of these tables, which are in the database that db has open, and of the
// control tables there. Nothing is connected before Read.
func New(db *engine.DB, tables []*schema.Table, o Options) *Reader {
	return &Reader{db: db, tables: tables, o: o.withDefaults(db)}
}

// Read implements cdc.Reader. Positions are "mariadb:0-1-5,1-101-9", "mysql:<GTID set>" or, where GTIDs are
// off, "file:binlog.000003:4567@<server UUID>". Besides *cdc.PositionLostError and *cdc.UnreadableError it
// returns *SetupError, *ServerIDTakenError, *SilentError, deliver's error as it is, the context's cause, or
// what the connection failed with, after which a new Read may do better: it begins at whole transactions
// again (MS-1, MS-2).
func (r *Reader) Read(ctx context.Context, from cdc.Position, deliver func(*cdc.Transaction) error) error {
	state, err := binlog.ReadState(ctx, r.db)
	if err != nil {
		return cause(ctx, fmt.Errorf("%s: %w", r.db.Server, err))
	}
	start, err := startAt(state, from, r.db.Server)
	if err == nil {
		err = reaches(ctx, r.db, from, start)
	}
	if err != nil {
		return cause(ctx, err)
	}
	if err := r.alone(ctx, state); err != nil {
		return cause(ctx, err)
	}
	a, err := newAssembler(ctx, r.db, state, r.tables, r.o, start)
	if err != nil {
		return cause(ctx, err)
	}
	var refused error // deliver's own, which may well hold what another server said
	a.deliver = func(t *cdc.Transaction) error {
		refused = deliver(t)
		return refused
	}
	err = r.readAs(ctx, r.o.ServerID, start, a)
	if errors.Is(err, errHeldUp) {
		id := spareServerID()
		r.o.Log.Warn("the server waits for the connection of a former reader that takes nothing: reading under another server_id", "server_id", id)
		err = r.readAs(ctx, id, start, a)
	}
	if refused != nil {
		return cause(ctx, refused)
	}
	return cause(ctx, r.diagnose(a.last(), err))
}

// readAs is one session, under a server_id.
func (r *Reader) readAs(ctx context.Context, id uint32, start position, a *assembler) error {
	o := r.o
	o.ServerID = id
	c, err := dial(ctx, r.db, o)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // it was ended by an error, or it is not needed any more
	if err := dump(ctx, c, o, start, 0); err != nil {
		return err
	}
	r.o.Log.Info("reading the log", "position", string(start.text()), "server_id", id)
	return r.stream(ctx, c, a, id == r.o.ServerID && r.db.Engine.Name == "mariadb")
}

// errHeldUp: the server says nothing, because of another connection of the same server_id.
var errHeldUp = errors.New("the server waits for an older connection of the same server_id")

// heldUpAfter is when the server is asked why it says nothing at all: at once it would name a file.
const heldUpAfter = 3 * time.Second

// isHeldUp reports whether a MariaDB server has not begun to send, because it first ends the older connection of the
// same server_id, and that writes to a process which hangs (MS-5). It would for as long as blockedFor.
func (r *Reader) isHeldUp(ctx context.Context) (bool, error) {
	n, err := binlog.KilledWriting(ctx, r.db)
	return n > 0, err
}

// cause prefers the reason for which ctx ended to the error that this has led to.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// stream takes events until ctx ends or the stream breaks. While deliver blocks nothing is read: the server
// waits, for up to blockedFor, and memory stays bounded by one event and one part.
func (r *Reader) stream(ctx context.Context, c *wire.Conn, a *assembler, mayBeHeldUp bool) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(past) })
	defer stop()
	decoder := event.NewDecoder()
	// Silence counts from when we began to wait: a receiver that blocked is not the server's silence.
	heard, waits := time.Now(), false
	var ask time.Time // whether it is held up; zero: it is not
	if mayBeHeldUp {
		ask = heard.Add(heldUpAfter)
	}
	for {
		if !c.Buffered() {
			if err := a.beat(); err != nil {
				return err
			}
			now := time.Now()
			if !waits {
				heard, waits = now, true
			}
			until := heard.Add(r.o.Silence)
			if due := a.due(); !due.IsZero() && due.Before(until) {
				until = due
			}
			if !ask.IsZero() && ask.Before(until) {
				until = ask
			}
			if until.Before(now.Add(time.Millisecond)) {
				until = now.Add(time.Millisecond)
			}
			// The order matters: a cancel that comes between these two has set its own deadline before.
			if err := c.SetReadDeadline(until); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		raw, err := c.Next()
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			if since := time.Since(heard); since >= r.o.Silence {
				return &SilentError{Server: r.db.Server, For: since}
			}
			if !ask.IsZero() && !time.Now().Before(ask) {
				switch held, err := r.isHeldUp(ctx); {
				case err != nil:
					return err
				case held:
					return errHeldUp
				}
				ask = ask.Add(heldUpAfter)
			}
			continue
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the server ended the log: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		waits, ask = false, time.Time{}
		h, e, err := decoder.Decode(raw)
		if err != nil {
			return a.unreadable("an event of the log", err)
		}
		if err := a.event(ctx, decoder, h, e); err != nil {
			return err
		}
	}
}

// Confirm implements cdc.Reader. A binlog is kept for as long as the server's settings say, whoever reads it
// (MS-13), so nobody has to be told.
func (r *Reader) Confirm(cdc.Position) {}

// Order implements cdc.Reader: it counts what a position covers.
func (r *Reader) Order(p cdc.Position) int64 {
	at, err := parsePosition(p)
	if err != nil {
		return 0
	}
	return at.order()
}

// Covers implements cdc.Reader. What is no position of these servers is not covered and covers nothing.
func (r *Reader) Covers(durable, p cdc.Position) bool {
	d, derr := parsePosition(durable)
	q, qerr := parsePosition(p)
	return derr == nil && qerr == nil && d.covers(q)
}
