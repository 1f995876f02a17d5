package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ardso/apply"
	"ardso/cdc"
	"ardso/cdc/watermark"
	"ardso/mapping"
	"ardso/mapping/join"
	"ardso/sql/control"
	"ardso/sql/engine"
)

const (
	leaseTTL      = 15 * time.Second // a dead process is relieved within this and one third of it
	leaseRenewal  = leaseTTL / 3
	watermarkAge  = time.Hour           // older ones have come by or never will
	ownersAge     = 30 * 24 * time.Hour // of requests that are gone; what comes for them late comes within that
	openLong      = time.Minute         // a hand-over takes moments; one that takes longer is said
	saveInterval  = time.Second
	pollInterval  = time.Second
	drainLimit    = 30 * time.Second
	batchPatience = 30 * time.Second // with a target that does not accept, in a batch run
	chunkRows     = 4000             // a chunk waits twice for its watermark to come by, so it should be worth it
	queueBudget   = 32 << 20         // bytes of operations under way per source, G7
)

// source is one server's log on its way to the targets, while this process holds the server's lease.
type source struct {
	sys    *System
	server *Server
	opt    Options
	log    *slog.Logger
	holder string
	epoch  int64
	// renewed is when the lease was renewed last: Unix time, ns.
	renewed atomic.Int64

	reader   cdc.Reader
	decider  *mapping.Decider
	stream   *watermark.Stream
	progress *progress
	targets  map[string]*target
	jobs     *jobs
	joins    *joins
	back     *writeBack    // nil: nothing is ever written back here
	retried  chan struct{} // closed once all retries that wait were handed to their threads
	updates  *updates      // nil: nothing is ever written back here

	tx *dealing // the transaction whose parts are being dealt out
}

// target is one target server of a source.
type target struct {
	*apply.Target
	layout  *layout
	threads map[place]*apply.Thread
	covered []coverage
	aside   *aside            // nil: the source itself
	polling map[string]*aside // by pool that polls
	moving  moving

	seq      atomic.Int64 // of the row of dso_pending made last, whatever it waits for
	draining sync.Mutex   // by one aside at a time
}

// coverage is how far the threads of one layout had come when this process started.
type coverage struct {
	*layout
	at map[place]cdc.Position
}

// dealing is a transaction of which parts may still come.
type dealing struct {
	*entry
	alone   bool                       // all of it goes to one thread per pool
	splits  map[*target]bool           // likewise on one target: there its operations on one request would go to several
	started map[*apply.Thread][]string // threads that hold their transaction open for it, with its path
}

// follow carries out the source's log from its durable position until drain is closed, the batch is
// done, or something fails. The lease is held.
func (s *source) follow(ctx context.Context, from cdc.Position, drain <-chan struct{}) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.progress = newProgress(from, queueBudget)
	s.stream = watermark.New(s.writeWatermark, watermark.Options{Run: s.run(), ChunkRows: chunkRows})
	if err := s.openTargets(ctx, from); err != nil {
		return err
	}
	if err := control.PruneWatermarks(ctx, s.server.DB, watermarkAge); err != nil {
		return err
	}
	s.jobs = newJobs(s)
	s.joins = newJoins(s)
	if _, err := s.jobs.look(ctx); err != nil {
		return err
	}

	// The helpers end when the last position is saved; the threads when no more work can come.
	helpers, hctx := errgroup.WithContext(ctx)
	stopHelpers := make(chan struct{})
	helpers.Go(func() error { return s.keepLease(hctx, stopHelpers) })
	helpers.Go(func() error { return s.savePositions(hctx, stopHelpers) })

	// What the threads have to tell the source comes last: its own thread ends after them.
	backing, bctx := errgroup.WithContext(hctx)
	if s.back != nil {
		s.back.ctx = bctx
		backing.Go(func() error { return s.back.thread.Run(bctx) })
	}
	threads, tctx := errgroup.WithContext(bctx)
	for _, t := range s.targets {
		for _, th := range t.threads {
			threads.Go(func() error { return th.Run(tctx) })
		}
	}

	reading, rctx := errgroup.WithContext(tctx)
	readCtx, stopReading := context.WithCancelCause(rctx)
	s.retried = make(chan struct{})
	reading.Go(func() error {
		err := s.reader.Read(readCtx, from, s.stream.Filter(s.deliver(tctx)))
		if cause := context.Cause(readCtx); errors.Is(cause, errDrain) {
			return nil
		} else if cause != nil && !errors.Is(cause, context.Canceled) {
			return cause
		}
		return err
	})
	reading.Go(func() error { return s.jobs.run(readCtx) })
	reading.Go(func() error { return s.joins.run(readCtx) })
	reading.Go(func() error { return s.retryErrors(readCtx) })
	if s.back != nil {
		s.updates = &updates{s: s, said: make(map[string]bool)}
		reading.Go(func() error { return s.updates.run(readCtx) })
	}
	for _, t := range s.targets {
		if t.aside != nil {
			reading.Go(func() error { return t.aside.run(readCtx) })
			for _, a := range t.polling {
				reading.Go(func() error { return a.run(readCtx) })
			}
		}
	}
	reading.Go(func() error { return s.knowFormer(readCtx) })
	reading.Go(func() error {
		stopReading(s.untilStop(readCtx, drain))
		return nil
	})
	s.log.Info("following the log", "engine", s.server.DB.Engine.Name, "position", string(from), "epoch", s.epoch, "definitions", s.sys.Document.Version())
	if s.opt.Ready != nil {
		s.opt.Ready(s.server.Name)
	}
	err = reading.Wait()
	s.stream.Stop()
	s.joins.closeView()

	if err == nil || stopsAtLog(err) {
		for _, t := range s.targets {
			for _, th := range t.threads {
				th.Close()
			}
		}
		timer := time.AfterFunc(drainLimit, func() { cancel(errDrainLimit) })
		defer timer.Stop()
	} else {
		cancel(err)
	}
	// The first cause is what matters: a thread's failure ends the reading with a mere cancellation.
	terr := threads.Wait()
	if terr != nil {
		cancel(terr)
	}
	if s.back != nil {
		s.back.thread.Close()
	}
	if berr := backing.Wait(); berr != nil && (terr == nil || errors.Is(terr, context.Canceled)) {
		terr = berr
	}
	if terr != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = terr
	}
	close(stopHelpers)
	if herr := helpers.Wait(); herr != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = herr
	}
	return err
}

// stopsAtLog reports an error that is a place in the log which nothing passes. What was read before that
// place is carried out first: a person who sees to the copies because of it must find them as the
// source was there, and what came before must not come after.
func stopsAtLog(err error) bool {
	return errors.As(err, new(*mapping.TruncateError)) || errors.As(err, new(*cdc.UnreadableError))
}

var (
	errDrain      = errors.New("drained")
	errDrainLimit = fmt.Errorf("not all work under way was done within %s; what is left is carried out by the next run", drainLimit)
)

// untilStop waits until the reading is to end, and says why: a drain was asked for, the batch is done
// (errDrain both), or it failed.
func (s *source) untilStop(ctx context.Context, drain <-chan struct{}) error {
	var done chan error
	if s.opt.Once {
		done = make(chan error, 1)
		go func() { done <- s.batch(ctx) }()
	}
	select {
	case <-drain:
	case err := <-done:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return errDrain
}

// batch waits until all that is asked for at this moment is carried out: waiting retries and jobs,
// and the log up to its present end, which a watermark marks.
func (s *source) batch(ctx context.Context) error {
	select {
	case <-s.retried:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.updates.drain(ctx); err != nil {
		return err
	}
	if err := s.jobs.drained(ctx); err != nil {
		return err
	}
	name := s.run() + "-end"
	passed := s.stream.OnEnd(name)
	if err := control.WriteWatermark(ctx, s.server.DB, string(cdc.End), name); err != nil {
		return err
	}
	select {
	case <-passed:
		// Write-backs are part of what is to be carried out; they come by behind the end.
		if err := s.progress.waitClosed(ctx); err != nil {
			return err
		}
		if err := s.waitBack(ctx); err != nil {
			return err
		}
		return s.updates.drain(ctx) // with what could not go before
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// waitBack waits until all targets accept and nothing waits for them, as long as a batch run has patience.
func (s *source) waitBack(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	wait := func() error {
		select {
		case <-tick.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	began, wasAway := time.Now(), false
	for _, t := range s.targets {
		for t.aside != nil && t.aside.IsAway() {
			wasAway = true
			if moved := t.aside.lastRound(); moved.After(began) {
				began = moved // what waits is being carried out
			}
			if time.Since(began) > batchPatience {
				return t.aside.notAccepting()
			}
			if err := wait(); err != nil {
				return err
			}
		}
	}
	if !wasAway {
		return nil
	}
	for { // hand-overs that could not be carried out meanwhile are asked for again
		list, err := s.jobs.look(ctx)
		if err != nil || len(list) == 0 {
			return errors.Join(err, s.progress.waitClosed(ctx))
		}
		if err := wait(); err != nil {
			return err
		}
	}
}

// knowFormer waits until the log is past all that a former process can have read: where a target is away from the
// beginning, it cannot be asked yet what of that it has carried out.
func (s *source) knowFormer(ctx context.Context) error {
	var unopened []*aside
	for _, t := range s.targets {
		if t.aside != nil && t.aside.fresh {
			unopened = append(unopened, t.aside)
		}
	}
	if len(unopened) == 0 {
		return nil
	}
	name := s.run() + "-start"
	passed := s.stream.OnEnd(name)
	if err := control.WriteWatermark(ctx, s.server.DB, string(cdc.End), name); err != nil {
		return err
	}
	select {
	case <-passed:
	case <-ctx.Done():
		return nil
	}
	for _, a := range unopened {
		a.mu.Lock()
		a.fresh = false
		a.mu.Unlock()
	}
	return nil
}

// run names this run in watermarks: the holder's own ID, and the epoch.
func (s *source) run() string {
	return s.holder[strings.LastIndexByte(s.holder, '/')+1:] + "-" + strconv.FormatInt(s.epoch, 10)
}

func (s *source) writeWatermark(ctx context.Context, kind cdc.WatermarkKind, name string) error {
	return control.WriteWatermark(ctx, s.server.DB, string(kind), name)
}

// openTargets fences out former processes, then learns how far they came.
func (s *source) openTargets(ctx context.Context, from cdc.Position) error {
	s.targets = make(map[string]*target)
	if err := s.openWriteBack(ctx); err != nil {
		return err
	}
	for _, name := range s.sys.targetsOf(s.server.Name) {
		t, err := s.openTarget(ctx, name, from)
		if err != nil {
			return err
		}
		s.targets[name] = t
	}
	return nil
}

// openTarget makes a target with its threads; one that does not accept is away from the beginning.
func (s *source) openTarget(ctx context.Context, name string, from cdc.Position) (*target, error) {
	to := s.sys.Servers[name]
	t := &target{
		Target:  apply.NewTarget(to.DB, s.server.Name, s.epoch, s.sys.Compiled, s.log),
		layout:  newLayout(s.server.Name, name, to.DB.Engine.SingleWriter, s.sys.Compiled),
		threads: make(map[place]*apply.Thread),
	}
	if s.opt.Once {
		t.Patience = batchPatience
	}
	if s.back != nil {
		t.Tell = s.back.tell
	}
	if name != s.server.Name {
		var err error
		if t.aside, err = newAside(ctx, s, t); err != nil {
			return nil, err
		}
		t.polling = make(map[string]*aside)
		t.Aside = func(pool string) apply.Aside { return t.asideOf(pool) }
		for _, p := range s.sys.Document.RunningPools() {
			if p.Polling && !s.opt.Once { // a batch run carries out all that there is
				t.polling[p.Name] = newPolling(t.aside, p)
			}
		}
	}
	at, covered, err := s.prepare(ctx, t, from)
	if err == nil {
		err = t.LoadHeld(ctx)
	}
	switch {
	case err == nil:
		t.covered = covered
		for _, c := range covered {
			s.keepPoolFields(c.layout)
		}
	case t.aside == nil || ctx.Err() != nil || !t.isCurable(err):
		return nil, err
	}
	for _, p := range t.layout.places() {
		c := at[p]
		if err != nil { // nothing is known of it yet
			c = control.Checkpoint{Source: s.server.Name, Pool: p.pool, Layout: t.layout.id, Thread: p.thread}
		}
		t.threads[p] = t.NewThread(c)
	}
	if t.aside == nil {
		return t, nil
	}
	if err != nil {
		t.aside.unopened, t.aside.fresh = true, true
		t.aside.leave(err)
	}
	// The layout is kept on the source, too: how far work is put aside must be known whether the target answers or not.
	if err := control.SaveLayout(ctx, s.server.DB, t.layout.id, t.layout.text()); err != nil {
		return nil, err
	}
	layouts, err := control.LoadLayouts(ctx, s.server.DB)
	if err != nil {
		return nil, err
	}
	if err := t.aside.positions(ctx, layouts); err != nil {
		return nil, err
	}
	for _, c := range t.aside.before {
		if err := s.hasPoolFields(c.layout); err != nil {
			return nil, err
		}
		s.keepPoolFields(c.layout)
	}
	for _, l := range t.aside.known {
		s.keepPoolFields(l) // which of them the target was dealt out by is found out when it answers
	}
	return t, nil
}

// asideOf is what keeps the work of a pool's threads that is not carried out now; nil: nothing does.
func (t *target) asideOf(pool string) *aside {
	if a := t.polling[pool]; a != nil {
		return a
	}
	return t.aside
}

// prepare fences out former processes on a target, and learns how far they came. Threads that are new begin at from: all
// before it is carried out or put aside.
func (s *source) prepare(ctx context.Context, t *target, from cdc.Position) (map[place]control.Checkpoint, []coverage, error) {
	if err := control.Fence(ctx, t.DB, s.server.Name, s.epoch); err != nil {
		return nil, nil, err
	}
	all, _, covered, err := s.readCheckpoints(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if t.aside != nil {
		t.aside.covered = covered
		if err := t.aside.settle(ctx, transactionsOf(all), covered); err != nil {
			return nil, nil, err
		}
	}
	// First the layout: checkpoints that name one which nobody knows could not be read.
	if err := control.SaveLayout(ctx, t.DB, t.layout.id, t.layout.text()); err != nil {
		return nil, nil, err
	}
	var rows []control.Checkpoint
	for _, p := range t.layout.places() {
		rows = append(rows, control.Checkpoint{Source: s.server.Name, Pool: p.pool, Layout: t.layout.id, Thread: p.thread, Position: string(from)})
	}
	if err := control.Prepare(ctx, t.DB, s.server.Name, s.epoch, rows...); err != nil {
		return nil, nil, err
	}
	_, at, covered, err := s.readCheckpoints(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if len(covered) > 1 && s.isPast(t.layout, covered, from) && (t.aside == nil || !t.aside.IsAway()) {
		if err := control.DropStale(ctx, t.DB, s.server.Name, s.epoch, t.layout.id, writeBackLayout); err != nil {
			return nil, nil, err
		}
		covered = slices.DeleteFunc(covered, func(c coverage) bool { return c.id != t.layout.id })
	}
	for _, c := range covered {
		if err := s.hasPoolFields(c.layout); err != nil {
			return nil, nil, err
		}
	}
	return at, covered, nil
}

// keepPoolFields has operations carry what is needed to tell to which threads earlier layouts dealt them.
func (s *source) keepPoolFields(l *layout) {
	for k, x := range l.lanes {
		if x.field != 0 {
			s.decider.KeepPoolField(k.from, x.field)
		}
	}
}

// hasPoolFields refuses a layout that goes by a field which is no more.
func (s *source) hasPoolFields(l *layout) error {
	for k, x := range l.lanes {
		if x.field != 0 && !s.decider.HasField(k.from, x.field) {
			return &LayoutFieldError{Server: s.server.Name, Form: k.from, Field: x.field}
		}
	}
	return nil
}

// LayoutFieldError is a field by which requests chose their pool and that their form has no more, while operations
// which were dealt out by it may or may not be carried out.
type LayoutFieldError struct {
	Server, Form string
	Field        int
}

func (e *LayoutFieldError) Error() string {
	return fmt.Sprintf("%s: form %q has no field %d any more, by which the last run dealt requests out to pools, so it cannot be told which of them are done", e.Server, e.Form, e.Field)
}
func (e *LayoutFieldError) Name() string { return "run.layout_field" }

func (e *LayoutFieldError) Remedy() string {
	return "bring the field back until `ardso run --once` has carried out what the log holds; then it may go"
}

// isPast reports whether all that layouts other than the present cover lies before from: they have
// nothing more to tell.
func (s *source) isPast(now *layout, covered []coverage, from cdc.Position) bool {
	for _, c := range covered {
		for _, at := range c.at {
			if c.id != now.id && !s.reader.Covers(from, at) {
				return false
			}
		}
	}
	return true
}

// readCheckpoints reads all checkpoints, those of the threads, and what is covered already, by this layout or an earlier.
func (s *source) readCheckpoints(ctx context.Context, t *target) (all []control.Checkpoint, threads map[place]control.Checkpoint, covered []coverage, err error) {
	layouts, err := control.LoadLayouts(ctx, t.DB)
	if err != nil {
		return nil, nil, nil, err
	}
	if all, err = control.LoadCheckpoints(ctx, t.DB, s.server.Name); err != nil {
		return nil, nil, nil, err
	}
	threads = make(map[place]control.Checkpoint)
	byLayout := make(map[string]coverage)
	for _, c := range all {
		if c.Thread < 0 || c.Layout == writeBackLayout {
			continue
		}
		cov, ok := byLayout[c.Layout]
		if !ok {
			text, known := layouts[c.Layout]
			if !known {
				return nil, nil, nil, fmt.Errorf("%s: dso_checkpoint names layout %s, which dso_meta does not have", t.DB.Server, c.Layout)
			}
			l, err := parseLayout(c.Layout, text)
			if err != nil {
				return nil, nil, nil, err
			}
			cov = coverage{layout: l, at: make(map[place]cdc.Position)}
			byLayout[c.Layout] = cov
		}
		p := place{c.Pool, c.Thread}
		cov.at[p] = cdc.Position(c.Position)
		if c.Layout == t.layout.id {
			threads[p] = c
		}
	}
	for _, c := range byLayout {
		covered = append(covered, c)
	}
	return all, threads, covered, nil
}

// deliver deals a transaction, or a part of one, out to the threads.
func (s *source) deliver(ctx context.Context) func(*cdc.Transaction) error {
	var deliver func(tx *cdc.Transaction) error
	deliver = func(tx *cdc.Transaction) error {
		if tx.Selection != nil && join.IsRound(tx.Selection.Round) {
			return s.joins.round(ctx, tx)
		}
		if err := s.progress.waitRoom(ctx); err != nil {
			return err
		}
		ops, err := s.decide(ctx, tx)
		if err != nil {
			return err
		}
		s.jobs.expect(ops)
		if err := s.jobs.note(ctx, tx); err != nil {
			return fmt.Errorf("%s: %w", s.server.Name, err)
		}
		if s.tx == nil {
			alone := tx.More || slices.ContainsFunc(ops, func(o *mapping.Operation) bool { return o.ChangesKey() })
			splits := s.splits(ops)
			if alone || len(splits) > 0 || s.isMoving(ops) { // what other threads still hold must come before
				if err := s.progress.waitIdle(ctx); err != nil {
					return err
				}
			}
			s.tx = &dealing{entry: s.progress.begin(), alone: alone, splits: splits, started: make(map[*apply.Thread][]string)}
			s.tx.after = s.jobs.onDurable(tx)
			if !tx.More {
				for _, t := range s.targets {
					s.prune(t, tx.Position)
				}
			}
		}
		s.joins.note(s.decider.Joins(), s.tx.entry)
		if err := s.deal(ctx, tx, ops); err != nil {
			return err
		}
		if tx.More {
			return nil
		}
		d := s.tx
		s.tx = nil
		d.read(tx.Position)
		if d.alone || len(d.splits) > 0 {
			if err := s.progress.waitIdle(ctx); err != nil {
				return err
			}
		}
		if selected := s.joins.after(tx); selected != nil {
			return deliver(selected)
		}
		return nil
	}
	return deliver
}

// deal hands the operations of one part to their threads.
func (s *source) deal(ctx context.Context, tx *cdc.Transaction, ops []*mapping.Operation) error {
	d := s.tx
	end := tx.Position
	if tx.More {
		end = tx.Ahead
	}
	var sequence []*apply.Thread
	works := make(map[*apply.Thread]*apply.Work)
	moving := make(map[*apply.Thread]*onTheWay)
	splitBy := s.splitBy(ops)
	for _, op := range ops {
		t := s.targets[op.Target]
		p, ok := t.layout.place(op, d.alone || d.splits[t])
		if !ok {
			return fmt.Errorf("no thread for form %q to %q on %s", op.Form, op.TargetForm, op.Target)
		}
		if op.Offer != nil && s.decider.IsOpen(op) {
			s.back.hold(op, d.entry)
		}
		if op.Image != nil { // not done before the source is deleted
			d.add(0)
			s.back.expect(op, d.entry)
		}
		if t.aside != nil {
			op.Whole, op.SplitBy, op.Doubtful = d.alone, splitBy[t], t.aside.isDoubtful()
			if op.Position == "" {
				op.Position = end
			}
			if tx.Selection == nil && t.aside.isAside(op, d.alone, ops, end) {
				s.back.settleOne(op)
				if err := t.aside.again(ctx, op); err != nil {
					return err
				}
				continue
			}
		}
		if tx.Selection == nil && s.isCovered(t, op, d.alone, ops, end) {
			if op.Offer != nil || op.TellSource {
				if err := s.back.again(ctx, t, op); err != nil {
					return err
				}
			}
			continue
		}
		th := t.threads[p]
		w := works[th]
		if w == nil {
			w = &apply.Work{Path: op.Path}
			works[th] = w
			sequence = append(sequence, th)
		}
		w.Ops = append(w.Ops, op)
		if !d.alone && len(d.splits) == 0 && t.layout.moves(op.Form, op.TargetForm) {
			if moving[th] == nil {
				moving[th] = &onTheWay{moving: &t.moving}
			}
			moving[th].begin(op, p)
		}
	}
	if !tx.More {
		for th, path := range d.started { // every thread that began must see the end
			if works[th] == nil {
				works[th] = &apply.Work{Path: path}
				sequence = append(sequence, th)
			}
		}
	}
	for _, th := range sequence {
		w := works[th]
		bytes := 0
		for _, op := range w.Ops {
			bytes += op.Size()
		}
		if w.More = tx.More; tx.More {
			d.started[th] = w.Path
		} else {
			w.Position = tx.Position
		}
		d.add(bytes)
		w.Free = func() { d.free(bytes) }
		w.Done = d.finish
		if moved, on := movedBy(w.Ops), moving[th]; len(moved) > 0 || on != nil { // no others: they are not to stay in memory until the end
			w.Done = func() {
				on.end()
				s.back.settle(moved)
				d.finish()
			}
		}
		if err := th.Send(ctx, *w); err != nil {
			return err
		}
	}
	return nil
}

// splits tells on which targets a transaction goes to one thread as a whole because its operations on one request
// would go to several; nil: on none.
func (s *source) splits(ops []*mapping.Operation) map[*target]bool {
	var on map[*target]bool
	for name, t := range s.targets {
		if !t.layout.splits(name, ops) {
			continue
		}
		if on == nil {
			on = make(map[*target]bool)
		}
		on[t] = true
	}
	return on
}

// splitBy names, for targets of which it is not known yet what former processes have carried out there, the layouts by
// which a transaction would have gone to one thread as a whole.
func (s *source) splitBy(ops []*mapping.Operation) map[*target][]string {
	by := make(map[*target][]string)
	for name, t := range s.targets {
		if t.aside == nil {
			continue
		}
		for _, l := range t.aside.known {
			if l.splits(name, ops) {
				by[t] = append(by[t], l.id)
			}
		}
	}
	return by
}

// isMoving reports whether a request in ops still has operations under way in another thread than it goes to now.
func (s *source) isMoving(ops []*mapping.Operation) bool {
	return slices.ContainsFunc(ops, func(op *mapping.Operation) bool {
		t := s.targets[op.Target]
		if !t.layout.moves(op.Form, op.TargetForm) {
			return false
		}
		p, _ := t.layout.place(op, false)
		return t.moving.elsewhere(op, p)
	})
}

// prune forgets what former processes covered once the log is past all of it.
func (s *source) prune(t *target, pos cdc.Position) {
	over := func(c coverage) bool {
		for _, at := range c.at {
			if s.reader.Covers(at, pos) {
				return false
			}
		}
		return true
	}
	t.covered = slices.DeleteFunc(t.covered, over)
	if t.aside != nil {
		t.aside.before = slices.DeleteFunc(t.aside.before, over)
	}
}

// isCovered reports whether a former process has carried op, one of a transaction's ops, out already.
func (s *source) isCovered(t *target, op *mapping.Operation, alone bool, ops []*mapping.Operation, pos cdc.Position) bool {
	for _, c := range t.covered {
		if p, ok := c.place(op, alone || c.splits(op.Target, ops)); ok {
			if at, ok := c.at[p]; ok && s.reader.Covers(at, pos) {
				return true
			}
		}
	}
	return false
}

// keepLease renews the lease until stop; losing it ends everything at once.
func (s *source) keepLease(ctx context.Context, stop <-chan struct{}) error {
	tick := time.NewTicker(leaseRenewal)
	defer tick.Stop()
	s.renewed.Store(time.Now().UnixNano())
	for {
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		rctx, cancel := context.WithTimeout(ctx, leaseRenewal)
		began := time.Now()
		err := control.RenewLease(rctx, s.server.DB, s.server.Name, s.holder, s.epoch, leaseTTL)
		cancel()
		var fenced *control.FencedError
		switch {
		case err == nil:
			s.renewed.Store(began.UnixNano())
		case errors.As(err, &fenced):
			return err
		case time.Since(time.Unix(0, s.renewed.Load())) > leaseTTL:
			return fmt.Errorf("%s: lease could not be renewed: %w", s.server.Name, err)
		}
	}
}

// savePositions stores how far all is durable, then tells the log (INV-1), until stop; then once more.
func (s *source) savePositions(ctx context.Context, stop <-chan struct{}) error {
	tick := time.NewTicker(saveInterval)
	defer tick.Stop()
	saved := s.progress.position()
	failures := 0
	save := func(ctx context.Context) error {
		p := s.progress.position()
		if p == saved {
			return nil
		}
		if err := s.savePosition(ctx, p); err != nil {
			return err
		}
		saved = p
		s.reader.Confirm(p)
		return nil
	}
	for {
		select {
		case <-stop:
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return save(final)
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if n := s.progress.stuck(openLong); n > 0 {
			s.log.Warn("the position waits for hand-overs that are not written back: see `ardso verify --ownership`", "open", n, "position", string(s.progress.position()))
		}
		err := save(ctx)
		if err != nil && s.server.DB.Engine.Class(err) == engine.Transient && failures < 10 {
			failures++ // a deadlock with a write-back passes
			s.log.Debug("position not saved", "err", err)
			continue
		}
		failures = 0
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: save position: %w", s.server.Name, err)
		}
	}
}

// retryErrors gives operations that a person set free back to their threads.
func (s *source) retryErrors(ctx context.Context) error {
	tick := time.NewTicker(2 * pollInterval)
	defer tick.Stop()
	busy := make(map[string]bool)
	done := make(chan string, 1024)
	first := true
	for {
		if err := s.putBackRetries(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("retry what was given up", "err", err)
		}
		for _, t := range s.targets {
			tctx, cancel := context.WithTimeout(ctx, askPatience) // a target that hangs is not to keep those of the others
			rows, err := control.TakeRetries(tctx, t.DB, s.server.Name)
			cancel()
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				s.log.Debug("read retries", "target", t.DB.Server, "err", err)
				continue
			}
			for _, r := range rows {
				if len(busy) >= cap(done) || busy[r.ID] {
					continue
				}
				if again, err := s.askAgain(ctx, t, r); err != nil || again {
					if err != nil && ctx.Err() == nil {
						s.log.Debug("ask for a hand-over again", "err", err)
					}
					continue
				}
				if r.Error == apply.RetryTimeout || r.Error == apply.RetryNoMapping {
					continue // see putBackRetries
				}
				if op, th, err := s.deleteAgain(r); err != nil {
					s.log.Warn("retry of a delete", "request", r.Request, "err", err)
				} else if op != nil {
					busy[r.ID] = true
					err := th.Send(ctx, apply.Work{Ops: []*mapping.Operation{op}, Path: op.Path, Late: true, Free: func() {}, Drop: func(error) { done <- r.ID }, Done: func() {
						if err := control.DeleteError(ctx, t.DB, r.ID); err != nil && !errors.As(err, new(*control.NotFoundError)) {
							s.log.Warn("retry of a delete", "request", r.Request, "err", err) // it is tried once more
						}
						done <- r.ID
					}})
					if err != nil {
						return nil
					}
					continue
				}
				p, ok := t.layout.place(&mapping.Operation{Form: r.Form, TargetForm: r.TargetForm, Request: r.Request, Pool: r.Pool}, false)
				if !ok {
					s.log.Warn("no mapping for a retried operation", "form", r.Form, "request", r.Request, "target_form", r.TargetForm)
					continue
				}
				busy[r.ID] = true
				id := r.ID
				if err := t.threads[p].Send(ctx, apply.Work{Retry: id, Free: func() {}, Done: func() { done <- id }, Drop: func(error) { done <- id }}); err != nil {
					return nil
				}
			}
		}
		if first {
			close(s.retried)
			first = false
		}
		for waiting := true; waiting; {
			select {
			case id := <-done:
				delete(busy, id)
			case <-ctx.Done():
				return nil
			case <-tick.C:
				waiting = false
			}
		}
	}
}
