package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ardso/apply"
	"ardso/cdc"
	"ardso/cdc/binlog"
	"ardso/cdc/binlog/wire"
	"ardso/cdc/postgres"
	"ardso/cdc/trigger"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Options of Run.
type Options struct {
	Servers []string // sources to follow; none = all that the definitions name
	// Once: carry out what is asked for and what the logs hold at this moment, then return.
	Once bool
	// NoWait: return a *LeaseHeldError at once where another process reads a server.
	NoWait bool
	// AcceptTruncate names forms whose TRUNCATE is passed over: a person has seen to their copies.
	AcceptTruncate []string
	Log            *slog.Logger
	// Ready, if not nil, is told when a server is being followed; StandBy when another process does.
	Ready func(server string)
	// Now is the clock by which updates are due; nil = time.Now.
	Now     func() time.Time
	StandBy func(server, holder string)

	// Reload, if not nil, tells that Load has other definitions, which are taken up beside what runs. A System that
	// others have taken the place of is closed.
	Reload <-chan struct{}
	Load   func() (*definition.Document, error)
}

// Summary is what a run has done.
type Summary struct {
	Servers []ServerSummary `json:"servers"`
}

// ServerSummary is what a run has done with one source's log.
type ServerSummary struct {
	Server       string `json:"server"`
	Operations   int64  `json:"operations"` // decided and carried out
	Written      int64  `json:"written"`    // requests written on targets
	Conflicts    int64  `json:"conflicts"`  // settled or recorded
	Parked       int64  `json:"parked"`     // to dso_pending_error
	Transactions int64  `json:"transactions"`
}

// Parked is the number of operations that went to dso_pending_error.
func (s Summary) Parked() (n int64) {
	for _, x := range s.Servers {
		n += x.Parked
	}
	return n
}

// LeaseHeldError is a server that another process reads.
type LeaseHeldError struct{ Server, Holder string }

func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("%s: is being read by %s", e.Server, e.Holder)
}
func (e *LeaseHeldError) Name() string { return "run.lease_held" }

func (e *LeaseHeldError) Remedy() string {
	return "let that process do the work, or stop it; one that died on another machine is relieved within 20 s"
}

// Run follows the logs of the sources until drain is closed (then what is under way is finished), ctx
// ends (then it is cut off, and carried out by the next run), or, with Once, all is done. A server
// that fails is tried again with growing pauses where that may help, and stops no other; the error
// joins those of servers that failed for good. Where servers did not answer when the System was made, by OpenAvailable, it
// does what it can without them, and goes on by a System with all that answers as soon as one does.
func (s *System) Run(ctx context.Context, drain <-chan struct{}, o Options) (Summary, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	names, err := s.follows(o.Servers)
	if err != nil {
		return Summary{}, err
	}
	return newFleet(s, o).run(ctx, drain, names)
}

// runner keeps one source going.
type runner struct {
	fleet  *fleet
	sys    *System
	server *Server
	opt    Options
	log    *slog.Logger
	holder string
	kept   int64 // epoch of the lease that goes over to the next definitions; 0 = none
	err    error // that it ended with

	mu      sync.Mutex
	total   ServerSummary
	coming  *System       // definitions that are to be gone on by
	turning chan struct{} // closed when some come, or when it is to end
}

func (r *runner) summary() ServerSummary {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total.Server = r.server.Name
	return r.total
}

// run acquires the lease and follows the log, again and again where that may cure what failed, or other definitions
// have come.
func (r *runner) run(ctx context.Context, drain <-chan struct{}) error {
	defer func() { r.release(ctx, r.kept) }()
	for failures := 0; ; {
		began := time.Now()
		stop, release := r.until(drain)
		err := r.once(ctx, drain, stop)
		if time.Since(began) > time.Minute {
			failures = 0
		}
		again := false
		if err != nil && ctx.Err() == nil && !isClosed(stop) {
			failures++
			if again = r.curable(err) && !(r.opt.Once && failures > 5); again {
				err = r.pause(ctx, stop, failures, err)
			} else {
				r.log.Error("server stopped", "err", err)
			}
		}
		stopped := isClosed(stop)
		release()
		switch {
		case ctx.Err() != nil, isClosed(drain):
			return err
		case r.turned():
			failures = 0
		case stopped: // the definitions read nothing from here any more
			return nil
		case !again:
			return err
		}
	}
}

// pause waits before another attempt, unless it is told to stop; it returns the error that it is about.
func (r *runner) pause(ctx context.Context, stop <-chan struct{}, failures int, err error) error {
	wait := min(time.Second<<min(failures-1, 6), time.Minute)
	r.log.Warn("server interrupted, trying again", "err", err, "wait_ms", wait.Milliseconds())
	select {
	case <-time.After(wait):
	case <-stop:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return err
}

// curable reports errors that a new start may cure: connections, a lost lease, a half-sent
// transaction.
func (r *runner) curable(err error) bool {
	var restart *apply.RestartError
	var fenced *control.FencedError
	var lost *cdc.PositionLostError
	var unreadable *cdc.UnreadableError
	var patience *apply.NotAcceptingError
	var active *postgres.SlotActiveError
	var silent *postgres.SilentError
	var mute *binlog.SilentError
	switch {
	case errors.As(err, &lost), errors.As(err, &unreadable), errors.As(err, &patience):
		return false
	// A person has to do something, whatever the server's answer looks like.
	case errors.As(err, new(*binlog.ServerIDTakenError)), errors.As(err, new(*binlog.SetupError)):
		return false
	// What damages a connection, or answers in the server's place, may be gone the next time.
	case errors.As(err, new(*wire.PacketError)), errors.As(err, new(*wire.NotMySQLError)):
		return true
	case errors.As(err, &active), errors.As(err, &silent), errors.As(err, &mute), errors.As(err, &restart), errors.As(err, &fenced), errors.Is(err, errDrainLimit):
		return true
	}
	for _, srv := range r.sys.Servers {
		if srv.DB.Engine.Class(err) == engine.Transient {
			return true
		}
	}
	return false
}

// once holds the lease and follows the log until stop is closed or it ends for whatever reason. drain says that
// nothing is to come after it.
func (r *runner) once(ctx context.Context, drain, stop <-chan struct{}) (err error) {
	if err := r.sys.initialised(ctx, r.server.Name); err != nil {
		return err
	}
	epoch, position, err := r.acquire(ctx, stop)
	if err != nil || epoch == 0 {
		return err
	}
	r.kept = 0
	defer func() {
		// The same holder takes it again, with a higher epoch, before anybody else can.
		if next := r.next(); err == nil && next != nil && !isClosed(drain) && next.Servers[r.server.Name].Def.URL == r.server.Def.URL {
			r.kept = epoch
			return
		}
		r.release(ctx, epoch)
	}()
	if err := r.note(ctx); err != nil {
		return err
	}
	if err := r.keepCatalogs(ctx); err != nil {
		return err
	}
	src := &source{sys: r.sys, server: r.server, opt: r.opt, log: r.log, holder: r.holder, epoch: epoch}
	src.decider = mapping.NewDecider(r.server.Name, r.sys.Compiled)
	for _, f := range r.opt.AcceptTruncate {
		src.decider.AcceptTruncate(f)
	}
	if err := logReady(ctx, r.server, src.decider.Tables()); err != nil {
		return err
	}
	if src.reader, err = NewReader(r.server, src.decider.Tables(), r.log); err != nil {
		return err
	}
	err = src.follow(ctx, cdc.Position(position), stop)
	if errors.As(err, new(*binlog.ServerIDTakenError)) {
		err = r.ousted(ctx, epoch, err)
	}
	r.add(src)
	r.log.Info("stopped following the log", "position", string(src.progress.position()))
	return err
}

// release gives a lease up, also where ctx has ended, so that the next process need not wait.
func (r *runner) release(ctx context.Context, epoch int64) {
	if epoch == 0 {
		return
	}
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := control.ReleaseLease(rctx, r.server.DB, r.holder, epoch); err != nil {
		r.log.Debug("lease not released", "err", err)
	}
}

// ousted tells a connection that the server ended because another process has taken over, which reads under the
// same number, from one that somebody else's replica has cost us.
func (r *runner) ousted(ctx context.Context, epoch int64, err error) error {
	lease, lerr := control.ReadLease(ctx, r.server.DB)
	if lerr != nil || lease.Epoch == epoch {
		return errors.Join(err, lerr)
	}
	return &control.FencedError{What: "reader of " + r.server.Name, Epoch: epoch, Newer: lease.Epoch}
}

func (r *runner) add(src *source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range src.targets {
		c := &t.Counters
		r.total.Operations += c.Operations.Load()
		r.total.Written += c.Written.Load()
		r.total.Conflicts += c.Conflicts.Load()
		r.total.Parked += c.Parked.Load()
		r.total.Transactions += c.Transactions.Load()
	}
	if src.back != nil { // what it writes are no operations of their own, but a person must see to what it cannot
		c := &src.back.home.Counters
		r.total.Conflicts += c.Conflicts.Load()
		r.total.Parked += c.Parked.Load()
	}
}

// acquire waits for the lease. No epoch and no error: stopped while standing by.
func (r *runner) acquire(ctx context.Context, stop <-chan struct{}) (epoch int64, position string, err error) {
	said := false
	for {
		epoch, position, ok, err := control.AcquireLease(ctx, r.server.DB, r.holder, leaseTTL)
		if err != nil {
			return 0, "", err
		}
		if ok {
			return epoch, position, nil
		}
		lease, err := control.ReadLease(ctx, r.server.DB)
		if err != nil {
			return 0, "", err
		}
		if isDead(lease.Holder) {
			r.log.Info("taking over from a process that has died", "holder", lease.Holder)
			if err := control.ReleaseLease(ctx, r.server.DB, lease.Holder, lease.Epoch); err != nil {
				return 0, "", err
			}
			continue
		}
		if r.opt.NoWait {
			return 0, "", &LeaseHeldError{Server: r.server.Name, Holder: lease.Holder}
		}
		if !said {
			said = true
			r.log.Info("standing by: another process reads this server", "holder", lease.Holder)
			if r.opt.StandBy != nil {
				r.opt.StandBy(r.server.Name, lease.Holder)
			}
		}
		select {
		case <-time.After(leaseTTL / 5):
		case <-stop:
			return 0, "", nil
		case <-ctx.Done():
			return 0, "", context.Cause(ctx)
		}
	}
}

// logReady refuses a log that would not hold what the definitions need: a table that is not published or
// has no triggers would send nothing, and nobody would notice (PS-17).
func logReady(ctx context.Context, srv *Server, tables []*schema.Table) error {
	findings, err := checkLog(ctx, srv, tables)
	if err != nil {
		return err
	}
	for _, f := range findings {
		// A slot that is gone is a lost position, which the reader itself tells better.
		if f.Severity == cdc.Error && f.Name != "postgres.slot" {
			return &NotReadyError{f}
		}
	}
	return nil
}

// NotReadyError is a finding of the check of a log that keeps it from being read.
type NotReadyError struct{ cdc.Finding }

func (e *NotReadyError) Error() string  { return e.Server + ": " + e.Text }
func (e *NotReadyError) Name() string   { return e.Finding.Name }
func (e *NotReadyError) Remedy() string { return e.Finding.Remedy }

// checkLog asks a server's reader what it thinks of the log.
func checkLog(ctx context.Context, srv *Server, tables []*schema.Table) ([]cdc.Finding, error) {
	switch srv.DB.Engine.Dialect {
	case "postgres":
		return postgres.Check(ctx, srv.DB, tables, PostgresOptions(srv, nil))
	case "mysql":
		return binlog.Check(ctx, srv.DB, tables, BinlogOptions(srv, nil))
	}
	return trigger.Check(ctx, srv.DB, tables)
}

// NewReader makes the reader of a server's log.
func NewReader(srv *Server, tables []*schema.Table, log *slog.Logger) (cdc.Reader, error) {
	switch srv.DB.Engine.Dialect {
	case "postgres":
		return postgres.New(srv.DB, PostgresOptions(srv, log)), nil
	case "mysql":
		return binlog.New(srv.DB, tables, BinlogOptions(srv, log)), nil
	}
	return trigger.New(srv.DB, trigger.Options{}), nil
}

// BinlogOptions are the reader's options as the definitions give them.
func BinlogOptions(srv *Server, log *slog.Logger) binlog.Options {
	return binlog.Options{ServerID: uint32(srv.Def.ServerID), Log: log}
}

// PostgresOptions are the reader's options as the definitions give them. Every table gets whole
// before images: conflict checks need them (PD-5, G5).
func PostgresOptions(srv *Server, log *slog.Logger) postgres.Options {
	return postgres.Options{
		Slot: srv.Def.Slot, Publication: srv.Def.Publication, Log: log,
		// A process that hangs keeps the slot for that long, and its successor from it.
		SenderTimeout: 20 * time.Second,
		NeedFull:      func(t *schema.Table) bool { return t.Name != cdc.JoinTable },
	}
}
