package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// A request of a join form is written to its parts: the operation becomes one for each, which is settled against that
// part's request as any other is, and either all of them are carried out or none.

// partOf is what an operation on a join form's request is for one of its parts.
type partOf struct {
	form    *schema.Form
	op      *mapping.Operation
	key     []value.Value
	cur     *conflict.Current // nil: it is not there
	row     []value.Value
	outcome conflict.Outcome
}

// errMoved: a request has changed under the operation.
var errMoved = errors.New("the request has changed meanwhile")

// joined carries out an operation on a request of a join form.
func (w *writing) joined(ctx context.Context, op *mapping.Operation, form *schema.Form) error {
	for range 3 {
		key, cur, failure, err := w.find(ctx, op, form)
		if err != nil {
			return err
		}
		var parts []*partOf
		if failure == nil {
			parts, failure = splitOperation(op, form, key)
		}
		if failure == nil {
			failure, err = w.settleParts(ctx, op, form, parts)
		}
		switch {
		case err != nil:
			return err
		case failure != nil:
			return w.park(ctx, op, failure, cur)
		}
		err = w.within(ctx, func() error { return w.writeParts(ctx, parts) })
		switch {
		case errors.Is(err, errMoved):
			continue
		case err != nil && w.passes(err):
			return err
		case err != nil:
			return w.park(ctx, op, w.refusal(op, err), cur)
		}
		return w.recordParts(ctx, op, form, key, parts)
	}
	return w.park(ctx, op, unsteady(op), nil)
}

// recordParts counts what was written, and records what was settled.
func (w *writing) recordParts(ctx context.Context, op *mapping.Operation, form *schema.Form, key []value.Value, parts []*partOf) error {
	taken := true
	if slices.ContainsFunc(parts, func(p *partOf) bool { return p.outcome.Do != conflict.Nothing }) {
		w.written++
	}
	for _, p := range parts {
		taken = taken && w.isTaken(op, p.outcome)
		if p.outcome.By != "" {
			w.conflicts++
			if err := w.record(ctx, p.op, p.cur, p.outcome); err != nil {
				return err
			}
		}
	}
	if op.TellSource && taken {
		w.tell(op, request.IDOf(form, key), nil)
	}
	return nil
}

func joinFailure(op *mapping.Operation, kind, fix, format string, args ...any) *mapping.Failure {
	return &mapping.Failure{
		Kind: kind, Fix: fix,
		Reason: fmt.Sprintf("mapping %q, request %q of join form %q on %s: ", op.Mapping, op.Request, op.TargetForm, op.Target) + fmt.Sprintf(format, args...),
	}
}

// splitOperation makes of an operation on a join form's request one for each of its parts, the primary's first.
func splitOperation(op *mapping.Operation, form *schema.Form, key []value.Value) ([]*partOf, *mapping.Failure) {
	j := form.Join
	if op.Action == mapping.Delete {
		return nil, joinFailure(op, "join.delete", "delete the requests of its parts, then remove the operation", "requests of join forms are not deleted")
	}
	if c := op.Field(schema.RequestID); c != nil && op.Match == "" && c.Before.Known() && c.After.Known() && !c.Before.Equal(c.After) {
		return nil, joinFailure(op, "join.renamed", "transfer the request under its new ID, and remove the operation", "its Request ID was %q, and others may be joined with its parts", c.Before.SQL())
	}
	id := ""
	if len(key) == 1 && key[0].Known() {
		id = key[0].SQL()
	}
	keys, err := j.Keys(id)
	if err != nil {
		return nil, joinFailure(op, "join.request_id", "let the mapping fill the Request ID with both parts' IDs joined by |", "%s", err)
	}
	if keys[schema.Secondary] == nil && !j.Outer {
		return nil, joinFailure(op, "join.no_secondary", "let the mapping fill the Request ID with both parts' IDs joined by |, or map the forms that it joins", "Request ID %q names no secondary part, which an inner join needs", id)
	}
	var parts []*partOf
	for n, part := range j.Parts {
		if keys[n] == nil {
			for _, c := range op.Fields {
				if x := fromOf(form, c.Field); x.Field != nil && x.Part == n && !c.Companion && c.After.Known() && !isNothing(c.After, part) {
					return nil, joinFailure(op, "join.no_secondary", "let the mapping fill the Request ID with both parts' IDs joined by |, or leave the field out",
						"field %d is of the secondary part, and Request ID %q names none", c.Field, id)
				}
			}
			continue
		}
		for i, k := range part.Key {
			for _, c := range op.Fields {
				if fromOf(form, c.Field) == (schema.JoinField{Part: n, Field: k}) && c.After.Known() && !c.After.Equal(keys[n][i]) {
					return nil, joinFailure(op, "join.request_id", "let the mapping fill both alike, or leave the field out", "Request ID %q and field %d do not agree", id, c.Field)
				}
			}
		}
		parts = append(parts, &partOf{form: part, key: keys[n], op: partOperation(op, form, n, keys[n])})
	}
	return parts, nil
}

// isNothing reports whether a value leaves a field of the form empty.
func isNothing(v value.Value, form *schema.Form) bool {
	return v.IsNull() || form.EmptyIsNull && v.Kind() == value.KindText && v.Text() == ""
}

// fromOf is where a field of a join form is.
func fromOf(form *schema.Form, id int) schema.JoinField {
	if f := form.FieldByID(id); f != nil {
		return form.Join.From[f.Index]
	}
	return schema.JoinField{}
}

// partOperation is the operation on one part of a join form's request.
func partOperation(op *mapping.Operation, form *schema.Form, n int, key []value.Value) *mapping.Operation {
	part := form.Join.Parts[n]
	p := *op
	p.TargetForm, p.Match, p.Key, p.Fields = part.Name, "", nil, nil
	for i, k := range part.Key {
		p.Key = append(p.Key, k.ID)
		c := mapping.FieldChange{Field: k.ID, After: key[i]}
		if op.Action != mapping.Create {
			c.Before = key[i]
		}
		p.Fields = append(p.Fields, c)
	}
	for _, c := range op.Fields {
		if x := fromOf(form, c.Field); x.Field != nil && x.Part == n && !part.IsKey(x.Field) {
			c.Field = x.Field.ID
			p.Fields = append(p.Fields, c)
		}
	}
	if part.ID != 0 { // what a server writes itself on every modify
		for id, v := range map[int]value.Value{
			schema.LastModifiedBy: value.Text(mapping.DistributedServer),
			schema.ModifiedDate:   value.Instant(op.CommitTime.Unix() * 1_000_000),
		} {
			if part.FieldByID(id) != nil && p.Field(id) == nil {
				p.Fields = append(p.Fields, mapping.FieldChange{Field: id, After: v, Companion: true})
			}
		}
	}
	slices.SortFunc(p.Fields, func(a, b mapping.FieldChange) int { return a.Field - b.Field })
	return &p
}

// settleParts reads the parts' requests under a lock and settles what is to be done with each. A failure is that of
// the operation as a whole.
func (w *writing) settleParts(ctx context.Context, op *mapping.Operation, form *schema.Form, parts []*partOf) (*mapping.Failure, error) {
	for _, p := range parts {
		rows, err := w.t.writer.Lookup(ctx, w.tx, p.form, [][]value.Value{p.key}, true)
		if err != nil {
			return nil, err
		}
		if p.row = rows[0]; p.row != nil {
			p.cur = currentRow(p.form, p.row)
		}
	}
	if f := joinBy(op, form, parts); f != nil {
		return f, nil
	}
	for _, p := range parts {
		p.outcome = conflict.Settle(p.op, p.cur, w.partRules(p, form))
		switch p.outcome.Do {
		case conflict.Park:
			return conflictFailure(p.op, p.outcome), nil
		case conflict.Insert:
			m := w.t.mappings[op.Mapping]
			whole := *p.op
			whole.Action = mapping.Create
			if f := mapping.CheckRequired(&whole, p.form, m != nil && m.RequireRequiredFields, true); f != nil {
				return f, nil
			}
		}
	}
	return nil, nil
}

// partRules are the mapping's rules, told of a part's fields.
func (w *writing) partRules(p *partOf, form *schema.Form) conflict.Rules {
	r := w.rules(p.op)
	groups := r.Groups
	r.Groups = nil
	for _, g := range groups {
		of := definition.CompiledGroup{OnConflict: g.OnConflict}
		for _, id := range g.Fields {
			if x := fromOf(form, id); x.Field != nil && form.Join.Parts[x.Part] == p.form {
				of.Fields = append(of.Fields, x.Field.ID)
			}
		}
		if len(of.Fields) > 0 {
			r.Groups = append(r.Groups, of)
		}
	}
	return r
}

// ofPart picks of what is written to a join form's request what is a part's.
func ofPart(form, part *schema.Form, write []conflict.Write) (own []conflict.Write) {
	for _, x := range write {
		if from := fromOf(form, x.Field); from.Field != nil && form.Join.Parts[from.Part] == part {
			own = append(own, conflict.Write{Field: from.Field.ID, Value: x.Value})
		}
	}
	return own
}

// joinBy fills what the parts are joined by where only one of them says it, and refuses an operation after which they
// would not be joined.
func joinBy(op *mapping.Operation, form *schema.Form, parts []*partOf) *mapping.Failure {
	if len(parts) < 2 {
		return nil
	}
	for _, on := range form.Join.On {
		var after [2]value.Value
		for n, p := range parts {
			after[n] = p.after(on[n])
		}
		for n, p := range parts {
			if other := after[1-n]; p.cur == nil && p.op.Field(on[n].ID) == nil && other.Known() {
				p.op.Fields = append(p.op.Fields, mapping.FieldChange{Field: on[n].ID, After: other})
				slices.SortFunc(p.op.Fields, func(a, b mapping.FieldChange) int { return a.Field - b.Field })
				after[n] = other
			}
		}
		if !alike(on, after) {
			return joinFailure(op, "join.condition", "correct the request or the mapping, then retry",
				"field %q (%d) of its primary part and field %q (%d) of its secondary part would not be equal, by which they are joined",
				on[0].Name, on[0].ID, on[1].Name, on[1].ID)
		}
	}
	return nil
}

// after is what a field of the part's request holds after the operation; value.Absent where that is not known.
func (p *partOf) after(f *schema.Field) value.Value {
	if c := p.op.Field(f.ID); c != nil && c.After.Known() {
		return c.After
	}
	if p.row != nil {
		return p.row[f.Index]
	}
	return value.Absent
}

// alike reports whether values may be equal by the columns' own comparison.
func alike(on [2]*schema.Field, v [2]value.Value) bool {
	a, errA := on[0].Stored(v[0])
	b, errB := on[1].Stored(v[1])
	if errA != nil || errB != nil || !a.Known() || !b.Known() || a.IsNull() || b.IsNull() {
		return false
	}
	folds := on[0].Column.CaseFolding || on[1].Column.CaseFolding
	return a.Equal(b) || folds && a.Kind() == value.KindText && b.Kind() == value.KindText && strings.EqualFold(a.Text(), b.Text())
}

// writeParts does what was settled. It fails with errMoved where a request has changed since.
func (w *writing) writeParts(ctx context.Context, parts []*partOf) error {
	for _, p := range parts {
		if p.outcome.Do == conflict.Nothing {
			continue
		}
		_, accepted, err := w.perform(ctx, p.op, p.form, p.key, p.outcome)
		if err == nil && !accepted {
			err = errMoved
		}
		if err != nil {
			return err
		}
	}
	return nil
}
