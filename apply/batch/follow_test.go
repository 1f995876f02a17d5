package batch_test

import (
	"testing"

	"ardso/apply/batch"
	"ardso/mapping"
	"ardso/sql/value"
)

// Two modifies between which the request was changed otherwise stay two, in groups of their own: folded,
// the second would meet the target with the before image of the first.
func TestFoldKeepsModifiesApartThatDoNotFollow(t *testing.T) {
	modify := func(before, after string) *mapping.Operation {
		return &mapping.Operation{Action: mapping.Modify, Request: "R1", TargetForm: "F", Key: []int{1}, Fields: []mapping.FieldChange{
			{Field: 1, Before: value.Text("R1"), After: value.Text("R1")},
			{Field: 8, Before: value.Text(before), After: value.Text(after)},
		}}
	}
	if got := batch.Fold([]*mapping.Operation{modify("a", "b"), modify("b", "c")}); len(got) != 1 {
		t.Errorf("two that follow each other gave %d operations, want 1", len(got))
	}
	got := batch.Fold([]*mapping.Operation{modify("a", "b"), modify("merged", "c")})
	if len(got) != 2 {
		t.Fatalf("two with a merge between them gave %d operations, want 2", len(got))
	}
	for _, serial := range []bool{false, true} {
		if groups := batch.Plan(got, func(string) bool { return serial }); len(groups) != 2 {
			t.Errorf("serial %t: they share a statement", serial)
		}
	}
}
