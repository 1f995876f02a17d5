package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
	"ardso/sql/engine"
	"ardso/sql/replication"

	"github.com/jackc/pgx/v5/pgconn"
)

// Reader reads a PostgreSQL database's log. One Read at a time.
type Reader struct {
	db       *engine.DB
	o        Options
	patience time.Duration // with a slot that is occupied
	wrap     func(net.Conn) net.Conn

	confirmed atomic.Uint64 // LSN up to which all is durable downstream
	system    atomic.Uint64 // system identifier, known from the first Read on
}

var _ cdc.Reader = (*Reader)(nil)

// New makes a reader. Nothing is connected before Read; the slot must have been set up (Plan).
func New(db *engine.DB, o Options) *Reader {
	return &Reader{db: db, o: o.withDefaults(db), patience: slotPatience, wrap: newBulkConn}
}

// slotPatience is how long Read waits for a slot to become free: a connection that has just been closed
// lingers for a moment on the server.
const slotPatience = 5 * time.Second

// Read implements cdc.Reader. Positions are "16/B374D848@<system identifier>"; from "" begins where the
// slot does. Besides *cdc.PositionLostError and *cdc.UnreadableError it returns *SlotActiveError,
// *SetupError and *SilentError, deliver's error as it is, the context's cause, or what the connection
// failed with, after which a new Read may do better.
//
// Confirm only what is stored: at the next start, a slot that has been confirmed beyond from counts as a
// lost position (PS-5, PS-10).
func (r *Reader) Read(ctx context.Context, from cdc.Position, deliver func(*cdc.Transaction) error) error {
	if err := r.o.validate(); err != nil {
		return &SetupError{Server: r.db.Server, Reason: err.Error(), Fix: "choose another name in the definitions"}
	}
	start, err := r.begin(ctx, from)
	if err != nil {
		return cause(ctx, err)
	}
	w, err := r.connect(ctx, start)
	if err != nil {
		return cause(ctx, r.diagnose(ctx, start, err))
	}
	defer w.close()
	r.o.Log.Info("reading the log", "position", start.text(), "slot", r.o.Slot)
	var refused error // deliver's own, which may well hold what another server said
	err = r.stream(ctx, w, start, func(t *cdc.Transaction) error {
		refused = deliver(t)
		return refused
	})
	if refused != nil {
		return cause(ctx, refused)
	}
	return cause(ctx, r.diagnose(ctx, start, err))
}

// cause prefers the reason for which ctx ended to the error that this has led to.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// begin makes sure that the slot is ours and reaches back to from, and returns where to start.
func (r *Reader) begin(ctx context.Context, from cdc.Position) (position, error) {
	s, err := replication.ReadState(ctx, r.db, r.o.Slot)
	if err != nil {
		return position{}, fmt.Errorf("%s: %w", r.db.Server, err)
	}
	start, err := startAt(s, from, r.db.Server, r.o.Slot)
	if err != nil {
		return position{}, err
	}
	p, err := replication.ReadPublication(ctx, r.db, r.o.Publication)
	if err != nil {
		return position{}, fmt.Errorf("%s: %w", r.db.Server, err)
	}
	if !p.Found {
		return position{}, noPublication(r.db.Server, r.o.Publication)
	}
	confirmed, err := pgoutput.ParseLSN(s.Confirmed)
	if err != nil {
		return position{}, fmt.Errorf("%s: slot %q: %w", r.db.Server, r.o.Slot, err)
	}
	r.system.Store(s.System)
	r.confirm(confirmed) // what the server knows already, so that feedback has no zero in it (PS-1)
	return start, nil
}

// startAt judges the slot's state against the position to go on from. It returns *cdc.PositionLostError
// or *SetupError.
func startAt(s replication.State, from cdc.Position, server, slot string) (position, error) {
	lost := func(format string, args ...any) (position, error) {
		return position{}, &cdc.PositionLostError{Server: server, Position: from, Reason: fmt.Sprintf(format, args...)}
	}
	want, err := parsePosition(from)
	if err != nil {
		return lost("%v", err)
	}
	switch {
	case want.lsn != 0 && want.system != s.System: // PS-27
		return lost("it is of the server with system identifier %d, and this one has %d: another server, or one that was set up anew", want.system, s.System)
	case s.Standby: // PS-26
		return position{}, &SetupError{Server: server, Reason: "the server is a standby", Fix: "name the primary in the url"}
	case !s.Found: // PS-12
		return lost("slot %q does not exist", slot)
	case s.Plugin != "pgoutput" || s.SlotDatabase != s.Database:
		return position{}, &SetupError{
			Server: server,
			Reason: fmt.Sprintf("slot %q is for plug-in %q in database %q, not for pgoutput in %q", slot, s.Plugin, s.SlotDatabase, s.Database),
			Fix:    "drop that slot, or name another one in the definitions",
		}
	case s.WALStatus == "lost" || s.Invalidation != "": // PS-13
		return lost("slot %q has dropped its log at %s (wal_status = %s%s)", slot, s.Confirmed, s.WALStatus, reason(s.Invalidation))
	}
	confirmed, err := pgoutput.ParseLSN(s.Confirmed)
	if err != nil {
		return lost("slot %q has no confirmed position", slot)
	}
	end, err := pgoutput.ParseLSN(s.LogEnd)
	if err != nil {
		return lost("the server's log has no end: %v", err)
	}
	if want.lsn == 0 {
		return position{confirmed, s.System}, nil
	}
	if want.lsn < confirmed { // the server would begin there without a word (PS-10, PS-11)
		return lost("slot %q begins at %s: it was made anew, or confirmed by somebody else", slot, confirmed)
	}
	if want.lsn > end {
		return lost("the server's log ends at %s: the server was restored, or failed over to a copy that had not got so far", end)
	}
	return want, nil
}

func reason(invalidation string) string {
	if invalidation == "" {
		return ""
	}
	return ", " + invalidation
}

// connect opens the replication connection and starts the stream. A slot that is occupied gets some
// patience.
func (r *Reader) connect(ctx context.Context, start position) (*wire, error) {
	c, err := replicationConfig(r.db, r.o, r.wrap)
	if err != nil {
		return nil, err
	}
	command := replication.StartReplication(r.o.Slot, r.o.Publication, start.lsn.String())
	deadline := time.Now().Add(r.patience)
	for {
		w, err := dialWire(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s: connect for replication: %w", r.db.Server, err)
		}
		if err = w.start(ctx, command); err == nil {
			return w, nil
		}
		w.close()
		if !isCode(err, codeInUse) || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stream runs the two halves until one of them ends, then waits for the other.
func (r *Reader) stream(ctx context.Context, w *wire, start position, deliver func(*cdc.Transaction) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &stream{
		wire:      w,
		server:    r.db.Server,
		period:    min(r.o.Heartbeat, r.o.SenderTimeout/3),
		silence:   3 * r.o.SenderTimeout, // a server that decodes a large transaction may say nothing for a while
		confirmed: func() pgoutput.LSN { return pgoutput.LSN(r.confirmed.Load()) },
		chunks:    make(chan *chunk, chunkQueue),
		free:      make(chan *chunk, chunkQueue+1),
		received:  start.lsn,
	}
	a := &assembler{
		server:    r.db.Server,
		system:    start.system,
		partRows:  r.o.PartRows,
		partBytes: r.o.PartBytes,
		heartbeat: r.o.Heartbeat,
		types:     newTypes(r.db),
		deliver:   deliver,
		now:       time.Now,
		relations: map[uint32]*relation{},
		origin:    start.lsn,
	}
	received := make(chan error, 1)
	go func() { received <- s.run(ctx) }()
	err := assemble(ctx, s, a)
	if err != nil {
		cancel(err)
	}
	if rerr := <-received; err == nil {
		err = rerr
	}
	return err
}

// assemble takes chunks until there are no more, or until one cannot be delivered.
func assemble(ctx context.Context, s *stream, a *assembler) error {
	for c := range s.chunks {
		for _, f := range c.frames {
			if ctx.Err() != nil {
				return nil // the receiving half tells why
			}
			if err := a.frame(ctx, f); err != nil {
				return err
			}
		}
		s.recycle(c)
	}
	return nil
}

// Confirm implements cdc.Reader. The server hears of it with the next feedback.
func (r *Reader) Confirm(p cdc.Position) {
	pos, err := parsePosition(p)
	if err != nil || pos.system != r.system.Load() {
		return // not of this log: nothing that could be cut
	}
	r.confirm(pos.lsn)
}

func (r *Reader) confirm(l pgoutput.LSN) {
	for {
		old := r.confirmed.Load()
		if uint64(l) <= old || r.confirmed.CompareAndSwap(old, uint64(l)) {
			return
		}
	}
}

// Order implements cdc.Reader: it is the LSN.
func (r *Reader) Order(p cdc.Position) int64 {
	at, err := parsePosition(p)
	if err != nil {
		return 0
	}
	return int64(at.lsn)
}

// Covers implements cdc.Reader. What is no position of PostgreSQL is not covered and covers nothing.
func (r *Reader) Covers(durable, p cdc.Position) bool {
	d, derr := parsePosition(durable)
	q, qerr := parsePosition(p)
	return derr == nil && qerr == nil && d.covers(q)
}

// SQLSTATEs that the server answers with.
const (
	codeInUse        = "55006" // object_in_use
	codePrerequisite = "55000" // object_not_in_prerequisite_state: PostgreSQL 18's word for no publication
	codeUndefined    = "42704" // undefined_object: slot or publication
)

func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// diagnose names what is behind an error that the server sent, if it is something that lasts (PS-13).
func (r *Reader) diagnose(ctx context.Context, start position, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || ctx.Err() != nil {
		return err
	}
	if pg.Code == codeInUse {
		return &SlotActiveError{Server: r.db.Server, Slot: r.o.Slot, PID: activePID(pg.Message)}
	}
	if s, serr := replication.ReadState(ctx, r.db, r.o.Slot); serr == nil {
		at := position{max(start.lsn, pgoutput.LSN(r.confirmed.Load())), start.system}
		if _, named := startAt(s, at.text(), r.db.Server, r.o.Slot); named != nil {
			return named
		}
	}
	if pg.Code == codeUndefined || pg.Code == codePrerequisite {
		e := noPublication(r.db.Server, r.o.Publication)
		e.Err = err
		return e
	}
	return fmt.Errorf("%s: read the log: %w", r.db.Server, err)
}

// noPublication is what a reader meets where the publication is missing, or was when a change was made:
// the log is read as of then (PS-17).
func noPublication(server, publication string) *SetupError {
	return &SetupError{
		Server: server,
		Reason: fmt.Sprintf("publication %q is missing, or was when a change was made", publication),
		Fix: fmt.Sprintf("run `ardso init %[1]s`; changes made without the publication cannot be read: if this comes again, "+
			"`ardso init --remove %[1]s`, `ardso init %[1]s`, and `ardso transfer` what changed", server),
	}
}

var pidInMessage = regexp.MustCompile(`PID (\d+)`)

// activePID finds who holds a slot; 0 where the server's language hides it.
func activePID(message string) int {
	m := pidInMessage.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}
