package request_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/cdc"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// form makes a form of fields of these types; the first keys of them are the key.
func form(keys int, types ...schema.Type) *schema.Form {
	f := &schema.Form{Name: "F", EmptyIsNull: true}
	for i, t := range types {
		f.Fields = append(f.Fields, &schema.Field{ID: i + 1, Name: fmt.Sprint("f", i+1), Type: t, Index: i, Column: &schema.Column{Name: fmt.Sprint("c", i+1)}})
	}
	f.Key = f.Fields[:keys]
	return f
}

func TestShape(t *testing.T) {
	t.Parallel()
	f := form(1, schema.Character, schema.Integer, schema.Character, schema.DateTime)
	shape, missing := request.NewShape(f, &cdc.Relation{Columns: []string{"other", "C4", "c1", "c2"}})
	if len(missing) != 1 || missing[0] != f.Fields[2] {
		t.Fatalf("got missing %v", missing)
	}
	im, err := shape.Image([]value.Value{value.Text("x"), value.Int(60), value.Text(""), value.Int(5)})
	if err != nil {
		t.Fatal(err)
	}
	// The key is empty, which is NULL on this form; the date/time is kept in seconds.
	want := request.Image{value.Null, value.Int(5), value.Absent, value.Instant(60_000_000)}
	for i := range want {
		if im[i] != want[i] {
			t.Errorf("field %d: got %s, want %s", i+1, im[i], want[i])
		}
	}
	if im, err := shape.Image(nil); im != nil || err != nil {
		t.Errorf("no row: got %v, %v", im, err)
	}
	im, err = shape.Image([]value.Value{value.Null, value.Text("x"), value.Text("R"), value.Text("y")})
	if e, ok := errors.AsType[*request.ValueError](err); !ok || !strings.Contains(e.Error(), `"f2"`) || e.Remedy() == "" || e.Name() != "value.undecodable" {
		t.Errorf("got %v", err)
	}
	if im[0].Text() != "R" || im[1] != value.Unchanged || im[3] != value.Unchanged {
		t.Errorf("what means nothing: got %v", im)
	}
	was := []value.Value{value.Null, value.Text("x"), value.Text("R"), value.Text("y")}
	if im, err := shape.After([]value.Value{value.Null, value.Text("x"), value.Text("R"), value.Text("y")}, was); err != nil || im[1] != value.Unchanged {
		t.Errorf("what meant nothing before, and is as it was: got %v, %v", im, err)
	}
	if _, err := shape.After([]value.Value{value.Null, value.Text("z"), value.Text("R"), value.Text("y")}, was); err == nil {
		t.Error("what means nothing, and is another than before: got no error")
	}
	if im, _ := shape.Image([]value.Value{value.Null}); im[0] != value.Absent {
		t.Errorf("a row shorter than the relation: got %v", im)
	}
}

// A Request ID is read back as the key that it was made of, and two keys never have one ID.
func TestIDRoundTrip(t *testing.T) {
	t.Parallel()
	drawKey := map[schema.Type]func(*rapid.T) value.Value{
		schema.Character: func(t *rapid.T) value.Value {
			return value.Text(rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune(`|\aä`))), rapid.String()).Draw(t, "text"))
		},
		schema.Integer:  func(t *rapid.T) value.Value { return value.Int(rapid.Int64().Draw(t, "integer")) },
		schema.Real:     func(t *rapid.T) value.Value { return value.Real(rapid.Float64().Draw(t, "real")) },
		schema.DateTime: func(t *rapid.T) value.Value { return value.Instant(rapid.Int64Range(-1<<52, 1<<52).Draw(t, "instant")) },
		schema.Date: func(t *rapid.T) value.Value {
			return value.Date(rapid.Int64Range(2_000_000, 3_000_000).Draw(t, "date"))
		},
		schema.Time: func(t *rapid.T) value.Value {
			return value.TimeOfDay(rapid.Int64Range(0, 86_399_999_999).Draw(t, "time"))
		},
		schema.Decimal: func(t *rapid.T) value.Value {
			v, _ := value.Decimal(fmt.Sprintf("%d.%d", rapid.Int32().Draw(t, "whole"), rapid.Uint32().Draw(t, "fraction")))
			return v
		},
	}
	types := []schema.Type{schema.Character, schema.Integer, schema.Real, schema.DateTime, schema.Date, schema.Time, schema.Decimal}
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom(types), 1, 3).Draw(t, "types")
		f := form(len(kinds), kinds...)
		key := func() (im request.Image) {
			for _, k := range kinds {
				im = append(im, drawKey[k](t))
			}
			return im
		}
		a, b := key(), key()
		back, err := request.ParseID(f, request.ID(f, a))
		if err != nil || !slices.EqualFunc(a, back, value.Value.Equal) {
			t.Fatalf("%v is %q and came back as %v, %v", a, request.ID(f, a), back, err)
		}
		if same := slices.EqualFunc(a, b, value.Value.Equal); same != (request.ID(f, a) == request.ID(f, b)) {
			t.Fatalf("%v and %v are %q and %q", a, b, request.ID(f, a), request.ID(f, b))
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	for id, f := range map[string]*schema.Form{
		"x":     form(1, schema.Integer),
		"1":     form(2, schema.Integer, schema.Integer),
		"1|2|3": form(2, schema.Integer, schema.Integer),
		`1\|2`:  form(2, schema.Character, schema.Integer),
	} {
		if key, err := request.ParseID(f, id); err == nil || !strings.Contains(err.Error(), `"F"`) {
			t.Errorf("%s: got %v, %v", id, key, err)
		}
	}
}

// The matrix of dso-reference 10.5: from, value, to, what it becomes ("!" = refused).
func TestConvert(t *testing.T) {
	t.Parallel()
	labels := []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 1, Label: "Open"}, {ID: 7, Label: "Gone"}}
	there := []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 1, Label: "Closed"}, {ID: 5, Label: "Open"}}
	decimal := func(s string) value.Value {
		v, err := value.Decimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	noon := value.Instant(1_800_014_400_000_000) // 2027-01-15 12:00
	tests := []struct {
		from schema.Type
		v    value.Value
		to   schema.Type
		want string
	}{
		{schema.Character, value.Text(" 12 "), schema.Integer, "12"},
		{schema.Character, value.Text("1.5"), schema.Integer, "!"},
		{schema.Character, value.Text("x"), schema.Integer, "!"},
		{schema.Character, value.Text("1.50"), schema.Decimal, "1.5"},
		{schema.Character, value.Text("0.5"), schema.Real, "0.5"},
		{schema.Character, value.Text("0.1234567890123456789"), schema.Real, "!"},
		{schema.Character, value.Text("open"), schema.Selection, "5"},
		{schema.Character, value.Text("1"), schema.Selection, "1"},
		{schema.Character, value.Text("9"), schema.Selection, "!"},
		{schema.Character, value.Text("2027-01-15 12:00:00"), schema.DateTime, "2027-01-15 12:00:00"},
		{schema.Character, value.Text("noon"), schema.DateTime, "!"},
		{schema.Character, value.Text("2027-01-15"), schema.Date, "2027-01-15"},
		{schema.Character, value.Text("12:00:00"), schema.Time, "12:00:00"},
		{schema.Character, value.Text("x"), schema.Diary, "x"},
		{schema.Character, value.Text("x"), schema.Attachment, "!"},
		{schema.Integer, value.Int(-3), schema.Character, "-3"},
		{schema.Integer, value.Int(3), schema.Decimal, "3"},
		{schema.Integer, value.Int(1 << 53), schema.Real, "9.007199254740992e+15"},
		{schema.Integer, value.Int(1<<53 + 1), schema.Real, "!"},
		{schema.Integer, value.Int(5), schema.Selection, "5"},
		{schema.Integer, value.Int(6), schema.Selection, "!"},
		{schema.Integer, value.Int(1_800_014_400), schema.DateTime, "2027-01-15 12:00:00"},
		{schema.Integer, value.Int(1 << 62), schema.DateTime, "!"},
		{schema.Integer, value.Int(2_440_588), schema.Date, "1970-01-01"},
		{schema.Integer, value.Int(43200), schema.Time, "12:00:00"},
		{schema.Integer, value.Int(86400), schema.Time, "!"},
		{schema.Decimal, decimal("12.0"), schema.Integer, "12"},
		{schema.Decimal, decimal("12.5"), schema.Integer, "!"},
		{schema.Decimal, decimal("99999999999999999999"), schema.Integer, "!"},
		{schema.Decimal, decimal("5"), schema.Selection, "5"},
		{schema.Decimal, decimal("1.25"), schema.Character, "1.25"},
		{schema.Decimal, decimal("1"), schema.DateTime, "!"},
		{schema.Real, value.Real(2), schema.Integer, "2"},
		{schema.Real, value.Real(2.5), schema.Integer, "!"},
		{schema.Real, value.Real(0.1), schema.Decimal, "0.1"},
		{schema.Selection, value.Int(1), schema.Character, "Open"},
		{schema.Selection, value.Int(2), schema.Character, "!"}, // no label on the source
		{schema.Selection, value.Int(1), schema.Integer, "1"},
		{schema.Selection, value.Int(0), schema.Selection, "0"},
		{schema.Selection, value.Int(1), schema.Selection, "5"}, // by label where the numbers disagree
		{schema.Selection, value.Int(7), schema.Selection, "!"},
		{schema.Selection, value.Int(2), schema.Selection, "!"},
		{schema.DateTime, noon, schema.Character, "2027-01-15 12:00:00"},
		{schema.DateTime, noon, schema.Integer, "1800014400"},
		{schema.DateTime, value.Instant(1), schema.Integer, "!"},
		{schema.DateTime, value.Instant(value.PosInfinity), schema.Integer, "!"},
		{schema.DateTime, noon, schema.Date, "2027-01-15"},
		{schema.DateTime, value.Instant(-1), schema.Date, "1969-12-31"},
		{schema.DateTime, noon, schema.Time, "12:00:00"},
		{schema.DateTime, value.Instant(-1), schema.Time, "23:59:59.999999"},
		{schema.Date, value.Date(2_440_588), schema.DateTime, "1970-01-01 00:00:00"},
		{schema.Date, value.Date(2_440_588), schema.Integer, "2440588"},
		{schema.Date, value.Date(value.NegInfinity), schema.DateTime, "!"},
		{schema.Time, value.TimeOfDay(60_000_000), schema.Integer, "60"},
		{schema.Time, value.TimeOfDay(60_000_000), schema.Character, "00:01:00"},
		{schema.Bytes, value.Bytes([]byte("x")), schema.Character, "!"},
		{schema.Bytes, value.Bytes([]byte("x")), schema.Attachment, "0x78"},
		{schema.Character, value.Null, schema.Integer, "<null>"},
		{schema.Character, value.Unchanged, schema.Integer, "<unchanged>"},
		{schema.Character, value.Absent, schema.Selection, "<absent>"},
	}
	for _, test := range tests {
		from := &schema.Field{ID: 8, Name: "From", Type: test.from}
		to := &schema.Field{ID: 9, Name: "To", Type: test.to}
		if test.from == schema.Selection {
			from.Values = labels
		}
		if test.to == schema.Selection {
			to.Values = there
		}
		got, err := request.Convert(test.v, from, to)
		text := got.String()
		if err != nil {
			text = "!"
			if e, ok := errors.AsType[*request.ConvertError](err); !ok || e.Name() != "value.type" || !strings.Contains(e.Error(), `field "From" (8) to field "To" (9)`) {
				t.Errorf("%s %s to %s: got error %v", test.from, test.v, test.to, err)
			}
		}
		if text != test.want {
			t.Errorf("%s %s to %s: got %s (%v), want %s", test.from, test.v, test.to, text, err, test.want)
		}
	}
	plain := &schema.Field{ID: 9, Name: "To", Type: schema.Selection}
	if got, err := request.Convert(value.Int(42), &schema.Field{Type: schema.Selection, Values: nil}, plain); err != nil || got.Int() != 42 {
		t.Errorf("a selection without labels takes any number: got %s, %v", got, err)
	}
	_, err := request.Convert(value.Text("x"), nil, &schema.Field{ID: 9, Name: "To", Type: schema.Integer})
	if err == nil || !strings.HasPrefix(err.Error(), `expression to field "To" (9): text`) {
		t.Errorf("of an expression: got %v", err)
	}
}

// What Convert gives is of the target's kind, and converting it back to a wider type loses nothing.
func TestConvertIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		wide := rapid.SampledFrom([]schema.Type{schema.Character, schema.Decimal, schema.Real, schema.DateTime}).Draw(t, "to")
		from, to := &schema.Field{Type: schema.Integer}, &schema.Field{Type: wide}
		v, err := request.Convert(value.Int(n), from, to)
		if err != nil {
			if wide == schema.Character || wide == schema.Decimal {
				t.Fatal(err)
			}
			return
		}
		back, err := request.Convert(v, to, from)
		if err != nil && wide == schema.Real && (n >= 1<<53 || n <= -1<<53) {
			return // refused, not changed
		}
		if err != nil || !back.Equal(value.Int(n)) {
			t.Fatalf("%d became %s and came back as %s, %v", n, v, back, err)
		}
	})
}
