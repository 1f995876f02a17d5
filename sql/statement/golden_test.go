package statement

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The statements of a form that has a column of every type, as a reviewer reads them. The same
// shapes run in the other tests.
func TestGolden(t *testing.T) {
	t.Parallel()
	for dialect, url := range map[string]string{"postgres": "postgres://h/d", "mysql": "mysql://h/d", "sqlite": "sqlite:f"} {
		e, _, err := engine.ForURL(url)
		must(t, err)
		w := NewWriter(&engine.DB{Engine: e})
		columns := []string{"k1 id", "k2 int", "stamp zoned"}
		for _, kind := range []string{"text", "ci", "latin1", "char", "enum", "big", "bool", "decimal", "real", "single", "bytes", "instant", "epoch", "date", "time"} {
			columns = append(columns, kind+" "+kind)
		}
		f := describeForm(e, "ar", "T 1001", 2, columns...)
		single := describeForm(e, "ar", "T1001", 1, "C1 id", "C8 ci")
		single.EmptyIsNull = true
		identity := describeForm(e, "ar", "log", 1, "id big", "s text")
		identity.Table.Columns[0].IdentityAlways = true
		keyless := describeForm(e, "ar", "keyless", 1, "id id", "s text")
		keyless.Table.Key = nil

		c := schema.Condition{Op: schema.And, Parts: []schema.Condition{
			{Op: schema.Equal, Column: f.Fields[3].Column, Values: texts("x")},
			{Op: schema.Or, Parts: []schema.Condition{
				{Op: schema.In, Column: f.FieldByName("decimal").Column, Values: []value.Value{decimal("1.50"), decimal("2")}},
				{Op: schema.GreaterEqual, Column: f.FieldByName("instant").Column, Values: []value.Value{instant("2026-01-01 00:00:00")}},
				{Op: schema.IsNull, Column: f.FieldByName("ci").Column},
			}},
		}}
		after, err := EncodeKey([]value.Value{value.Text("R1"), value.Int(5)})
		must(t, err)
		after1, err := EncodeKey(texts("R1"))
		must(t, err)
		cases := map[string]func() (string, error){
			"insert":          text(w, f, spec{name: "insert", set: f.Fields, noKey: true}),
			"insert_one_key":  text(w, single, spec{name: "insert", set: single.Fields, noKey: true}),
			"insert_identity": text(w, identity, spec{name: "insert", set: identity.Fields, noKey: true}),
			"insert_keyless":  text(w, keyless, spec{name: "insert", set: keyless.Fields, noKey: true}),
			"update":          text(w, f, spec{name: "update", set: f.Fields[3:], guard: f.Fields[3:]}),
			"update_key":      text(w, single, spec{name: "update", set: single.Fields, guard: single.Fields[1:]}),
			"delete":          text(w, single, spec{name: "delete", guard: single.Fields[1:]}),
			"delete_any":      text(w, single, spec{name: "delete"}),
			"lookup":          text(w, f, spec{name: "lookup", read: fieldColumns(f)}),
			"lookup_lock":     text(w, single, spec{name: "lookup", read: fieldColumns(single), lock: true}),
			"select":          chunkCase(w, f, c, Chunk{After: after, Rows: 100}),
			"select_one_key":  chunkCase(w, single, schema.Condition{Op: schema.NotNull, Column: single.Fields[1].Column}, Chunk{After: after1, Rows: 100}),
			"select_first":    chunkCase(w, single, schema.Condition{}, Chunk{Rows: 100}),
		}
		if dialect == "mysql" {
			cases["update_many"] = text(w, f, spec{name: "update_many", set: f.Fields[3:], guard: f.Fields[3:], many: 2})
			cases["update_many_no_guard"] = text(w, single, spec{name: "update_many", set: single.Fields[1:], many: 3})
			cases["delete_many"] = text(w, single, spec{name: "delete_many", guard: single.Fields[1:], many: 3})
			cases["lookup_many"] = func() (string, error) {
				s, err := w.shape(single, spec{name: "lookup", read: fieldColumns(single), lock: true})
				return s.many(3), err
			}
			cases["lookup_many_composite"] = func() (string, error) {
				s, err := w.shape(f, spec{name: "lookup", read: keyColumns(f)})
				return s.many(2), err
			}
		}
		for name, render := range cases {
			t.Run(dialect+"/"+name, func(t *testing.T) {
				got, err := render()
				must(t, err)
				golden(t, filepath.Join("testdata", dialect, name+".sql"), got+"\n")
			})
		}
	}
}

func text(w *Writer, f *schema.Form, q spec) func() (string, error) {
	return func() (string, error) {
		s, err := w.shape(f, q)
		if err != nil {
			return "", err
		}
		again, err := w.shape(f, q)
		if again != s {
			err = fmt.Errorf("rendered twice")
		}
		if q.many == 0 && !strings.HasPrefix(s.text, "/* ardso ") {
			err = fmt.Errorf("statement does not say who asks")
		}
		return s.text, err
	}
}

func chunkCase(w *Writer, f *schema.Form, c schema.Condition, chunk Chunk) func() (string, error) {
	return func() (string, error) {
		s, err := w.shape(f, spec{name: "select", noKey: true, read: fieldColumns(f)})
		if err != nil {
			return "", err
		}
		text, args, err := w.chunkText(s, c, chunk)
		return fmt.Sprintf("%s\n-- %v", text, args), err
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
