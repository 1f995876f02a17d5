package qual

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/sql/value"
)

// What kept a condition from being true is told, and nothing else.
func TestTrace(t *testing.T) {
	t.Parallel()
	f := repair()
	env := &Env{Fields: request(f, map[string]value.Value{"Item": value.Text("chair"), "Status": value.Int(4)})}
	tests := []struct{ text, truth, deciding string }{
		{``, "true", ""},
		{`'Item' = "chair"`, "true", ""},
		{`'Item' = "table"`, "false", `'Item' = "table" false`},
		{`'Item' = "chair" AND 'Status' < "Closed" AND 'Cost' > 5`, "false", `'Status' < "Closed" false; 'Cost' > 5 unknown`},
		{`'Item' = "table" OR 'Status' = "New"`, "false", `'Item' = "table" false; 'Status' = "New" false`},
		{`'Item' = "table" OR 'Status' = "Closed"`, "true", ""},
		{`NOT 'Item' = "chair"`, "false", `NOT 'Item' = "chair" false`},
		{`NOT ('Item' = "chair" AND 'Cost' > 5)`, "unknown", `'Cost' > 5 unknown`},
		{`'Item' = "chair" AND ('Status' = "New" OR 'Status' = "Assigned")`, "false", `'Status' = "New" false; 'Status' = "Assigned" false`},
	}
	for _, test := range tests {
		q, err := Compile(test.text, Scope{Form: f})
		if err != nil {
			t.Fatal(err)
		}
		got := q.Trace(env)
		truth, err := q.Eval(env)
		if err != nil || got.Truth != truth || truth.String() != test.truth {
			t.Errorf("%s: traced %s, judged %s, %v, want %s", test.text, got.Truth, truth, err, test.truth)
		}
		var list []string
		for _, d := range got.Deciding() {
			list = append(list, d.Text+" "+d.Truth.String())
		}
		if diff := cmp.Diff(test.deciding, strings.Join(list, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
	}
}

// What cannot be judged says so where it is.
func TestTraceOfUnknownValue(t *testing.T) {
	t.Parallel()
	f := repair()
	values := request(f, nil)
	values[f.FieldByName("Cost").Index] = value.Unchanged
	q, err := Compile(`'Item' = $NULL$ AND 'Cost' > 5`, Scope{Form: f})
	if err != nil {
		t.Fatal(err)
	}
	trace := q.Trace(&Env{Fields: values})
	list := trace.Deciding()
	if trace.Err == nil || len(list) != 1 || list[0].Text != "'Cost' > 5" || list[0].Err == nil {
		t.Errorf("got %+v", trace)
	}
}
