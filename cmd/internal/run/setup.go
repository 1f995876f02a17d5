package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog"
	"ardso/cdc/postgres"
	"ardso/cdc/trigger"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/preflight"
	"ardso/sql/schema"
)

// InitPlan says what Init would do to a server: control tables, and on a source what its log needs.
// It is empty where all is in place. It changes nothing.
//
// Errors: *FindingError, *control.NewerSchemaError, *control.OtherServerError, and those of
// the reader's Plan.
func (s *System) InitPlan(ctx context.Context, name string) ([]cdc.Step, error) {
	srv, err := s.Server(name)
	if err != nil {
		return nil, err
	}
	tables, err := control.Plan(ctx, srv.DB, name)
	if err != nil {
		return nil, err
	}
	steps := controlSteps(tables, "create the control tables")
	if !slices.Contains(s.Sources(), name) {
		return steps, nil
	}
	log, err := s.logPlan(ctx, srv, len(tables) > 0)
	if err != nil {
		return nil, err
	}
	steps = append(steps, log...)
	start, err := s.startStep(ctx, srv, len(tables) > 0, len(log) > 0)
	if err != nil {
		return nil, err
	}
	return append(steps, start...), nil
}

// Init carries out what InitPlan says and tells done after each step. It may be run again, also beside
// a process that reads the server: then the position is left alone. After a lost position, or on the
// first run, the server's log is read from its present end, and the targets forget how far they had come
// with it.
//
// Errors are those of InitPlan, and *LeaseHeldError where the position has to be set while another
// process reads the server.
func (s *System) Init(ctx context.Context, name string, done func(cdc.Step)) error {
	srv, err := s.Server(name)
	if err != nil {
		return err
	}
	source := slices.Contains(s.Sources(), name)
	tables, err := control.Plan(ctx, srv.DB, name)
	if err != nil {
		return err
	}
	if source { // what cannot be done is known before anything is changed
		if _, err := s.logPlan(ctx, srv, len(tables) > 0); err != nil {
			return err
		}
	}
	steps := controlSteps(tables, "create the control tables")
	if err := control.Migrate(ctx, srv.DB, name); err != nil {
		if _, ok := errors.AsType[control.Named](err); ok || len(steps) == 0 {
			return err
		}
		return refused(srv.DB, steps[0], err)
	}
	for _, step := range steps {
		done(step)
	}
	if !source {
		return nil
	}
	log, err := s.logPlan(ctx, srv, false)
	if err != nil {
		return err
	}
	if err := carryOut(ctx, srv.DB, log, done); err != nil {
		return err
	}
	return s.setStart(ctx, srv, done)
}

// Server finds an open server, or returns an *UnknownServerError.
func (s *System) Server(name string) (*Server, error) {
	if srv := s.Servers[name]; srv != nil {
		return srv, nil
	}
	return nil, &UnknownServerError{Server: name, Known: ServerNames(s.Document)}
}

// carryOut runs steps one by one, each outside any transaction.
func carryOut(ctx context.Context, db *engine.DB, steps []cdc.Step, done func(cdc.Step)) error {
	for _, step := range steps {
		if _, err := db.ExecContext(ctx, step.SQL); err != nil {
			return refused(db, step, err)
		}
		done(step)
	}
	return nil
}

// controlSteps makes one step of those of package control, which are carried out together; none of none.
func controlSteps(from []control.Step, what string) []cdc.Step {
	if len(from) == 0 {
		return nil
	}
	texts := make([]string, len(from))
	for i, x := range from {
		texts[i] = x.SQL + ";"
	}
	return []cdc.Step{{What: what + " dso_*", SQL: strings.Join(texts, "\n")}}
}

// logPlan says what a source's log needs. fresh: the control tables do not exist yet.
func (s *System) logPlan(ctx context.Context, srv *Server, fresh bool) ([]cdc.Step, error) {
	tables := mapping.NewDecider(srv.Name, s.Compiled).Tables()
	switch srv.DB.Engine.Dialect {
	case "postgres":
		if err := prerequisites(ctx, srv, tables); err != nil {
			return nil, err
		}
		return postgres.Plan(ctx, srv.DB, tables, PostgresOptions(srv, nil))
	case "mysql":
		return nil, prerequisites(ctx, srv, tables) // the server's settings are its administrator's
	}
	if fresh {
		return planTriggers(ctx, srv, tables)
	}
	return trigger.Plan(ctx, srv.DB, tables)
}

// beforeInit are the findings of a server that no step of init cures. On PostgreSQL they would show in the
// middle, when the slot is made; on MariaDB and MySQL the log from the position on could not be read.
var beforeInit = []string{
	"postgres.wal_level", "postgres.standby", "postgres.privilege", "postgres.slots_free", "postgres.senders_free",
	"binlog.log_bin", "binlog.privilege", "binlog.format", "binlog.row_image", "binlog.row_metadata",
	"binlog.row_value_options", "binlog.filter", "binlog.server_id",
}

// prerequisites returns a *FindingError for each thing that keeps init from setting the log up.
func prerequisites(ctx context.Context, srv *Server, tables []*schema.Table) error {
	found, err := checkLog(ctx, srv, tables)
	errs := []error{err}
	for _, f := range found {
		if f.Severity == cdc.Error && slices.Contains(beforeInit, f.Name) {
			errs = append(errs, &FindingError{f})
		}
	}
	return errors.Join(errs...)
}

// FindingError is a finding that keeps a command from doing its work.
type FindingError struct{ cdc.Finding }

func (e *FindingError) Error() string  { return e.Server + ": " + e.Text }
func (e *FindingError) Name() string   { return e.Finding.Name }
func (e *FindingError) Remedy() string { return e.Finding.Remedy }

// planTriggers makes the plan for a database without control tables: triggers are planned on tables
// that exist, so it is made on a copy of the tables' definitions.
func planTriggers(ctx context.Context, srv *Server, tables []*schema.Table) (steps []cdc.Step, err error) {
	folder, err := os.MkdirTemp("", "ardso-plan-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	db, err := engine.Open(ctx, engine.Config{Server: srv.Name, URL: "sqlite:" + filepath.Join(folder, "plan.db")})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.Name
	}
	if err := preflight.CopyTables(ctx, srv.DB, db, names); err != nil {
		return nil, fmt.Errorf("%s: %w", srv.Name, err)
	}
	if err := control.Migrate(ctx, db, srv.Name); err != nil {
		return nil, err
	}
	return trigger.Plan(ctx, db, tables)
}

// startStep announces that the position will be set, where it will be.
func (s *System) startStep(ctx context.Context, srv *Server, fresh, incomplete bool) ([]cdc.Step, error) {
	if fresh {
		return []cdc.Step{{What: "begin to read the log at its present end"}}, nil
	}
	lease, err := control.ReadLease(ctx, srv.DB)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", srv.Name, err)
	}
	var lost *cdc.PositionLostError
	switch _, err := Backlog(ctx, srv, cdc.Position(lease.Position)); {
	case lease.Position == "":
		return []cdc.Step{{What: "begin to read the log at its present end"}}, nil
	case errors.As(err, &lost):
		return []cdc.Step{{What: "go on at the log's present end: position " + lease.Position + " is lost: " + lost.Reason}}, nil
	case err != nil && !incomplete: // an incomplete log cannot be asked
		return nil, err
	}
	return nil, nil
}

// Backlog measures a source's log behind a position.
func Backlog(ctx context.Context, srv *Server, from cdc.Position) (cdc.Backlog, error) {
	switch srv.DB.Engine.Dialect {
	case "postgres":
		return postgres.Backlog(ctx, srv.DB, from, PostgresOptions(srv, nil))
	case "mysql":
		return binlog.Backlog(ctx, srv.DB, from, BinlogOptions(srv, nil))
	}
	return trigger.Backlog(ctx, srv.DB, from)
}

// setStart makes sure that the source has a position that can be read from.
func (s *System) setStart(ctx context.Context, srv *Server, done func(cdc.Step)) (err error) {
	lease, err := control.ReadLease(ctx, srv.DB)
	if err != nil {
		return fmt.Errorf("%s: %w", srv.Name, err)
	}
	step := cdc.Step{What: "begin to read the log at its present end"}
	if lease.Position != "" {
		_, err := Backlog(ctx, srv, cdc.Position(lease.Position))
		var lost *cdc.PositionLostError
		if !errors.As(err, &lost) {
			return err
		}
		since, err := s.lastApplied(ctx, srv.Name)
		if err != nil {
			return err
		}
		step.What = fmt.Sprintf("go on at the log's present end: position %s is lost (%s); transfer what changed since%s",
			lease.Position, lost.Reason, since)
	}
	me := holder()
	epoch, err := s.acquireAbove(ctx, srv, me)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.ReleaseLease(context.WithoutCancel(ctx), srv.DB, me, epoch)) }()
	at, err := s.startOf(ctx, srv)
	if err != nil {
		return err
	}
	if err := s.forget(ctx, srv.Name, epoch); err != nil {
		return err
	}
	if err := control.SetOwnersAsNow(ctx, srv.DB); err != nil {
		return err
	}
	if err := control.SavePosition(ctx, srv.DB, epoch, string(at)); err != nil {
		return err
	}
	done(step)
	return nil
}

// startOf is the position of a reader that begins now.
func (s *System) startOf(ctx context.Context, srv *Server) (cdc.Position, error) {
	switch srv.DB.Engine.Dialect {
	case "postgres":
		return postgres.Start(ctx, srv.DB, PostgresOptions(srv, nil))
	case "mysql":
		return binlog.Start(ctx, srv.DB, mapping.NewDecider(srv.Name, s.Compiled).Tables(), BinlogOptions(srv, nil))
	}
	return trigger.Start(ctx, srv.DB)
}

// acquireAbove takes the source's lease with an epoch above all that the targets have seen of it: after
// `init --remove` the source counts from 1 again, and the targets would fence it off.
func (s *System) acquireAbove(ctx context.Context, srv *Server, me string) (int64, error) {
	seen, err := s.newestEpoch(ctx, srv.Name)
	if err != nil {
		return 0, err
	}
	for {
		epoch, _, ok, err := control.AcquireLease(ctx, srv.DB, me, time.Minute)
		if err != nil {
			return 0, err
		}
		if !ok {
			lease, err := control.ReadLease(ctx, srv.DB)
			return 0, errors.Join(err, &LeaseHeldError{Server: srv.Name, Holder: lease.Holder})
		}
		if epoch > seen {
			return epoch, nil
		}
	}
}

// newestEpoch is the highest epoch under which a source has written to its targets.
func (s *System) newestEpoch(ctx context.Context, source string) (epoch int64, err error) {
	err = s.eachTarget(ctx, source, func(db *engine.DB) error {
		rows, err := control.LoadCheckpoints(ctx, db, source)
		for _, c := range rows {
			epoch = max(epoch, c.Epoch)
		}
		return err
	})
	return epoch, err
}

// lastApplied says when a change of the source last reached a target, as a part of a sentence.
func (s *System) lastApplied(ctx context.Context, source string) (string, error) {
	var last time.Time
	err := s.eachTarget(ctx, source, func(db *engine.DB) error {
		rows, err := control.LoadCheckpoints(ctx, db, source)
		for _, c := range rows {
			if c.Transactions > 0 && c.Updated.After(last) {
				last = c.Updated
			}
		}
		return err
	})
	if err != nil || last.IsZero() {
		return " then", err
	}
	// Threads that were behind then may have had older changes to do.
	return " shortly before " + last.Format("2006-01-02 15:04:05 UTC"), nil
}

// forget deletes the checkpoints that the targets keep of a source: they name positions of a log that
// is not read on, and a new log may count from the beginning again.
func (s *System) forget(ctx context.Context, source string, epoch int64) error {
	return s.eachTarget(ctx, source, func(db *engine.DB) error {
		return control.DropStale(ctx, db, source, epoch, "", "")
	})
}

// eachTarget calls f for the source's targets that have control tables.
func (s *System) eachTarget(ctx context.Context, source string, f func(*engine.DB) error) error {
	for _, name := range s.targetsOf(source) {
		db := s.Servers[name].DB
		_, _, err := control.Version(ctx, db)
		var none *control.NotInitialisedError
		if errors.As(err, &none) {
			continue
		}
		if err == nil {
			err = f(db)
		}
		if err != nil {
			return fmt.Errorf("%s: checkpoints of %s: %w", name, source, err)
		}
	}
	return nil
}

// RemovePlan says what Remove would do to a server. It needs no valid mappings, nor the other servers.
func RemovePlan(ctx context.Context, srv *Server) ([]cdc.Step, error) {
	steps, err := guardsRemoved(ctx, srv)
	if err != nil {
		return nil, err
	}
	var log []cdc.Step
	switch srv.DB.Engine.Dialect {
	case "postgres":
		log, err = postgres.RemovePlan(ctx, srv.DB, PostgresOptions(srv, nil))
	case "sqlite":
		log, err = trigger.RemovePlan(ctx, srv.DB)
	}
	if err != nil {
		return nil, err
	}
	steps = append(steps, log...)
	_, _, err = control.Version(ctx, srv.DB)
	var none *control.NotInitialisedError
	switch {
	case errors.As(err, &none):
		return steps, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", srv.Name, err)
	}
	for _, x := range control.RemovePlan(srv.DB) {
		steps = append(steps, cdc.Step(x))
	}
	return steps, nil
}

// Remove carries out RemovePlan: nothing of ardso is left in the server but what it has written into the
// forms. It refuses with *LeaseHeldError while a process reads the server.
func Remove(ctx context.Context, srv *Server, done func(cdc.Step)) error {
	steps, err := RemovePlan(ctx, srv)
	if err != nil {
		return err
	}
	err = control.Check(ctx, srv.DB, srv.Name)
	var newer *control.NewerSchemaError
	var other *control.OtherServerError
	switch {
	case errors.As(err, &newer), errors.As(err, &other): // not ours to remove
		return err
	case err == nil:
		return removeLeased(ctx, srv, steps, done)
	}
	return carryOut(ctx, srv.DB, steps, done) // what an interrupted removal or init has left
}

// removeLeased carries steps out while no process reads the server.
func removeLeased(ctx context.Context, srv *Server, steps []cdc.Step, done func(cdc.Step)) error {
	me := holder()
	epoch, _, ok, err := control.AcquireLease(ctx, srv.DB, me, time.Minute)
	if err != nil {
		return err
	}
	if !ok {
		lease, err := control.ReadLease(ctx, srv.DB)
		return errors.Join(err, &LeaseHeldError{Server: srv.Name, Holder: lease.Holder})
	}
	if err := carryOut(ctx, srv.DB, steps, done); err != nil {
		// Nobody should wait for the lease's end; where its table is gone already there is none.
		_ = control.ReleaseLease(context.WithoutCancel(ctx), srv.DB, me, epoch)
		return err
	}
	return nil
}

// StepError is a step of init that the server refused.
type StepError struct {
	Server string
	Step   cdc.Step
	Denied bool
	Err    error
}

func refused(db *engine.DB, step cdc.Step, err error) *StepError {
	return &StepError{Server: db.Server, Step: step, Denied: db.Engine.Class(err) == engine.Denied, Err: err}
}

func (e *StepError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Server, e.Step.What, e.Err)
}
func (e *StepError) Unwrap() error { return e.Err }

// Name tells a missing privilege from all else.
func (e *StepError) Name() string {
	if e.Denied {
		return "init.denied"
	}
	return "init.step"
}

func (e *StepError) Remedy() string {
	if e.Denied {
		return "run `ardso init " + e.Server + "` with a user who may do that, or let an administrator run the statements that `ardso init --dry-run " + e.Server + "` shows"
	}
	return "see what the server says; what was done so far stays, and `ardso init " + e.Server + "` goes on from there"
}

// UnknownServerError is a name that no server of the definitions has.
type UnknownServerError struct {
	Server string
	Known  []string
}

func (e *UnknownServerError) Error() string {
	return fmt.Sprintf("server %q is not in the definitions", e.Server)
}
func (e *UnknownServerError) Name() string { return "usage.unknown_server" }
func (e *UnknownServerError) Remedy() string {
	return fmt.Sprintf("name one of %q", e.Known)
}

// ServerNames lists the servers of a document.
func ServerNames(doc *definition.Document) []string {
	names := make([]string, len(doc.Servers))
	for i, d := range doc.Servers {
		names[i] = d.Name
	}
	return names
}
