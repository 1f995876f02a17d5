package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/qual"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Names of failures of overriding fields.
const (
	overrideIllegal   = "override.illegal"
	overrideNoMapping = "override.no_mapping"
)

// overrides are the distributed fields of a form by which a request chooses its own mapping and options
// (dso-reference, "Distributed fields", rules).
type overrides struct {
	toMapping, toForm, toServer *schema.Field
	options                     []*schema.Field // 314 to 317, 319 to 321
}

func newOverrides(f *schema.Form) *overrides {
	o := &overrides{toMapping: f.FieldByID(schema.ToMapping), toForm: f.FieldByID(schema.ToForm), toServer: f.FieldByID(schema.ToServer)}
	for _, id := range []int{
		schema.WhenToUpdate, schema.TransferMode, schema.DuplicateRequestIDAction, schema.MaxTimeToRetry,
		schema.EnforcePatternMatching, schema.RequireRequiredFields, schema.MatchingQualification,
	} {
		if x := f.FieldByID(id); x != nil {
			o.options = append(o.options, x)
		}
	}
	return o
}

// filled returns the text of a field that has one; "" where it is empty or there is no such field.
func filled(f *schema.Field, im request.Image) string {
	if f == nil || !im[f.Index].Known() || im[f.Index].IsNull() {
		return ""
	}
	return im[f.Index].SQL()
}

// chosen is the mapping that the request itself chooses, by To Mapping, else by To Server and To Form; nil
// and no failure where it leaves that to the action.
func (d *Decider) chosen(e *event, fm *form) (*plan, *Failure) {
	o := fm.overrides
	name, server, to := filled(o.toMapping, e.after), filled(o.toServer, e.after), filled(o.toForm, e.after)
	switch {
	case name != "":
		if m := d.mappings[name]; m != nil && m.FromForm == fm.Form {
			return m, nil
		}
		return nil, &Failure{
			Kind:   overrideNoMapping,
			Reason: fmt.Sprintf("request %q of form %q on %s: its To Mapping is %q, and no enabled mapping of that name begins at this form", e.id, fm.Name, d.server, name),
			Fix:    "correct To Mapping in the request, or add the mapping; then retry",
		}
	case server == "" || to == "":
		return nil, nil // half a pair is no choice
	}
	own := d.doc.ServerNamed(d.server, server)
	for _, byDefault := range []bool{true, false} {
		for _, m := range d.order {
			if m.FromForm == fm.Form && m.To.Server == own && m.ToForm.Name == to && m.Default == byDefault {
				return m, nil
			}
		}
	}
	return nil, &Failure{
		Kind:   overrideNoMapping,
		Reason: fmt.Sprintf("request %q of form %q on %s: no enabled mapping leads to form %q on %s, which its To Form and To Server name", e.id, fm.Name, d.server, to, server),
		Fix:    "correct To Server and To Form in the request, or add a mapping; then retry",
	}
}

// notChosen is failed for a transfer along the mapping that a rule asks for, of a request whose own fields are at fault.
func (d *Decider) notChosen(e *event, fm *form, to ownership.Place, asked string, f *Failure) *Operation {
	op := d.failed(e, fm, to, f)
	op.Home.Asked = asked
	return op
}

// chooseAgain transfers a selected request along the mapping that it chooses as it is now, else along the one that a rule
// once asked for.
func (d *Decider) chooseAgain(ops []*Operation, e *event, fm *form) ([]*Operation, error) {
	s := e.tx.Selection
	where, err := d.where(s.Where, fm.Form)
	if err != nil {
		return nil, err
	}
	d.fillEnv(e, fm)
	if truth, err := where.Eval(&e.env); err != nil || truth != qual.True {
		return ops, err
	}
	first := len(ops)
	ops = d.act(ops, first, e, rule{form: fm}, definition.Action{Transfer: &definition.Transfer{Mapping: s.Mapping}}, e.failure)
	if len(ops) > first {
		if f := ops[first].Failure; f != nil && f.Kind == notOwner {
			return ops[:first], nil // it was given away meanwhile, as by the edit that put its fields right
		}
		return ops, nil
	}
	if d.mappings[s.Mapping] == nil && e.open == nil {
		ops = append(ops, d.notChosen(e, fm, ownership.Place{Server: d.server, Form: fm.Name, Request: e.id}, s.Mapping, &Failure{
			Kind:   overrideNoMapping,
			Reason: fmt.Sprintf("request %q of form %q on %s: it names no mapping any more, and mapping %q, which it was to be transferred along else, is no enabled one", e.id, fm.Name, d.server, s.Mapping),
			Fix:    "name one by To Mapping in the request, then retry; or remove the operation",
		}))
	}
	return ops, nil
}

// overruled is the plan with the options that the request itself sets for this operation; the plan itself where it
// sets none. An illegal value is a failure: the mapping's is not taken in its place (dso-reference 29, choice 33).
func (d *Decider) overruled(m *plan, e *event, fm *form) (*plan, *Failure) {
	var own *definition.Mapping
	p := m
	for _, f := range fm.overrides.options {
		v := e.after[f.Index]
		if !v.Known() || v.IsNull() {
			continue
		}
		if own == nil {
			c, d := *m.CompiledMapping, *m.Mapping
			own = &d
			c.Mapping = own
			q := *m
			q.CompiledMapping = &c
			p = &q
		}
		if err := d.overrule(p, own, f, v); err != nil {
			return nil, &Failure{
				Kind:   overrideIllegal,
				Reason: fmt.Sprintf("request %q of form %q on %s: field %q (%d): %s", e.id, fm.Name, d.server, f.Name, f.ID, err),
				Fix:    "correct the field in the request, or empty it, so that the mapping's own setting counts; then retry",
			}
		}
	}
	if own != nil && own.TransferMode != m.TransferMode {
		fresh := newPlan(p.CompiledMapping) // another mode writes other distributed fields
		fresh.pool, fresh.poolBy, fresh.causes, fresh.escalated, fresh.retryFor = m.pool, m.poolBy, m.causes, m.escalated, p.retryFor
		p = fresh
	}
	return p, nil
}

func (d *Decider) overrule(p *plan, own *definition.Mapping, f *schema.Field, v value.Value) error {
	switch f.ID {
	case schema.TransferMode:
		was := own.TransferMode
		if err := byLabel(f, v, &own.TransferMode, transferModes); err != nil {
			return err
		}
		if own.TransferMode == definition.DataOwnership && was != definition.DataOwnership {
			return fmt.Errorf("mapping %q is not set up for ownership, so nothing would lead back; choose one that is by To Mapping", own.Name)
		}
		return nil
	case schema.DuplicateRequestIDAction:
		return byLabel(f, v, &own.DuplicateRequestID, duplicateActions)
	case schema.WhenToUpdate:
		return nil // is for updates of this copy, not for its transfer
	case schema.EnforcePatternMatching:
		return byLabel(f, v, &own.EnforcePatternMatching, yesNo)
	case schema.RequireRequiredFields:
		return byLabel(f, v, &own.RequireRequiredFields, yesNo)
	case schema.MaxTimeToRetry:
		if v.Kind() != value.KindInt || v.Int() < 0 {
			return fmt.Errorf("value %s is no number of seconds", v)
		}
		p.retryFor = new(time.Duration)
		*p.retryFor = time.Duration(v.Int()) * time.Second // dso-reference 29, choice 11
		return nil
	}
	text := v.SQL()
	q := d.matchTexts[text]
	if q == nil {
		var err error
		q, err = qual.Compile(text, qual.Scope{Form: p.ToForm, Current: p.FromForm, Logical: d.doc.LogicalFields(d.server)})
		if err != nil {
			return err
		}
		if len(d.matchTexts) > 1000 {
			clear(d.matchTexts)
		}
		d.matchTexts[text] = q
	}
	p.Match = q
	return nil
}

// The labels of the overriding selections and what they mean. A form's own labels count, since numbers are
// the form's own.
var (
	transferModes    = map[string]definition.TransferMode{"Data Only": definition.DataOnly, "Data + Ownership": definition.DataOwnership, "Independent Copy": definition.IndependentCopy, "Copy + Delete": definition.CopyDelete}
	duplicateActions = map[string]definition.DuplicateAction{"Error": definition.Error, "Overwrite": definition.Overwrite, "Create New": definition.CreateNew}
	yesNo            = map[string]bool{"Yes": true, "No": false}
	updateTimes      = map[string]definition.WhenToUpdate{"Immediately": definition.Immediately, "Continuously": definition.Immediately, "Hourly": definition.Hourly, "Daily": definition.Daily, "On Return": definition.OnReturn, "No Update": definition.NoUpdate}
)

func byLabel[V any](f *schema.Field, v value.Value, into *V, labels map[string]V) error {
	label, ok := f.Label(v.Int())
	if v.Kind() == value.KindText {
		label, ok = v.Text(), true
	}
	x, known := labels[label]
	if !ok || !known {
		var all []string
		for l := range labels {
			all = append(all, strconv.Quote(l))
		}
		slices.Sort(all)
		return fmt.Errorf("value %s is none of %v", v, all)
	}
	*into = x
	return nil
}

// whenToUpdate is when changes of this copy go back along m: as the copy itself says, else as the mapping does.
func (d *Decider) whenToUpdate(m *plan, e *event, fm *form) (definition.WhenToUpdate, *Failure) {
	when := m.WhenToUpdate
	for _, f := range fm.overrides.options {
		im := e.current()
		if f.ID != schema.WhenToUpdate || !im[f.Index].Known() || im[f.Index].IsNull() {
			continue
		}
		if err := byLabel(f, im[f.Index], &when, updateTimes); err != nil {
			return when, &Failure{
				Kind:   overrideIllegal,
				Reason: fmt.Sprintf("request %q of form %q on %s: field %q (%d): %s", e.id, fm.Name, d.server, f.Name, f.ID, err),
				Fix:    "correct the field in the request, or empty it, so that the mapping's own setting counts; then retry",
			}
		}
	}
	return when, nil
}
