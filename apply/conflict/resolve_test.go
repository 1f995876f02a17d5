package conflict_test

import (
	"errors"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// What a person has resolved is carried out under the strictest rules as long as the target stays as it was, and
// leaves what was asked for; once the target is changed it conflicts again.
func TestResolveProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		r := conflict.Resolution{
			Take: rapid.SampledFrom([]conflict.Take{conflict.Merge, conflict.Source, conflict.Target}).Draw(t, "take"),
			Set:  map[int]value.Value{},
		}
		for _, id := range []int{8, 9} {
			if rapid.IntRange(0, 3).Draw(t, "set") == 0 {
				r.Set[id] = value.Text(rapid.SampledFrom([]string{"x", "s"}).Draw(t, "value"))
			}
		}
		op := operation(d.before, d.after)
		was := text(conflict.Settle(op, d.current.current(), conflict.Rules{}))
		out, err := conflict.Resolve(op, d.current.current(), r)
		if is := text(conflict.Settle(op, d.current.current(), conflict.Rules{})); is != was {
			t.Fatalf("the operation was changed: %q, then %q", was, is)
		}
		want, wantErr := resolved(d, r)
		if (err != nil) != wantErr {
			t.Fatalf("got %v, want an error: %v", err, wantErr)
		}
		if err != nil {
			return
		}
		got := d.current
		if out != nil {
			o := conflict.Settle(out, d.current.current(), conflict.Rules{})
			if o.Do == conflict.Park {
				t.Fatalf("conflicts still: %q", text(o))
			}
			if o.Do != conflict.Nothing {
				got = carryOut(d.current, o)
			}
		}
		if diff := sameImage(want, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		if out == nil || d.current == nil {
			return
		}
		other := maps.Clone(d.current)
		id := rapid.SampledFrom([]int{8, 9}).Draw(t, "changed on the target")
		other[id] = value.Text("other")
		if f := out.Field(id); out.Action == mapping.Delete && !f.Before.Known() || sameImage(want, other) == "" {
			return
		}
		if o := conflict.Settle(out, other.current(), conflict.Rules{}); o.Do != conflict.Park {
			t.Fatalf("the target was changed since: %q", text(o))
		}
	})
}

// resolved is what the target holds after a resolution, by the book.
func resolved(d drawn, r conflict.Resolution) (want image, fails bool) {
	switch {
	case d.after == nil && (len(r.Set) > 0 || r.Take == conflict.Merge):
		return nil, true
	case d.after == nil && r.Take == conflict.Source:
		return nil, false
	case d.after == nil:
		return d.current, false
	case d.current == nil && r.Take == conflict.Target:
		return nil, len(r.Set) > 0
	}
	m := image{1: value.Text("R")}
	for _, id := range []int{8, 9, schema.ModifiedDate} {
		before, after, cur := d.before[id], d.after[id], d.current[id]
		set, given := r.Set[id]
		switch {
		case given:
			m[id] = set
		case r.Take == conflict.Source, d.current == nil, r.Take == conflict.Merge && (cur.Equal(after) || d.before != nil && cur.Equal(before)):
			m[id] = after
		case r.Take == conflict.Target, d.before != nil && after.Equal(before):
			m[id] = cur
		case id == schema.ModifiedDate:
			if m[id] = cur; after.Int() > cur.Int() {
				m[id] = after
			}
		default:
			return nil, true
		}
	}
	return m, false
}

// Kinds of fields that the properties leave out.
func TestResolve(t *testing.T) {
	t.Parallel()
	stamp := func(op *mapping.Operation) *mapping.Operation {
		op.Fields = append(op.Fields, mapping.FieldChange{Field: 700, After: value.Int(3), Companion: true})
		op.Failure = &mapping.Failure{Kind: "update_differs"}
		return op
	}
	op := stamp(operation(request("a b"), request("= c")))
	out, err := conflict.Resolve(op, request("x b").current(), conflict.Resolution{})
	if err != nil || out.Failure != nil {
		t.Fatalf("got %+v, %v", out, err)
	}
	if got := text(conflict.Settle(out, request("x b").current(), conflict.Rules{})); got != "update 9=c 700=3" {
		t.Errorf("a field that the log leaves out stays as it is, and companions come along: %q", got)
	}
	_, err = conflict.Resolve(operation(request("a b"), request("= c")), nil, conflict.Resolution{Take: conflict.Source})
	if !errors.Is(err, conflict.ErrIncomplete) {
		t.Errorf("missing, and not whole: %v", err)
	}
	out, err = conflict.Resolve(operation(request("a b"), request("= c")), nil, conflict.Resolution{Set: map[int]value.Value{8: value.Text("s")}})
	if err != nil || text(conflict.Settle(out, nil, conflict.Rules{})) != "insert 1=R 8=s 9=c" {
		t.Errorf("made whole by a person: %v, %v", out, err)
	}
	_, err = conflict.Resolve(operation(request("a b"), request("y c")), request("x b").current(), conflict.Resolution{})
	if open, ok := errors.AsType[*conflict.OpenError](err); !ok || len(open.Fields) != 1 || open.Fields[0].Target.Text() != "x" || err.Error() != "both sides changed field 8" {
		t.Errorf("both changed: %v", err)
	}
	out, err = conflict.Resolve(operation(nil, request("a b")), request("x b").current(), conflict.Resolution{Take: conflict.Source})
	if err != nil || out.Action != mapping.Modify || out.ChangesKey() || out.TargetKey()[0].Text() != "R" {
		t.Errorf("a create that meets a request becomes its modify: %+v, %v", out, err)
	}
	var take conflict.Take
	if err := take.UnmarshalText([]byte("mine")); err == nil {
		t.Error("mine is no side")
	}
	if err := take.UnmarshalText([]byte("target")); err != nil || take != conflict.Target || take.String() != "target" {
		t.Errorf("got %s, %v", take, err)
	}
}
