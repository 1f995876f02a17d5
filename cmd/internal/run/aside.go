package run

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/apply"
	"ardso/apply/batch"
	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// aside keeps, in the source's dso_pending, what one target does not accept, and gives it back once it does; or what a
// pool that polls has for the target, and gives it back when its time has come. It gives it back in rounds,
// each of which is one transaction of each thread, before anything new goes to the target. While there are rows,
// all goes to them, so that each request's operations stay in order (G3).
//
// Nothing is doubled (G2): what is put aside, and how far that goes in the log, are in one transaction of the source;
// before a round its rows name the thread that tries them and how many transactions it had committed, so that the
// target's checkpoint tells after any crash whether the round is in. That is settled before any thread commits another.
type aside struct {
	s *source
	t *target

	// Of a pool that polls: the pool, and what keeps the work of those that do not. For such a one the target is away but
	// for a moment at each of its times.
	pool *definition.Pool
	main *aside

	mu      sync.Mutex
	away    bool
	opened  time.Time     // when it was so no longer, of a pool that polls
	putting int           // transactions under way
	moved   time.Time     // when something that waited was carried out last
	state   control.Away  // while away
	barrier bool          // rows must stay in order, and nothing joins another, until all are carried out
	left    chan struct{} // a token when the target has begun to be away
	at      map[place]cdc.Position

	// Of a target that was away when this process began to follow the log.
	unopened bool
	fresh    bool       // what is read now may have been carried out by a former process
	covered  []coverage // how far those had come before the threads of this one were entered
	before   []coverage // how far work had been put aside
	known    []*layout  // by some of which it was dealt out
}

// newAside makes it, knowing what former processes put aside.
func newAside(ctx context.Context, s *source, t *target) (*aside, error) {
	a := &aside{s: s, t: t, left: make(chan struct{}, 1), at: make(map[place]cdc.Position)}
	var handOvers []control.Pending
	var all []control.Away
	err := func() (err error) {
		db := s.server.DB
		// What waited for a pool's next time is carried out now: pools may be others than they were.
		if err = a.leased(ctx, func(tx *sqlx.Tx) error { return control.AdoptAsides(ctx, tx, t.DB.Server) }); err != nil {
			return err
		}
		last, err := control.LastAside(ctx, db, t.DB.Server, "")
		if err != nil {
			return err
		}
		t.seq.Store(last)
		if handOvers, err = control.WaitingHandOvers(ctx, db, t.DB.Server, ""); err != nil {
			return err
		}
		all, err = control.LoadAway(ctx, db)
		return err
	}()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.server.Name, err)
	}
	for _, x := range all {
		if x.Target == t.DB.Server {
			a.state = x
		}
	}
	if t.seq.Load() > 0 || len(handOvers) > 0 || a.state.Target != "" { // a former process went before all was carried out
		a.barrier = true // it may have known of one
		a.leave(nil)
	}
	return a, nil
}

// positions reads how far work was put aside, by the layouts that it was dealt out by.
func (a *aside) positions(ctx context.Context, layouts map[string]string) error {
	list, err := control.LoadAsides(ctx, a.s.server.DB)
	if err != nil {
		return fmt.Errorf("%s: %w", a.s.server.Name, err)
	}
	byLayout := make(map[string]coverage)
	for _, p := range list {
		text, ok := layouts[p.Layout]
		if p.Target != a.t.DB.Server || !ok {
			continue
		}
		c, ok := byLayout[p.Layout]
		if !ok {
			l, err := parseLayout(p.Layout, text)
			if err != nil {
				return err
			}
			c = coverage{layout: l, at: make(map[place]cdc.Position)}
			byLayout[p.Layout] = c
		}
		c.at[place{p.Pool, p.Thread}] = cdc.Position(p.Position)
		if p.Layout == a.t.layout.id {
			a.at[place{p.Pool, p.Thread}] = cdc.Position(p.Position)
		}
	}
	for _, c := range byLayout {
		a.before = append(a.before, c)
	}
	if !a.unopened {
		return nil
	}
	for id, text := range layouts {
		l, err := parseLayout(id, text)
		if err != nil {
			return err
		}
		a.known = append(a.known, l)
	}
	return nil
}

func (a *aside) IsAway() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.away || a.main != nil && a.main.IsAway()
}

// isDoubtful: what the log brings now may have been carried out by a former process.
func (a *aside) isDoubtful() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fresh
}

func (a *aside) Curable(err error) bool { return a.s.server.DB.Engine.Class(err) == engine.Transient }

// leave begins the time in which the target is away. a.mu is held, or nobody else knows a yet.
func (a *aside) leave(cause error) {
	if a.away {
		return
	}
	a.away = true
	now := a.s.opt.Now()
	if a.state.Target == "" {
		a.state = control.Away{Target: a.t.DB.Server, Since: now, Attempts: 1}
	}
	a.state.Next = now // of what a former process has left, at once
	if cause != nil {
		a.state.Next = nextAttempt(a.state.Since, now)
		a.state.Error, a.state.Reason = NameOf(cause), cause.Error()
		a.s.log.Warn("target does not accept: its operations wait in dso_pending", "target", a.state.Target, "next_attempt", a.state.Next, "err", cause)
	}
	select {
	case a.left <- struct{}{}:
	default:
	}
}

// goneBy notes that the target does not accept, and returns what is to be kept of that.
func (a *aside) goneBy(cause error) control.Away {
	if a.main != nil {
		return a.main.goneBy(cause)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leave(cause)
	return a.state
}

// NameOf is the name that an error brings; "error" if it has none.
func NameOf(err error) string {
	if n, ok := errors.AsType[control.Named](err); ok {
		return n.Name()
	}
	return "error"
}

// nextAttempt is when a target that has been away since then is tried next: every five seconds in the first minute,
// for what passes by itself, then as DSO does (dso-reference 9.4): every 5 minutes up to 30, every 30 minutes up to
// a day, every hour after that.
func nextAttempt(since, now time.Time) time.Time {
	every := time.Hour
	switch age := now.Sub(since); {
	case age < time.Minute-5*time.Second:
		every = 5 * time.Second
	case age < 30*time.Minute:
		every = 5 * time.Minute
	case age < 24*time.Hour:
		every = 30 * time.Minute
	}
	return since.Add(now.Sub(since).Truncate(every) + every)
}

// Begin implements apply.Aside.
func (a *aside) Begin(ctx context.Context, th control.Checkpoint, position cdc.Position, cause error) (apply.Putting, error) {
	var state control.Away
	if cause != nil {
		state = a.goneBy(cause)
	}
	a.mu.Lock()
	if a.main != nil && a.main.IsAway() {
		a.away = true
	}
	if !a.away {
		a.mu.Unlock()
		return nil, nil
	}
	a.putting++ // until it has ended the target does not come back
	at := place{th.Pool, th.Thread}
	p := &putting{a: a, ctx: ctx, th: th, done: position != "" && a.at[at] == position}
	a.mu.Unlock()
	if p.large = position == ""; p.large {
		return p, nil
	}
	err := func() (err error) {
		if p.tx, err = a.s.server.DB.BeginTxx(ctx, nil); err != nil {
			return err
		}
		if err = control.Leased(ctx, p.tx, a.s.server.Name, a.s.epoch); err != nil {
			return err
		}
		if cause != nil {
			err = control.SaveAway(ctx, p.tx, state)
		}
		if err == nil && !p.done { // an earlier attempt's answer may have been lost
			p.done, err = p.isIn(position)
		}
		return err
	}()
	if err != nil {
		p.Cancel()
		return nil, fmt.Errorf("%s: put operations for %s aside: %w", a.s.server.Name, a.t.DB.Server, err)
	}
	return p, nil
}

// putting is a transaction on the source.
type putting struct {
	a    *aside
	ctx  context.Context
	th   control.Checkpoint
	tx   *sqlx.Tx
	done bool
	over bool
	// large: it puts many operations aside. Its transaction begins with the first, and locks the lease, which must be
	// renewed meanwhile, only at its end.
	large bool
}

func (p *putting) isIn(position cdc.Position) (bool, error) {
	list, err := control.LoadAsides(p.ctx, p.tx)
	if err != nil {
		return false, err
	}
	return slices.Contains(list, p.position(position)), nil
}

func (p *putting) position(at cdc.Position) control.AsidePosition {
	return control.AsidePosition{Target: p.a.t.DB.Server, Layout: p.th.Layout, Pool: p.th.Pool, Thread: p.th.Thread, Position: string(at)}
}

func (p *putting) Done() bool { return p.done }

func (p *putting) Cancel() {
	if p.over {
		return
	}
	p.over = true
	if p.tx != nil {
		_ = p.tx.Rollback() // nothing of it is to be kept
	}
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	p.a.putting--
}

func (p *putting) End(ctx context.Context, position cdc.Position) error {
	if p.large {
		if err := p.begun(ctx); err != nil {
			return err
		}
		if err := control.Leased(ctx, p.tx, p.a.s.server.Name, p.a.s.epoch); err != nil {
			return err
		}
	}
	if err := control.SaveAside(ctx, p.tx, p.position(position)); err != nil {
		return err
	}
	if err := p.tx.Commit(); err != nil {
		return err
	}
	p.a.mu.Lock()
	p.a.at[place{p.th.Pool, p.th.Thread}] = position
	p.a.mu.Unlock()
	p.Cancel()
	return nil
}

// begun begins the transaction of a large one, if that was not done.
func (p *putting) begun(ctx context.Context) (err error) {
	if p.tx != nil {
		return nil
	}
	var o *sql.TxOptions
	if p.a.s.server.DB.Engine.Dialect == "mysql" { // else looking for rows that are not there locks the gaps, for other threads
		o = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	p.tx, err = p.a.s.server.DB.BeginTxx(ctx, o)
	return err
}

// attempt is what dso_pending.attempted holds, beside control.AsideDone.
type attempt struct {
	Layout       string `json:"layout,omitempty"`
	Pool         string `json:"pool,omitempty"`
	Thread       int    `json:"thread"`
	Transactions int64  `json:"transactions"` // that the thread had committed before

	// End is not "" where a former process may have carried the operation out: the end of its transaction, or of what
	// was read of that.
	End   cdc.Position `json:"end,omitempty"`
	Alone bool         `json:"alone,omitempty"` // it went to one thread as a whole
	// SplitBy names layouts by which it would have gone to one thread as a whole.
	SplitBy []string `json:"split_by,omitempty"`
}

func (x attempt) text() string {
	b, err := json.Marshal(x)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(b)
}

// Put implements apply.Putting.
func (p *putting) Put(ctx context.Context, ops []*mapping.Operation, tried bool) error {
	a := p.a
	if err := p.begun(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	for _, op := range ops {
		a.barrier = a.barrier || op.ChangesKey()
	}
	ordered := a.barrier
	a.mu.Unlock()
	fresh := slices.ContainsFunc(ops, func(op *mapping.Operation) bool { return op.Doubtful })
	if !fresh {
		ops = batch.Fold(ops)
	}
	mark := ""
	if tried {
		mark = attempt{Layout: p.th.Layout, Pool: p.th.Pool, Thread: p.th.Thread, Transactions: p.th.Transactions}.text()
	}
	// joins names the row that an operation joins; "" = it has one of its own.
	joins := func(op *mapping.Operation) string {
		if tried || fresh || ordered || a.t.layout.isSerial(op) {
			return ""
		}
		return control.FoldOf(op.Form, op.Request, op.Mapping, op.Target, op.TargetForm)
	}
	rows := make(map[string]*control.Aside) // by what joins them
	for _, op := range ops {
		if f := joins(op); f != "" {
			rows[f] = nil
		}
	}
	found, err := control.LockAsides(ctx, p.tx, slices.Collect(maps.Keys(rows))...)
	if err != nil {
		return err
	}
	for i := range found {
		rows[found[i].Fold] = &found[i]
	}
	waiting := make(map[*control.Aside][]*mapping.Operation)
	var all []*control.Aside
	for _, op := range ops {
		fold := joins(op)
		row := rows[fold]
		if row == nil || fold == "" {
			row = a.newRow(op, fold)
			if row.Attempted = mark; mark == "" && fresh {
				row.Attempted = attempt{End: op.Position, Alone: op.Whole, SplitBy: op.SplitBy}.text()
			}
			if fold != "" {
				rows[fold] = row
			}
		}
		if waiting[row] == nil {
			if waiting[row], err = readWaiting(row); err != nil {
				return err
			}
			all = append(all, row)
		}
		waiting[row] = batch.Queue(waiting[row], op)
		if len(waiting[row]) > maxQueued { // they do not fold: more would make a row that is read and written again and again
			a.mu.Lock()
			a.barrier = true
			a.mu.Unlock()
		}
	}
	list := make([]control.Aside, 0, len(all))
	for _, row := range all {
		text, err := json.Marshal(waiting[row])
		if err != nil {
			return err
		}
		row.Operation = string(text)
		list = append(list, *row)
	}
	if err := control.PutAsides(ctx, p.tx, list); err != nil || !p.large {
		return err
	}
	return p.renew(ctx)
}

// renew renews the lease within a large transaction on SQLite, which lets nobody else write meanwhile: to renew it, or to
// take it.
func (p *putting) renew(ctx context.Context) error {
	s := p.a.s
	if s.server.DB.Engine.Dialect != "sqlite" {
		return nil
	}
	began := time.Now()
	err := control.RenewLease(ctx, p.tx, s.server.Name, s.holder, s.epoch, leaseTTL)
	if err == nil {
		s.renewed.Store(began.UnixNano())
	}
	return err
}

// maxQueued bounds the operations of one row that do not fold, as those do not that find their request by a qualification.
const maxQueued = 16

// newRow is a row for op, whose operations are still to come.
func (a *aside) newRow(op *mapping.Operation, fold string) *control.Aside {
	a.mu.Lock()
	defer a.mu.Unlock()
	row := &control.Aside{Seq: a.t.seq.Add(1), Mapping: op.Mapping, Form: op.Form, Request: op.Request, Target: op.Target, Fold: fold, Pool: a.poolName()}
	first := a.s.opt.Now() // attempt
	if a.pool != nil {
		f := a.polls(op)
		row.Error, row.Reason, row.Remedy, first = f.Kind, f.Reason, f.Fix, a.state.Next
	} else {
		row.Error, row.Reason, row.Remedy = apply.TargetAway, a.state.Reason, "nothing: it is carried out once the target accepts again"
	}
	if m := a.s.sys.Compiled.Mapping(op.Mapping); m != nil && m.MaxTimeToRetry != definition.NoLimit {
		row.Until = first.Add(m.MaxTimeToRetry)
	}
	if op.RetryFor != nil {
		row.Until = first.Add(*op.RetryFor)
	}
	return row
}

func readWaiting(row *control.Aside) ([]*mapping.Operation, error) {
	if row.Operation == "" {
		return []*mapping.Operation{}, nil
	}
	return ReadOperations(row.Operation)
}

// Limits of a round: of each thread it is one transaction.
const (
	roundRows  = 2000
	roundBytes = 8 << 20
)

// run tries the target when its time has come, until ctx ends.
func (a *aside) run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		isDue := a.isDue
		if a.pool != nil {
			isDue = a.isTime
		}
		due, err := isDue(ctx)
		if err != nil {
			a.s.log.Debug("look for operations to be tried", "target", a.t.DB.Server, "err", err)
		} else if due {
			if err := a.try(ctx); err != nil {
				return err
			}
		}
		if a.goes() {
			if err := errors.Join(a.timeOut(ctx), a.timeOutHandOvers(ctx)); err != nil && ctx.Err() == nil {
				a.s.log.Warn("give up what has waited for too long", "target", a.t.DB.Server, "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-a.left:
		case <-ctx.Done():
			return nil
		}
	}
}

// isDue reports whether the target is away and is to be tried now.
func (a *aside) isDue(ctx context.Context) (bool, error) {
	a.mu.Lock()
	away, next, fresh := a.away, a.state.Next, a.fresh
	a.mu.Unlock()
	if fresh || !away || !a.s.opt.Now().Before(next) {
		return away && !fresh, nil // while fresh, what comes must not go past dso_pending
	}
	return a.isAsked(ctx)
}

// isAsked reports whether a person wants something of what waits to be tried now.
func (a *aside) isAsked(ctx context.Context) (bool, error) {
	asked, err := control.AskedAsides(ctx, a.s.server.DB, a.t.DB.Server, a.poolName())
	if err != nil || asked == 0 {
		return false, err
	}
	return true, control.UnaskAsides(ctx, a.s.server.DB, a.t.DB.Server, a.poolName())
}

// try is one attempt: it carries out all that waits, and ends the time of being away, unless the target does not accept.
func (a *aside) try(ctx context.Context) error {
	a.t.draining.Lock() // what waits for a pool and what waits for the target come one after the other
	defer a.t.draining.Unlock()
	began := a.s.opt.Now()
	err := a.drain(ctx)
	for again := 0; again < 3 && err != nil && ctx.Err() == nil && a.t.isCurable(err); again++ {
		// Connections from before the outage are found to be dead one after another, and the next attempt may be far off.
		select {
		case <-time.After(200 * time.Millisecond):
			err = a.drain(ctx)
		case <-ctx.Done():
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		return nil
	}
	if home, ok := errors.AsType[*homeError](err); ok {
		if !a.Curable(home.err) {
			return err
		}
		a.s.log.Warn("what waits cannot be carried out now: the source itself does not accept", "target", a.t.DB.Server, "err", err)
		a.soon(began)
		return nil
	}
	if !a.t.isCurable(err) {
		return err
	}
	if a.main != nil { // tried once the target accepts again
		a.soon(began)
		return a.save(ctx, a.goneBy(err))
	}
	a.mu.Lock()
	a.state.Attempts++
	a.state.Next = nextAttempt(a.state.Since, a.s.opt.Now())
	if a.state.Next.Before(began) {
		a.state.Next = began
	}
	a.state.Error, a.state.Reason = NameOf(err), err.Error()
	state := a.state
	a.mu.Unlock()
	a.s.log.Info("target does not accept yet", "target", state.Target, "attempts", state.Attempts, "next_attempt", state.Next, "err", err)
	return a.save(ctx, state)
}

// soon has what waits tried at the next look that may try it.
func (a *aside) soon(began time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		a.state.Next = began
	}
}

// homeError is an error of the source's own database, of which the target is innocent.
type homeError struct{ err error }

func (e *homeError) Error() string { return e.err.Error() }
func (e *homeError) Unwrap() error { return e.err }

func atHome(err error) error {
	if err == nil {
		return nil
	}
	return &homeError{err}
}

// save keeps what the target's being away is like; where that fails, nothing is lost but what status shows.
func (a *aside) save(ctx context.Context, state control.Away) error {
	if err := control.SaveAway(ctx, a.s.server.DB, state); err != nil && ctx.Err() == nil {
		a.s.log.Warn("note that a target is away", "target", state.Target, "err", err)
	}
	return nil
}

// notAccepting is the error of a batch run whose patience has ended.
func (a *aside) notAccepting() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &apply.NotAcceptingError{Server: a.t.DB.Server, Err: errors.New(a.state.Reason)}
}

// isCurable: what a later attempt may find cured, a missing privilege included.
func (t *target) isCurable(err error) bool {
	switch t.DB.Engine.Class(err) {
	case engine.Transient, engine.Denied:
		return true
	}
	return false
}

// drain carries out what waits, round by round.
func (a *aside) drain(ctx context.Context) error {
	if a.unopened {
		if err := a.open(ctx); err != nil {
			return err
		}
	}
	// What threads were at when the target went away is aside, too, once they have come so far: from then on they carry
	// out nothing but rounds.
	for _, th := range a.t.threads {
		if err := reach(ctx, th, apply.Work{Back: &apply.Back{}}); err != nil {
			return err
		}
	}
	for {
		if err := a.settleTried(ctx); err != nil {
			return err
		}
		for n := 1; n > 0; {
			var err error
			if n, err = a.round(ctx); err != nil {
				return err
			}
		}
		over, err := a.comeBack(ctx)
		if err != nil || over {
			return err
		}
	}
}

// reach waits until a thread has done a work, and so all that was sent to it before.
func reach(ctx context.Context, th *apply.Thread, w apply.Work) error {
	reached := make(chan struct{})
	w.Free, w.Done = func() {}, func() { close(reached) }
	if err := th.Send(ctx, w); err != nil {
		return err
	}
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// comeBack ends the time of being away if nothing waits.
func (a *aside) comeBack(ctx context.Context) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.putting > 0 {
		return false, nil // it will be there in the next round
	}
	last, err := control.LastAside(ctx, a.s.server.DB, a.t.DB.Server, a.poolName())
	if err != nil || last > 0 {
		return false, atHome(err)
	}
	if a.pool != nil {
		if err := a.askForHandOvers(ctx); err != nil {
			return false, atHome(err)
		}
		a.away, a.barrier, a.opened = false, false, time.Now()
		return true, nil
	}
	if err := control.DropAway(ctx, a.s.server.DB, a.t.DB.Server); err != nil {
		return false, atHome(err)
	}
	if err := a.askForHandOvers(ctx); err != nil {
		return false, atHome(err)
	}
	a.s.log.Info("target accepts again, and nothing waits for it", "target", a.t.DB.Server, "away_ms", a.s.opt.Now().Sub(a.state.Since).Milliseconds(), "attempts", a.state.Attempts)
	a.away, a.barrier, a.state = false, false, control.Away{}
	return true, nil
}

// round carries out some of what waits, and returns how much.
func (a *aside) round(ctx context.Context) (int, error) {
	db := a.s.server.DB
	actx, cancel := context.WithTimeout(ctx, askPatience)
	at, err := control.LoadCheckpoints(actx, a.t.DB, a.s.server.Name) // which shows that the target answers, too
	cancel()
	if err != nil {
		return 0, err
	}
	ids, err := control.NextAsides(ctx, db, a.t.DB.Server, a.poolName(), roundRows, roundBytes)
	if err != nil || len(ids) == 0 {
		return 0, atHome(err)
	}
	works, n, err := a.attempt(ctx, ids, at)
	for tries := 1; err != nil && tries < maxAttempts && ctx.Err() == nil && a.Curable(err); tries++ { // a deadlock at home is not the target's
		works, n, err = a.attempt(ctx, ids, at)
	}
	if err != nil {
		return 0, atHome(err)
	}
	results := make(chan error, len(works))
	for p, w := range works {
		err := a.t.threads[p].Send(ctx, apply.Work{
			Ops: w.ops, Path: w.path, Back: &apply.Back{}, Free: func() {},
			Done: func() { results <- nil }, Drop: func(err error) { results <- err },
		})
		if err != nil {
			return n, err
		}
	}
	var failed error
	for range works {
		select {
		case err := <-results:
			failed = errors.Join(failed, err)
		case <-ctx.Done():
			return n, context.Cause(ctx)
		}
	}
	if failed != nil {
		return n, failed // the next attempt finds out which of them are in
	}
	for _, w := range works {
		if err := control.DropAsides(ctx, db, w.ids...); err != nil {
			return n, atHome(err)
		}
		n += len(w.ids)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved = time.Now()
	return n, nil
}

// lastRound is when something that waited was carried out last.
func (a *aside) lastRound() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.moved
}

// attempt deals rows out and notes it, all at once or nothing: what joins a row, or a person who removes one,
// comes before or finds it noted. It returns how many rows have come to nothing.
func (a *aside) attempt(ctx context.Context, ids []string, at []control.Checkpoint) (works map[place]*backWork, n int, err error) {
	var told []*mapping.Operation
	err = a.leased(ctx, func(tx *sqlx.Tx) error {
		rows, err := control.LockAsidesByID(ctx, tx, ids...)
		if n = len(ids); err != nil || len(rows) == 0 {
			return err // all were removed: there may be others
		}
		d, err := a.sort(rows, at)
		if err != nil {
			return err
		}
		works, n = d.works, len(d.empty)+len(d.orphans)
		for _, w := range works {
			if err := control.AttemptAsides(ctx, tx, w.mark.text(), w.ids...); err != nil {
				return err
			}
		}
		told, err = a.giveUp(ctx, tx, d.orphans, mapping.Failure{
			Kind: apply.RetryNoMapping, Reason: "the definitions send nothing there from this form any more",
			Fix: "bring the mapping back and retry the operation, else remove it",
		})
		if err != nil {
			return err
		}
		return control.DropAsides(ctx, tx, d.empty...)
	})
	if err == nil {
		a.tellGivenUp(told, apply.RetryNoMapping)
	}
	return works, n, err
}

// leased runs f in a transaction of the source that no process but the one with the lease commits.
func (a *aside) leased(ctx context.Context, f func(tx *sqlx.Tx) error) error {
	tx, err := a.s.server.DB.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := control.Leased(ctx, tx, a.s.server.Name, a.s.epoch); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

const (
	askPatience     = 10 * time.Second // how long a target is waited for that is asked whether it answers
	preparePatience = 5 * time.Minute  // and for all that is to be known of it, and settled of what waits
)

// backWork is what one thread gets in a round.
type backWork struct {
	ids  []string
	ops  []*mapping.Operation
	path []string
	mark attempt
}

// dealt is what becomes of rows in a round.
type dealt struct {
	works   map[place]*backWork
	empty   []string        // IDs of those that have come to nothing
	orphans []control.Aside // whose mapping is gone
}

// sort deals rows out to threads, each its part of a round.
func (a *aside) sort(rows []control.Aside, at []control.Checkpoint) (d dealt, err error) {
	committed := transactionsOf(at)
	works := make(map[place]*backWork)
	waits := make(map[[2]string]bool) // requests of which an earlier row waits for another round
	full := make(map[place]bool)      // threads of whose order nothing more may come into this round
	where := make(map[order]place)    // requests that may go from pool to pool, in this round
	for _, row := range rows {
		ops, err := ReadOperations(row.Operation)
		if err != nil {
			return d, fmt.Errorf("%s: dso_pending, row %s: %w", a.s.server.Name, row.ID, err)
		}
		if len(ops) == 0 { // a request that came to be, and is gone again
			d.empty = append(d.empty, row.ID)
			continue
		}
		changesKey := slices.ContainsFunc(ops, (*mapping.Operation).ChangesKey)
		if changesKey && len(works) > 0 {
			break // by itself, after what came before
		}
		p, ok := a.t.layout.place(ops[0], changesKey)
		if !ok {
			d.orphans = append(d.orphans, row)
			continue
		}
		request, path := [2]string{row.Form, row.Request}, pathOf(ops)
		if at, ok := where[orderOf(ops[0])]; ok && at != p {
			waits[request] = true // for what is in another thread
		}
		w := works[p]
		if w == nil && !full[p] && !waits[request] {
			w = &backWork{path: path, mark: attempt{Layout: a.t.layout.id, Pool: p.pool, Thread: p.thread}}
			w.mark.Transactions = committed[threadOf{a.t.layout.id, p}]
			works[p] = w
		}
		if full[p] || waits[request] || !slices.Equal(w.path, path) {
			waits[request] = true
			full[p] = full[p] || a.t.layout.isSerial(ops[0])
			continue
		}
		w.ids, w.ops = append(w.ids, row.ID), append(w.ops, ops...)
		where[orderOf(ops[0])] = p
		if changesKey {
			break
		}
	}
	d.works = works
	return d, nil
}

// pathOf is the way that operations have come; servers that only some of them passed are left out: what returns there
// changes nothing, and nothing is kept from where it must still go (G1, G6).
func pathOf(ops []*mapping.Operation) []string {
	path := slices.Clone(ops[0].Path)
	for _, op := range ops[1:] {
		path = slices.DeleteFunc(path, func(server string) bool { return !slices.Contains(op.Path, server) })
	}
	return path
}

// threadOf names a thread of a layout.
type threadOf struct {
	layout string
	place  place
}

// transactionsOf tells how many transactions threads have committed.
func transactionsOf(at []control.Checkpoint) map[threadOf]int64 {
	committed := make(map[threadOf]int64)
	for _, c := range at {
		committed[threadOf{c.Layout, place{c.Pool, c.Thread}}] = c.Transactions
	}
	return committed
}

// isIn tells whether a row's operations have been carried out: by threads that have committed so many transactions, or by
// former processes that had come so far.
func (x attempt) isIn(ops []*mapping.Operation, committed map[threadOf]int64, covered []coverage, covers func(at, end cdc.Position) bool) bool {
	if x.Layout != "" {
		return committed[threadOf{x.Layout, place{x.Pool, x.Thread}}] > x.Transactions
	}
	return x.End != "" && len(ops) > 0 && slices.ContainsFunc(covered, func(c coverage) bool {
		p, ok := c.place(ops[0], x.Alone || slices.Contains(x.SplitBy, c.id))
		return ok && c.at[p] != "" && covers(c.at[p], x.End)
	})
}

// settleTried finds out what became of what was tried, and drops what is in.
func (a *aside) settleTried(ctx context.Context) error {
	db := a.s.server.DB
	ids, err := control.TriedAsides(ctx, db, a.t.DB.Server)
	if err != nil {
		return atHome(err)
	}
	if len(ids) > 0 {
		actx, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		// A commit that was not answered has come in by then, or never will.
		if err := control.Fence(actx, a.t.DB, a.s.server.Name, a.s.epoch); err != nil {
			return err
		}
		at, err := control.LoadCheckpoints(actx, a.t.DB, a.s.server.Name)
		if err != nil {
			return err
		}
		if err := a.settle(ctx, transactionsOf(at), a.covered); err != nil {
			return atHome(err)
		}
	}
	for {
		ids, err := control.DoneAsides(ctx, db, a.t.DB.Server)
		if err != nil || len(ids) == 0 {
			return atHome(err)
		}
		rows, err := control.ReadAsides(ctx, db, ids...)
		if err != nil {
			return atHome(err)
		}
		if err := a.wereIn(ctx, rows); err != nil {
			return err
		}
	}
}

// settle notes, of rows that were tried, or that a former process may have carried out, which are in; the others are to
// be tried again. It comes before any thread commits anything else, and before threads are entered on the target that
// have carried nothing out of what was put aside for former ones.
func (a *aside) settle(ctx context.Context, committed map[threadOf]int64, covered []coverage) error {
	for {
		ids, err := control.TriedAsides(ctx, a.s.server.DB, a.t.DB.Server)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = a.leased(ctx, func(tx *sqlx.Tx) error {
			rows, err := control.LockAsidesByID(ctx, tx, ids...)
			if err != nil {
				return err
			}
			found := make(map[string][]string) // IDs, by what their rows say from now on
			for _, row := range rows {
				var x attempt
				if err := json.Unmarshal([]byte(row.Attempted), &x); err != nil {
					return fmt.Errorf("%s: dso_pending, row %s: attempted: %w", a.s.server.Name, row.ID, err)
				}
				ops, err := ReadOperations(row.Operation)
				if err != nil {
					return fmt.Errorf("%s: dso_pending, row %s: %w", a.s.server.Name, row.ID, err)
				}
				mark := ""
				if x.isIn(ops, committed, covered, a.s.reader.Covers) {
					mark = control.AsideDone
				}
				found[mark] = append(found[mark], row.ID)
			}
			for mark, ids := range found {
				if err := control.AttemptAsides(ctx, tx, mark, ids...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// wereIn drops rows whose operations were carried out, once their source is told.
func (a *aside) wereIn(ctx context.Context, rows []control.Aside) error {
	var ids []string
	for _, row := range rows {
		ops, err := ReadOperations(row.Operation)
		if err != nil {
			return err
		}
		for _, op := range ops {
			if op.Offer == nil && !op.TellSource {
				continue
			}
			if err := a.s.back.again(ctx, a.t, op); err != nil {
				return err
			}
		}
		ids = append(ids, row.ID)
	}
	return atHome(control.DropAsides(ctx, a.s.server.DB, ids...))
}

// isSerial reports whether the order of op across requests matters.
func (l *layout) isSerial(op *mapping.Operation) bool {
	x, ok := l.lane(op.Form, op.TargetForm, op.PoolBy)
	return ok && x.serial
}

// open learns how far the threads of a target had come that was away when this process began.
func (a *aside) open(ctx context.Context) error {
	to := a.s.sys.Servers[a.t.DB.Server]
	actx, cancel := context.WithTimeout(ctx, askPatience)
	err := control.Check(actx, to.DB, to.Name)
	cancel()
	if err != nil {
		return err
	}
	actx, cancel = context.WithTimeout(ctx, preparePatience)
	defer cancel()
	at, _, err := a.s.prepare(actx, a.t, a.s.progress.position())
	if err != nil {
		return err
	}
	if err := a.t.LoadHeld(actx); err != nil {
		return err
	}
	for p, th := range a.t.threads {
		c := at[p]
		if err := reach(ctx, th, apply.Work{Back: &apply.Back{Checkpoint: &c}}); err != nil {
			return err
		}
	}
	a.unopened = false
	return nil
}

// isAside reports whether a former process has put op, one of a transaction's ops, aside, or this one before it read the log again.
func (a *aside) isAside(op *mapping.Operation, alone bool, ops []*mapping.Operation, end cdc.Position) bool {
	return slices.ContainsFunc(a.before, func(c coverage) bool {
		p, ok := c.place(op, alone || c.splits(op.Target, ops))
		return ok && c.at[p] != "" && a.s.reader.Covers(c.at[p], end)
	})
}

// again tells the source of a hand-over that it is not carried out now, if the process that put its transaction aside
// may not have come to do so. One that was tried is in a row, and settled with that.
func (a *aside) again(ctx context.Context, op *mapping.Operation) error {
	if op.Offer == nil {
		return nil
	}
	rows, err := control.AsidesOf(ctx, a.s.server.DB, a.t.DB.Server, op.Form, op.Request)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if ops, err := ReadOperations(row.Operation); err != nil || slices.ContainsFunc(ops, func(x *mapping.Operation) bool { return x.Offer != nil && x.Offer.Epoch == op.Offer.Epoch }) {
			return err
		}
	}
	a.s.back.tell(apply.Result{Op: op, Failure: apply.AwayFailure(op)})
	return nil
}

// askForHandOvers asks for the hand-overs that could not be carried out meanwhile: of the requests as they are now.
func (a *aside) askForHandOvers(ctx context.Context) error {
	db := a.s.server.DB
	for {
		list, err := control.WaitingHandOvers(ctx, db, a.t.DB.Server, a.poolName())
		if err != nil || len(list) == 0 {
			return err
		}
		for len(list) > 0 {
			n := 1
			for n < len(list) && n < 200 && list[n].Type == list[0].Type && list[n].Mapping == list[0].Mapping && list[n].Form == list[0].Form {
				n++
			}
			if err := a.askForHandOver(ctx, list[:n]); err != nil {
				return err
			}
			list = list[n:]
		}
	}
}

// askForHandOver asks for one job in the place of rows of the same kind.
func (a *aside) askForHandOver(ctx context.Context, list []control.Pending) error {
	return a.leased(ctx, func(tx *sqlx.Tx) error {
		var ids []string
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		list, err := control.LockPending(ctx, tx, ids...)
		if err != nil || len(list) == 0 {
			return err // a person has removed them
		}
		job := control.Pending{Type: list[0].Type, Mapping: list[0].Mapping, Form: list[0].Form, RowsTotal: int64(len(list)), CreatedBy: "ardso"}
		form, err := jobForm(a.s.sys.Compiled, a.s.server.Name, &job)
		if err == nil {
			job.Qualification, err = whereRequests(form, list)
		}
		if err != nil { // they are not to be found here again
			a.s.log.Warn("hand-overs that wait cannot be asked for", "target", a.t.DB.Server, "mapping", job.Mapping, "err", err)
			if err := a.parkHandOvers(ctx, tx, list, err); err != nil {
				return err
			}
		} else if _, err := control.InsertPending(ctx, tx, job); err != nil {
			return err
		}
		return control.DropAsides(ctx, tx, ids...)
	})
}

// parkHandOvers moves hand-overs that the definitions do not have any more to dso_pending_error of the source, where a
// retry asks for them once they do.
func (a *aside) parkHandOvers(ctx context.Context, tx *sqlx.Tx, list []control.Pending, cause error) error {
	for _, p := range list {
		op := a.handOver(p, &mapping.Failure{
			Kind:   apply.RetryNoMapping,
			Reason: fmt.Sprintf("mapping %q, request %q of form %q to %s: %v", p.Mapping, p.Request, p.Form, a.t.DB.Server, cause),
			Fix:    "bring the mapping back and retry it, else remove it",
		})
		text, err := json.Marshal([]*mapping.Operation{op})
		if err != nil {
			return err
		}
		_, err = control.Park(ctx, tx, control.PendingError{
			Source: op.Source, Mapping: op.Mapping, Form: op.Form, Request: op.Request, TargetForm: op.TargetForm, Pool: op.Pool,
			Action: op.Action.String(), Error: op.Failure.Kind, Reason: op.Failure.Reason, Remedy: op.Failure.Fix, Operation: string(text),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// handOver is what a row of one that waits comes to where it is not begun.
func (a *aside) handOver(p control.Pending, f *mapping.Failure) *mapping.Operation {
	server := a.s.server.Name
	return &mapping.Operation{
		Mapping: p.Mapping, Action: mapping.Modify, Pool: mapping.HomePool, Failure: f,
		Source: server, Form: p.Form, Request: p.Request, Target: server, TargetForm: p.Form, Path: []string{server},
		Home: &mapping.Home{
			Kind: mapping.NotTaken, Return: p.Type == control.ReturnAgain,
			To: ownership.Place{Server: a.t.DB.Server, Mapping: p.Mapping},
		},
	}
}

// whereRequests selects the requests of rows.
func whereRequests(form *schema.Form, list []control.Pending) (string, error) {
	tests := make([]string, len(list))
	for i, p := range list {
		test, err := WhereRequest(form, p.Request)
		if err != nil {
			return "", err
		}
		tests[i] = "(" + test + ")"
	}
	return strings.Join(tests, " OR "), nil
}

// timeOut gives up what has waited for as long as its mapping, or the request itself, allows
// (dso-reference 29, choices 11 and 12).
func (a *aside) timeOut(ctx context.Context) error {
	db := a.s.server.DB
	for {
		ids, err := control.OldAsides(ctx, db, a.t.DB.Server, a.poolName(), a.s.opt.Now())
		if err != nil || len(ids) == 0 {
			return err
		}
		var told []*mapping.Operation
		err = a.leased(ctx, func(tx *sqlx.Tx) error {
			rows, err := control.LockAsidesByID(ctx, tx, ids...)
			if err != nil {
				return err
			}
			told, err = a.giveUp(ctx, tx, rows, mapping.Failure{
				Kind: apply.RetryTimeout, Reason: "it has not accepted for as long as is to be tried; the last attempt: " + a.why(),
				Fix: "once the target accepts again, retry the operation, or transfer the request; else remove it",
			})
			return err
		})
		if err != nil {
			return err
		}
		a.tellGivenUp(told, apply.RetryTimeout)
	}
}

// why is what the target said last.
func (a *aside) why() string {
	if a.main != nil {
		return a.main.why()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Reason
}

// timeOutHandOvers does so with hand-overs.
func (a *aside) timeOutHandOvers(ctx context.Context) error {
	list, err := control.OldHandOvers(ctx, a.s.server.DB, a.t.DB.Server, a.poolName(), a.s.opt.Now())
	if err != nil || len(list) == 0 || a.s.back == nil { // of former definitions: askForHandOver parks them
		return err
	}
	var ops []*mapping.Operation
	for _, p := range list {
		op := a.handOver(p, &mapping.Failure{
			Kind:   apply.RetryTimeout,
			Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: %s has not accepted for as long as is to be tried; the last attempt: %s", p.Mapping, p.Request, p.Form, a.s.server.Name, a.t.DB.Server, a.why()),
			Fix:    "once the target accepts again, retry it, or hand the request over; else remove it",
		})
		op.Home.Pending = p.ID
		ops = append(ops, op)
	}
	return reach(ctx, a.s.back.thread, apply.Work{Ops: ops, Path: ops[0].Path})
}

func (a *aside) tellGivenUp(ops []*mapping.Operation, kind string) {
	for _, op := range ops {
		a.s.back.tell(apply.Result{Op: op, Failure: &mapping.Failure{Kind: kind}})
	}
}

// putBackRetries has operations that were given up, and that a person wants to be retried, wait again.
func (s *source) putBackRetries(ctx context.Context) error {
	var rows []control.PendingError
	for _, kind := range []string{apply.RetryTimeout, apply.RetryNoMapping} {
		list, err := control.ListErrors(ctx, s.server.DB, control.ErrorFilter{Source: s.server.Name, Error: kind, Status: []control.ErrorStatus{control.ErrorRetry}})
		if err != nil {
			return err
		}
		rows = append(rows, list...)
	}
	var failed []error
	for _, r := range rows {
		ops, err := ReadOperations(r.Operation)
		switch {
		case err != nil || len(ops) == 0:
			failed = append(failed, fmt.Errorf("row %s of dso_pending_error: %d operations: %w", r.ID, len(ops), err))
		case ops[0].Home != nil: // a hand-over, which is asked for again
		default:
			if t := s.targets[ops[0].Target]; t != nil && t.aside != nil {
				failed = append(failed, t.aside.putBack(ctx, r.ID))
			}
		}
	}
	return errors.Join(failed...)
}

// putBack has operations that were given up wait for the target again, before what waits of their request by now. They are
// tried at once.
func (a *aside) putBack(ctx context.Context, errorID string) error {
	a.mu.Lock()
	a.leave(nil)
	a.state.Next = a.s.opt.Now()
	a.putting++ // until it is in, the target does not come back
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.putting--
	}()
	return a.leased(ctx, func(tx *sqlx.Tx) error {
		r, err := control.LockError(ctx, tx, errorID)
		if errors.As(err, new(*control.NotFoundError)) || err == nil && r.Status != control.ErrorRetry {
			return nil // a person was quicker
		}
		if err != nil {
			return err
		}
		ops, err := ReadOperations(r.Operation)
		if err != nil || len(ops) == 0 {
			return err
		}
		for _, op := range ops {
			op.Late = true
			if op.ChangesKey() { // as in Put
				a.mu.Lock()
				a.barrier = true
				a.mu.Unlock()
			}
		}
		op := ops[0]
		behind, err := a.firstOf(ctx, tx, op)
		if err != nil {
			return err
		}
		row := a.newRow(op, "")
		if behind != nil {
			if behind.Attempted != "" {
				return nil // it is being tried: the next look
			}
			later, err := ReadOperations(behind.Operation)
			if err != nil {
				return err
			}
			for _, x := range later {
				ops = batch.Queue(ops, x)
			}
			row = behind
		}
		text, err := json.Marshal(ops)
		if err != nil {
			return err
		}
		row.Operation = string(text)
		if err := control.PutAsides(ctx, tx, []control.Aside{*row}); err != nil {
			return err
		}
		return control.DeleteError(ctx, tx, errorID)
	})
}

// firstOf reads and locks the first row that waits of the request of op under its mapping; nil where none does.
func (a *aside) firstOf(ctx context.Context, tx *sqlx.Tx, op *mapping.Operation) (*control.Aside, error) {
	list, err := control.ListPending(ctx, tx, control.PendingFilter{Type: "operation", Mapping: op.Mapping, Form: op.Form, Request: op.Request, Target: op.Target})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	rows, err := control.LockAsidesByID(ctx, tx, ids...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// giveUp moves rows to dso_pending_error of the source, whose retry puts them back: those of one request to one row, in
// order. It returns what the source is to be told of once tx is committed.
func (a *aside) giveUp(ctx context.Context, tx *sqlx.Tx, rows []control.Aside, f mapping.Failure) (told []*mapping.Operation, err error) {
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.ID)
		ops, err := ReadOperations(row.Operation)
		if err != nil {
			return nil, err
		}
		if len(ops) == 0 {
			continue
		}
		op := ops[len(ops)-1]
		parked := control.PendingError{
			Source: op.Source, Mapping: op.Mapping, Form: op.Form, Request: op.Request, TargetForm: op.TargetForm, Target: op.Target,
			Pool: mapping.HomePool, Action: op.Action.String(), Error: f.Kind, Operation: row.Operation,
			Reason: fmt.Sprintf("mapping %q, request %q of form %q to %s: %s", op.Mapping, op.Request, op.Form, op.Target, f.Reason),
			Remedy: f.Fix,
		}
		if err := a.joinGivenUp(ctx, tx, parked, ops); err != nil {
			return nil, err
		}
		for _, op := range ops {
			if op.TellSource {
				told = append(told, op)
			}
		}
	}
	return told, control.DropAsides(ctx, tx, ids...)
}

// joinGivenUp parks operations behind those of their request that were given up before.
func (a *aside) joinGivenUp(ctx context.Context, tx *sqlx.Tx, parked control.PendingError, ops []*mapping.Operation) error {
	row, err := control.GivenUp(ctx, tx, parked)
	if err != nil {
		return err
	}
	if row == nil {
		_, err := control.Park(ctx, tx, parked)
		return err
	}
	all, err := ReadOperations(row.Operation)
	if err != nil {
		return err
	}
	for _, op := range ops {
		all = batch.Queue(all, op)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return control.Join(ctx, tx, row.ID, string(text))
}
