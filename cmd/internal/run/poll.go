package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ardso/apply"
	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
)

// pollWindow is how long, at least, a pool that polls carries out at once what comes when its time has come: so long that
// retries and updates whose hour has come, which are looked for every half second, are among it.
const pollWindow = 2 * time.Second

// newPolling makes what keeps the work that a pool which polls has for a target, until its next time.
func newPolling(main *aside, p *definition.Pool) *aside {
	a := &aside{s: main.s, t: main.t, pool: p, main: main, away: true, barrier: main.barrier, left: make(chan struct{}, 1), at: make(map[place]cdc.Position)}
	a.state.Next = nextTime(p, main.s.opt.Now())
	return a
}

// nextTime is when a pool polls next: at the multiples of its interval since midnight, UTC, so that all processes agree.
func nextTime(p *definition.Pool, now time.Time) time.Time {
	return now.Truncate(p.Interval).Add(p.Interval) // days of 24 hours since a midnight
}

// poolName names the pool that polls; "" = the others.
func (a *aside) poolName() string {
	if a.pool == nil {
		return ""
	}
	return a.pool.Name
}

// Failure implements apply.Aside.
func (a *aside) Failure(op *mapping.Operation) *mapping.Failure {
	if a.pool == nil {
		return apply.AwayFailure(op)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.polls(op)
}

// polls says of an operation that it waits for the pool's next time. a.mu is held.
func (a *aside) polls(op *mapping.Operation) *mapping.Failure {
	return &mapping.Failure{
		Kind: apply.PoolPolls,
		Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: pool %q polls; its next time is %s", op.Mapping, op.Request, op.Form, op.Source,
			a.pool.Name, a.state.Next.UTC().Format("2006-01-02 15:04 UTC")),
		Fix: "nothing: it is carried out then, or at once by `ardso pending retry`",
	}
}

// goes reports whether what waits does so because the target does not accept.
func (a *aside) goes() bool {
	if a.main != nil {
		return a.main.IsAway()
	}
	return a.IsAway()
}

// isTime reports whether a pool that polls is to carry out now what waits. What comes in the moment after that goes
// straight to the target, until the hand-overs that were asked for are done.
func (a *aside) isTime(ctx context.Context) (bool, error) {
	a.mu.Lock()
	away, opened, next := a.away, a.opened, a.state.Next
	a.mu.Unlock()
	now := a.s.opt.Now()
	switch {
	case !away && time.Since(opened) < pollWindow:
		return false, nil
	case !away:
		jobs, err := control.ListPending(ctx, a.s.server.DB, control.PendingFilter{Status: []control.Status{control.New, control.Running}})
		if err != nil || slices.ContainsFunc(jobs, func(p control.Pending) bool { return p.Type == control.TransferAgain || p.Type == control.ReturnAgain }) {
			return false, err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.away = true
		return false, nil
	case a.main.IsAway() || a.main.isDoubtful():
		return false, nil
	case now.Before(next):
		return a.isAsked(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state.Next = nextTime(a.pool, now)
	return true, nil
}
