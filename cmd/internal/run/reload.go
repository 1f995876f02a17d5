package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// reloadAgain is after how long servers that did not answer are tried again.
const reloadAgain = 10 * time.Second

// fleet is the runners of one Run, and the definitions that they work by. Changed definitions are taken up whole or
// not at all: they are read, opened and checked beside what runs, and only then does each source's stream end at a
// transaction's end and begin again, by the new ones, under the same lease.
type fleet struct {
	opt   Options
	first *System // which the caller closes
	sys   *System // the present ones

	runners map[string]*runner // those that run
	former  map[string]*runner // those that have ended
	errs    map[string]error   // of those that ended with one
	ended   chan *runner
	refusal string // why what answers again was not taken up: it is said once

	mu    sync.Mutex
	users map[*System]int // runners that work by it
}

// reloaded is what came of opening anew.
type reloaded struct {
	anew bool // definitions were read anew
	sys  *System
	err  error
	// Of the present definitions, where servers did not answer: a System with more of them, if there is one.
	more    *System
	moreErr error
}

func newFleet(sys *System, o Options) *fleet {
	return &fleet{
		opt: o, first: sys, sys: sys, runners: make(map[string]*runner), former: make(map[string]*runner), errs: make(map[string]error),
		ended: make(chan *runner), users: make(map[*System]int),
	}
}

// run runs until all runners have ended, and none is still to be started.
func (f *fleet) run(ctx context.Context, drain <-chan struct{}, names []string) (Summary, error) {
	f.sys.tellAbsent(f.opt.Log, names)
	for _, name := range names {
		if f.sys.canStart(name) {
			f.start(ctx, drain, name)
		}
	}
	// What is read beside the runners ends with them.
	lctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan reloaded)
	anew, loading, again := false, false, false
	var retry <-chan time.Time
	load := func() {
		loading, again, retry = true, false, nil
		go func(anew bool) { results <- f.reload(lctx, anew) }(anew)
	}
	later := func() {
		if anew || f.sys.isPartial() {
			retry = time.After(reloadAgain)
		}
	}
	later()
	stopped, done := drain, ctx.Done()
	idle := -1 // attempts since nothing is followed any more
	for {
		switch {
		case len(f.runners) > 0:
			idle = -1
		case idle < 0 && f.waits(ctx, drain):
			idle = 0
			f.tellIdle(idle)
		}
		if len(f.runners) == 0 && !f.waits(ctx, drain) {
			break
		}
		select {
		case r := <-f.ended:
			f.finished(ctx, drain, r)
		case <-stopped:
			stopped = nil
		case <-done:
			done = nil
		case <-f.opt.Reload:
			if anew, again = true, loading; !loading {
				load()
			}
		case <-retry:
			if load(); idle >= 0 {
				idle++
				f.tellIdle(idle)
			}
		case x := <-results:
			loading = false
			anew = f.take(ctx, drain, x)
			if again {
				anew = true
				load()
				continue
			}
			later()
		}
	}
	if cancel(); loading {
		x := <-results
		for _, sys := range []*System{x.sys, x.more} {
			if sys != nil {
				f.close(sys)
			}
		}
	}
	if f.sys != f.first {
		f.close(f.sys)
	}
	err := errors.Join(slices.Collect(maps.Values(f.errs))...)
	if err == nil && len(f.former) == 0 { // cut off before anything began
		err = context.Cause(ctx)
	}
	return f.summary(), err
}

// waits reports whether sources are still to be started, once servers answer.
func (f *fleet) waits(ctx context.Context, drain <-chan struct{}) bool {
	names, err := f.sys.follows(f.opt.Servers)
	return err == nil && !isClosed(drain) && ctx.Err() == nil && slices.ContainsFunc(names, func(name string) bool { return !f.sys.canStart(name) })
}

// tellIdle says that nothing is followed: at once, then with growing pauses up to an hour.
func (f *fleet) tellIdle(attempts int) {
	if hourly := int(time.Hour / reloadAgain); attempts&(attempts-1) == 0 || attempts%hourly == 0 {
		f.opt.Log.Warn("nothing can be followed yet: waiting for servers that do not answer",
			"servers", slices.Sorted(maps.Keys(f.sys.absent)), "attempts", attempts, "wait_ms", reloadAgain.Milliseconds())
	}
}

// reload reads the definitions anew where that is wanted; where nothing comes of it, it looks for servers of the present
// ones that answer again.
func (f *fleet) reload(ctx context.Context, anew bool) (x reloaded) {
	if x.anew = anew; anew {
		if x.sys, x.err = f.load(ctx); x.err == nil {
			return x
		}
	}
	if f.sys.isPartial() {
		x.more, x.moreErr = f.sys.reopen(ctx)
	}
	return x
}

// take goes on by what has come of a reload, and reports whether the definitions are to be read anew once more.
func (f *fleet) take(ctx context.Context, drain <-chan struct{}, x reloaded) (again bool) {
	switch {
	case x.anew && x.err == nil:
		f.opt.Log.Info("definitions taken up", "definitions", x.sys.Document.Version(), "before", f.sys.Document.Version())
		f.turn(ctx, drain, x.sys)
	case x.anew && ctx.Err() == nil:
		again = f.refused(x.err)
	}
	switch {
	case x.more != nil:
		for _, name := range slices.Sorted(maps.Keys(f.sys.absent)) {
			if x.more.absent[name] == nil {
				f.opt.Log.Info("server answers again: going on by its forms as they are", "server", name)
			}
		}
		f.refusal = ""
		f.turn(ctx, drain, x.more)
	case x.moreErr != nil && ctx.Err() == nil && x.moreErr.Error() != f.refusal:
		f.refusal = x.moreErr.Error()
		f.refused(x.moreErr)
	}
	return again
}

// start starts a server's runner by the present definitions.
func (f *fleet) start(ctx context.Context, drain <-chan struct{}, name string) {
	r := &runner{fleet: f, sys: f.sys, server: f.sys.Servers[name], opt: f.opt, log: f.opt.Log.With("server", name), holder: holder(), turning: make(chan struct{})}
	if before := f.former[name]; before != nil {
		r.total = before.total
	}
	delete(f.errs, name)
	f.enter(f.sys)
	f.runners[name] = r
	go func() {
		r.err = r.run(ctx, drain)
		f.leave(r.sys)
		f.ended <- r
	}()
}

// finished notes that a runner has ended; one that ended just when other definitions came for it is started again.
func (f *fleet) finished(ctx context.Context, drain <-chan struct{}, r *runner) {
	name := r.server.Name
	delete(f.runners, name)
	f.former[name] = r
	if next := r.next(); next != nil {
		defer f.leave(next)
		if !isClosed(drain) && ctx.Err() == nil {
			f.start(ctx, drain, name)
			return
		}
	}
	if r.err != nil {
		f.errs[name] = r.err
	}
}

// load reads the definitions and opens and checks all that they need.
func (f *fleet) load(ctx context.Context) (*System, error) {
	doc, err := f.opt.Load()
	if err != nil {
		return nil, err
	}
	sys, err := OpenDocument(ctx, doc)
	if err != nil {
		return nil, err
	}
	names, err := sys.follows(f.opt.Servers)
	if err == nil {
		err = sys.ready(ctx, names)
	}
	if err != nil {
		return nil, errors.Join(err, sys.Close())
	}
	return sys, nil
}

// refused tells why definitions are not taken up, and reports whether another attempt may do better.
func (f *fleet) refused(err error) (again bool) {
	open, isOpen := errors.AsType[*engine.OpenError](err)
	if isOpen && open.Class() == engine.Transient {
		f.opt.Log.Warn("definitions not taken up yet: a server does not answer", "err", err, "wait_ms", reloadAgain.Milliseconds())
		return true
	}
	var problems definition.ErrorList
	if errors.As(err, &problems) {
		for _, p := range problems {
			f.opt.Log.Error("definitions refused", "at", p.Pos.String(), "err", p.Found, "name", p.Kind, "remedy", p.Advice)
		}
	} else {
		attrs := []any{"err", err}
		if n, ok := errors.AsType[control.Named](err); ok {
			attrs = append(attrs, "name", n.Name(), "remedy", n.Remedy())
		}
		f.opt.Log.Error("definitions refused", attrs...)
	}
	f.opt.Log.Warn("going on with the definitions as they were", "definitions", f.sys.Document.Version())
	return false
}

// turn has all sources go on by other definitions, and starts and ends those that they add and take away.
func (f *fleet) turn(ctx context.Context, drain <-chan struct{}, sys *System) {
	if isClosed(drain) || ctx.Err() != nil {
		f.close(sys)
		return
	}
	f.mu.Lock()
	before := f.sys
	f.sys = sys
	f.mu.Unlock()
	f.enter(before) // until all are told; one that nobody works by is closed then
	defer f.leave(before)
	names, err := sys.follows(f.opt.Servers)
	if err != nil {
		panic(err) // load has asked
	}
	sys.tellAbsent(f.opt.Log, names)
	for name, r := range f.runners {
		if slices.Contains(names, name) && sys.Servers[name] != nil { // one that does not answer now goes on once it does
			r.turn(sys)
			continue
		}
		f.opt.Log.Info("the definitions read nothing from this server any more", "server", name)
		r.turn(nil)
	}
	for _, name := range names {
		if f.runners[name] == nil && sys.canStart(name) {
			f.start(ctx, drain, name)
		}
	}
}

func (f *fleet) enter(sys *System) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[sys]++
}

// leave closes definitions that nobody works by any more, unless they are the present ones.
func (f *fleet) leave(sys *System) {
	f.mu.Lock()
	f.users[sys]--
	unused := f.users[sys] <= 0 && sys != f.sys
	f.mu.Unlock()
	if unused {
		f.close(sys)
	}
}

// close closes definitions that nobody works by.
func (f *fleet) close(sys *System) {
	if err := sys.Close(); err != nil {
		f.opt.Log.Debug("close servers", "err", err)
	}
}

func (f *fleet) summary() Summary {
	var s Summary
	for _, r := range f.former {
		s.Servers = append(s.Servers, r.summary())
	}
	slices.SortFunc(s.Servers, func(a, b ServerSummary) int { return strings.Compare(a.Server, b.Server) })
	return s
}

// follows lists the servers to follow: those named, which the definitions must read from, or all that they do.
func (s *System) follows(servers []string) ([]string, error) {
	sources := s.Sources()
	if len(servers) == 0 {
		if len(sources) == 0 {
			return nil, &NoSourceError{}
		}
		return sources, nil
	}
	for _, name := range servers {
		if !slices.Contains(sources, name) {
			return nil, &NoSourceError{Server: name, Sources: sources}
		}
	}
	return servers, nil
}

// NoSourceError is definitions that read nothing, or nothing from a server that is to be followed.
type NoSourceError struct {
	Server  string // "" = from none at all
	Sources []string
}

func (e *NoSourceError) Error() string {
	if e.Server == "" {
		return "the definitions hold no mapping and no filter"
	}
	return fmt.Sprintf("the definitions read nothing from server %q", e.Server)
}
func (e *NoSourceError) Name() string { return "usage.no_source" }

func (e *NoSourceError) Remedy() string {
	if e.Server == "" {
		return "write them: docs/definitions.md shows how"
	}
	return "name servers that mappings or filters start from: " + strings.Join(e.Sources, ", ")
}

// ready refuses servers on which `ardso init` has to be run before these definitions can be taken up.
func (s *System) ready(ctx context.Context, names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, s.sourceReady(ctx, s.Servers[name]))
	}
	return errors.Join(errs...)
}

func (s *System) sourceReady(ctx context.Context, srv *Server) error {
	if err := s.initialised(ctx, srv.Name); err != nil {
		return err
	}
	lease, err := control.ReadLease(ctx, srv.DB)
	if err != nil {
		return fmt.Errorf("%s: %w", srv.Name, err)
	}
	if lease.Position == "" {
		return &NotReadyError{noPosition(srv.Name)}
	}
	return logReady(ctx, srv, mapping.NewDecider(srv.Name, s.Compiled).Tables())
}

// initialised checks the control tables of a source and its targets; those that are away are asked when they are back.
func (s *System) initialised(ctx context.Context, source string) error {
	for _, name := range append([]string{source}, s.targetsOf(source)...) {
		db := s.Servers[name].DB
		err := control.Check(ctx, db, name)
		if err != nil && (name == source || db.Engine.Class(err) != engine.Transient) {
			return err
		}
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// turn has the runner go on by other definitions once its stream is at a boundary; nil: it ends there.
func (r *runner) turn(sys *System) {
	if sys != nil {
		r.fleet.enter(sys)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.coming != nil { // it has not come to the former ones
		r.fleet.leave(r.coming)
	}
	r.coming = sys
	if !isClosed(r.turning) {
		close(r.turning)
	}
}

// next is what the runner is to go on by; nil where nothing has come.
func (r *runner) next() *System {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.coming
}

// turned takes up the definitions that have come, if any have.
func (r *runner) turned() bool {
	r.mu.Lock()
	sys := r.coming
	if sys == nil {
		r.mu.Unlock()
		return false
	}
	before := r.sys
	r.sys, r.server, r.coming, r.turning = sys, sys.Servers[r.server.Name], nil, make(chan struct{})
	r.mu.Unlock()
	r.fleet.leave(before)
	return true
}

// until is closed when the run is drained or other definitions come. Call release when it is not needed any more.
func (r *runner) until(drain <-chan struct{}) (stop <-chan struct{}, release func()) {
	r.mu.Lock()
	turning := r.turning
	r.mu.Unlock()
	closed, done := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-drain:
		case <-turning:
		case <-done:
			return
		}
		close(closed)
	}()
	return closed, sync.OnceFunc(func() { close(done) })
}

// note records which definitions the server's log is carried out by, where they have changed.
func (r *runner) note(ctx context.Context) error {
	version := r.sys.Document.Version()
	before, err := control.NoteDefinitions(ctx, r.server.DB, version, r.holder)
	if err != nil {
		return fmt.Errorf("%s: %w", r.server.Name, err)
	}
	if before != version {
		r.log.Info("definitions have changed", "definitions", version, "before", before)
	}
	return nil
}
