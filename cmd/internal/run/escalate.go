package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/qual"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// escalations begins the runs of the source's escalations when they are due: each becomes a job, which the jobs
// carry out. It begins one run at a time, when none is left, so runs never overlap and begin in the order in
// which they were due, as those of one escalation pool do in AR System.
type escalations struct {
	s       *source
	defined []*definition.CompiledEscalation
	armed   bool                       // what the definitions say has been compared with what waits
	waiting map[string]control.Pending // by name; nil: to be read
	until   time.Time                  // what is due later is left to the next run; zero: nothing is
}

func newEscalations(s *source) *escalations {
	x := &escalations{s: s}
	for _, e := range s.sys.Compiled.Escalations {
		if e.Server == s.server.Name {
			x.defined = append(x.defined, e)
		}
	}
	if s.opt.Once {
		x.until = s.opt.Now()
	}
	return x
}

// punctual is how late a run may be before a person should know: the process was down, or another job took long.
const punctual = time.Minute

// begin begins the run that has been due longest, and reports whether there was one.
func (x *escalations) begin(ctx context.Context) (bool, error) {
	if len(x.defined) == 0 && x.armed {
		return false, nil
	}
	if x.waiting == nil {
		if err := x.read(ctx); err != nil {
			return false, fmt.Errorf("%s: %w", x.s.server.Name, err)
		}
	}
	now := x.s.opt.Now()
	limit := now
	if !x.until.IsZero() {
		limit = x.until
	}
	var first *definition.CompiledEscalation
	for _, e := range x.defined {
		p, ok := x.waiting[e.Name]
		if ok && !p.Due.After(limit) && (first == nil || p.Due.Before(x.waiting[first.Name].Due)) {
			first = e
		}
	}
	if first == nil {
		return false, nil
	}
	p := x.waiting[first.Name]
	at, passed, next := first.When.Due(p.Due, now)
	begun, err := control.BeginEscalation(ctx, x.s.server.DB, p, first.Escalation.RunIf.Value, now, next)
	if err != nil {
		return false, fmt.Errorf("%s: begin escalation %q: %w", x.s.server.Name, first.Name, err)
	}
	x.waiting = nil // as it was written, or as another process has it
	if begun {
		level, late := slog.LevelInfo, now.Sub(p.Due)
		if late > punctual && x.until.IsZero() { // batch runs come when they come
			level = slog.LevelWarn
		}
		x.s.log.Log(ctx, level, "escalation due", "escalation", first.Name, "due", at, "since", p.Due, "late_ms", late.Milliseconds(), "passed_over", passed, "next", next)
	}
	return begun, nil
}

// read reads which escalations wait, and lets those wait that do not. Once it also forgets those that the definitions
// no longer have, and sets anew those whose schedule was changed: they were never due at its times.
func (x *escalations) read(ctx context.Context) error {
	db, now := x.s.server.DB, x.s.opt.Now()
	list, err := control.ListPending(ctx, db, control.PendingFilter{Type: control.Escalation})
	if err != nil {
		return err
	}
	waiting := make(map[string]control.Pending)
	for _, p := range list {
		switch {
		case !x.armed && !x.defines(p.Mapping) && p.Status != control.New && p.Status != control.Running:
			if err := control.DeletePending(ctx, db, p.ID); err != nil && !errors.As(err, new(*control.NotFoundError)) {
				return err
			}
		case p.Status == control.Waiting:
			waiting[p.Mapping] = p
		}
	}
	missing := false
	for _, e := range x.defined {
		p, ok := waiting[e.Name]
		if ok && (x.armed || p.Operation == e.When.String() && p.Form == e.Form.Name) {
			continue
		}
		next := e.When.Next(now)
		if err := control.WaitEscalation(ctx, db, e.Name, e.Form.Name, e.When.String(), next); err != nil {
			return err
		}
		x.s.log.Info("escalation waits", "escalation", e.Name, "schedule", e.When.String(), "next", next)
		missing = true
	}
	x.armed = true
	if missing {
		return x.read(ctx)
	}
	x.waiting = waiting
	return nil
}

func (x *escalations) defines(name string) bool {
	return slices.ContainsFunc(x.defined, func(e *definition.CompiledEscalation) bool { return e.Name == name })
}

// prepareEscalation finds the form that a run of an escalation selects from, and the part of its run_if that the database
// can judge.
func (j *jobs) prepareEscalation(p *control.Pending) (*schema.Form, schema.Condition, error) {
	x := j.s.sys.Compiled.Escalation(p.Mapping)
	if x == nil || x.Server != j.s.server.Name {
		return nil, schema.Condition{}, &jobError{"escalation.unknown", fmt.Sprintf("escalation %q is not an enabled escalation on %s", p.Mapping, j.s.server.Name), "nothing, if it was removed or disabled; else bring it back, and it runs when it is due again"}
	}
	// Keywords are the same for all requests, so the database can judge them once they are values.
	text, err := x.RunIf.Bind(&qual.Env{Keywords: mapping.EscalationKeywords(p.Due, x.Server, x.Form.Name)})
	if err == nil {
		if q, err := j.s.decider.CompileWhere(text, x.Form); err == nil {
			return x.Form, q.Prefilter(), nil
		}
	}
	return x.Form, x.RunIf.Prefilter(), nil
}

// EscalationStatus is how an escalation stands.
type EscalationStatus struct {
	Name     string         `json:"name"`
	Form     string         `json:"form"`
	Schedule string         `json:"schedule"`
	Next     time.Time      `json:"next"` // when it is due
	Last     *EscalationRun `json:"last"` // nil: it has not run since it was defined, or forgotten
	zone     *time.Location
}

// EscalationRun is a run of an escalation.
type EscalationRun struct {
	Job     string    `json:"job"`
	Began   time.Time `json:"began"`
	Status  string    `json:"status"`
	Matched int64     `json:"matched"` // requests of which run_if was true
	Error   string    `json:"error,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Remedy  string    `json:"remedy,omitempty"`
}

// Local spells a time as clocks show it where the escalation is scheduled.
func (e *EscalationStatus) Local(t time.Time) string {
	return t.In(e.zone).Format("2006-01-02 15:04 MST")
}

// ReadEscalations tells how the enabled escalations of a server stand, in document order.
func ReadEscalations(ctx context.Context, db *engine.DB, doc *definition.Document, server string) ([]EscalationStatus, error) {
	all := []EscalationStatus{}
	list, err := control.ListPending(ctx, db, control.PendingFilter{Type: control.Escalation})
	if err != nil {
		return nil, err
	}
	for _, e := range doc.Escalations {
		if e.Server != server || !e.Enabled {
			continue
		}
		when := e.When(doc.Server(server))
		st := EscalationStatus{Name: e.Name, Form: e.Form, Schedule: when.String(), Next: when.Next(time.Now()).UTC(), zone: time.UTC}
		if when.Every == 0 {
			st.zone = when.Calendar.Zone
		}
		for _, p := range list {
			switch {
			case p.Mapping != e.Name:
			case p.Status != control.Waiting:
				st.Last = &EscalationRun{
					Job: p.ID, Began: p.Due, Status: string(p.Status), Matched: p.RowsDone, Error: p.Error, Reason: p.Reason, Remedy: p.Remedy,
				}
			case p.Operation == st.Schedule:
				st.Next = p.Due
			}
		}
		all = append(all, st)
	}
	return all, nil
}
