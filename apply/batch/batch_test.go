package batch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ardso/mapping"
	"ardso/sql/value"
)

// row is a request of the model: field values by ID. The key is field 1.
type row = map[int]value.Value

// table is the model's target form.
type table map[string]row

func (t table) clone() table {
	c := table{}
	for k, r := range t {
		c[k] = maps.Clone(r)
	}
	return c
}

// apply carries out an operation whose conflict check holds, and fails if it does not.
func (t table) apply(op *mapping.Operation) error {
	key := op.TargetKey()[0].SQL()
	r, ok := t[key]
	switch op.Action {
	case mapping.Create:
		if ok {
			return fmt.Errorf("create %s: exists", key)
		}
		r = row{}
	default:
		if !ok {
			return fmt.Errorf("%s %s: missing", op.Action, key)
		}
		for _, f := range op.Fields {
			if f.Before.Known() && !f.Before.Equal(r[f.Field]) {
				return fmt.Errorf("%s %s: field %d is %s, not %s", op.Action, key, f.Field, r[f.Field], f.Before)
			}
		}
	}
	delete(t, key)
	if op.Action == mapping.Delete {
		return nil
	}
	r = maps.Clone(r)
	for _, f := range op.Fields {
		if f.After.Known() {
			r[f.Field] = f.After
		}
	}
	if _, taken := t[r[1].SQL()]; taken {
		return fmt.Errorf("%s %s: key %s is taken", op.Action, key, r[1])
	}
	t[r[1].SQL()] = r
	return nil
}

func (t table) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "%s:", k)
		for _, id := range slices.Sorted(maps.Keys(t[k])) {
			fmt.Fprintf(&b, " %d=%s", id, t[k][id])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// history makes operations that are valid one after another from a start state: what a log yields.
func history(t *rapid.T, start table) []*mapping.Operation {
	state := start.clone()
	var ops []*mapping.Operation
	for range rapid.IntRange(0, 30).Draw(t, "changes") {
		keys := slices.Sorted(maps.Keys(state))
		key := rapid.SampledFrom([]string{"A", "B", "NA", "NB"}).Draw(t, "request")
		before, exists := state[key]
		op := &mapping.Operation{Mapping: "m", Form: "F", Target: "t", TargetForm: "G", Request: key, Key: []int{1}}
		after := row{1: value.Text(key)}
		for id := 2; id <= 4; id++ {
			after[id] = rapid.SampledFrom([]value.Value{value.Null, value.Text("x"), value.Text("y")}).Draw(t, "value")
		}
		switch {
		case !exists:
			op.Action = mapping.Create
		case rapid.IntRange(0, 3).Draw(t, "kind") == 0:
			op.Action, after = mapping.Delete, nil
		default:
			op.Action = mapping.Modify
			other := "N" + key
			if key[0] == 'N' {
				other = key[1:]
			}
			if !slices.Contains(keys, other) && rapid.IntRange(0, 5).Draw(t, "rename") == 0 {
				after[1] = value.Text(other)
			}
		}
		for id := 1; id <= 4; id++ {
			f := mapping.FieldChange{Field: id}
			if before != nil {
				f.Before = before[id]
			}
			if after != nil {
				f.After = after[id]
			}
			op.Fields = append(op.Fields, f)
		}
		if err := state.apply(op); err != nil {
			t.Fatalf("the generator made an impossible history: %v", err)
		}
		ops = append(ops, op)
	}
	return ops
}

// Folding and grouping must not change what a history of operations leads to, and no guard of a
// folded operation may fail where those of its parts held.
func TestFoldThenPlanEqualsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := table{"A": {1: value.Text("A"), 2: value.Null, 3: value.Text("x"), 4: value.Null}}
		ops := history(t, start)
		serial := rapid.Bool().Draw(t, "serial")

		want := start.clone()
		for _, op := range ops {
			if err := want.apply(op); err != nil {
				t.Fatal(err)
			}
		}
		got := start.clone()
		folded := Fold(ops)
		if len(folded) > len(ops) {
			t.Fatalf("folded %d operations into %d", len(ops), len(folded))
		}
		for _, g := range Plan(folded, func(string) bool { return serial }) {
			for _, op := range g.Ops {
				if err := got.apply(op); err != nil {
					t.Fatalf("%v\nstate:\n%s", err, got)
				}
			}
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Fatalf("folded and grouped differs from one by one (-want +got):\n%s", diff)
		}
	})
}

// A group must hold one statement shape: every operation writes and guards the same fields (PD-2).
func TestGroupsHaveOneShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, g := range Plan(Fold(history(t, table{})), func(string) bool { return false }) {
			for _, op := range g.Ops {
				one := newGroup(op)
				if !slices.Equal(one.Set, g.Set) || !slices.Equal(one.Guard, g.Guard) || op.Action != g.Action {
					t.Fatalf("group %s set %v guard %v holds an operation that sets %v and guards %v", g.Action, g.Set, g.Guard, one.Set, one.Guard)
				}
			}
		}
	})
}

func TestFold(t *testing.T) {
	op := func(action mapping.Action, request string, before, after value.Value) *mapping.Operation {
		o := &mapping.Operation{Mapping: "m", TargetForm: "G", Request: request, Action: action, Key: []int{1}}
		key := mapping.FieldChange{Field: 1, Before: value.Text(request), After: value.Text(request)}
		if action == mapping.Create {
			key.Before = value.Absent
		}
		if action == mapping.Delete {
			key.After = value.Absent
		}
		o.Fields = []mapping.FieldChange{key, {Field: 8, Before: before, After: after}}
		return o
	}
	a, b, c := value.Text("a"), value.Text("b"), value.Text("c")
	tests := []struct {
		name string
		ops  []*mapping.Operation
		want []string
	}{
		{"create and modify are a create", []*mapping.Operation{op(mapping.Create, "R1", value.Absent, a), op(mapping.Modify, "R1", a, b)}, []string{"create R1 <absent>→b"}},
		{"modifies keep the first before image", []*mapping.Operation{op(mapping.Modify, "R1", a, b), op(mapping.Modify, "R1", b, c)}, []string{"modify R1 a→c"}},
		{"modify there and back is nothing", []*mapping.Operation{op(mapping.Modify, "R1", a, b), op(mapping.Modify, "R1", b, a)}, nil},
		{"create and delete are nothing", []*mapping.Operation{op(mapping.Create, "R1", value.Absent, a), op(mapping.Delete, "R1", a, value.Absent)}, nil},
		{"delete and create replace the request", []*mapping.Operation{op(mapping.Delete, "R1", a, value.Absent), op(mapping.Create, "R1", value.Absent, b)}, []string{"modify R1 a→b"}},
		{"modify and delete keep the first before image", []*mapping.Operation{op(mapping.Modify, "R1", a, b), op(mapping.Delete, "R1", b, value.Absent)}, []string{"delete R1 a→<absent>"}},
		{"a value that was not sent comes from the earlier part", []*mapping.Operation{op(mapping.Create, "R1", value.Absent, a), op(mapping.Modify, "R1", value.Unchanged, value.Unchanged)}, []string{"create R1 <absent>→a"}},
		{"requests stay apart and in order", []*mapping.Operation{op(mapping.Modify, "R2", a, b), op(mapping.Modify, "R1", a, b), op(mapping.Modify, "R2", b, c)}, []string{"modify R2 a→c", "modify R1 a→b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, o := range Fold(tt.ops) {
				got = append(got, fmt.Sprintf("%s %s %s→%s", o.Action, o.Request, o.Fields[1].Before, o.Fields[1].After))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Fold (-want +got):\n%s", diff)
			}
		})
	}

	// One by one the delete finds nothing where the request is missing, and the create makes it: so must both in one.
	remove, create := op(mapping.Delete, "R1", a, value.Absent), op(mapping.Create, "R1", value.Absent, b)
	for _, ops := range [][]*mapping.Operation{{remove, create}, {op(mapping.Modify, "R1", b, a), remove, create}} {
		if got := Fold(ops); len(got) != 1 || got[0].Action != mapping.Modify || !got[0].CreateIfMissing {
			t.Errorf("%d operations: got %+v, want one modify that may create", len(ops), got)
		}
	}
	if got := Fold([]*mapping.Operation{op(mapping.Modify, "R1", a, b)}); got[0].CreateIfMissing {
		t.Error("a modify alone may create")
	}
}

// On a form with further unique indexes, rows free and take values in turn: their order must stay.
func TestPlanKeepsOrderOnSerialForms(t *testing.T) {
	mk := func(action mapping.Action, request string) *mapping.Operation {
		o := &mapping.Operation{Mapping: "m", TargetForm: "G", Request: request, Action: action, Key: []int{1}}
		k := value.Text(request)
		o.Fields = []mapping.FieldChange{{Field: 1, After: k}}
		if action == mapping.Delete {
			o.Fields[0] = mapping.FieldChange{Field: 1, Before: k}
		}
		return o
	}
	ops := []*mapping.Operation{mk(mapping.Create, "1"), mk(mapping.Delete, "2"), mk(mapping.Create, "3"), mk(mapping.Create, "4")}
	order := func(serial bool) (got []string) {
		for _, g := range Plan(ops, func(string) bool { return serial }) {
			var ids []string
			for _, o := range g.Ops {
				ids = append(ids, o.Request)
			}
			got = append(got, g.Action.String()+" "+strings.Join(ids, ","))
		}
		return got
	}
	if diff := cmp.Diff([]string{"create 1", "delete 2", "create 3,4"}, order(true)); diff != "" {
		t.Errorf("serial form (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"create 1,3,4", "delete 2"}, order(false)); diff != "" {
		t.Errorf("other form (-want +got):\n%s", diff)
	}
}

// Operations that wait and find their request by the same qualification fold; by others they do not.
func TestQueueOfMatched(t *testing.T) {
	op := func(match string, before, after int64) *mapping.Operation {
		return &mapping.Operation{
			Mapping: "m", Action: mapping.Modify, Request: "R1", Match: match,
			Fields: []mapping.FieldChange{{Field: 8, Before: value.Int(before), After: value.Int(after)}},
		}
	}
	var held []*mapping.Operation
	for n := range int64(100) {
		held = Queue(held, op("'a' = 1", n, n+1))
	}
	if len(held) != 1 || held[0].Match != "'a' = 1" || !held[0].Fields[0].Before.Equal(value.Int(0)) || !held[0].Fields[0].After.Equal(value.Int(100)) {
		t.Errorf("got %d operations, the first %+v", len(held), held[0])
	}
	if held = Queue(held, op("'a' = 2", 100, 101)); len(held) != 2 {
		t.Errorf("got %d operations, want another for another qualification", len(held))
	}
}
