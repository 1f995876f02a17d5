package schema_test

import (
	"testing"

	"ardso/sql/schema"
	"ardso/sql/value"

	"pgregory.net/rapid"
)

func TestNextIDFormat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		next schema.NextID
		n    int64
		want string
	}{
		{schema.NextID{Length: 15}, 42, "000000000000042"},
		{schema.NextID{Prefix: "HD", Length: 15}, 1, "HD0000000000001"}, // ar-database-reference, "Request IDs"
		{schema.NextID{Prefix: "HD", Length: 1}, 1, "HD1"},
		{schema.NextID{Prefix: "HELPDESK", Length: 5}, 7, "HELPDESK7"},
		{schema.NextID{Length: 5}, 1234567, "1234567"},
	}
	for _, test := range tests {
		if got := test.next.Format(test.n); got != test.want {
			t.Errorf("%+v of %d: got %q, want %q", test.next, test.n, got, test.want)
		}
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	f := schema.Field{Values: []schema.EnumValue{{ID: 0, Label: "new"}, {ID: 1, Label: "New"}, {ID: 4, Label: "Closed"}}}
	for label, want := range map[string]int64{"new": 0, "New": 1, "CLOSED": 4, "NEW": 0} {
		if n, ok := f.Number(label); !ok || n != want {
			t.Errorf("%s: got %d, %v, want %d", label, n, ok, want)
		}
	}
	if _, ok := f.Number("Open"); ok {
		t.Error("got a number for a label that is not there")
	}
	if label, ok := f.Label(4); !ok || label != "Closed" {
		t.Errorf("got label %q", label)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for i := schema.Integer; i <= schema.Time; i++ {
		if back, ok := schema.ParseType(i.String()); !ok || back != i {
			t.Errorf("%s: came back as %s, %v", i, back, ok)
		}
	}
	if _, ok := schema.ParseType("type 40"); ok || schema.Type(40).String() != "type 40" {
		t.Error("type 40 is known")
	}
}

func TestColumnByName(t *testing.T) {
	t.Parallel()
	table := schema.Table{Columns: []*schema.Column{{Name: "c1"}, {Name: "C1"}, {Name: "Other"}}}
	for name, want := range map[string]string{"C1": "C1", "c1": "c1", "OTHER": "Other"} {
		if c := table.Column(name); c == nil || c.Name != want {
			t.Errorf("%s: got %v", name, c)
		}
	}
	if table.Column("none") != nil {
		t.Error("got a column that is not there")
	}
}

// What a column stores means the same after it was written back: Stored is Logical's inverse.
func TestStoredAfterLogical(t *testing.T) {
	t.Parallel()
	kinds := map[schema.Type][]value.Kind{
		schema.Integer: {value.KindInt}, schema.Selection: {value.KindInt}, schema.Real: {value.KindReal},
		schema.Decimal: {value.KindDecimal, value.KindInt}, schema.DateTime: {value.KindInstant, value.KindInt, value.KindDate},
		schema.Date: {value.KindDate, value.KindInt}, schema.Time: {value.KindTime, value.KindInt},
		schema.Character: {value.KindText}, schema.Diary: {value.KindText},
	}
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]schema.Type{schema.Integer, schema.Selection, schema.Real, schema.Decimal, schema.DateTime, schema.Date, schema.Time, schema.Character, schema.Diary}).Draw(t, "type")
		kind := rapid.SampledFrom(kinds[typ]).Draw(t, "kind")
		f := schema.Field{Name: "F", ID: 7, Type: typ, Column: &schema.Column{Kind: kind, DataType: kind.String()}}
		n := rapid.Int64Range(-1<<31, 1<<31-1).Draw(t, "n")
		var v value.Value
		switch kind {
		case value.KindInt:
			v = value.Int(n)
		case value.KindReal:
			v = value.Real(rapid.Float64().Draw(t, "f"))
		case value.KindDecimal:
			v, _ = value.Decimal(value.Int(n).SQL() + ".25")
		case value.KindText:
			v = value.Text("x" + rapid.String().Draw(t, "s"))
		case value.KindInstant:
			v = value.Instant(n)
		case value.KindDate:
			v = value.Date(n % 5_000_000)
		case value.KindTime:
			v = value.TimeOfDay(n)
		}
		logical, err := f.Logical(v, true)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.Stored(logical)
		if err != nil || back.Kind() != v.Kind() || !back.Equal(v) {
			t.Fatalf("%s in %s: %s became %s and came back as %s, %v", typ, kind, v, logical, back, err)
		}
	})
}

func TestStoredRefuses(t *testing.T) {
	t.Parallel()
	half, _ := value.Decimal("0.5")
	tenth, _ := value.Decimal("0.1000000000000000055")
	tests := []struct {
		name   string
		typ    schema.Type
		column value.Kind
		v      value.Value
	}{
		{"half a second in whole seconds", schema.DateTime, value.KindInt, value.Instant(500_000)},
		{"infinity in whole seconds", schema.DateTime, value.KindInt, value.Instant(value.PosInfinity)},
		{"time of day in a date", schema.DateTime, value.KindDate, value.Instant(1_000_000)},
		{"fraction in an integer", schema.Integer, value.KindInt, half},
		{"digits that a float loses", schema.Decimal, value.KindReal, tenth},
		{"2^53+1 in a float", schema.Real, value.KindReal, value.Int(1<<53 + 1)},
		{"bytes in text", schema.Character, value.KindText, value.Bytes([]byte("x"))},
		{"infinite date as a number", schema.Date, value.KindInt, value.Date(value.NegInfinity)},
	}
	for _, test := range tests {
		f := schema.Field{Type: test.typ, Column: &schema.Column{Kind: test.column, DataType: "x"}}
		if got, err := f.Stored(test.v); err == nil {
			t.Errorf("%s: got %s", test.name, got)
		}
	}
	empty := schema.Field{Type: schema.Character, Column: &schema.Column{Kind: value.KindText}}
	for _, emptyIsNull := range []bool{true, false} {
		if got, err := empty.Logical(value.Text(""), emptyIsNull); err != nil || got.IsNull() != emptyIsNull {
			t.Errorf("empty is NULL %v: got %s, %v", emptyIsNull, got, err)
		}
	}
}
