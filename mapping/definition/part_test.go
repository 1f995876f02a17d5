package definition

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is left of definitions without the forms of some servers, and who waits for them.
func TestWithout(t *testing.T) {
	t.Parallel()
	d := parse(t, `
servers: {a: {url: "sqlite:a"}, b: {url: "sqlite:b"}, c: {url: "sqlite:c"}, d: {url: "sqlite:d"}}
mappings:
  - {name: a to b, from: {server: a, form: F}, to: {server: b, form: G}}
  - {name: b to c, from: {server: b, form: G}, to: {server: c, form: H}, transfer_mode: data + ownership}
  - {name: d to c, from: {server: d, form: F}, to: {server: c, form: F}, enabled: no}
filters:
  - {name: fa, server: a, form: F, on: submit, transfer: {mapping: a to b}}
  - {name: fb, server: b, form: G, on: submit, transfer: {mapping: b to c}}
  - {name: fd, server: d, form: F, on: delete, delete: {server: a, form: K, request_id: "'1'"}}
escalations:
  - {name: ed, server: d, form: L, every: 1h, delete: {server: d, form: F, request_id: "'1'"}}
`)
	type left struct{ Mappings, Filters, Escalations, Waiting []string }
	for _, x := range []struct {
		without []string
		want    left
	}{
		{nil, left{[]string{"a to b", "b to c", "d to c"}, []string{"fa", "fb", "fd"}, []string{"ed"}, nil}},
		{[]string{"a"}, left{[]string{"b to c", "d to c"}, []string{"fb"}, nil, []string{"d"}}},
		{[]string{"b"}, left{[]string{"d to c"}, []string{"fd"}, []string{"ed"}, []string{"a", "c"}}}, // c sends back
		{[]string{"c"}, left{[]string{"a to b"}, []string{"fa"}, nil, []string{"b", "d"}}},
		{[]string{"d"}, left{[]string{"a to b", "b to c"}, []string{"fa", "fb"}, nil, nil}},
		{[]string{"a", "b", "c", "d"}, left{}},
	} {
		rest, waiting := d.Without(x.without)
		got := left{Waiting: waiting}
		for _, m := range rest.Mappings {
			got.Mappings = append(got.Mappings, m.Name)
		}
		for _, f := range rest.Filters {
			got.Filters = append(got.Filters, f.Name)
		}
		for _, e := range rest.Escalations {
			got.Escalations = append(got.Escalations, e.Name)
		}
		if len(got.Waiting) == 0 {
			got.Waiting = nil
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("without %v (-want +got):\n%s", x.without, diff)
		}
	}
	if n := len(d.Mappings); n != 3 {
		t.Errorf("the document itself has %d mappings left", n)
	}
	for server, want := range map[string][]string{"a": {"F", "K"}, "b": {"G"}, "c": {"F", "H"}, "d": {"F", "L"}, "e": nil} {
		if got := d.FormsOf(server); !slices.Equal(got, want) {
			t.Errorf("forms of %s: got %v, want %v", server, got, want)
		}
	}
}
