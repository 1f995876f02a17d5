// Package trigger reads the changes of an SQLite database from a log table that triggers write.
//
// SQLite has no log that others may read. Triggers on every mapped table write before and after images
// into dso_log (package sql/triggerlog); the Reader turns its rows into transactions.
//
// # Where a transaction ends
//
// Triggers do not see transaction ends. But SQLite has one writer, so the log rows of a transaction are
// contiguous, and whoever reads sees whole transactions only: the last row that is there at any moment
// is the end of one. The reader stores such ends (cuts) durably in dso_log_end before it delivers
// anything up to them. A second reading, after a crash, meets the same cuts and so the same
// transactions; skipping what is applied already depends on that.
//
// Between two cuts lies at least one transaction of a user; several cannot be told apart and are
// delivered as one. ardso's own transactions can: their first statement writes a row of
// dso_checkpoint with open = 1, their last sets open = 0, and what lies between is delivered as a
// transaction of its own with its mark. A row of dso_watermark is a transaction of its own.
//
// A cut's size has no limit: any place inside might be the middle of a transaction. Cuts are small
// while the reader runs, also while its receiver is slow, because they are taken by a goroutine of
// their own; only what was written while no reader ran is one cut. Its parts are delivered with More set,
// in bounded memory.
//
// # What the log does not show
//
// INSERT OR REPLACE deletes the row that it replaces without firing delete triggers unless the writer's
// connection has recursive_triggers on; the log then shows an insert alone. A column that is
// added later is not in the images until Plan is carried out again; the reader stops where that is
// not done soon (Options.Grace).
//
// Read Reader, then splitter in split.go, then Plan.
package trigger

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/triggerlog"
)

// Options of a Reader; the zero Options are good.
type Options struct {
	// Poll is how long an idle reader waits before it looks for new rows; 0 = 100 ms. While rows
	// come it looks up to ten times as often.
	Poll time.Duration
	// PartRows and PartBytes bound a delivered part of a transaction, and with it the memory that the
	// reader holds; 0 = 1,000 rows, 1 MiB. A row larger than that is a part by itself. Changing them
	// changes where transactions are cut into parts.
	PartRows, PartBytes int
	// Grace is how long a table may be altered before its triggers are made anew, until the reader stops;
	// 0 = 30 s.
	Grace time.Duration
}

func (o Options) withDefaults() Options {
	if o.Poll == 0 {
		o.Poll = 100 * time.Millisecond
	}
	if o.PartRows == 0 {
		o.PartRows = 1000
	}
	if o.PartBytes == 0 {
		o.PartBytes = 1 << 20
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	return o
}

// Reader reads the trigger log of one database.
type Reader struct {
	db        *engine.DB
	opt       Options
	confirmed atomic.Int64 // all up to here is durable downstream and may be trimmed
}

var _ cdc.Reader = (*Reader)(nil)

// New makes a reader of db, which stays the caller's. Read takes up to two of its connections.
func New(db *engine.DB, opt Options) *Reader {
	return &Reader{db: db, opt: opt.withDefaults()}
}

// Confirm lets Read trim the log up to p. It panics at a position that no Reader of this package made.
func (r *Reader) Confirm(p cdc.Position) {
	seq, err := parsePosition(p)
	if err != nil {
		panic(err)
	}
	for {
		old := r.confirmed.Load()
		if seq <= old || r.confirmed.CompareAndSwap(old, seq) {
			return
		}
	}
}

// Order implements cdc.Reader: it is the row of the log.
func (r *Reader) Order(p cdc.Position) int64 {
	n, err := parsePosition(p)
	if err != nil {
		return 0
	}
	return n
}

// Covers compares sequence numbers. A position that is none covers nothing and is not covered.
func (r *Reader) Covers(durable, p cdc.Position) bool {
	d, derr := parsePosition(durable)
	q, qerr := parsePosition(p)
	return derr == nil && qerr == nil && d >= q
}

// Read implements cdc.Reader. It fails with *cdc.PositionLostError where the log was trimmed past from,
// never reached it (a restored backup) or lacks rows after it, and with *cdc.UnreadableError where it is missing, the
// triggers no longer fit their tables, or a row cannot be read.
func (r *Reader) Read(ctx context.Context, from cdc.Position, deliver func(*cdc.Transaction) error) error {
	seq, err := parsePosition(from)
	if err != nil {
		return &cdc.PositionLostError{Server: r.db.Server, Position: from, Reason: "it is not of an SQLite trigger log"}
	}
	if err := r.checkStart(ctx, seq); err != nil {
		return err
	}

	ctx, stop := context.WithCancelCause(ctx)
	k := newKeeper(r)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := k.run(ctx); err != nil {
			stop(err)
		}
	}()
	err = r.follow(ctx, seq, k.moved, deliver)
	stop(err)
	<-ended
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil && isContext(err) {
		return cause
	}
	return err
}

// checkStart refuses a position that the log does not reach.
func (r *Reader) checkStart(ctx context.Context, from int64) error {
	if t, err := triggerlog.FindRelation(ctx, r.db, "dso_log_state"); err != nil {
		return fmt.Errorf("%s: %w", r.db.Server, err)
	} else if t == nil {
		return &cdc.UnreadableError{
			Server: r.db.Server, What: "the trigger log does not exist",
			Fix: "run `ardso init " + r.db.Server + "`",
		}
	}
	e, err := triggerlog.ReadExtent(ctx, r.db)
	if err != nil {
		return fmt.Errorf("%s: %w", r.db.Server, err)
	}
	lost := func(format string, args ...any) error {
		return &cdc.PositionLostError{
			Server: r.db.Server, Position: formatPosition(from), Reason: fmt.Sprintf(format, args...),
		}
	}
	if from < e.Trimmed {
		return lost("the trigger log has been trimmed up to %d", e.Trimmed)
	}
	if from < max(e.Given, e.Last) && (e.First == 0 || e.First > from+1) {
		return lost("the rows after it have been deleted from dso_log")
	}
	if from > max(e.Given, e.Cut) {
		return lost("the trigger log ends at %d: was the database restored from a backup?", e.Given)
	}
	return nil
}

// follow delivers cut by cut. moved is signalled when there may be a new one.
func (r *Reader) follow(ctx context.Context, pos int64, moved <-chan struct{}, deliver func(*cdc.Transaction) error) error {
	s := newSplitter(r.db, r.opt, deliver)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		cuts, err := triggerlog.Cuts(ctx, r.db, pos, 1000)
		if err != nil {
			return fmt.Errorf("%s: %w", r.db.Server, err)
		}
		for _, end := range cuts {
			if err := r.deliverCut(ctx, s, pos, end); err != nil {
				return err
			}
			pos = end
		}
		if len(cuts) > 0 {
			continue
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

// deliverCut delivers the log rows in (after, end].
func (r *Reader) deliverCut(ctx context.Context, s *splitter, after, end int64) error {
	s.begin(after)
	for pos := after; pos < end; {
		rows, err := triggerlog.Rows(ctx, r.db, pos, end, r.opt.PartRows, r.opt.PartBytes)
		if err != nil {
			return fmt.Errorf("%s: %w", r.db.Server, err)
		}
		if len(rows) == 0 {
			return r.gap(pos, end+1)
		}
		for i := range rows {
			// SQLite gives the numbers without gaps, also over rollbacks: what is missing was deleted.
			if rows[i].Seq != pos+1 {
				return r.gap(pos, rows[i].Seq)
			}
			if err := s.add(ctx, &rows[i]); err != nil {
				return err
			}
			pos = rows[i].Seq
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
		}
	}
	return s.end(end)
}

// gap is the error that the rows between two numbers are gone.
func (r *Reader) gap(after, before int64) error {
	return &cdc.PositionLostError{
		Server: r.db.Server, Position: formatPosition(after),
		Reason: fmt.Sprintf("the rows %d to %d of dso_log have been deleted", after+1, before-1),
	}
}

func formatPosition(seq int64) cdc.Position { return cdc.Position(strconv.FormatInt(seq, 10)) }

// parsePosition reads a position's number; the log's beginning is 0.
func parsePosition(p cdc.Position) (int64, error) {
	if p == "" {
		return 0, nil
	}
	seq, err := strconv.ParseUint(string(p), 10, 63)
	if err != nil || seq > math.MaxInt64 {
		return 0, fmt.Errorf("position %.40q is no sequence number", string(p))
	}
	return int64(seq), nil
}
