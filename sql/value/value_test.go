package value

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"
)

func mustParse(t testing.TB, k Kind, s string) Value {
	t.Helper()
	v, err := Parse(k, s)
	if err != nil {
		t.Fatalf("parse %q as %s: %v", s, k, err)
	}
	return v
}

func TestParse(t *testing.T) {
	t.Parallel()
	second := int64(1_000_000)
	tests := []struct {
		kind Kind
		text string
		want Value
	}{
		{KindInt, "-5", Int(-5)},
		{KindInt, "9223372036854775807", Int(math.MaxInt64)},
		{KindInt, "18446744073709551615", Value{kind: KindDecimal, s: "18446744073709551615"}},
		{KindDecimal, "-001.500", Value{kind: KindDecimal, s: "-1.5"}},
		{KindDecimal, "-0.00", Value{kind: KindDecimal, s: "0"}},
		{KindDecimal, ".5", Value{kind: KindDecimal, s: "0.5"}},
		{KindDecimal, "1.5e3", Value{kind: KindDecimal, s: "1500"}},
		{KindDecimal, "12E-5", Value{kind: KindDecimal, s: "0.00012"}},
		{KindDecimal, "nan", Value{kind: KindDecimal, s: "NaN"}},
		{KindDecimal, "-Infinity", Value{kind: KindDecimal, s: "-Infinity"}},
		{KindReal, "1e-7", Real(1e-7)},
		{KindReal, "-Infinity", Real(math.Inf(-1))},
		{KindText, "", Text("")},
		{KindBytes, "\xff\x00", Bytes([]byte{0xff, 0})},
		{KindInstant, "1970-01-01 00:00:00", Instant(0)},
		{KindInstant, "1969-12-31 23:59:59.999999+00", Instant(-1)},
		{KindInstant, "2026-11-22T21:09:00Z", Instant(1795381740 * second)},
		{KindInstant, "2026-11-22 23:39:00+02:30", Instant(1795381740 * second)},
		{KindInstant, "2026-11-22 18:09:00-03", Instant(1795381740 * second)},
		{KindInstant, "infinity", Instant(PosInfinity)},
		{KindDate, "1970-01-01", Date(EpochDay)},
		{KindDate, "2009-01-01", Date(2454833)}, // ar-database-reference, "Dates"
		{KindDate, "4714-11-24 BC", Date(0)},
		{KindDate, "0001-12-31 BC", Date(1721425)},
		{KindDate, "-infinity", Date(NegInfinity)},
		{KindTime, "-838:59:59", TimeOfDay(-3020399 * second)},
		{KindTime, "10:00:00.5", TimeOfDay(36000*second + 500_000)},
		{KindTime, "24:00:00", TimeOfDay(86400 * second)},
	}
	for _, test := range tests {
		if got := mustParse(t, test.kind, test.text); got != test.want {
			t.Errorf("%s %q: got %s %s, want %s %s", test.kind, test.text, got.Kind(), got, test.want.Kind(), test.want)
		}
	}
}

// what has no canonical form is refused.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind Kind
		text string
	}{
		{KindInt, ""},
		{KindInt, "1.5"},
		{KindInt, "NaN"},
		{KindInt, "1e3"},
		{KindInt, "+"},
		{KindInt, " 1"},
		{KindInt, "0x10"},
		{KindInt, "99999999999999999999e1"},
		{KindDecimal, ""},
		{KindDecimal, "."},
		{KindDecimal, "-"},
		{KindDecimal, "1.2.3"},
		{KindDecimal, "1e"},
		{KindDecimal, "1e99999"},
		{KindDecimal, "--1"},
		{KindDecimal, "1 "},
		{KindReal, ""},
		{KindReal, "x"},
		{KindReal, "1e999"},
		{KindReal, "0x1p4"},
		{KindReal, "1_000"},
		{KindText, "\xff"},
		{KindInstant, ""},
		{KindInstant, "0000-00-00 00:00:00"},
		{KindInstant, "2026-02-29 00:00:00"},
		{KindInstant, "2026-11-22"},
		{KindInstant, "2026-11-22 25:00:00"},
		{KindInstant, "2026-11-22 10:00:00 +02"},
		{KindInstant, "2026-11-22 10:00:00+2"},
		{KindInstant, "2026-11-22 10:00:00.1234567"},
		{KindInstant, "2026-11-22 24:00:01"},
		{KindInstant, "2026-11-22 10:00:00+99:99"},
		{KindInstant, "2026-11-22 -10:00:00"},
		{KindInstant, "2026-11-22 10:00:00.+00"},
		{KindInstant, "999999-01-01 00:00:00"},
		{KindDate, "2026-13-01"},
		{KindDate, "26-01-01"},
		{KindDate, "2026-1-1"},
		{KindDate, "2026-01-01x"},
		{KindDate, "0000-01-01"},
		{KindDate, "2026-00-01"},
		{KindTime, "10:00"},
		{KindTime, "10:60:00"},
		{KindTime, "10:00:00Z"},
		{KindTime, "10:00:60"},
		{KindTime, "10:00:00.1234567"},
		{KindTime, "10:00:00."},
		{KindTime, ":00:00"},
		{KindNull, "x"},
		{KindAbsent, ""},
	} {
		if v, err := Parse(test.kind, test.text); err == nil {
			t.Errorf("%s %q: got %s, want an error", test.kind, test.text, v)
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	five, half := mustParse(t, KindDecimal, "5.0"), mustParse(t, KindDecimal, "0.5")
	tests := []struct {
		a, b Value
		want bool
	}{
		{Null, Null, true},
		{Absent, Absent, false},
		{Unchanged, Unchanged, false},
		{Null, Text(""), false},
		{Unchanged, Null, false},
		{Int(5), five, true},
		{five, Int(5), true},
		{Int(5), half, false},
		{Int(5), Real(5), false},
		{half, Real(0.5), false},
		{Real(math.NaN()), Real(math.NaN()), true},
		{Real(0), Real(math.Copysign(0, -1)), true},
		{Text("a"), Text("A"), false},
		{Text("a"), Text("a "), false},
		{Text("a"), Bytes([]byte("a")), false},
		{Instant(0), Int(0), false},
		{Date(1), Date(1), true},
		{TimeOfDay(1), TimeOfDay(2), false},
	}
	for _, test := range tests {
		if got := test.a.Equal(test.b); got != test.want {
			t.Errorf("%s = %s: got %v", test.a, test.b, got)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]Value{
		`null`: Null, `"-"`: Absent, `"="`: Unchanged, `"i:-5"`: Int(-5), `"t:"`: Text(""), `"t:-"`: Text("-"), `"b:AP8="`: Bytes([]byte{0, 0xff}),
		`"d:1.5"`: {kind: KindDecimal, s: "1.5"}, `"r:NaN"`: Real(math.NaN()), `"p:0"`: Instant(0), `"h:1"`: Date(1), `"c:-1"`: TimeOfDay(-1),
	}
	for text, want := range tests {
		b, err := json.Marshal(want)
		if err != nil || string(b) != text {
			t.Errorf("got %s, %v, want %s", b, err, text)
		}
		var got Value
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got.Kind() != want.Kind() || want.Known() && !got.Equal(want) {
			t.Errorf("%s: got %s %s, want %s %s", text, got.Kind(), got, want.Kind(), want)
		}
	}
	for _, bad := range []string{`5`, `""`, `"x"`, `"q:1"`, `"i:x"`, `"b:!"`, `"p:x"`, `"_:1"`, `"-:1"`, `"=:1"`, `"i:1.5"`, `{}`} {
		var v Value
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s: got %s %s, want an error", bad, v.Kind(), v)
		}
	}
}

// values draws canonical values of every known kind.
func values() *rapid.Generator[Value] {
	first, _ := JulianDay(-4712, 1, 1)
	last, _ := JulianDay(99999, 12, 31)
	lo, hi := (first-EpochDay)*dayMicros, (last-EpochDay)*dayMicros
	digits := rapid.StringMatching(`-?[0-9]{0,25}(\.[0-9]{0,12})?`)
	return rapid.OneOf(
		rapid.Just(Null),
		rapid.Map(rapid.Int64(), Int),
		rapid.Map(rapid.Float64(), Real),
		rapid.Map(rapid.String(), Text),
		rapid.Map(rapid.SliceOf(rapid.Byte()), Bytes),
		rapid.Map(rapid.Int64Range(lo, hi), Instant),
		rapid.SampledFrom([]Value{Instant(PosInfinity), Instant(NegInfinity), Date(PosInfinity), Date(NegInfinity), Real(math.NaN()), Real(math.Inf(1)), Real(math.Inf(-1))}),
		rapid.Map(rapid.Int64Range(first, last), Date),
		rapid.Map(rapid.Int64Range(-838*3600_000_000, 838*3600_000_000), TimeOfDay),
		rapid.Map(digits.Filter(func(s string) bool { return strings.ContainsAny(s, "0123456789") }), func(s string) Value {
			v, err := Decimal(s)
			if err != nil {
				panic(err)
			}
			return v
		}),
	)
}

// Parse after SQL is identity, and so is reading JSON that was written.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back Value
		if err := json.Unmarshal(b, &back); err != nil || back.Kind() != v.Kind() || !back.Equal(v) {
			t.Fatalf("JSON %s: got %s %s, %v, want %s", b, back.Kind(), back, err, v)
		}
		if v.IsNull() {
			return
		}
		got, err := Parse(v.Kind(), v.SQL())
		if err != nil || got.Kind() != v.Kind() || !got.Equal(v) {
			t.Fatalf("SQL %q: got %s, %v, want %s", v.SQL(), got, err, v)
		}
	})
}

// Canonical decimals are the numbers that an exact library reads.
func TestDecimalAgainstAPD(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[+-]?[0-9]{0,12}(\.[0-9]{0,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "text")
		want, _, refErr := apd.NewFromString(s)
		got, err := Decimal(s)
		if (err == nil) != (refErr == nil) {
			t.Fatalf("%q: got %v, the reference says %v", s, err, refErr)
		}
		if err != nil {
			return
		}
		back, _, err := apd.NewFromString(got.Text())
		if err != nil || back.Cmp(want) != 0 {
			t.Fatalf("%q: got %s, want %s", s, got.Text(), want)
		}
		text := got.Text()
		if strings.ContainsAny(text, "eE+") || text == "-0" || strings.Contains(text, ".") && strings.HasSuffix(text, "0") ||
			len(text) > 1 && text[0] == '0' && text[1] != '.' {
			t.Fatalf("%q: %q is not canonical", s, text)
		}
	})
}

// Digits is Decimal of the same number.
func TestDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, fraction := rapid.StringMatching(`[0-9]{0,70}`).Draw(t, "whole"), rapid.StringMatching(`[0-9]{0,40}`).Draw(t, "fraction")
		negative := rapid.Bool().Draw(t, "negative")
		text := "0" + whole + "." + fraction
		if negative {
			text = "-" + text
		}
		want, err := Decimal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Digits(negative, []byte(whole), []byte(fraction)); err != nil || got != want {
			t.Fatalf("%s: got %s, %v, want %s", text, got, err, want)
		}
	})
	for _, bad := range []string{"1a", "-1", "1.5", "\xff"} {
		if v, err := Digits(false, []byte(bad), nil); err == nil {
			t.Errorf("%q: got %s, want an error", bad, v)
		}
		if v, err := Digits(false, nil, []byte(bad)); err == nil {
			t.Errorf("0.%q: got %s, want an error", bad, v)
		}
	}
	if RawBytes("\xff\x00") != Bytes([]byte{0xff, 0}) {
		t.Error("RawBytes and Bytes of the same differ")
	}
}

func TestDaysAgainstTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.Int64Range(-1_000_000, 10_000_000).Draw(t, "day")
		y, m, d := civil(day)
		want := time.Unix((day-EpochDay)*86400, 0).UTC()
		if int(y) != want.Year() || int(m) != int(want.Month()) || int(d) != want.Day() {
			t.Fatalf("day %d: got %d-%d-%d, want %s", day, y, m, d, want)
		}
		if back, ok := JulianDay(y, m, d); back != day || !ok {
			t.Fatalf("day %d: came back as %d", day, back)
		}
		if n := daysIn(y, m); n != int64(time.Date(int(y), time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()) {
			t.Fatalf("%d-%d: got %d days", y, m, n)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"5", "1e20000", "-1.5e-20000", "2026-11-22 21:09:00.5+02:30", "4713-01-01 00:00:00 BC", "-838:59:59.000001", "infinity", "NaN", "999999-12-31 24:00:00-15:59:59"} {
		for k := KindInt; k <= KindTime; k++ {
			f.Add(uint8(k), s)
		}
	}
	f.Fuzz(func(t *testing.T, k uint8, s string) {
		kind := KindInt + Kind(k)%(KindTime-KindInt+1)
		v, err := Parse(kind, s)
		if err != nil {
			return
		}
		back, err := Parse(v.Kind(), v.SQL())
		if err != nil || back.Kind() != v.Kind() || !back.Equal(v) {
			t.Fatalf("%s %q: %s came back as %s, %v", kind, s, v, back, err)
		}
	})
}

func FuzzUnmarshalJSON(f *testing.F) {
	for _, s := range []string{`null`, `"-"`, `"="`, `"i:5"`, `"t:x"`, `"b:AA=="`, `"d:1e5"`, `"p:9223372036854775807"`, `"q:"`, `"i:18446744073709551615"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v Value
		if json.Unmarshal(b, &v) != nil {
			return
		}
		if v.Kind() == KindText && !utf8.ValidString(v.Text()) {
			t.Fatalf("%q is no text", v.Text())
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back Value
		if err := json.Unmarshal(out, &back); err != nil || back != v && !(v.Kind() == KindReal && back.Equal(v)) {
			t.Fatalf("%s: %s came back as %s, %v", b, v, back, err)
		}
	})
}

func TestJulianDay(t *testing.T) {
	for _, tt := range []struct {
		y, m, d, want int64
		ok            bool
	}{
		{1970, 1, 1, EpochDay, true},
		{2000, 2, 29, 2451604, true},
		{2100, 2, 29, 0, false},
		{2026, 0, 10, 0, false},
		{2026, 13, 1, 0, false},
		{2026, 4, 31, 0, false},
		{2026, 1, 0, 0, false},
		{-4712, 1, 1, 38, true},
	} {
		if got, ok := JulianDay(tt.y, tt.m, tt.d); got != tt.want || ok != tt.ok {
			t.Errorf("%d-%d-%d: got %d, %t, want %d, %t", tt.y, tt.m, tt.d, got, ok, tt.want, tt.ok)
		}
	}
}
