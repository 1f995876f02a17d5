package trigger

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestParseImage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want []any
	}{
		{"", nil},
		{"NULL", []any{nil}},
		{"1,-2,9223372036854775807,-9223372036854775808", []any{int64(1), int64(-2), int64(math.MaxInt64), int64(math.MinInt64)}},
		{"0.1,1.0e+308,-2.5e-07,9.0e+999,-9.0e+999", []any{0.1, 1e308, -2.5e-07, math.Inf(1), math.Inf(-1)}},
		{"'','a','it''s','''','a,b'", []any{"", "a", "it's", "'", "a,b"}},
		{"X'00FF',X'',T'610062'", []any{[]byte{0, 255}, []byte{}, "a\x00b"}},
		{"'漢字😀',NULL", []any{"漢字😀", nil}},
	}
	for _, tt := range tests {
		got, err := parseImage(tt.in)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parseImage(%s) = %#v, %v; want %#v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseImageRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		",", "1,", ",1", "1 ,2", "null", "NULLX", "'a", "'a'b", "'a''", "X'0", "X'0'", "X'zz'", "T'",
		"+1", "--1", "-", "1e5x", "0x10", "1_0", "nan", "inf", "9223372036854775808", ".5", "1..2", "1.0e", "a",
	} {
		if got, err := parseImage(in); err == nil {
			t.Errorf("parseImage(%q) = %#v; want an error", in, got)
		}
	}
}

// FuzzParseImage: no panic, and what is accepted prints to an image of the same values.
func FuzzParseImage(f *testing.F) {
	for _, s := range []string{
		"NULL,1,-0.5,'it''s',X'00FF',T'6100'", "9.0e+999", "''", "'", "X'", "-0.0,1.0e+308", "1,,2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		list, err := parseImage(in)
		if err != nil {
			return
		}
		again, err := parseImage(printImage(list))
		if err != nil || !equalImages(list, again) {
			t.Errorf("parseImage(%q) = %#v, then %#v, %v", in, list, again, err)
		}
	})
}

func equalImages(a, b []any) bool { return reflect.DeepEqual(a, b) }

func printImage(list []any) string {
	parts := make([]string, len(list))
	for i, x := range list {
		switch x := x.(type) {
		case nil:
			parts[i] = "NULL"
		case int64:
			parts[i] = strconv.FormatInt(x, 10)
		case float64:
			switch {
			case math.IsInf(x, 0):
				parts[i] = strings.TrimPrefix(strconv.FormatFloat(math.Copysign(9, x), 'f', 1, 64)+"e+999", "+")
			default:
				parts[i] = strconv.FormatFloat(x, 'e', -1, 64)
			}
		case string:
			parts[i] = "'" + strings.ReplaceAll(x, "'", "''") + "'"
		case []byte:
			parts[i] = "X'" + strings.ToUpper(hexOf(x)) + "'"
		}
	}
	return strings.Join(parts, ",")
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}
