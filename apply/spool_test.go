package apply

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/mapping"
	"ardso/sql/value"
)

func TestSpool(t *testing.T) {
	parts := [][]*mapping.Operation{
		{
			{Mapping: "m", Action: mapping.Modify, Request: "1", Key: []int{1}, Path: []string{"a"}, Fields: []mapping.FieldChange{{Field: 1, Before: value.Text("a\n"), After: value.Null}}},
			{Mapping: "m", Action: mapping.Create, Request: "2", Doubtful: true, Whole: true, SplitBy: []string{"x"}},
		},
		{},
		{{Mapping: "n", Action: mapping.Delete, Request: "3", Fields: []mapping.FieldChange{{Field: 2, Before: value.Int(7)}}}},
	}
	s, err := newSpool()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, p := range parts {
		if err := s.add(p); err != nil {
			t.Fatal(err)
		}
	}
	var got [][]*mapping.Operation
	if err := s.each(func(ops []*mapping.Operation) error { got = append(got, slices.Clone(ops)); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parts, got, cmp.Comparer(func(a, b value.Value) bool { return a.Kind() == b.Kind() && a.String() == b.String() })); diff != "" {
		t.Error(diff)
	}
}
