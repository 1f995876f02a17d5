package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ardso/apply"
	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/qual"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// Resolution is how a person wants the first operation of a row of dso_pending_error settled.
type Resolution struct {
	Take conflict.Take
	Set  []Setting // fields that get these values, whatever Take says
}

// Setting is a target field, by name or ID, and its value as a person writes it: a selection's label, a number, a date
// in the server's zone; "" = NULL.
type Setting struct{ Field, Text string }

// ParseSetting reads "Field=value".
func ParseSetting(text string) (Setting, bool) {
	name, v, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	if n := len(name); n > 1 && name[0] == '\'' && name[n-1] == '\'' {
		name = strings.ReplaceAll(name[1:n-1], "''", "'")
	}
	return Setting{Field: name, Text: v}, ok && name != ""
}

// ResolveError settles the operation of a row that failed, against the request as the target holds it now: what is
// to be written takes its place in the row, which its thread then carries out in order with the log. Should the target
// be changed until then, it conflicts again. Where nothing is to be written the operation is given up, as RemoveError
// does.
func (h *ByHand) ResolveError(ctx context.Context, conn *Connection, id string, r Resolution) (d Deed, err error) {
	var given []*mapping.Operation // up
	err = within(ctx, conn.DB, func(tx *statement.Tx) error {
		given = nil
		row, err := control.LockError(ctx, tx, id)
		if err != nil {
			return err
		}
		d = errorDeed(conn, &row, "to be tried again as resolved")
		ops, err := ReadOperations(row.Operation)
		if err != nil {
			return err
		}
		at, err := h.TargetOf(ctx, conn, ops)
		if err != nil {
			return err
		}
		var out *mapping.Operation
		if at == conn {
			out, err = conn.resolve(ctx, tx, &row, ops, r)
		} else {
			err = within(ctx, at.DB, func(there *statement.Tx) error {
				out, err = at.resolve(ctx, there, &row, ops, r)
				return err
			})
		}
		if err != nil {
			return err
		}
		rest := ops[1:]
		if out != nil {
			rest = slices.Insert(slices.Clone(rest), 0, out)
		}
		text, err := json.Marshal(rest)
		if err != nil {
			return err
		}
		after := image{Status: string(control.ErrorRetry), Operations: text}
		if len(rest) == 0 {
			d.Result, after.Status = "removed: the target keeps what it has", "removed"
		}
		before := image{Status: string(row.Status), Error: row.Error, Operations: operationsText(row.Operation)}
		if err := h.record(ctx, tx, &d, before, after); err != nil {
			return err
		}
		switch {
		case len(rest) == 0:
			given = ops
			return dropError(ctx, tx, &row, ops)
		case out == nil:
			if err := freeRenamed(ctx, tx, &row, ops[:1]); err != nil {
				return err
			}
		}
		if err := control.Join(ctx, tx, id, string(text)); err != nil {
			return err
		}
		return control.SetErrorStatus(ctx, tx, id, control.ErrorRetry)
	})
	if err == nil && given != nil {
		h.cancelSource(ctx, conn, &d, given)
	}
	return d, err
}

// resolve makes the operation that takes the place of the first one; nil: none does.
func (c *Connection) resolve(ctx context.Context, tx *statement.Tx, row *control.PendingError, ops []*mapping.Operation, r Resolution) (*mapping.Operation, error) {
	bad := func(reason, fix string) error { return &ResolveError{Row: row, Reason: reason, Fix: fix} }
	if len(ops) == 0 {
		return nil, bad("it only waits for another request", row.Remedy)
	}
	op := ops[0]
	if op.Home != nil || op.Offer != nil || op.Along != nil {
		return nil, bad("it has to do with the request's ownership, which no values of fields settle", "cure the cause, then `ardso errors retry` it; or remove it")
	}
	form, err := c.Form(ctx, row.TargetForm)
	if err != nil {
		return nil, err
	}
	if form == nil {
		return nil, bad(fmt.Sprintf("%s has no form %q any more", c.Name, row.TargetForm), "bring it back; or remove the operation")
	}
	if whole, gone := op.WithoutGone(form); gone == 0 {
		op = whole
	}
	set, err := c.settings(row, op, form, r.Set)
	if err != nil {
		return nil, err
	}
	cur, err := apply.Current(ctx, c.DB, tx, op, form, c.Def.CaseSensitive)
	if f, ok := errors.AsType[*mapping.Failure](err); ok {
		return nil, bad(f.Reason, f.Fix)
	}
	if err != nil {
		return nil, err
	}
	out, err := conflict.Resolve(op, cur, conflict.Resolution{Take: r.Take, Set: set})
	open, isOpen := errors.AsType[*conflict.OpenError](err)
	switch {
	case isOpen:
		return nil, &BothChangedError{Row: row, Fields: openTexts(form, open.Fields)}
	case errors.Is(err, conflict.ErrDelete):
		return nil, bad(err.Error(), "write --take source to delete it, or --take target to keep it")
	case errors.Is(err, conflict.ErrNotThere):
		return nil, bad(err.Error(), "write --take source to create it, or --take target alone to leave it so")
	case errors.Is(err, conflict.ErrIncomplete):
		return nil, bad(err.Error(), "`ardso transfer` the request; or give the missing values by --set")
	case err != nil:
		return nil, err
	}
	return out, fits(row, op, out, form, set)
}

// fits makes sure that what is to be written can be.
func fits(row *control.PendingError, op, out *mapping.Operation, form *schema.Form, set map[int]value.Value) error {
	if out == nil {
		return nil
	}
	for i, x := range out.Fields {
		f := form.FieldByID(x.Field)
		if f == nil {
			return &ResolveError{Row: row, Reason: fmt.Sprintf("form %q has no field %d any more", form.Name, x.Field), Fix: "bring it back; or remove the operation"}
		}
		_, given := set[x.Field]
		if !given && op.Failure != nil && !isConflict(op.Failure.Kind) && op.Fields[i].After.Kind() == value.KindUnchanged { // why it failed
			return &ResolveValueError{Field: f.Name, Reason: "its value is not known: " + op.Failure.Reason}
		}
		if !x.After.Known() {
			continue
		}
		if _, err := f.Fits(x.After); err != nil {
			reason := err.Error()
			if e, ok := errors.AsType[*schema.FitError](err); ok {
				reason = e.Reason
			}
			return &ResolveValueError{Field: f.Name, Reason: reason}
		}
	}
	return nil
}

// isConflict: the operation failed because of what the target holds, not because of what it brings.
func isConflict(name string) bool {
	switch conflict.Kind(name) {
	case conflict.InsertExists, conflict.UpdateMissing, conflict.UpdateDiffers, conflict.DeleteDiffers:
		return true
	}
	return false
}

// settings reads what is to be set: fields that the operation carries, but for the key.
func (c *Connection) settings(row *control.PendingError, op *mapping.Operation, form *schema.Form, list []Setting) (map[int]value.Value, error) {
	set := make(map[int]value.Value, len(list))
	for _, s := range list {
		f := form.FieldByName(s.Field)
		if f == nil {
			if id, err := strconv.Atoi(s.Field); err == nil {
				f = form.FieldByID(id)
			}
		}
		switch {
		case f == nil || op.Field(f.ID) == nil:
			return nil, &ResolveFieldError{Row: row, Field: s.Field, Known: settable(op, form)}
		case form.IsKey(f):
			return nil, &ResolveFieldError{Row: row, Field: s.Field, Key: true, Known: settable(op, form)}
		}
		v, err := c.parseValue(f, s.Text)
		if err != nil {
			return nil, &ResolveValueError{Field: f.Name, Reason: err.Error()}
		}
		set[f.ID] = v
	}
	return set, nil
}

// settable names the fields that can be set.
func settable(op *mapping.Operation, form *schema.Form) (names []string) {
	for _, x := range InOrder(form, op.Fields) {
		if f := form.FieldByID(x.Field); f != nil && !form.IsKey(f) {
			names = append(names, fmt.Sprintf("%q", f.Name))
		}
	}
	return names
}

// parseValue reads a field's value as a person writes it.
func (c *Connection) parseValue(f *schema.Field, text string) (value.Value, error) {
	if text == "" {
		return value.Null, nil
	}
	kind := map[schema.Type]value.Kind{
		schema.Integer: value.KindInt, schema.Bitmask: value.KindInt, schema.Real: value.KindReal, schema.Decimal: value.KindDecimal,
	}[f.Type]
	switch f.Type {
	case schema.Character:
		return value.Text(text), nil
	case schema.Integer, schema.Bitmask, schema.Real, schema.Decimal:
		v, err := value.Parse(kind, text)
		if err != nil {
			return v, fmt.Errorf("%q is no %s", text, f.Type)
		}
		return v, nil
	case schema.Selection:
		if n, ok := f.Number(text); ok {
			return value.Int(n), nil
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if _, ok := f.Label(n); err == nil && (ok || len(f.Values) == 0) {
			return value.Int(n), nil
		}
		labels := make([]string, len(f.Values))
		for i, x := range f.Values {
			labels[i] = x.Label
		}
		return value.Null, fmt.Errorf("%q is none of its values: %s", text, strings.Join(labels, ", "))
	case schema.DateTime, schema.Date, schema.Time:
		x, err := qual.CompileValue(`"`+strings.ReplaceAll(text, `"`, `""`)+`"`, qual.Scope{Target: f, Zone: c.Def.Location()})
		if list, ok := errors.AsType[qual.ErrorList](err); ok {
			return value.Null, errors.New(strings.TrimSuffix(list[0].Msg+": "+list[0].Hint, ": "))
		}
		if err != nil {
			return value.Null, err
		}
		return x.Eval(&qual.Env{})
	}
	return value.Null, fmt.Errorf("a field of type %s cannot be set here", f.Type)
}

func openTexts(form *schema.Form, list []conflict.Open) []string {
	texts := make([]string, len(list))
	for i, x := range list {
		name, show := fmt.Sprint(x.Field), value.Value.String
		if f := form.FieldByID(x.Field); f != nil {
			name, show = f.Name, func(v value.Value) string { return valueText(f, v) }
		}
		texts[i] = fmt.Sprintf("%q: was %s, is %s on the source and %s on the target", name, show(x.Before), show(x.Source), show(x.Target))
	}
	return texts
}

// ResolveError is a row that cannot be resolved as was asked.
type ResolveError struct {
	Row         *control.PendingError
	Reason, Fix string
}

func (e *ResolveError) Error() string {
	return fmt.Sprintf("resolve %s, request %q of form %q: %s", e.Row.ID, e.Row.Request, e.Row.Form, e.Reason)
}
func (e *ResolveError) Name() string   { return "resolve.impossible" }
func (e *ResolveError) Remedy() string { return e.Fix }

// BothChangedError is a merge of fields that both sides have changed.
type BothChangedError struct {
	Row    *control.PendingError
	Fields []string
}

func (e *BothChangedError) Error() string {
	return fmt.Sprintf("resolve %s, request %q of form %q: both sides changed %s", e.Row.ID, e.Row.Request, e.Row.Form, strings.Join(e.Fields, "; "))
}
func (e *BothChangedError) Name() string { return "resolve.both_changed" }
func (e *BothChangedError) Remedy() string {
	return "say what these fields are to hold, with --set 'Field=value' for each; or write --take source or --take target"
}

// ResolveFieldError is a field that cannot be set.
type ResolveFieldError struct {
	Row   *control.PendingError
	Field string
	Key   bool
	Known []string
}

func (e *ResolveFieldError) Error() string {
	why := fmt.Sprintf("mapping %q fills no field %q of form %q", e.Row.Mapping, e.Field, e.Row.TargetForm)
	if e.Key {
		why = fmt.Sprintf("field %q names the request", e.Field)
	}
	return fmt.Sprintf("resolve %s: %s", e.Row.ID, why)
}
func (e *ResolveFieldError) Name() string { return "resolve.field" }
func (e *ResolveFieldError) Remedy() string {
	return "fields that can be set are " + strings.Join(e.Known, ", ")
}

// ResolveValueError is a value that a field cannot hold.
type ResolveValueError struct{ Field, Reason string }

func (e *ResolveValueError) Error() string { return fmt.Sprintf("field %q: %s", e.Field, e.Reason) }
func (e *ResolveValueError) Name() string  { return "resolve.value" }
func (e *ResolveValueError) Remedy() string {
	return fmt.Sprintf("give a value that it can hold, with --set '%s=value'", e.Field)
}
