package mapping

import (
	"fmt"
	"slices"
	"time"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/mapping/qual"
	"ardso/mapping/request"
	"ardso/sql/schema"
)

// Escalator is the user as whom escalations work: $USER$ in their run_if and in what they transfer
// (ar-database-reference 6.6).
const Escalator = "AR_ESCALATOR"

// escalationRun is the run of an escalation whose chunks come by.
type escalationRun struct {
	job   string
	taken int64 // requests so far
}

// schedule makes an escalation known.
func (d *Decider) schedule(x *definition.CompiledEscalation) {
	d.escalations[x.Name] = x
	d.form(x.Form)
	for _, a := range slices.Concat(x.Actions, x.Else) {
		if a.Transfer == nil {
			continue
		}
		if m := d.mappings[a.Transfer.Mapping]; m != nil {
			m.escalated = true
		}
	}
}

func escalationReads(x *definition.CompiledEscalation, f *schema.Field) bool {
	if slices.Contains(x.RunIf.Fields(), f) {
		return true
	}
	for _, named := range x.Named {
		if named != nil && slices.Contains(named.RequestID.Fields(), f) {
			return true
		}
	}
	return false
}

// byEscalation reports whether an escalation has selected the request.
func (e *event) byEscalation() bool {
	return e.tx.Selection != nil && e.tx.Selection.Escalation != ""
}

// EscalationKeywords are what the keywords mean in a run of an escalation that began then.
func EscalationKeywords(began time.Time, server, form string) qual.Keywords {
	return qual.Keywords{User: Escalator, Operation: operationKeyword[cdc.Selected], Server: server, Schema: form, Now: began}
}

// escalate judges a request that an escalation has selected, and carries out its actions on it in the order written.
func (d *Decider) escalate(ops []*Operation, e *event, fm *form) []*Operation {
	s := e.tx.Selection
	x := d.escalations[s.Escalation]
	if x == nil || x.Form != fm.Form {
		return ops
	}
	e.env = qual.Env{Fields: e.after, Keywords: EscalationKeywords(s.At, d.server, fm.Name)}
	truth, err := x.RunIf.Eval(&e.env)
	failure := e.failure
	switch {
	case err != nil:
		// It cannot be judged: its operations are parked, so that nothing is lost.
		failure = failureOf(fmt.Errorf("escalation %q: run_if: %w", x.Name, err))
	case truth != qual.True:
		return ops
	}
	s.Taken++
	first := len(ops)
	for _, a := range x.Actions {
		ops = d.act(ops, first, e, rule{x.Name, fm, x.Named}, a, failure)
	}
	d.DivisionsByZero += e.env.DivisionsByZero
	return ops
}

// chunkEnds counts what the run has taken, and carries out the else actions at its end if that is nothing.
func (d *Decider) chunkEnds(ops []*Operation, tx *cdc.Transaction) []*Operation {
	s := tx.Selection
	if d.run.job != s.Job {
		d.run = escalationRun{job: s.Job, taken: s.Before}
	}
	d.run.taken += s.Taken
	x := d.escalations[s.Escalation]
	if !s.Final || d.run.taken > 0 || x == nil {
		return ops
	}
	for _, a := range x.Else {
		e := &event{tx: tx, kind: cdc.Selected, path: []string{d.server}}
		e.env = qual.Env{Keywords: EscalationKeywords(s.At, d.server, x.Form.Name)}
		op := d.deleteNamed(e, rule{x.Name, d.form(x.Form), x.Named}, a.Delete)
		if op == nil {
			continue
		}
		op.Request = request.IDOf(x.Named[a.Delete].Form, op.TargetKey()) // there is none here; what waits for it is told apart by it
		ops = append(ops, op)
	}
	return ops
}
