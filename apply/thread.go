package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ardso/apply/batch"
	"ardso/cdc"
	"ardso/mapping"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/statement"
)

// Work is what one source transaction, or a part of one, gives one thread to do.
type Work struct {
	Ops      []*mapping.Operation
	Position cdc.Position // end of the source transaction; "" in a part that is not the last
	Path     []string     // servers that the changes passed, the source last; one for all Ops
	More     bool         // a later part follows: the transaction stays open until it comes
	Retry    string       // not "": ID of the row of dso_pending_error to be tried again; no Ops
	Late     bool         // Ops waited for their time: they have no place in the log, and the position stays
	Back     *Back        // not nil: Ops were put aside; they have no place in the log either
	Free     func()       // called once Ops are no longer held in memory
	Done     func()       // called once the work is durable
	Drop     func(error)  // of Retry, Late and Back: called instead where the target does not accept
	bytes    int
}

// Limits of a batch: together with the target's own limits they bound memory and lock times.
const (
	maxBatchOps   = 2000
	maxBatchBytes = 8 << 20
	queueLength   = 1024
)

// Thread applies the work it is given in order.
type Thread struct {
	target     *Target
	aside      Aside              // nil: all is tried until it succeeds
	checkpoint control.Checkpoint // as last committed; Transactions counts, too
	queue      chan Work
	next       *Work  // taken from the queue, not yet applied
	later      []Work // retries that came inside a large transaction
}

// NewThread makes a thread; at is its checkpoint as it stands on the target (control.Prepare).
func (t *Target) NewThread(at control.Checkpoint) *Thread {
	at.Epoch = t.Epoch
	th := &Thread{target: t, checkpoint: at, queue: make(chan Work, queueLength)}
	if t.Aside != nil {
		th.aside = t.Aside(at.Pool)
	}
	return th
}

// Send hands work to the thread and waits while its queue is full.
func (th *Thread) Send(ctx context.Context, w Work) error {
	for _, op := range w.Ops {
		w.bytes += op.Size()
	}
	select {
	case th.queue <- w:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close says that no more work comes; Run ends once all is done.
func (th *Thread) Close() { close(th.queue) }

// Run applies work until Close or until ctx ends. A transient error is tried again without end, with
// growing pauses; it ends the thread only where a half-sent large transaction cannot be
// repeated from memory (*RestartError), the lease is lost (*control.FencedError), or the error is
// one that no repetition cures.
func (th *Thread) Run(ctx context.Context) error {
	for {
		works, ok := th.collect(ctx)
		if !ok {
			return context.Cause(ctx)
		}
		if len(works) == 0 {
			return nil
		}
		var err error
		switch {
		case works[0].Back != nil:
			err = th.applyBack(ctx, works[0])
		case th.aside != nil && th.aside.IsAway():
			err = th.putAside(ctx, works, nil, false)
		case works[0].More:
			err = th.stream(ctx, works[0])
		default:
			err = th.applyBatch(ctx, works)
			if away, ok := errors.AsType[*awayError](err); ok {
				err = th.putAside(ctx, works, away.err, away.undecided)
			}
		}
		if err != nil {
			return th.failure(ctx, err)
		}
	}
}

// failure says where err came from, and names it where it has no name and ends the thread for good.
func (th *Thread) failure(ctx context.Context, err error) error {
	where := fmt.Sprintf("%s: apply to %s: thread %s/%d", th.target.Source, th.target.DB.Server, th.checkpoint.Pool, th.checkpoint.Thread)
	_, named := errors.AsType[interface {
		error
		Name() string
	}](err)
	_, restart := errors.AsType[*RestartError](err)
	if named || restart || ctx.Err() != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return &RefusedError{Where: where, Err: err}
}

// RefusedError is a target that refuses what no request is the cause of, such as a table that was altered
// under the process. Nothing of the batch is written; the next run carries it out.
type RefusedError struct {
	Where string // servers and thread
	Err   error
}

func (e *RefusedError) Error() string { return e.Where + ": " + e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }
func (e *RefusedError) Name() string  { return "apply.refused" }

func (e *RefusedError) Remedy() string {
	return "cure what the database names, then start `ardso run` again: it reads the forms anew, and goes on where it stopped"
}

// NotAcceptingError ends the patience with a target: it is down, read-only, full, or denies a privilege.
type NotAcceptingError struct {
	Server string
	Err    error
}

func (e *NotAcceptingError) Error() string { return e.Server + " does not accept: " + e.Err.Error() }
func (e *NotAcceptingError) Unwrap() error { return e.Err }
func (e *NotAcceptingError) Name() string  { return "server.not_accepting" }

func (e *NotAcceptingError) Remedy() string {
	return "cure what the database names, then run again: it goes on where it stopped"
}

// collect takes the next batch: whole works up to the limits, of one path (all operations of one
// transaction share one). No works and ok: closed.
func (th *Thread) collect(ctx context.Context) (works []Work, ok bool) {
	ops, bytes := 0, 0
	for {
		w := th.next
		th.next = nil
		if w == nil {
			var open bool
			if w, open = th.take(ctx, len(works) == 0); w == nil {
				return works, open || ctx.Err() == nil
			}
		}
		alone := w.More || w.Retry != "" || w.Late || w.Back != nil
		if len(works) > 0 && (alone || ops+len(w.Ops) > maxBatchOps || bytes+w.bytes > maxBatchBytes || !slices.Equal(w.Path, works[0].Path)) {
			th.next = w
			return works, true
		}
		works = append(works, *w)
		ops += len(w.Ops)
		bytes += w.bytes
		if alone {
			return works, true
		}
	}
}

// take is receive, but those that were put off go first.
func (th *Thread) take(ctx context.Context, wait bool) (w *Work, open bool) {
	if len(th.later) > 0 {
		x := th.later[0]
		th.later = th.later[1:]
		return &x, true
	}
	return th.receive(ctx, wait)
}

// receive takes one work from the queue; it waits only if asked to.
func (th *Thread) receive(ctx context.Context, wait bool) (w *Work, open bool) {
	if !wait {
		select {
		case x, open := <-th.queue:
			if open {
				return &x, true
			}
		default:
		}
		return nil, true
	}
	select {
	case x, open := <-th.queue:
		if open {
			return &x, true
		}
		return nil, false
	case <-ctx.Done():
		return nil, false
	}
}

// takeLog receives the next part of a transaction; retries that come between wait until it is done.
func (th *Thread) takeLog(ctx context.Context) (w *Work, open bool) {
	for {
		w, open := th.receive(ctx, true)
		if w == nil || w.Retry == "" && !w.Late && w.Back == nil {
			return w, open
		}
		th.later = append(th.later, *w)
	}
}

// applyBatch writes works in one transaction, again and again until it is in.
func (th *Thread) applyBatch(ctx context.Context, works []Work) error {
	last := works[len(works)-1]
	next := th.checkpoint
	next.Transactions++
	if last.Retry == "" {
		next = th.mark(next, last)
		if !last.Late && last.Back == nil {
			next.Position = string(last.Position)
		}
	}
	var ops []*mapping.Operation
	for _, w := range works {
		ops = append(ops, w.Ops...)
	}
	err := th.persist(ctx, &next, func(ctx context.Context) (err error) {
		if last.Retry != "" {
			if next, err = th.retryMark(ctx, next, last.Retry); err != nil {
				return err
			}
		}
		return th.transact(ctx, next, func(w *writing) error {
			if last.Retry != "" {
				return w.retry(ctx, last.Retry)
			}
			return w.write(ctx, batch.Fold(ops))
		})
	})
	if err != nil {
		return err
	}
	th.checkpoint = next
	th.target.Counters.Operations.Add(int64(len(ops)))
	for _, w := range works {
		w.Free()
		w.Done()
	}
	return nil
}

// mark fills what shows the transaction to be ardso's (L-11).
func (th *Thread) mark(c control.Checkpoint, w Work) control.Checkpoint {
	c.Origin, c.Path, c.Mapping = th.target.Source, strings.Join(w.Path, cdc.PathSeparator), ""
	c.WriteBack = c.Pool == mapping.HomePool
	for i, op := range w.Ops {
		if i == 0 {
			c.Mapping = op.Mapping
		} else if c.Mapping != op.Mapping {
			c.Mapping = ""
			break
		}
	}
	return c
}

// retryMark is the mark for trying row id of dso_pending_error again: the way that its operations came,
// not that of the thread's last transaction. Servers that only some of them passed are left out: what
// returns there changes nothing, and nothing is kept from where it must still go (G1, G6).
func (th *Thread) retryMark(ctx context.Context, c control.Checkpoint, id string) (control.Checkpoint, error) {
	w := Work{Path: []string{th.target.Source}}
	row, err := control.GetError(ctx, th.target.DB, id)
	switch {
	case errors.As(err, new(*control.NotFoundError)): // a person removed it: nothing will be written
		return th.mark(c, w), nil
	case err != nil:
		return c, err
	}
	if w.Ops, err = decode(row.Operation); err != nil {
		return c, err
	}
	for i, op := range w.Ops {
		if i == 0 {
			w.Path = slices.Clone(op.Path)
		}
		w.Path = slices.DeleteFunc(w.Path, func(server string) bool { return !slices.Contains(op.Path, server) })
	}
	return th.mark(c, w), nil
}

// persist runs attempt until it succeeds or fails for good. Where a connection was lost at commit,
// the checkpoint tells whether the transaction is in.
func (th *Thread) persist(ctx context.Context, next *control.Checkpoint, attempt func(context.Context) error) error {
	failures := 0
	began := time.Now()
	for {
		err := th.watched(ctx, attempt)
		if err == nil {
			if failures > 0 {
				th.target.Log.Info("target accepts again", "pool", th.checkpoint.Pool, "thread", th.checkpoint.Thread, "attempt", failures+1)
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !th.curable(err) {
			return err
		}
		failures++
		th.target.Counters.Retries.Add(1)
		var lost *commitError
		isLost := errors.As(err, &lost)
		if th.aside != nil && !isLost && (isHung(err) || failures > 1 && time.Since(began) > grace) {
			return &awayError{err: err}
		}
		if p := th.target.Patience; p > 0 && time.Since(began) > p {
			return &NotAcceptingError{Server: th.target.DB.Server, Err: err}
		}
		if failures == 3 { // a passing deadlock is no news; a lasting condition is said once (INV-8)
			th.target.Log.Warn("target does not accept, trying again", "pool", th.checkpoint.Pool, "thread", th.checkpoint.Thread, "err", err)
		}
		if err := pause(ctx, failures); err != nil {
			return err
		}
		if isLost {
			in, ierr := th.isIn(ctx, *next)
			if errors.Is(ierr, errUndecided) {
				return &awayError{err: err, undecided: true}
			}
			if ierr != nil {
				return ierr
			}
			if in {
				lost.w.count()
				return nil
			}
		}
	}
}

// errUndecided: the target does not tell whether a transaction is in.
var errUndecided = errors.New("whether it is in cannot be told now")

// curable: what another attempt may cure, a missing privilege included, which a person can grant.
func (th *Thread) curable(err error) bool {
	if isHung(err) {
		return true
	}
	switch th.target.DB.Engine.Class(err) {
	case engine.Transient, engine.Denied:
		return true
	}
	return false
}

// isIn finds out whether the transaction that writes checkpoint c was committed, however long that
// takes: to go on without knowing would carry it out twice. Where the work can be put aside it gives up soon, with
// errUndecided.
func (th *Thread) isIn(ctx context.Context, c control.Checkpoint) (bool, error) {
	began := time.Now()
	for failures := 1; ; failures++ {
		in := false
		err := th.watched(ctx, func(ctx context.Context) (err error) {
			in, err = th.askIn(ctx, c)
			return err
		})
		if err != nil && th.aside != nil && ctx.Err() == nil && th.curable(err) && (isHung(err) || failures > 1 && time.Since(began) > grace) {
			return false, errUndecided
		}
		if err == nil || ctx.Err() != nil || !th.curable(err) {
			return in, err
		}
		if err := pause(ctx, failures); err != nil {
			return false, err
		}
	}
}

// askIn asks on another connection. It first writes the thread's row, which waits for the lost
// connection's transaction: that may still be on its way to its end in the server. The count of
// transactions changes with every commit, so it tells even where the position does not.
func (th *Thread) askIn(ctx context.Context, c control.Checkpoint) (bool, error) {
	tx, err := statement.Begin(ctx, th.target.DB)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // nothing is to be kept
	if err := control.Advance(ctx, tx, th.checkpoint); err != nil {
		return false, err
	}
	all, err := control.LoadCheckpoints(ctx, tx, th.target.Source)
	if err != nil {
		return false, err
	}
	for _, x := range all {
		if x.Pool == c.Pool && x.Layout == c.Layout && x.Thread == c.Thread {
			return x.Transactions > c.Transactions, nil // one more by what was just written
		}
	}
	return false, &control.NotPreparedError{Checkpoint: c}
}

// pause waits before attempt n+1: 50 ms doubling to 5 s, with jitter so that threads do not return
// together.
func pause(ctx context.Context, n int) error {
	d := min(50*time.Millisecond<<min(n-1, 10), 5*time.Second)
	d = d/2 + rand.N(d/2+1)
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// RestartError ends a thread that lost a half-sent transaction: its earlier parts are no longer in
// memory, so the log must be read again from the durable position.
type RestartError struct{ Err error }

func (e *RestartError) Error() string { return "large transaction was cut off: " + e.Err.Error() }
func (e *RestartError) Unwrap() error { return e.Err }

// errUnfinished rolls back a large transaction whose last parts do not come because the reader was told
// to stop: none of it is written, and the next process reads it from its beginning.
var errUnfinished = errors.New("reading ended inside the transaction")

// stream applies a transaction that comes in parts, in one target transaction and bounded memory: a
// part is written as it comes. The mark goes first, the position last, when it is known (INV-3).
func (th *Thread) stream(ctx context.Context, first Work) error {
	var parts []Work
	var ops int64 // counted once they are committed
	next := th.mark(th.checkpoint, first)
	if next.Mapping != "" { // later parts may hold other mappings
		next.Mapping = ""
	}
	err := th.watched(ctx, func(ctx context.Context) error {
		return th.transact(ctx, next, func(w *writing) error {
			part := first
			for {
				if err := w.write(ctx, batch.Fold(part.Ops)); err != nil {
					return err
				}
				ops += int64(len(part.Ops))
				part.Ops = nil
				part.Free() // the reader may go on: a large transaction is never in memory as a whole
				parts = append(parts, part)
				if !part.More {
					break
				}
				x, _ := th.takeLog(ctx)
				if x == nil {
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
					return errUnfinished
				}
				part = *x
			}
			next.Position = string(part.Position)
			next.Transactions += 2 // the mark and the position
			return control.Advance(ctx, w.tx, next)
		})
	})
	if err != nil {
		var lost *commitError
		if errors.As(err, &lost) {
			in, ierr := th.isIn(ctx, next)
			switch {
			case errors.Is(ierr, errUndecided): // the log is read again, and the checkpoint tells
			case ierr != nil:
				err = ierr
			case in:
				lost.w.count()
				err = nil
			}
		}
	}
	if errors.Is(err, errUnfinished) {
		return nil
	}
	if err != nil {
		if ctx.Err() == nil && th.curable(err) {
			return &RestartError{Err: err}
		}
		return err
	}
	th.target.Counters.Operations.Add(ops)
	th.checkpoint = next
	for _, w := range parts {
		w.Done()
	}
	return nil
}
