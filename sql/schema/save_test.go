package schema_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"ardso/sql/schema"
)

// fill sets all plain fields of a struct at random, zero values among them: one that a later change adds, too.
func fill(r *rand.Rand, x any) {
	v := reflect.ValueOf(x).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if r.IntN(3) == 0 {
			continue
		}
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString([]string{"", "größe", "<a> & \"b\"\x00", "utf8mb4", "0"}[r.IntN(5)])
		case reflect.Int, reflect.Int64:
			f.SetInt([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, r.Int64()}[r.IntN(6)])
		case reflect.Uint8:
			f.SetUint(uint64(r.IntN(11)))
		}
	}
}

// makeForm makes a form of random fields; those of its key come from any place.
func makeForm(r *rand.Rand, name string) *schema.Form {
	f := &schema.Form{Table: &schema.Table{}}
	fill(r, f)
	fill(r, f.Table)
	f.Name = name
	for i := range 1 + r.IntN(6) {
		c := &schema.Column{}
		fill(r, c)
		c.Ordinal = i
		f.Table.Columns = append(f.Table.Columns, c)
		f.Table.Key = append(f.Table.Key, c.Name)
	}
	for _, at := range r.Perm(len(f.Table.Columns))[:1+r.IntN(len(f.Table.Columns))] {
		x := &schema.Field{Column: f.Table.Columns[at]}
		fill(r, x)
		x.Index, x.Column = len(f.Fields), f.Table.Columns[at]
		for range r.IntN(3) {
			e := schema.EnumValue{}
			fill(r, &e)
			x.Values = append(x.Values, e)
		}
		if r.IntN(4) == 0 {
			x.Values = []schema.EnumValue{}
		}
		f.Fields = append(f.Fields, x)
	}
	for _, at := range r.Perm(len(f.Fields))[:1+r.IntN(len(f.Fields))] {
		f.Key = append(f.Key, f.Fields[at])
	}
	switch r.IntN(3) {
	case 0:
		f.NextID, f.Unsupported = &schema.NextID{}, map[string]string{}
		fill(r, f.NextID)
	case 1:
		f.Unsupported = map[string]string{"History": "it is not carried", "": "it has no name"}
		f.Table.Unique = []schema.Unique{{Name: "u", Columns: []string{"", "a"}}, {}}
		f.Table.Triggers = []string{"t", ""}
	}
	return f
}

// makeJoin makes a join form as package catalog does: with columns of its own.
func makeJoin(r *rand.Rand, name string, a, b *schema.Form) *schema.Form {
	f := makeForm(r, name)
	f.Join = &schema.Join{Parts: [2]*schema.Form{a, b}, Outer: r.IntN(2) == 0}
	pick := func(f *schema.Form) *schema.Field { return f.Fields[r.IntN(len(f.Fields))] }
	for range 1 + r.IntN(2) {
		f.Join.On = append(f.Join.On, [2]*schema.Field{pick(a), pick(b)})
	}
	for range f.Fields {
		part := r.IntN(2)
		f.Join.From = append(f.Join.From, schema.JoinField{Part: part, Field: pick(f.Join.Parts[part])})
	}
	f.Join.From[r.IntN(len(f.Fields))] = schema.JoinField{}
	f.Join.Pair = schema.NewPair(f)
	return f
}

// Forms that are saved come back as they were, with the same pointers among them.
func TestSavedForms(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var forms []*schema.Form
		for n := range 2 + r.IntN(3) {
			forms = append(forms, makeForm(r, fmt.Sprintf("F%d", n)))
		}
		join := makeJoin(r, "A join", forms[0], forms[1])
		text, err := schema.EncodeForms(append([]*schema.Form{join}, forms[1:]...)) // which names the other part
		if err != nil {
			t.Fatal(err)
		}
		back, err := schema.DecodeForms(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		want := append([]*schema.Form{join}, forms...)
		if !reflect.DeepEqual(want, back) {
			t.Fatalf("seed %d: forms came back as others:\n%s", seed, text)
		}
		again, err := schema.EncodeForms(back)
		if err != nil || !bytes.Equal(text, again) {
			t.Fatalf("seed %d: %v: saved again they are\n%s\nnot\n%s", seed, err, again, text)
		}
		for _, f := range back {
			for _, x := range f.Fields {
				if !slices.Contains(f.Table.Columns, x.Column) {
					t.Fatalf("seed %d: field %q has a column of its own", seed, x.Name)
				}
			}
			if slices.ContainsFunc(f.Key, func(k *schema.Field) bool { return !slices.Contains(f.Fields, k) }) {
				t.Fatalf("seed %d: the key of %q is none of its fields", seed, f.Name)
			}
		}
		j := back[0].Join
		if j.Parts != [2]*schema.Form{back[1], back[2]} {
			t.Fatalf("seed %d: parts of the join are other forms", seed)
		}
		for i, on := range j.On {
			for n, f := range on {
				if f != j.Parts[n].Fields[join.Join.On[i][n].Index] {
					t.Fatalf("seed %d: the join compares other fields", seed)
				}
			}
		}
	}
}

// Text that is damaged is refused.
func TestSavedFormsDamaged(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{", `{"a":1}`, `[{"Name":"F"}]`, `[{"Name":"F","Table":{},"Fields":[{}]}]`, `[{"Name":"F","Table":{},"Key":[0]}]`,
		`[{"Name":"F","Table":{},"Join":{"Parts":["A","B"]}}]`, `[{"Name":"F","Table":{},"Join":{"Parts":["F","F"]}}]`,
		`[{"Name":"A","Table":{}},{"Name":"F","Table":{},"Join":{"Parts":["A","A"],"On":[[0,0]]}}]`,
		`[{"Name":"A","Table":{}},{"Name":"F","Table":{},"Join":{"Parts":["A","A"],"From":[{"Part":2,"Field":1}]}}]`,
	} {
		if forms, err := schema.DecodeForms([]byte(text)); err == nil {
			t.Errorf("%s: is read as %v", text, forms)
		}
	}
}
