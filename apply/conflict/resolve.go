package conflict

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ardso/mapping"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Take is whose values a person wants to stand.
type Take uint8

const (
	Merge  Take = iota // field by field against the before image; what both changed is to be given
	Source             // what the source sent
	Target             // what the target holds
)

var takeNames = [...]string{"merge", "source", "target"}

func (t Take) String() string { return takeNames[min(int(t), len(takeNames)-1)] }

func (t *Take) UnmarshalText(b []byte) error {
	i := slices.Index(takeNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("%q is none of source, target and merge", b)
	}
	*t = Take(i)
	return nil
}

// Resolution is how a person settles an operation that waits in dso_pending_error.
type Resolution struct {
	Take Take
	Set  map[int]value.Value // fields that get these values, whatever Take says
}

// Errors of Resolve.
var (
	ErrDelete     = errors.New("the operation deletes the request: a delete and an edit cannot be merged, and no field can be set")
	ErrNotThere   = errors.New("the target has no such request: no field of it can be set, and there is nothing to keep")
	ErrIncomplete = errors.New("the log does not hold the whole request, which is missing on the target")
)

// OpenError names the fields that both sides have changed, each another way.
type OpenError struct {
	Fields []Open
}

// Open is such a field.
type Open struct {
	Field                  int
	Before, Source, Target value.Value
}

func (e *OpenError) Error() string {
	ids := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		ids[i] = fmt.Sprint(f.Field)
	}
	return "both sides changed field " + strings.Join(ids, ", ")
}

// Resolve makes the operation by which op is settled against the target's request as it stands: cur, nil where there is
// none. Its before image is cur, so that it conflicts again if the target is changed until it is carried out. It
// returns nil where nothing is to be carried out. op is not modified.
func Resolve(op *mapping.Operation, cur *Current, r Resolution) (*mapping.Operation, error) {
	var out *mapping.Operation
	var err error
	switch {
	case op.Action == mapping.Delete:
		out, err = resolveDelete(op, cur, r)
	case cur == nil:
		out, err = resolveMissing(op, r)
	default:
		out, err = resolveFields(op, cur, r)
	}
	if out != nil {
		out.Failure = nil // it is judged anew
	}
	return out, err
}

func resolveDelete(op *mapping.Operation, cur *Current, r Resolution) (*mapping.Operation, error) {
	switch {
	case len(r.Set) > 0 || r.Take == Merge:
		return nil, ErrDelete
	case r.Take == Target:
		return nil, nil
	}
	out := *op
	out.Fields = slices.Clone(op.Fields)
	for i := range out.Fields {
		if f := &out.Fields[i]; cur != nil && f.Before.Known() && cur.Field(f.Field).Known() {
			f.Before = cur.Field(f.Field)
		}
	}
	return &out, nil
}

// resolveMissing creates the request, which the source has and the target lacks.
func resolveMissing(op *mapping.Operation, r Resolution) (*mapping.Operation, error) {
	if r.Take == Target {
		if len(r.Set) > 0 {
			return nil, ErrNotThere
		}
		return nil, nil
	}
	out := *op
	out.Fields = slices.Clone(op.Fields)
	for i := range out.Fields {
		if v, ok := r.Set[out.Fields[i].Field]; ok {
			out.Fields[i].After, out.Fields[i].Companion = v, false
		}
	}
	if !Complete(&out) {
		return nil, ErrIncomplete
	}
	out.CreateIfMissing = out.Action == mapping.Modify
	return &out, nil
}

func resolveFields(op *mapping.Operation, cur *Current, r Resolution) (*mapping.Operation, error) {
	out := *op
	out.Action, out.Selected, out.CreateIfMissing = mapping.Modify, false, false
	out.Fields = slices.Clone(op.Fields)
	var open []Open
	newer := sourceIsNewer(op, cur)
	for i := range out.Fields {
		f := &out.Fields[i]
		held := cur.Field(f.Field)
		set, given := r.Set[f.Field]
		if given {
			f.Companion = false
		}
		if f.Companion || !held.Known() {
			continue
		}
		before, after := f.Before, f.After
		f.Before = held
		switch {
		case given:
			f.After = set
		case r.Take == Target, !after.Known(): // the log does not say, for the change left it alone
			f.After = held
		case r.Take == Source || held.Equal(after) || before.Known() && before.Equal(held):
		case before.Known() && before.Equal(after): // only the target changed it
			f.After = held
		case f.Field == schema.LastModifiedBy || f.Field == schema.ModifiedDate: // each edit changes them
			if newer == no {
				f.After = held
			}
		default:
			open = append(open, Open{f.Field, before, after, held})
		}
	}
	if len(open) > 0 {
		return nil, &OpenError{Fields: open}
	}
	if r.Take == Target && !slices.ContainsFunc(out.Fields, mapping.FieldChange.Changes) {
		return nil, nil
	}
	return &out, nil
}
