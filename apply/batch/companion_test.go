package batch_test

import (
	"fmt"
	"strings"
	"testing"

	"ardso/apply/batch"
	"ardso/mapping"
	"ardso/sql/value"
)

// A create brings Create Date (3), which a modify does not, and a delete brings neither it nor Modified
// Date (6): they fold all the same, so that a correction reaches a create that is parked.
func TestFoldAcrossCompanions(t *testing.T) {
	t.Parallel()
	op := func(action mapping.Action, before, after, at string) *mapping.Operation {
		o := &mapping.Operation{Action: action, Request: "R1", TargetForm: "F", Key: []int{1}}
		add := func(id int, before, after string, companion bool) {
			f := mapping.FieldChange{Field: id, Companion: companion}
			if action != mapping.Create && !companion {
				f.Before = value.Text(before)
			}
			if action != mapping.Delete {
				f.After = value.Text(after)
			}
			o.Fields = append(o.Fields, f)
		}
		add(1, "R1", "R1", false)
		if action == mapping.Create {
			add(3, "", at, true)
		}
		if action != mapping.Delete {
			add(6, "", at, true)
		}
		add(8, before, after, false)
		return o
	}
	create, modify, remove := op(mapping.Create, "", "a", "1"), op(mapping.Modify, "a", "b", "2"), op(mapping.Delete, "b", "", "")
	again := op(mapping.Create, "", "c", "4")
	tests := []struct {
		name string
		ops  []*mapping.Operation
		want string
	}{
		{"create, modify", []*mapping.Operation{create, modify}, "create 1=R1 3=1 6=2 8=b"},
		{"modify, delete", []*mapping.Operation{modify, remove}, "delete 1 8"},
		{"create, modify, delete", []*mapping.Operation{create, modify, remove}, ""},
		{"delete, create", []*mapping.Operation{remove, again}, "modify 1=R1 3=4 6=4 8=c"},
	}
	for _, tt := range tests {
		got := describe(batch.Fold(tt.ops))
		if got != tt.want {
			t.Errorf("%s: folded to %q, want %q", tt.name, got, tt.want)
		}
		var held []*mapping.Operation
		for i, o := range tt.ops {
			parked := *o
			if i == 0 {
				parked.Failure = &mapping.Failure{Kind: "value.required"}
			}
			held = batch.Queue(held, &parked)
		}
		if got := describe(held); got != tt.want {
			t.Errorf("%s: waits as %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := batch.Fold([]*mapping.Operation{modify, op(mapping.Delete, "other", "", "")}); len(got) != 2 {
		t.Errorf("a delete that does not follow was folded: %s", describe(got))
	}
}

// describe writes operations with the values after them.
func describe(ops []*mapping.Operation) string {
	var b strings.Builder
	for _, op := range ops {
		fmt.Fprintf(&b, "%s", op.Action)
		for _, f := range op.Fields {
			fmt.Fprintf(&b, " %d", f.Field)
			if f.After.Known() {
				fmt.Fprintf(&b, "=%s", f.After.Text())
			}
		}
	}
	return b.String()
}
