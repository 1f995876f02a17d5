package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/qual"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// plan is one mapping, ready to fill operations.
type plan struct {
	*definition.CompiledMapping
	key   []int
	lines []line // ascending by target field ID
	// pool runs the mapping's operations; poolBy says what names it. returnPool, of a way back, is for returns.
	pool, returnPool definition.PoolRule
	poolBy           PoolChoice
	// causes are the filters that transfer along the mapping.
	causes []cause
	// retryFor, if not nil, is how long the request itself lets this be tried again.
	retryFor *time.Duration
	// escalated: an escalation transfers along the mapping, whatever the filters say.
	escalated bool
	// statuses: the source's form keeps what became of a transfer.
	statuses bool
}

// line fills one target field.
type line struct {
	target *schema.Field
	source *schema.Field    // copied, or
	expr   *qual.Expression // computed, or
	system func(*Operation) value.Value
	// volatile: the value does not depend on the request alone ($USER$, $TIMESTAMP$), so what the target
	// holds cannot be known from the before image: it is written with other changes and never compared.
	volatile   bool
	createOnly bool
}

func newPlan(m *definition.CompiledMapping) *plan {
	p := &plan{CompiledMapping: m, statuses: m.FromForm.Join == nil && m.FromForm.FieldByID(schema.TransferStatus) != nil}
	for _, k := range m.ToForm.Key {
		p.key = append(p.key, k.ID)
	}
	byTarget := make(map[*schema.Field]line)
	for _, l := range m.Lines {
		byTarget[l.Target] = line{target: l.Target, source: l.Source, expr: l.Expr, volatile: l.Expr != nil && (l.Expr.UsesKeywords() || l.Expr.HasExternal())}
	}
	// What a server writes itself on every create and modify, ardso writes in its stead where the
	// mapping does not carry it (dso-reference 10.6; ar-database-reference 12, rows 7 and 32).
	for id, l := range systemLines {
		if f := m.ToForm.FieldByID(id); f != nil && m.ToForm.ID != 0 {
			if _, mapped := byTarget[f]; !mapped {
				l.target = f
				byTarget[f] = l
			}
		}
	}
	for id, l := range origin(m, m.TransferMode) {
		if f := m.ToForm.FieldByID(id); f != nil && l != nil {
			byTarget[f] = line{target: f, system: l, volatile: true, createOnly: true}
		}
	}
	for _, f := range m.ToForm.Fields {
		if l, ok := byTarget[f]; ok {
			p.lines = append(p.lines, l)
		}
	}
	return p
}

// origin gives the distributed fields of a new copy that is outside any ownership chain, by ID
// (dso-reference, "Field state after a successful transfer"). Those of a hand-over are written where it is
// carried out.
func origin(m *definition.CompiledMapping, mode definition.TransferMode) map[int]func(*Operation) value.Value {
	text := func(s string) func(*Operation) value.Value {
		return func(*Operation) value.Value { return value.Text(s) }
	}
	history := func(op *Operation) value.Value {
		return value.Text(HistoryLine(op.CommitTime, ownership.Place{Server: op.Source, Form: op.Form, Request: op.Request, Mapping: m.Name}))
	}
	switch mode {
	case definition.DataOnly:
		return map[int]func(*Operation) value.Value{
			schema.UniqueID:       pairID(m),
			schema.MasterFlag:     func(*Operation) value.Value { return value.Int(schema.MasterNo) },
			schema.CurrentForm:    text(m.FromForm.Name),
			schema.CurrentServer:  text(m.From.Server),
			schema.FromMapping:    text(m.Name),
			schema.FromRequestID:  fromRequestID(m),
			schema.FromForm:       text(m.FromForm.Name),
			schema.FromServer:     text(m.From.Server),
			schema.FromPool:       func(op *Operation) value.Value { return value.Text(op.Pool) },
			schema.MappingHistory: history,
		}
	case definition.IndependentCopy, definition.CopyDelete:
		return map[int]func(*Operation) value.Value{
			schema.UniqueID:       pairID(m),
			schema.MasterFlag:     func(*Operation) value.Value { return value.Int(schema.MasterYes) },
			schema.CurrentForm:    text(m.ToForm.Name),
			schema.CurrentServer:  text(m.To.Server),
			schema.MappingHistory: history,
		}
	}
	return nil
}

// Origin gives the distributed fields, by ID, of a copy that op, a modify along m, makes: a create brings them itself.
func Origin(m *definition.CompiledMapping, op *Operation) map[int]value.Value {
	mode := m.TransferMode
	if op.Mode != nil {
		mode = *op.Mode
	}
	fields := make(map[int]value.Value)
	for id, f := range origin(m, mode) {
		if m.ToForm.FieldByID(id) != nil && f != nil {
			fields[id] = f(op)
		}
	}
	return fields
}

// pairID gives Unique ID: the Request ID of the join form at one of the ends; nil where there is none.
func pairID(m *definition.CompiledMapping) func(*Operation) value.Value {
	switch {
	case m.FromForm.Join != nil:
		return func(op *Operation) value.Value { return value.Text(op.Request) }
	case m.ToForm.Join != nil:
		return func(op *Operation) value.Value {
			if c := op.Field(schema.RequestID); c != nil && c.After.Known() {
				return c.After
			}
			return value.Null
		}
	}
	return nil
}

// fromRequestID is the Request ID of the source's request, where From Request ID has room for it: those of join
// forms are of two (Unique ID has them whole).
func fromRequestID(m *definition.CompiledMapping) func(*Operation) value.Value {
	f := m.ToForm.FieldByID(schema.FromRequestID)
	return func(op *Operation) value.Value {
		id := value.Text(op.Request)
		if m.FromForm.Join != nil && f != nil {
			if _, err := f.Fits(id); err != nil {
				return value.Null
			}
		}
		return id
	}
}

// HistoryLine is one line of Mapping History (dso-reference 29, choice 27).
func HistoryLine(at time.Time, from ownership.Place) string {
	return strings.Join([]string{at.UTC().Format(time.RFC3339), from.Request, from.Form, from.Server, from.Mapping}, "\t")
}

var systemLines = map[int]line{
	schema.CreateDate:     {system: commitTime, volatile: true, createOnly: true},
	schema.ModifiedDate:   {system: commitTime, volatile: true},
	schema.LastModifiedBy: {system: func(*Operation) value.Value { return value.Text(DistributedServer) }, volatile: true},
}

// commitTime in whole seconds, as AR System keeps times.
func commitTime(op *Operation) value.Value { return value.Instant(op.CommitTime.Unix() * 1_000_000) }

// reads reports whether the mapping reads field f of its From form.
func (p *plan) reads(f *schema.Field) bool {
	for _, l := range p.lines {
		if l.source == f {
			return true
		}
		if l.expr != nil {
			for _, x := range l.expr.Fields() {
				if x == f {
					return true
				}
			}
		}
	}
	if p.Match != nil {
		for _, x := range p.Match.CurrentFields() {
			if x == f {
				return true
			}
		}
	}
	return false
}

// operation starts an operation of the mapping for the event; Action and Fields are still to come.
func (p *plan) operation(d *Decider, e *event) *Operation {
	op := &Operation{
		Quiet: p.SuppressNoSuchEntry, RetryFor: p.retryFor, Mapping: p.Name, Renamed: e.renamed,
		Source: d.server, Form: p.FromForm.Name, Request: e.id,
		Target: p.To.Server, TargetForm: p.ToForm.Name, Key: p.key,
		Position: e.tx.Position, CommitTime: e.tx.CommitTime, Path: e.path,
	}
	d.choosePool(op, e, p.pool, p.poolBy, d.form(p.FromForm))
	if m := d.mappings[p.Name]; m != nil && m.DuplicateRequestID != p.DuplicateRequestID {
		own := p.DuplicateRequestID
		op.Duplicate = &own
	}
	if m := d.mappings[p.Name]; m != nil && m.TransferMode != p.TransferMode {
		own := p.TransferMode
		op.Mode = &own
	}
	return op
}

// fill computes the target's fields before and after the event and checks them. It reports whether
// any field that depends on the request alone has changed.
func (p *plan) fill(op *Operation, e *event) (changed bool) {
	before, after := e.before, e.after
	if op.Action == Create {
		before = nil
	}
	if op.Action == Delete {
		after = nil
	}
	op.Fields = make([]FieldChange, 0, len(p.lines))
	var never []int // fields that could not be filled from the before image either
	for _, l := range p.lines {
		if l.createOnly && op.Action == Modify || l.volatile && op.Action == Delete {
			continue
		}
		f := FieldChange{Field: l.target.ID, Companion: l.volatile}
		var err error
		if after != nil {
			if f.After, err = p.value(l, op, e, after); err != nil {
				p.fail(op, err)
				f.After = value.Unchanged
			}
		}
		if before != nil && !l.volatile {
			f.Before, err = p.value(l, op, e, before)
			// Before images hold Unchanged for what meant nothing on the source.
			nothing := err == nil && f.Before.Kind() == value.KindUnchanged
			if err != nil || nothing {
				// The target cannot hold it either: there is nothing to compare with.
				f.Before = value.Absent
				if nothing || !errors.As(err, new(*qual.UnknownValueError)) {
					never = append(never, l.target.ID)
				}
			}
			changed = changed || after != nil && f.Changes()
		}
		op.Fields = append(op.Fields, f)
	}
	if op.Action != Create && e.kind != cdc.Selected {
		p.checkBefore(op, never)
	}
	if p.Match != nil {
		im := after
		if im == nil {
			im = before
		}
		env := p.keywords(e)
		env.Current = im
		text, err := p.Match.Bind(&env)
		if err != nil {
			p.fail(op, err)
		}
		op.Match = text
	}
	if op.Failure == nil {
		op.Failure = p.Check(op)
	}
	return changed
}

// leaveForeign has a modify or delete not look for what a foreign change has set, for it has not gone there, and not bring
// it where the change leaves it as it is.
func (p *plan) leaveForeign(op *Operation, e *event) {
	if e.was == nil || e.was.Owner || !e.was.IsAlive() {
		return
	}
	for _, l := range p.lines {
		f := op.Field(l.target.ID)
		var of []*schema.Field
		switch {
		case l.source != nil:
			of = []*schema.Field{l.source}
		case l.expr != nil:
			of = l.expr.Fields()
		}
		if f == nil || f.Companion || slices.Contains(op.Key, f.Field) || !slices.ContainsFunc(of, e.wasForeign) {
			continue
		}
		if f.Changes() {
			f.Before = value.Absent
			continue
		}
		op.Fields = slices.DeleteFunc(op.Fields, func(x FieldChange) bool { return x.Field == f.Field })
	}
}

func (p *plan) fail(op *Operation, err error) {
	if op.Failure == nil {
		op.Failure = failureOf(fmt.Errorf("mapping %q, request %q: %w", p.Name, op.Request, err))
	}
}

// value computes a line's value from one image.
func (p *plan) value(l line, op *Operation, e *event, im request.Image) (value.Value, error) {
	switch {
	case l.system != nil:
		return l.system(op), nil
	case l.source != nil:
		return request.Convert(im[l.source.Index], l.source, l.target)
	}
	env := p.keywords(e)
	env.Fields = im
	v, err := l.expr.Eval(&env)
	if err != nil {
		return value.Absent, err
	}
	return request.Convert(v, l.expr.Field(), l.target)
}

// keywords is an Env for the event without images.
func (p *plan) keywords(e *event) qual.Env { return qual.Env{Keywords: e.env.Keywords} }

// checkBefore refuses a modify or delete whose before image the log does not hold, where the mapping needs it
// to see a conflict (PD-5, G5). It passes over the fields in never: the image is there, and what it
// holds means nothing on the target; so a correction on the source can follow (G8).
func (p *plan) checkBefore(op *Operation, never []int) {
	if op.Failure != nil {
		return
	}
	for _, l := range p.lines {
		if l.volatile || l.createOnly || slices.Contains(never, l.target.ID) || !p.NeedsBefore(l.target.ID) {
			continue
		}
		if f := op.Field(l.target.ID); f != nil && !f.Before.Known() {
			op.Failure = &Failure{
				Kind:   "source.no_before_image",
				Reason: fmt.Sprintf("mapping %q, request %q: the log holds no value before the change for field %q (%d)", p.Name, op.Request, l.target.Name, l.target.ID),
				Fix:    "run `ardso init " + op.Source + "`, which makes the log hold whole rows, then retry the operation",
			}
			return
		}
	}
}

// Check says whether the target's form can take the operation's values: lengths, ranges and
// characters (nothing is ever cut), required fields and patterns as the mapping asks. It returns
// nil where it can.
func (p *plan) Check(op *Operation) *Failure {
	return CheckValues(op, p.CompiledMapping)
}

// CheckValues is Check for an operation that was stored, against the mapping as it is now.
func CheckValues(op *Operation, m *definition.CompiledMapping) *Failure {
	if op.Action == Delete {
		return nil
	}
	for _, c := range op.Fields {
		f := m.ToForm.FieldByID(c.Field)
		switch {
		case f == nil && op.brings(c):
			return checkFailure(op, schema.MissingField(m.ToForm, c.Field))
		case f == nil || !c.Writes():
			continue
		}
		if _, err := f.Fits(c.After); err != nil {
			return checkFailure(op, err)
		}
		if m.EnforcePatternMatching && f.Pattern != "" && !matchesPattern(f.Pattern, c.After) {
			return checkFailure(op, &schema.FitError{Kind: "value.pattern", Field: f.Name, ID: f.ID, Reason: fmt.Sprintf("the value does not match the field's pattern %q", f.Pattern)})
		}
		if op.Action == Modify && mustHaveValue(f, m.ToForm, m.RequireRequiredFields) && isEmpty(c.After, m.ToForm) {
			return checkFailure(op, requiredError(f))
		}
	}
	if op.Action == Create {
		return CheckRequired(op, m.ToForm, m.RequireRequiredFields, op.Offer == nil || !op.Offer.Return)
	}
	return nil
}

// CheckRequired says which required field of the target's form op, which brings a whole request, leaves without a
// value; nil if none. require: the mapping insists on required fields. isNew: what op does not carry stays empty; a
// return goes to a copy that has it.
func CheckRequired(op *Operation, form *schema.Form, require, isNew bool) *Failure {
	for _, f := range form.Fields {
		if !mustHaveValue(f, form, require) || form.IsKey(f) {
			continue
		}
		given := op.Field(f.ID)
		if given == nil && isNew && !f.Column.HasDefault || given != nil && isEmpty(given.After, form) {
			return checkFailure(op, requiredError(f))
		}
	}
	return nil
}

// mustHaveValue: required fields where the mapping insists; Submitter, Status and Short Description
// of an AR System form always (dso-reference 10.1).
func mustHaveValue(f *schema.Field, form *schema.Form, require bool) bool {
	core := form.ID != 0 && (f.ID == schema.Submitter || f.ID == schema.Status || f.ID == schema.ShortDescription)
	return core || f.Required && require
}

// isEmpty reports whether v leaves a field of the form without a value: the empty text does where the
// form reads it as NULL.
func isEmpty(v value.Value, form *schema.Form) bool {
	return v.IsNull() || form.EmptyIsNull && v.Kind() == value.KindText && v.Text() == ""
}

func requiredError(f *schema.Field) error {
	return &schema.FitError{Kind: "value.required", Field: f.Name, ID: f.ID, Reason: "the target requires a value"}
}

func checkFailure(op *Operation, err error) *Failure {
	return failureOf(fmt.Errorf("mapping %q, request %q: %w", op.Mapping, op.Request, err))
}

// matchesPattern reads AR System's field pattern: $ALPHA$, $ALNUM$, $DIGIT$, $UPPER$, $LOWER$,
// $PRINT$, or LIKE style. $MENU$ needs a menu that ardso does not have, and passes.
func matchesPattern(pattern string, v value.Value) bool {
	if v.IsNull() || v.Kind() != value.KindText {
		return true
	}
	s := v.Text()
	class, ok := patternClasses[strings.ToUpper(pattern)]
	if !ok {
		return qual.Like(s, pattern, true)
	}
	for _, r := range s {
		if !class(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

var patternClasses = map[string]func(rune) bool{
	"$ALPHA$": isAlpha,
	"$DIGIT$": isDigit,
	"$ALNUM$": func(r rune) bool { return isAlpha(r) || isDigit(r) || r == ' ' },
	"$LOWER$": func(r rune) bool { return strings.ToLower(string(r)) == string(r) },
	"$UPPER$": func(r rune) bool { return strings.ToUpper(string(r)) == string(r) },
	"$PRINT$": func(r rune) bool { return r >= ' ' && r != 0x7f },
	"$MENU$":  func(rune) bool { return true },
}

func isAlpha(r rune) bool { return strings.ToUpper(string(r)) != strings.ToLower(string(r)) }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// deleteNamed is a delete of the request that an action names by server, form and Request ID. It has
// no before image beyond the key, so nothing is compared.
func (d *Decider) deleteNamed(e *event, r rule, a *definition.Deletion) *Operation {
	to := r.named[a]
	if to == nil || e.passed(a.Server) {
		return nil
	}
	op := &Operation{
		Action: Delete, Quiet: a.SuppressNoSuchEntry,
		Source: d.server, Form: e.env.Keywords.Schema, Request: e.id,
		Target: a.Server, TargetForm: to.Form.Name,
		Position: e.tx.Position, CommitTime: e.tx.CommitTime, Path: e.path,
	}
	d.choosePool(op, e, d.namedPools[a], ByTransfer, r.form)
	env := e.env
	env.TR, env.DB = nil, nil
	id, err := to.RequestID.Eval(&env)
	if err == nil && id.IsNull() {
		err = fmt.Errorf("request_id gives no value")
	}
	var key []value.Value
	if err == nil {
		key, err = request.ParseID(to.Form, id.SQL())
	}
	for i, k := range to.Form.Key {
		op.Key = append(op.Key, k.ID)
		f := FieldChange{Field: k.ID}
		if err == nil {
			f.Before = key[i]
		}
		op.Fields = append(op.Fields, f)
	}
	if err != nil {
		op.Failure = failureOf(fmt.Errorf("delete of a request of form %q on %s: %w", a.Form, a.Server, err))
	}
	return op
}
