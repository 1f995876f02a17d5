package trigger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/triggerlog"
)

// keeper is what goes on beside delivering: storing cuts, trimming the log, seeing that the triggers
// still fit. It has one connection of its own.
//
// Every write of it takes SQLite's one write lock, so after each it stays away for several times as long
// as the write took: user's writers keep most of the time however slow the disk is.
type keeper struct {
	r     *Reader
	moved chan struct{} // signalled when a cut was stored
	conn  *sqlx.Conn

	cut         int64 // last stored cut
	trimmed     int64
	lastTrim    time.Time
	batch       int64 // log rows per trim
	dataVersion int64
	schema      int64
	stale       error // not nil: triggers do not fit their tables, since staleSince
	staleSince  time.Time
}

const (
	busyWait     = 200 * time.Millisecond // for the write lock, before looking at the context again
	restFactor   = 5                      // rest per time written
	trimEvery    = time.Second            // for less than trimAtLeast rows
	trimAtLeast  = 1000
	trimBatchMin = 100
	trimBatchMax = 20_000
	trimTime     = 20 * time.Millisecond // a batch that takes longer is too large
)

func newKeeper(r *Reader) *keeper {
	return &keeper{r: r, moved: make(chan struct{}, 1), batch: trimAtLeast, dataVersion: -1, schema: -1}
}

// run works until ctx ends (nil) or something is wrong.
func (k *keeper) run(ctx context.Context) (err error) {
	release, err := k.connect(ctx)
	if err != nil {
		return k.cause(ctx, err)
	}
	defer release()
	wait := k.r.opt.Poll / 10
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		begun := time.Now()
		busy, err := k.turn(ctx)
		if err != nil {
			return k.cause(ctx, err)
		}
		if busy {
			wait = max(k.r.opt.Poll/10, restFactor*time.Since(begun))
		} else {
			wait = min(2*wait, k.r.opt.Poll)
		}
		timer.Reset(wait)
	}
}

// cause is nil where the context has ended: what fails then fails because of it.
func (k *keeper) cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if _, named := errors.AsType[*cdc.UnreadableError](err); named {
		return err
	}
	return fmt.Errorf("%s: %w", k.r.db.Server, err)
}

// connect takes a connection that waits only shortly for the write lock.
func (k *keeper) connect(ctx context.Context) (release func(), err error) {
	if k.conn, err = k.r.db.Connx(ctx); err != nil {
		return nil, err
	}
	before, err := triggerlog.SetBusyTimeout(ctx, k.conn, busyWait)
	if err != nil {
		_ = k.conn.Close()
		return nil, err
	}
	return func() {
		// The connection goes back to the pool as it was.
		_, _ = triggerlog.SetBusyTimeout(context.WithoutCancel(ctx), k.conn, before)
		_ = k.conn.Close()
	}, nil
}

// turn looks once at everything there is to do; busy says that it wrote.
func (k *keeper) turn(ctx context.Context) (busy bool, err error) {
	version, err := triggerlog.DataVersion(ctx, k.conn)
	if err != nil {
		return false, k.tolerate(err)
	}
	if version != k.dataVersion || k.stale != nil {
		k.dataVersion = version
		if err := k.checkTriggers(ctx); err != nil {
			k.dataVersion = -1 // look again, though nothing changes any more
			return false, k.tolerate(err)
		}
		if busy, err = k.store(ctx); err != nil {
			k.dataVersion = -1
			return true, k.tolerate(err)
		}
	}
	trimmed, err := k.trim(ctx)
	return busy || trimmed, k.tolerate(err)
}

// tolerate lets pass what will be tried again in the next turn: someone else writes.
func (k *keeper) tolerate(err error) error {
	if err != nil && k.r.db.Engine.Class(err) == engine.Transient {
		return nil
	}
	return err
}

// store stores a cut if the log has grown, and wakes the reader.
func (k *keeper) store(ctx context.Context) (bool, error) {
	e, err := triggerlog.ReadExtent(ctx, k.conn)
	if err != nil {
		return false, err
	}
	k.cut, k.trimmed = e.Cut, e.Trimmed
	if e.Last <= e.Cut {
		return false, nil
	}
	if err := triggerlog.Cut(ctx, k.conn); err != nil {
		return true, err
	}
	select {
	case k.moved <- struct{}{}:
	default:
	}
	return true, nil
}

// trim deletes one batch of what is confirmed.
func (k *keeper) trim(ctx context.Context) (bool, error) {
	todo := k.r.confirmed.Load() - k.trimmed
	if todo <= 0 || (todo < trimAtLeast && time.Since(k.lastTrim) < trimEvery) {
		return false, nil
	}
	upto := k.trimmed + min(todo, k.batch)
	begun := time.Now()
	if err := triggerlog.Trim(ctx, k.conn, upto); err != nil {
		return true, err
	}
	k.trimmed, k.lastTrim = upto, time.Now()
	if took := k.lastTrim.Sub(begun); took > trimTime {
		k.batch = max(k.batch/2, trimBatchMin)
	} else {
		k.batch = min(2*k.batch, trimBatchMax)
	}
	return true, nil
}

// checkTriggers stops the reader when a table no longer is as its triggers log it and nobody puts that
// right in Options.Grace: whoever alters a table runs `ardso init` next.
func (k *keeper) checkTriggers(ctx context.Context) error {
	version, err := triggerlog.SchemaVersion(ctx, k.conn)
	if err != nil {
		return err
	}
	if version != k.schema {
		stale, err := staleTriggers(ctx, k.conn, k.r.db.Server)
		if err != nil {
			return err
		}
		if stale != nil && k.stale == nil {
			k.staleSince = time.Now()
		}
		k.schema, k.stale = version, stale
	}
	if k.stale != nil && time.Since(k.staleSince) > k.r.opt.Grace {
		return k.stale
	}
	return nil
}

// isContext reports whether err is the end of a context rather than a cause.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone)
}
