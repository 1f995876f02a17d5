package schema_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"ardso/sql/schema"
	"ardso/sql/value"

	"pgregory.net/rapid"
)

func decimal(t interface{ Fatal(...any) }, s string) value.Value {
	v, err := value.Decimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Nothing is cut, rounded or replaced: what a field or its column cannot hold whole is refused by name
// (dso-reference 10.5; ).
func TestFits(t *testing.T) {
	t.Parallel()
	text := func(c schema.Column) schema.Field {
		c.Kind = value.KindText
		return schema.Field{Type: schema.Character, Column: &c}
	}
	integer := func(bits int, unsigned bool) schema.Field {
		return schema.Field{Type: schema.Integer, Column: &schema.Column{Kind: value.KindInt, Bits: bits, Unsigned: unsigned, DataType: "int"}}
	}
	number := func(precision, scale int, min, max string) schema.Field {
		return schema.Field{Type: schema.Decimal, Min: min, Max: max, Column: &schema.Column{Kind: value.KindDecimal, Precision: precision, Scale: scale, BaseType: "numeric", DataType: "numeric"}}
	}
	moment := func(kind value.Kind, scale int) schema.Field {
		typ := schema.DateTime
		if kind == value.KindTime {
			typ = schema.Time
		}
		return schema.Field{Type: typ, Column: &schema.Column{Kind: kind, Scale: scale, DataType: "timestamp"}}
	}
	single := schema.Field{Type: schema.Real, Column: &schema.Column{Kind: value.KindReal, Single: true}}
	bytes := schema.Field{Type: schema.Bytes, Column: &schema.Column{Kind: value.KindBytes, Length: 2, LengthInBytes: true}}
	sqliteNumber := schema.Field{Type: schema.Decimal, Column: &schema.Column{Kind: value.KindDecimal, Untyped: true, DataType: "numeric"}}
	dec := func(s string) value.Value { return decimal(t, s) }
	tests := []struct {
		name  string
		field schema.Field
		v     value.Value
		want  string // kind of the error
	}{
		{"characters", text(schema.Column{Length: 3}), value.Text("äöü"), ""},
		{"SQLite keeps 15 digits", sqliteNumber, dec("-123456789.012345"), ""},
		{"and no more", sqliteNumber, dec("123456789.0123456"), "value.precision"},
		{"SQLite keeps 64-bit integers", sqliteNumber, dec("9223372036854775807"), ""},
		{"and no larger ones", sqliteNumber, dec("9223372036854775809"), "value.precision"},
		{"SQLite keeps round numbers", sqliteNumber, dec("1e300"), ""},
		{"one more", text(schema.Column{Length: 3}), value.Text("äöü!"), "value.too_long"},
		{"beyond the BMP counts once", text(schema.Column{Length: 1}), value.Text("😀"), ""},
		{"bytes", text(schema.Column{Length: 6, LengthInBytes: true}), value.Text("äöü"), ""},
		{"one byte more", text(schema.Column{Length: 5, LengthInBytes: true}), value.Text("äöü"), "value.too_long"},
		{"unlimited", text(schema.Column{}), value.Text(strings.Repeat("x", 1<<20)), ""},
		{"U+0000", text(schema.Column{}), value.Text("a\x00b"), "value.character"},
		{"four bytes in utf8mb3", text(schema.Column{Charset: "utf8mb3"}), value.Text("😀"), "value.character"},
		{"three bytes in utf8mb3", text(schema.Column{Charset: "utf8mb3"}), value.Text("€"), ""},
		{"umlaut in ascii", text(schema.Column{Charset: "ascii"}), value.Text("ä"), "value.character"},
		{"utf8mb4", text(schema.Column{Charset: "utf8mb4"}), value.Text("😀"), ""},
		{"16 bits", integer(16, false), value.Int(32767), ""},
		{"16 bits, too much", integer(16, false), value.Int(32768), "value.out_of_range"},
		{"16 bits, too little", integer(16, false), value.Int(-32769), "value.out_of_range"},
		{"24 bits unsigned", integer(24, true), value.Int(1<<24 - 1), ""},
		{"24 bits unsigned, too much", integer(24, true), value.Int(1 << 24), "value.out_of_range"},
		{"unsigned below zero", integer(32, true), value.Int(-1), "value.out_of_range"},
		{"64 bits", integer(64, false), value.Int(math.MinInt64), ""},
		{"64 bits unsigned", integer(64, true), dec("18446744073709551615"), ""},
		{"64 bits unsigned, too much", integer(64, true), dec("18446744073709551616"), "value.out_of_range"},
		{"64 bits unsigned below zero", integer(64, true), value.Int(-1), "value.out_of_range"},
		{"32 bits unsigned, from a decimal", integer(32, true), dec("4294967296"), "value.out_of_range"},
		{"32 bits unsigned, from a decimal that fits", integer(32, true), dec("4294967295"), ""},
		{"truth", integer(1, false), value.Int(1), ""},
		{"more than truth", integer(1, false), value.Int(2), "value.out_of_range"},
		{"decimals", number(6, 2, "", ""), dec("-1234.56"), ""},
		{"one decimal more", number(6, 2, "", ""), dec("1.234"), "value.precision"},
		{"one digit more", number(6, 2, "", ""), dec("12345"), "value.out_of_range"},
		{"no integer digits", number(2, 2, "", ""), dec("-0.99"), ""},
		{"one integer digit too many", number(2, 2, "", ""), dec("1"), "value.out_of_range"},
		{"limits", number(0, 0, "-5", "10.5"), dec("10.5"), ""},
		{"above the limit", number(0, 0, "-5", "10.5"), dec("10.51"), "value.out_of_range"},
		{"below the limit", number(0, 0, "-5", "10.5"), dec("-5.1"), "value.out_of_range"},
		{"limits compare as numbers", number(0, 0, "", "9"), dec("10"), "value.out_of_range"},
		{"NaN in numeric", number(0, 0, "", ""), dec("NaN"), ""},
		{"NaN in numeric(6,2)", number(6, 2, "", ""), dec("NaN"), "value.out_of_range"},
		{"infinity in an integer", integer(64, false), dec("Infinity"), "value.type"},
		{"single", single, value.Real(0.5), ""},
		{"double in single", single, value.Real(0.1), "value.precision"},
		{"NaN in single", single, value.Real(math.NaN()), ""},
		{"microseconds", moment(value.KindInstant, 6), value.Instant(1), ""},
		{"microseconds in milliseconds", moment(value.KindInstant, 3), value.Instant(1001), "value.precision"},
		{"milliseconds", moment(value.KindInstant, 3), value.Instant(1000), ""},
		{"whole seconds of a time", moment(value.KindTime, 0), value.TimeOfDay(1_000_000), ""},
		{"half a second of a time", moment(value.KindTime, 0), value.TimeOfDay(1_500_000), "value.precision"},
		{"infinity", moment(value.KindInstant, 0), value.Instant(value.PosInfinity), ""},
		{"bytes that fit", bytes, value.Bytes([]byte{0, 1}), ""},
		{"bytes that do not", bytes, value.Bytes([]byte{0, 1, 2}), "value.too_long"},
		{"another type", integer(32, false), value.Text("1"), "value.type"},
		{"NULL", integer(32, false), value.Null, ""},
		{"unchanged", integer(32, false), value.Unchanged, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.field.ID, test.field.Name = 9, "Field"
			_, err := test.field.Fits(test.v)
			got := ""
			if e, ok := errors.AsType[*schema.FitError](err); ok {
				got = e.Name()
				if e.Remedy() == "" || !strings.Contains(e.Error(), `field "Field" (9)`) {
					t.Errorf("got error %v", e)
				}
			}
			if got != test.want || (err != nil) != (test.want != "") {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

// Fits says of numbers what arithmetic says, and of text what counting says.
func TestFitsAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		precision := rapid.IntRange(1, 6).Draw(t, "precision")
		scale := rapid.IntRange(0, precision).Draw(t, "scale")
		lo, hi := rapid.IntRange(-200, 200).Draw(t, "min"), rapid.IntRange(-200, 200).Draw(t, "max")
		f := schema.Field{Type: schema.Decimal, Min: fmt.Sprint(lo), Max: fmt.Sprint(hi), Column: &schema.Column{Kind: value.KindDecimal, Precision: precision, Scale: scale}}
		s := rapid.StringMatching(`-?[0-9]{1,4}(\.[0-9]{1,4})?`).Draw(t, "number")
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatal(s)
		}
		shifted := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
		want := shifted.IsInt() && new(big.Int).Abs(shifted.Num()).Cmp(limit) < 0 &&
			r.Cmp(big.NewRat(int64(lo), 1)) >= 0 && r.Cmp(big.NewRat(int64(hi), 1)) <= 0
		if _, err := f.Fits(decimal(t, s)); (err == nil) != want {
			t.Fatalf("%s in numeric(%d,%d) of %d to %d: got %v, want %v", s, precision, scale, lo, hi, err, want)
		}

		text := rapid.StringOfN(rapid.SampledFrom([]rune("aä€😀")), 0, 8, -1).Draw(t, "text")
		length, inBytes := rapid.IntRange(1, 12).Draw(t, "length"), rapid.Bool().Draw(t, "in bytes")
		c := schema.Field{Type: schema.Character, MaxLength: length, LengthInBytes: inBytes, Column: &schema.Column{Kind: value.KindText}}
		n := utf8.RuneCountInString(text)
		if inBytes {
			n = len(text)
		}
		if _, err := c.Fits(value.Text(text)); (err == nil) != (n <= length) {
			t.Fatalf("%q, %d of %d: got %v", text, n, length, err)
		}
	})
}
