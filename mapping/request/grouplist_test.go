package request_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/mapping/request"
	"ardso/sql/value"
)

func TestParseGroups(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", ""},
		{";", ""},
		{";12;-5;Bob;", ";-5;12;Bob;"},
		{";13011;1051;-100;", ";-100;1051;13011;"},
		{"12;5", ";5;12;"},
		{";5; 5 ;;05;", ";05;5;"},
		{";'Dan O''Connor';7;", ";7;'Dan O''Connor';"},
		{";'a;b';1;", ";1;'a;b';"},
		{";O'Neil;D'Arcy;", ";D'Arcy;O'Neil;"}, // a quote inside a name is none
		{";'open;1;", "bad"},
	}
	for _, tt := range tests {
		groups, ok := request.ParseGroups(tt.text)
		if got := request.FormatGroups(groups); ok && got != tt.want || ok != (tt.want != "bad") {
			t.Errorf("%q: got %q, %t, want %q", tt.text, got, ok, tt.want)
		}
	}
}

func TestMergeGroups(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, before, after, current, want string }{
		{"both add", ";1;2;", ";1;2;3;", ";1;2;4;", ";1;2;3;4;"},
		{"both remove", ";1;2;3;", ";1;2;", ";2;3;", ";2;"},
		{"both add the same", ";1;", ";1;2;", ";1;2;", ";1;2;"},
		{"both remove the same", ";1;2;", ";1;", ";1;", ";1;"},
		{"one adds, one removes", ";1;2;", ";1;2;'Bob';", ";2;", ";2;'Bob';"},
		{"from nothing", "", ";1;", ";2;", ";1;2;"},
		{"to nothing", ";1;", "", ";1;", ""},
		{"in another order", ";1;", ";1;2;3;", ";3;2;1;", ";3;2;1;"},
		{"no group list", ";1;", ";1;2;", ";'1;", "bad"},
	}
	for _, tt := range tests {
		got, ok := request.MergeGroups(value.Text(tt.before), value.Text(tt.after), value.Text(tt.current))
		if ok && got.Text() != tt.want || ok != (tt.want != "bad") {
			t.Errorf("%s: got %s, %t, want %q", tt.name, got, ok, tt.want)
		}
	}
	if got, ok := request.MergeGroups(value.Text(";1;2;"), value.Text(";1;"), value.Text(";2;")); !ok || !got.IsNull() {
		t.Errorf("nothing is left as %s, %t", got, ok)
	}
	if _, ok := request.MergeGroups(value.Absent, value.Text(";1;"), value.Text(";2;")); ok {
		t.Error("merged without what was there before")
	}
}

// Each entry of the merge is there for a reason, and both sides come to the same list.
func TestMergeGroupsProperties(t *testing.T) {
	t.Parallel()
	list := rapid.Custom(func(t *rapid.T) value.Value {
		groups := rapid.SliceOf(rapid.SampledFrom([]string{"1", "2", "-3", "'Bob'", "'a;b'"})).Draw(t, "groups")
		return value.Text(";" + strings.Join(groups, ";") + ";")
	})
	rapid.Check(t, func(t *rapid.T) {
		before, here, there := list.Draw(t, "before"), list.Draw(t, "here"), list.Draw(t, "there")
		got, ok := request.MergeGroups(before, here, there)
		back, _ := request.MergeGroups(before, there, here)
		if !ok || got.Text() != "" && !request.SameGroups(got, back) {
			t.Fatalf("got %s there and %s here", got, back)
		}
		has := func(v value.Value, g string) bool {
			groups, _ := request.ParseGroups(v.Text())
			return slices.Contains(groups, g)
		}
		for _, g := range []string{"1", "2", "-3", "'Bob'", "'a;b'"} {
			want := has(here, g) && has(there, g) || has(here, g) != has(there, g) && !has(before, g)
			if has(got, g) != want {
				t.Fatalf("%s: %t, want %t", g, has(got, g), want)
			}
		}
		if again, _ := request.MergeGroups(before, here, got); !again.Equal(got) {
			t.Fatalf("merged again: got %s, then %s", got, again)
		}
	})
}

// FuzzGroups: what is read as a group list is the same list when it is stored again.
func FuzzGroups(f *testing.F) {
	for _, seed := range []string{"", ";13011;1051;-100;", ";'Dan O''Connor';", "';", ";'a;b' ;c'd;", "12"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		groups, ok := request.ParseGroups(text)
		if !ok {
			return
		}
		again, ok := request.ParseGroups(request.FormatGroups(groups))
		if !ok || !slices.Equal(groups, again) {
			t.Errorf("%q: got %q, then %q, %t", text, groups, again, ok)
		}
		if !request.SameGroups(value.Text(text), value.Text(request.FormatGroups(groups))) {
			t.Errorf("%q: is not the same list as %q", text, request.FormatGroups(groups))
		}
	})
}
