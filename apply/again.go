package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// What a former process has carried out, whose source it may not have told, is told by the next one. The target is
// asked what it holds: that nothing of the operation waits among its errors does not tell that it was carried out, for a
// person may have removed it from there, or the target's own request may have been left as it is.

// CopyNotFound is the failure of a copy + delete of which the target does not show the copy after a restart.
const CopyNotFound = "transfer.copy_not_found"

// AskAgain finds out what became of an operation that a former process has settled. ok is false where there is nothing to
// tell: it waits among the errors, or nothing proves what became of it.
func (t *Target) AskAgain(ctx context.Context, op *mapping.Operation) (r Result, ok bool, err error) {
	r = Result{Op: op, To: ownership.Place{Server: op.Target, Form: op.TargetForm, Mapping: op.Mapping}}
	if op.Offer != nil {
		err = t.askOwner(ctx, op, &r)
		return r, err == nil, err
	}
	waiting, err := control.ListErrors(ctx, t.DB, control.ErrorFilter{Source: op.Source, Mapping: op.Mapping, TargetForm: op.TargetForm, Request: op.Request, Limit: 1})
	if err != nil || len(waiting) > 0 {
		return r, false, err
	}
	if r.To.Request, err = t.findCopy(ctx, op); err != nil && !(&writing{t: t}).passes(err) {
		t.Log.Warn("look for a copy", "form", op.TargetForm, "request", op.Request, "err", err) // what cannot be read proves nothing
		err = nil
	}
	if err != nil || r.To.Request != "" || op.Image == nil {
		return r, r.To.Request != "", err
	}
	known, err := t.knownNotTaken(ctx, op)
	if err != nil || known {
		return r, false, err
	}
	r.Failure = &mapping.Failure{
		Kind:   CopyNotFound,
		Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: it was copied, but after a restart no request of form %q on %s holds what was copied, so it is not deleted here", op.Mapping, op.Request, op.Form, op.Source, op.TargetForm, op.Target),
		Fix:    "see whether the copy was changed or deleted there; then retry, which transfers the request as it is now, or remove this and keep the request",
	}
	return r, true, nil
}

// askOwner finds out whether a hand-over was taken.
func (t *Target) askOwner(ctx context.Context, op *mapping.Operation, r *Result) error {
	rows, err := control.OwnersOfChain(ctx, t.DB, op.Offer.Chain)
	if err != nil {
		return err
	}
	for _, o := range rows {
		if o.Epoch > op.Offer.Epoch && o.Form == op.TargetForm {
			r.To.Request = o.Request
			return nil
		}
	}
	r.Failure = &mapping.Failure{
		Kind:   string(conflict.OwnedThere),
		Reason: "mapping " + op.Mapping + ", request " + op.Request + ": " + op.Target + " did not take the request over; `ardso conflicts` there and the log of that run tell why",
		Fix:    "see to the request there, then retry",
	}
	return nil
}

// findCopy returns the Request ID of the target's request that holds what op brings; "" if none is known to.
func (t *Target) findCopy(ctx context.Context, op *mapping.Operation) (string, error) {
	form := t.forms[op.TargetForm]
	switch {
	case form == nil:
		return "", nil
	case op.Along != nil:
		return t.findMerged(ctx, op, form)
	}
	var rows [][]value.Value
	var err error
	if op.Match != "" {
		rows, err = t.match(ctx, t.DB, op, form)
	}
	if err == nil && len(rows) == 0 {
		rows, err = t.writer.Lookup(ctx, t.DB, form, [][]value.Value{keyAfter(op)}, false)
	}
	if err != nil {
		return "", err
	}
	if id := t.holding(op, form, rows); id != "" {
		return id, nil
	}
	where, ok := t.origin(op, form)
	if !ok {
		return "", nil
	}
	if rows, err = t.writer.Find(ctx, t.DB, form, where, 2); err != nil {
		return "", err
	}
	return t.holding(op, form, rows), nil
}

// holding is the Request ID of the only one of rows, if that holds what op brings, under whichever Request ID.
func (t *Target) holding(op *mapping.Operation, form *schema.Form, rows [][]value.Value) string {
	if len(rows) != 1 || rows[0] == nil {
		return ""
	}
	here := *op
	here.Fields = slices.DeleteFunc(slices.Clone(op.Fields), func(f mapping.FieldChange) bool { return slices.Contains(op.Key, f.Field) })
	if !conflict.Holds(&here, currentRow(form, rows[0]), t.sets[form.Name]) {
		return ""
	}
	key := make([]value.Value, len(form.Key))
	for i, k := range form.Key {
		key[i] = rows[0][k.Index]
	}
	return request.IDOf(form, key)
}

// keyAfter is the key of the target's request once op is carried out.
func keyAfter(op *mapping.Operation) []value.Value {
	key := op.TargetKey()
	for i, id := range op.Key {
		if f := op.Field(id); f != nil && f.After.Known() {
			key[i] = f.After
		}
	}
	return key
}

// origin is the condition that finds the copy which op has made under a Request ID of the target's own, by what it says of
// where it came from; false where op makes none, or copies do not tell.
func (t *Target) origin(op *mapping.Operation, form *schema.Form) (schema.Condition, bool) {
	where := schema.Condition{Op: schema.And}
	isNew := slices.ContainsFunc(op.TargetKey(), func(v value.Value) bool { return !v.Known() || v.IsNull() })
	if op.Action != mapping.Create || !isNew && (&writing{t: t}).rules(op).Duplicate != definition.CreateNew {
		return where, false
	}
	fields := []int{schema.MappingHistory} // names the very operation
	if form.FieldByID(schema.MappingHistory) == nil {
		fields = []int{schema.FromServer, schema.FromForm, schema.FromRequestID}
	}
	for _, id := range fields {
		f, c := form.FieldByID(id), op.Field(id)
		if f == nil || c == nil || !c.After.Known() || c.After.IsNull() {
			return where, false
		}
		stored, err := f.Stored(c.After)
		if err != nil {
			return where, false
		}
		where.Parts = append(where.Parts, schema.Condition{Op: schema.Equal, Column: f.Column, Values: []value.Value{stored}})
	}
	return where, true
}

// findMerged is findCopy for a change along a chain: the copy holds its values, or later ones.
func (t *Target) findMerged(ctx context.Context, op *mapping.Operation, form *schema.Form) (string, error) {
	owners, err := control.OwnersOfChain(ctx, t.DB, op.Along.Chain)
	if err != nil {
		return "", err
	}
	owners = slices.DeleteFunc(owners, func(o control.Owner) bool { return o.Deleted || o.Form != form.Name })
	i := slices.IndexFunc(owners, func(o control.Owner) bool { return o.Request == request.IDOf(form, op.TargetKey()) })
	if i < 0 && len(owners) != 1 {
		return "", nil
	}
	o := owners[max(i, 0)]
	s, err := StateOf(&o)
	if err != nil {
		return "", err
	}
	key, err := request.ParseID(form, o.Request)
	if err != nil {
		return "", err
	}
	rows, err := t.writer.Lookup(ctx, t.DB, form, [][]value.Value{key}, false)
	if err != nil || rows[0] == nil {
		return "", err
	}
	for _, f := range op.Fields {
		if f.Companion || !f.Changes() || !f.After.Known() {
			continue
		}
		current := currentRow(form, rows[0]).Field(f.Field)
		if !current.Equal(f.After) && s.ChangedAt(f.Field, mapping.HashOf(current)).Compare(op.Along.Versions[f.Field]) < 0 {
			return "", nil
		}
	}
	return o.Request, nil
}

// knownNotTaken reports whether it is on record that the target has not taken a copy + delete: its own request was the
// newer one, or a person has removed the operation from its errors.
func (t *Target) knownNotTaken(ctx context.Context, op *mapping.Operation) (bool, error) {
	settled, err := control.ListConflicts(ctx, t.DB, control.ConflictFilter{Source: op.Source, Mapping: op.Mapping, Form: op.Form, Request: op.Request, TargetForm: op.TargetForm, Kind: string(conflict.InsertExists)})
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(settled, func(c control.Conflict) bool { return strings.HasSuffix(c.SettledBy, conflict.ByNewest) }) {
		return true, nil
	}
	events, err := control.ListEvents(ctx, t.DB, control.EventFilter{Form: op.Form, Request: op.Request})
	return slices.ContainsFunc(events, func(e control.Event) bool {
		return strings.HasPrefix(e.What, "errors ") && strings.Contains(e.After, `"status":"removed`) && (e.Source == op.Source || e.Source == "" && op.Source == op.Target)
	}), err
}
