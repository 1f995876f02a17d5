package apply

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// A server that hangs, or that a firewall has come to drop packets of, breaks no connection for a quarter of an hour. One
// that is merely slow, or waits for a lock, takes new connections; that tells the two apart.
const (
	hangAfter    = 10 * time.Second // into an attempt the target is asked whether it takes connections, and again and again
	hangPatience = 5 * time.Second  // for an answer
)

// HungError is a target that does not answer, and takes no new connection either.
type HungError struct {
	Server string
	Err    error // of the new connection
}

func (e *HungError) Error() string {
	return fmt.Sprintf("%s does not answer, and takes no new connection: %v", e.Server, e.Err)
}
func (e *HungError) Unwrap() error { return e.Err }
func (e *HungError) Name() string  { return "target.hung" }

func (e *HungError) Remedy() string {
	return "look at the server, and at firewalls on the way there; what was to be written waits"
}

func isHung(err error) bool { return errors.As(err, new(*HungError)) }

// watched is an attempt that fails with a *HungError, beside its own error, where the target is found to hang.
func (th *Thread) watched(ctx context.Context, attempt func(context.Context) error) error {
	actx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(hangAfter, func() { th.watch(actx, cancel) })
	defer watch.Stop()
	err := attempt(actx)
	if hung := context.Cause(actx); err != nil && ctx.Err() == nil && isHung(hung) {
		return fmt.Errorf("%w: %w", hung, err)
	}
	return err
}

// watch ends an attempt once the target twice in turn has taken no connection.
func (th *Thread) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	for failures := 0; ; {
		pctx, done := context.WithTimeout(ctx, hangPatience)
		err := th.target.DB.Answers(pctx)
		done()
		wait := hangAfter
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, context.DeadlineExceeded), errors.As(err, new(net.Error)):
			if failures++; failures == 2 {
				cancel(&HungError{Server: th.target.DB.Server, Err: err})
				return
			}
			wait = hangPatience
		default: // it has answered, be it by a refusal
			failures = 0
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}
