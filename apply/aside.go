package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/sql/control"
)

// Aside keeps, on their source, the operations that a target does not accept for the time being, so that it holds up
// neither the source's log nor its other targets (G7), or those of a pool that polls. It gives them back to the threads as
// works of their own.
type Aside interface {
	// IsAway reports whether works are put aside now.
	IsAway() bool
	// Begin starts to put work aside up to position; with a cause the target is away from then on. It returns nil
	// where the target accepts again meanwhile. th is the thread's checkpoint as last committed.
	Begin(ctx context.Context, th control.Checkpoint, position cdc.Position, cause error) (Putting, error)
	// Failure says why an operation waits.
	Failure(op *mapping.Operation) *mapping.Failure
	// Curable says whether another attempt to put work aside may succeed.
	Curable(err error) bool
}

// Putting is one transaction on the source that puts work of a thread aside.
type Putting interface {
	// Done reports that the work is aside already: a commit whose answer was lost.
	Done() bool
	// Put keeps operations in their order; tried: the thread may have carried them out.
	Put(ctx context.Context, ops []*mapping.Operation, tried bool) error
	// End commits it all; the thread's work is aside up to position then.
	End(ctx context.Context, position cdc.Position) error
	// Cancel gives it up, unless it has ended.
	Cancel()
}

// grace is how long a target is tried without a pause before its work is put aside: a deadlock passes within it.
const grace = time.Second

// awayError ends the patience with a target whose work can be put aside.
type awayError struct {
	err error
	// undecided: a transaction was sent and its commit not answered.
	undecided bool
}

func (e *awayError) Error() string { return e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

// TargetAway is the failure of what is tried again by itself once its target accepts again.
const TargetAway = "target.away"

// PoolPolls is the failure of what waits for the next time of its pool.
const PoolPolls = "pool.polls"

// RetryTimeout is the failure of what has waited for its target for as long as it may.
const RetryTimeout = "retry.timeout"

// RetryNoMapping is the failure of what has waited for its target, and whose mapping is gone meanwhile.
const RetryNoMapping = "retry.no_mapping"

// AwayFailure says of an operation that its target does not accept now.
func AwayFailure(op *mapping.Operation) *mapping.Failure {
	return &mapping.Failure{
		Kind:   TargetAway,
		Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: %s does not accept now", op.Mapping, op.Request, op.Form, op.Source, op.Target),
		Fix:    "nothing: it is tried again by itself; `ardso status` tells when",
	}
}

// putAside keeps works for later. tried: they may be in already, since a commit was not answered.
func (th *Thread) putAside(ctx context.Context, works []Work, cause error, tried bool) error {
	if w := works[0]; w.Retry != "" || w.Late || w.Back != nil { // these are kept where they came from
		w.Drop(cause)
		return nil
	}
	if works[0].More {
		return th.putStream(ctx, works[0])
	}
	last := works[len(works)-1]
	var ops []*mapping.Operation
	for _, w := range works {
		ops = append(ops, w.Ops...)
	}
	for failures := 1; ; failures++ {
		accepts, err := th.put(ctx, ops, last.Position, cause, tried)
		if accepts {
			return th.applyBatch(ctx, works)
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !th.aside.Curable(err) {
			return err
		}
		if err := pause(ctx, failures); err != nil {
			return err
		}
	}
	th.tellAside(ops, tried)
	for _, w := range works {
		w.Free()
		w.Done()
	}
	return nil
}

// put is one attempt. accepts: nothing was put aside, because the target accepts again.
func (th *Thread) put(ctx context.Context, ops []*mapping.Operation, at cdc.Position, cause error, tried bool) (accepts bool, err error) {
	p, err := th.aside.Begin(ctx, th.checkpoint, at, cause)
	if err != nil || p == nil {
		return p == nil && err == nil, err
	}
	defer p.Cancel()
	if p.Done() {
		return false, nil
	}
	if err := p.Put(ctx, th.putable(ops, tried), tried); err != nil {
		return false, err
	}
	return false, p.End(ctx, at)
}

// putable leaves out hand-overs that cannot have been carried out: their source goes on owning the request, and asks
// again once the target accepts.
func (th *Thread) putable(ops []*mapping.Operation, tried bool) []*mapping.Operation {
	if tried {
		return ops
	}
	var kept []*mapping.Operation
	for _, op := range ops {
		if op.Offer == nil {
			kept = append(kept, op)
		}
	}
	return kept
}

// tellAside tells the source what waits.
func (th *Thread) tellAside(ops []*mapping.Operation, tried bool) {
	for _, op := range ops {
		if op.Offer != nil && tried || op.Offer == nil && !op.TellSource {
			continue
		}
		f := th.aside.Failure(op)
		if op.Offer == nil && f.Kind == PoolPolls {
			continue
		}
		r := Result{Op: op, Failure: f}
		if op.Offer != nil && op.Failure != nil {
			r.Failure = op.Failure
		}
		th.target.Tell(r)
	}
}

// putStream puts a transaction aside that comes in parts, in one transaction on the source. That begins when all parts are
// there, kept in a file until then: it must not wait for the reader, which waits for other threads.
func (th *Thread) putStream(ctx context.Context, first Work) error {
	p, err := th.aside.Begin(ctx, th.checkpoint, "", nil)
	if err != nil {
		return th.cutOff(ctx, err)
	}
	if p == nil {
		return th.stream(ctx, first)
	}
	defer p.Cancel()
	all, err := newSpool()
	if err != nil {
		return err
	}
	defer all.close()
	var parts []Work
	var told []*mapping.Operation
	part := first
	for {
		if err := all.add(th.putable(part.Ops, false)); err != nil {
			return err
		}
		for _, op := range part.Ops {
			if op.Offer != nil || op.TellSource {
				told = append(told, op)
			}
		}
		part.Ops = nil
		part.Free()
		parts = append(parts, part)
		if !part.More {
			break
		}
		x, _ := th.takeLog(ctx)
		if x == nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return nil // reading ended inside the transaction: the next process reads it from its beginning
		}
		part = *x
	}
	err = all.each(func(ops []*mapping.Operation) error { return p.Put(ctx, ops, false) })
	if err == nil {
		err = p.End(ctx, part.Position)
	}
	if err != nil {
		return th.cutOff(ctx, err)
	}
	th.tellAside(told, false)
	for _, w := range parts {
		w.Done()
	}
	return nil
}

// cutOff is the error of a large transaction that could not be put aside: its parts are no longer in memory.
func (th *Thread) cutOff(ctx context.Context, err error) error {
	if ctx.Err() == nil && th.aside.Curable(err) {
		return &RestartError{Err: err}
	}
	return err
}

// Back is work that was put aside and is to be carried out now.
type Back struct {
	// Checkpoint, if not nil, is the thread's: the target was away when the thread was made.
	Checkpoint *control.Checkpoint
}

// applyBack carries out what was put aside, in one transaction: its place in the log is past, so the position stays.
func (th *Thread) applyBack(ctx context.Context, w Work) error {
	if w.Back.Checkpoint != nil {
		th.checkpoint = *w.Back.Checkpoint
		th.checkpoint.Epoch = th.target.Epoch
	}
	if len(w.Ops) == 0 {
		w.Done()
		return nil
	}
	err := th.applyBatch(ctx, []Work{w})
	if away, ok := errors.AsType[*awayError](err); ok {
		w.Drop(away.err)
		return nil
	}
	return err
}
