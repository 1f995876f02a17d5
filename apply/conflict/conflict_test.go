package conflict_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// image is a request's fields by ID; a missing one is absent.
type image map[int]value.Value

func (m image) current() *conflict.Current {
	if m == nil {
		return nil
	}
	return &conflict.Current{Field: func(id int) value.Value { return m[id] }}
}

// operation makes an operation from sf to chi on fields 1, 6 (Modified Date), 8 and 9.
func operation(before, after image) *mapping.Operation {
	o := &mapping.Operation{Action: mapping.Modify, Source: "sf", Target: "chi", Key: []int{1}, CommitTime: time.UnixMicro(500)}
	switch {
	case before == nil:
		o.Action = mapping.Create
	case after == nil:
		o.Action = mapping.Delete
	}
	for _, id := range []int{1, schema.LastModifiedBy, schema.ModifiedDate, 8, 9} {
		b, a := before[id], after[id]
		if b.Kind() != value.KindAbsent || a.Kind() != value.KindAbsent {
			o.Fields = append(o.Fields, mapping.FieldChange{Field: id, Before: b, After: a})
		}
	}
	return o
}

// request is "a b" or "a b modified": fields 8 and 9, - = NULL, and the Modified Date.
func request(text string) image {
	if text == "" {
		return nil
	}
	part := strings.Fields(text)
	m := image{1: value.Text("R")}
	for i, id := range []int{8, 9} {
		if m[id] = value.Text(part[i]); part[i] == "-" {
			m[id] = value.Null
		} else if part[i] == "=" {
			m[id] = value.Unchanged
		}
	}
	if len(part) > 2 {
		var at int64
		_, _ = fmt.Sscan(part[2], &at)
		m[schema.ModifiedDate] = value.Instant(at)
	}
	return m
}

func text(o conflict.Outcome) string {
	s := fmt.Sprintf("%s %s", o.Kind, o.Do)
	for _, w := range o.Write {
		s += fmt.Sprintf(" %d=%s", w.Field, w.Value)
	}
	return strings.TrimSpace(s)
}

// Each kind of conflict under each policy (design §4, "Conflict checks").
func TestSettle(t *testing.T) {
	t.Parallel()
	const all = "error source target newest merge"
	tests := []struct {
		name                   string
		before, after, current string
		policies               string
		duplicate              definition.DuplicateAction
		want, by               string
	}{
		{"create", "", "x y", "", all, 0, "insert 1=R 8=x 9=y", ""},
		{"create of what is there already", "", "x y", "x y", all, 0, "nothing", ""},
		{"create meets another", "", "x y", "x z", all, definition.Error, "insert_exists parked", ""},
		{"create overwrites", "", "x y", "x z", all, definition.Overwrite, "insert_exists update 9=y", "duplicate_request_id: overwrite"},
		{"create under a new ID", "", "x y", "x z", all, definition.CreateNew, "insert_exists insert under a new Request ID 1=R 8=x 9=y", "duplicate_request_id: create new"},

		{"modify", "x y", "x z", "x y", all, 0, "update 9=z", ""},
		{"modify that is in already", "x y", "x z", "x z", all, 0, "nothing", ""},
		{"modify of none", "x y", "x z", "", "error", 0, "update_missing parked", ""},
		{"modify of none", "x y", "x z", "", "target", 0, "update_missing nothing", "on_conflict: target"},
		{"modify of none", "x y", "x z", "", "source newest merge", 0, "update_missing insert 1=R 8=x 9=z", "on_conflict: *"},
		{"modify of none that is not known whole", "x y", "= z", "", all, 0, "update_missing parked", ""},
		{"modify meets another change of the same field", "x y", "x z", "x w", "error merge", 0, "update_differs parked", ""},
		{"modify meets another change of the same field", "x y", "x z", "x w", "source", 0, "update_differs update 9=z", "on_conflict: source"},
		{"modify meets another change of the same field", "x y", "x z", "x w", "target", 0, "update_differs nothing", "on_conflict: target"},
		{"without a time", "x y", "x z", "x w", "newest", 0, "update_differs parked", ""},
		{"newer", "x y 10", "x z 30", "x w 20", "newest", 0, "update_differs update 6=* 9=z", "on_conflict: newest"},
		{"older", "x y 10", "x z 20", "x w 30", "newest", 0, "update_differs nothing", "on_conflict: newest"},
		{"of one time: by name", "x y 10", "x z 20", "x w 20", "newest", 0, "update_differs nothing", "on_conflict: newest"},
		{"by commit time where Modified Date is not carried", "x y", "x z", "x w 400", "newest", 0, "update_differs update 9=z", "on_conflict: newest"},
		{"modify meets a change of another field", "x y", "x z", "w y", "source", 0, "update_differs update 8=x 9=z", "on_conflict: source"},
		{"modify meets a change of another field", "x y", "x z", "w y", "merge", 0, "update_differs update 9=z", "on_conflict: merge"},
		{"both made it empty", "x y", "- z", "- w", "merge", 0, "update_differs parked", ""},
		{"both made it empty, and one more", "x y", "- z", "- y", "merge", 0, "update_differs update 9=z", "on_conflict: merge"},
		{"the newer Modified Date wins a merge", "x y 10", "x z 20", "w y 30", "merge", 0, "update_differs update 9=z", "on_conflict: merge"},

		{"delete", "x y", "", "x y", all, 0, "delete", ""},
		{"delete of none", "x y", "", "", all, 0, "delete_missing nothing", "nothing to delete"},
		{"delete meets a change", "x y", "", "x z", "error merge", 0, "delete_differs parked", ""},
		{"delete meets a change", "x y", "", "x z", "source", 0, "delete_differs delete", "on_conflict: source"},
		{"delete meets a change", "x y", "", "x z", "target", 0, "delete_differs nothing", "on_conflict: target"},
		{"delete, no time", "x y", "", "x z", "newest", 0, "delete_differs nothing", "on_conflict: newest"},
		{"delete, later", "x y", "", "x z 499", "newest", 0, "delete_differs nothing", "on_conflict: newest"},
		{"delete, earlier", "x y", "", "x z 501", "newest", 0, "delete_differs nothing", "on_conflict: newest"},
	}
	for _, test := range tests {
		for _, name := range strings.Fields(test.policies) {
			t.Run(test.name+" "+name, func(t *testing.T) {
				t.Parallel()
				r := conflict.Rules{OnConflict: policy(t, name), Duplicate: test.duplicate}
				o := conflict.Settle(operation(request(test.before), request(test.after)), request(test.current).current(), r)
				got := text(o)
				if i := strings.Index(got, "6="); i >= 0 && strings.Contains(test.want, "6=*") {
					got = got[:i+2] + "*" + got[i+2+len("1970-01-01 00:00:00.00003"):]
				}
				if got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if want := strings.Replace(test.by, "*", name, 1); o.By != want {
					t.Errorf("settled by %q, want %q", o.By, want)
				}
				if (o.Kind != conflict.None) != (o.By != "" || o.Do == conflict.Park) {
					t.Errorf("kind %q, settled by %q, %s", o.Kind, o.By, o.Do)
				}
			})
		}
	}
}

func policy(t interface{ Fatal(...any) }, name string) (p definition.ConflictPolicy) {
	if err := p.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCreateIfMissing(t *testing.T) {
	t.Parallel()
	o := operation(request("x y"), request("x z"))
	o.CreateIfMissing = true
	if got := conflict.Settle(o, nil, conflict.Rules{}); text(got) != "insert 1=R 8=x 9=z" || got.By != "" {
		t.Errorf("got %q by %q", text(got), got.By)
	}
}

var policies = []string{"error", "source", "target", "newest", "merge"}

// drawn is a state: before image, after image, the target's request; each may be missing.
type drawn struct{ before, after, current image }

func draw(t *rapid.T) drawn {
	one := func(name string, missing bool) image {
		if missing && rapid.IntRange(0, 4).Draw(t, name+" is missing") == 0 {
			return nil
		}
		m := image{1: value.Text("R")}
		for _, id := range []int{8, 9} {
			m[id] = rapid.SampledFrom([]value.Value{value.Null, value.Text("x"), value.Text("y"), value.Text("z")}).Draw(t, name)
		}
		m[schema.ModifiedDate] = value.Instant(rapid.Int64Range(1, 4).Draw(t, name+" modified"))
		return m
	}
	d := drawn{one("before", true), one("after", true), one("current", true)}
	if d.before == nil && d.after == nil {
		d.after = one("created", false)
	}
	return d
}

// carryOut is what the target has after an outcome.
func carryOut(current image, o conflict.Outcome) image {
	if o.Do == conflict.Delete {
		return nil
	}
	next := image{}
	for id, v := range current {
		next[id] = v
	}
	for _, w := range o.Write {
		next[w.Field] = w.Value
	}
	return next
}

func sameImage(a, b image) string {
	return cmp.Diff(fmt.Sprint(map[int]value.Value(a)), fmt.Sprint(map[int]value.Value(b)))
}

func TestSettleProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		name := rapid.SampledFrom(policies).Draw(t, "policy")
		r := conflict.Rules{OnConflict: policy(t, name), Duplicate: definition.DuplicateAction(rapid.IntRange(0, 2).Draw(t, "duplicate"))}
		op := operation(d.before, d.after)
		o := conflict.Settle(op, d.current.current(), r)
		if again := conflict.Settle(op, d.current.current(), r); text(again) != text(o) || again.By != o.By || again.Detail != o.Detail {
			t.Fatalf("got %q, then %q", text(o), text(again))
		}
		for i := 1; i < len(o.Write); i++ {
			if o.Write[i-1].Field >= o.Write[i].Field {
				t.Fatalf("fields out of order: %q", text(o))
			}
		}
		if (o.Do == conflict.Park || o.Do == conflict.Nothing || o.Do == conflict.Delete) && len(o.Write) > 0 {
			t.Fatalf("%s with values to write: %q", o.Do, text(o))
		}
		if o.Do == conflict.Update && (d.current == nil || len(o.Write) == 0) || o.Do == conflict.Insert && d.current != nil {
			t.Fatalf("cannot be carried out: %q", text(o))
		}
		if op.Action != mapping.Modify || d.current == nil || o.Do == conflict.Park {
			return
		}
		got := carryOut(d.current, o)
		switch name {
		case "merge":
			if diff := sameImage(threeWay(t, d), got); diff != "" {
				t.Fatalf("merge (-want +got):\n%s", diff)
			}
		case "source", "newest", "error":
			if o.Do == conflict.Update {
				if diff := sameImage(d.after, got); diff != "" {
					t.Fatalf("what the source wins is not the source's (-want +got):\n%s", diff)
				}
			}
		case "target":
			if o.Kind != conflict.None && o.Do != conflict.Nothing {
				t.Fatalf("the target does not keep its own: %q", text(o))
			}
		}
		// Carried out a second time, it is in already, unless the target's side was kept.
		if o.Do == conflict.Update && name != "merge" {
			if again := conflict.Settle(op, got.current(), r); again.Do != conflict.Nothing {
				t.Fatalf("a second time: %q", text(again))
			}
		}
	})
}

// threeWay is the textbook's merge: each field takes the value of the side that changed it; where both
// did, alike, or the newer one for the Modified Date; anything else should have been parked.
func threeWay(t *rapid.T, d drawn) image {
	m := image{}
	for id, cur := range d.current {
		before, after := d.before[id], d.after[id]
		switch {
		case after.Equal(before):
			m[id] = cur
		case cur.Equal(before), cur.Equal(after):
			m[id] = after
		case id == schema.ModifiedDate:
			if m[id] = cur; after.Int() > cur.Int() { // of one time they are equal
				m[id] = after
			}
		default:
			t.Fatalf("field %d: %s became %s on the source and %s on the target, and was not parked", id, before, after, cur)
		}
	}
	return m
}

// The same two edits meet on both servers: the newest is the same one on each, so that they agree (L-7).
func TestNewestAgreesOnBothSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		if d.before == nil || d.after == nil || d.current == nil {
			return
		}
		r := conflict.Rules{OnConflict: definition.TakeNewest}
		there := operation(d.before, d.after)
		here := operation(d.before, d.current)
		here.Source, here.Target = there.Target, there.Source
		target := conflict.Settle(there, d.current.current(), r)
		source := conflict.Settle(here, d.after.current(), r)
		if target.Kind == conflict.None || source.Kind == conflict.None {
			return // one of them changed nothing
		}
		if diff := sameImage(carryOut(d.current, target), carryOut(d.after, source)); diff != "" {
			t.Fatalf("the sides differ (-target +source):\n%s\ntarget: %s\nsource: %s", diff, text(target), text(source))
		}
	})
}

// Fields that do not come from the request go with a write, are no reason for one, and never differ.
func TestCompanions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ policy, before, after, current, want string }{
		{"error", "x y", "x z", "x y", "update 5=new 9=z"},
		{"error", "x y", "x z", "x z", "nothing"},
		{"source", "x y", "x z", "x w", "update_differs update 5=new 9=z"},
		{"merge", "x y", "x z", "w y", "update_differs update 5=new 9=z"},
		{"merge", "x y", "x z", "w z", "update_differs nothing"},
		{"error", "", "x y", "x y", "nothing"},
		{"error", "", "x y", "", "insert 1=R 5=new 8=x 9=y"},
		{"error", "x y", "", "x y", "delete"},
	} {
		after, current := request(test.after), request(test.current)
		if after != nil {
			after[schema.LastModifiedBy] = value.Text("new")
		}
		if current != nil {
			current[schema.LastModifiedBy] = value.Text("old")
		}
		op := operation(request(test.before), after)
		if f := op.Field(schema.LastModifiedBy); f != nil {
			f.Companion = true
		}
		if got := text(conflict.Settle(op, current.current(), conflict.Rules{OnConflict: policy(t, test.policy)})); got != test.want {
			t.Errorf("%s: %q to %q meets %q: got %q, want %q", test.policy, test.before, test.after, test.current, got, test.want)
		}
	}
}

// A create meets the copy that an earlier transfer has made of its request: it brings it up to date, but one that was given
// up and is retried does not, for the copy may be the newer.
func TestOwnCopy(t *testing.T) {
	held := map[int]value.Value{
		1: value.Text("R1"), 8: value.Text("new"), schema.MasterFlag: value.Int(schema.MasterNo),
		schema.FromServer: value.Text("a"), schema.FromForm: value.Text("Task"), schema.FromRequestID: value.Text("R1"),
	}
	cur := &conflict.Current{Field: func(id int) value.Value { return held[id] }}
	for _, late := range []bool{false, true} {
		op := &mapping.Operation{
			Mapping: "m", Action: mapping.Create, Source: "a", Form: "Task", Request: "R1", Key: []int{1}, Late: late,
			Fields: []mapping.FieldChange{{Field: 1, After: value.Text("R1")}, {Field: 8, After: value.Text("old")}, {Field: schema.MasterFlag, After: value.Int(schema.MasterNo)}},
		}
		want := conflict.Update
		if late {
			want = conflict.Park
		}
		if got := conflict.Settle(op, cur, conflict.Rules{}); got.Do != want || got.Kind != conflict.InsertExists {
			t.Errorf("late %v: got %+v, want %v", late, got, want)
		}
	}
}
