// Package value holds one database value in canonical form.
//
// The same stored value yields the same Value whether it came from a log, from a SELECT or from the
// verifier, and whichever engine holds it (INV-5). Three states that one Go nil cannot carry have
// kinds of their own (INV-4): Absent (the image has no such column), Unchanged (the row has it, the
// log did not send it) and Null.
//
// What it leaves to others: which kind a column has (package catalog), and what a number means to
// AR System, such as epoch seconds or a Julian day (package request).
//
// Read Kind, then Value and its constructors, then Parse and Value.SQL, which turn the text form
// that databases speak into values and back.
package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what a Value holds.
type Kind uint8

const (
	KindAbsent    Kind = iota // the image has no such column
	KindUnchanged             // the row has a value, the log did not send it (PD-1)
	KindNull                  // SQL NULL
	KindInt                   // int64
	KindDecimal               // exact decimal of any size; also NaN, Infinity and -Infinity
	KindReal                  // float64; a 32-bit float is widened exactly
	KindText                  // valid UTF-8
	KindBytes                 // bytes
	KindInstant               // microseconds since 1970-01-01 00:00 UTC; a zoneless timestamp counts as UTC
	KindDate                  // Julian day number, 1970-01-01 = 2440588
	KindTime                  // microseconds since midnight; MySQL's TIME may be negative or over a day
)

var kindNames = [...]string{"absent", "unchanged", "null", "integer", "decimal", "real", "text", "bytes", "instant", "date", "time"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Infinite instants and dates, which only PostgreSQL can store.
const (
	PosInfinity int64 = math.MaxInt64
	NegInfinity int64 = math.MinInt64
)

// EpochDay is the Julian day number of 1970-01-01.
const EpochDay = 2440588

// Value is one database value. The zero Value is absent. Values are immutable; use Equal to compare.
type Value struct {
	kind Kind
	n    int64  // int, instant, date, time; the bits of a real
	s    string // decimal, text, bytes
}

var (
	Absent    = Value{}
	Unchanged = Value{kind: KindUnchanged}
	Null      = Value{kind: KindNull}
)

func Int(n int64) Value        { return Value{kind: KindInt, n: n} }
func Real(f float64) Value     { return Value{kind: KindReal, n: int64(math.Float64bits(f))} }
func Text(s string) Value      { return Value{kind: KindText, s: s} }
func Bytes(b []byte) Value     { return Value{kind: KindBytes, s: string(b)} }
func Instant(us int64) Value   { return Value{kind: KindInstant, n: us} }
func Date(day int64) Value     { return Value{kind: KindDate, n: day} }
func TimeOfDay(us int64) Value { return Value{kind: KindTime, n: us} }

// Decimal takes a number as SQL writes it (sign, digits, point, exponent; or NaN, Infinity,
// -Infinity) and brings it to canonical form: no exponent, no leading or trailing zeros, no -0.
func Decimal(s string) (Value, error) {
	c, err := canonicalDecimal(s)
	if err != nil {
		return Value{}, err
	}
	return Value{kind: KindDecimal, s: c}, nil
}

// RawBytes is Bytes of what is a string already.
func RawBytes(s string) Value { return Value{kind: KindBytes, s: s} }

// Digits makes a decimal of its digits before and behind the point, '0' to '9', without building a text of the
// number first. Its error is a *SyntaxError.
func Digits(negative bool, whole, fraction []byte) (Value, error) {
	if !allDigits(whole) || !allDigits(fraction) {
		return Value{}, &SyntaxError{KindDecimal, string(whole) + "." + string(fraction)}
	}
	whole, fraction = bytes.TrimLeft(whole, "0"), bytes.TrimRight(fraction, "0")
	if len(whole)+len(fraction) == 0 {
		return Value{kind: KindDecimal, s: "0"}, nil
	}
	var room [80]byte
	text := room[:0]
	if negative {
		text = append(text, '-')
	}
	if len(whole) == 0 {
		text = append(text, '0')
	}
	text = append(text, whole...)
	if len(fraction) > 0 {
		text = append(append(text, '.'), fraction...)
	}
	return Value{kind: KindDecimal, s: string(text)}, nil
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (v Value) Kind() Kind { return v.kind }

// IsNull reports SQL NULL only; absent and unchanged are not NULL.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Known reports whether the value itself is known: NULL or typed, not absent or unchanged.
func (v Value) Known() bool { return v.kind >= KindNull }

// Int returns the number of an int, instant, date or time; 0 for other kinds.
func (v Value) Int() int64 {
	if v.kind == KindReal {
		return 0
	}
	return v.n
}

// Real returns the float of a real; 0 for other kinds.
func (v Value) Real() float64 {
	if v.kind != KindReal {
		return 0
	}
	return math.Float64frombits(uint64(v.n))
}

// Text returns the text of a text, the digits of a decimal, the raw bytes of bytes; "" for others.
func (v Value) Text() string { return v.s }

// Size is the memory the value takes, in bytes, for queue budgets.
func (v Value) Size() int { return 32 + len(v.s) }

// Equal reports whether two values are the same in every engine. Int and Decimal compare by number,
// all others only with their own kind. Text compares byte for byte: collations do not matter here.
// NULL equals NULL; absent and unchanged equal nothing, not even themselves.
func (v Value) Equal(w Value) bool {
	if !v.Known() || !w.Known() {
		return false
	}
	if v.kind != w.kind {
		if v.kind == KindInt && w.kind == KindDecimal {
			return strconv.FormatInt(v.n, 10) == w.s
		}
		if v.kind == KindDecimal && w.kind == KindInt {
			return v.s == strconv.FormatInt(w.n, 10)
		}
		return false
	}
	if v.kind == KindReal {
		a, b := v.Real(), w.Real()
		return a == b || (math.IsNaN(a) && math.IsNaN(b))
	}
	return v.n == w.n && v.s == w.s
}

// String is for people: NULL, absent and unchanged in angle brackets, bytes in hex, all else as SQL text.
func (v Value) String() string {
	switch v.kind {
	case KindAbsent, KindUnchanged, KindNull:
		return "<" + v.kind.String() + ">"
	case KindBytes:
		return fmt.Sprintf("0x%x", v.s)
	}
	return v.SQL()
}

// SQL is the text form that every engine reads back as the same value, unquoted. Bytes come raw.
// It is "" for NULL, absent and unchanged: ask Kind first.
func (v Value) SQL() string {
	switch v.kind {
	case KindInt:
		return strconv.FormatInt(v.n, 10)
	case KindReal:
		return formatReal(v.Real())
	case KindDecimal, KindText, KindBytes:
		return v.s
	case KindInstant:
		return formatInstant(v.n)
	case KindDate:
		return formatDate(v.n)
	case KindTime:
		return formatTime(v.n)
	}
	return ""
}

// letters prefix the JSON form, by kind.
const letters = "-=_idrtbphc"

// MarshalJSON writes null, "-" (absent), "=" (unchanged), or a letter for the kind, a colon and the
// SQL text: "i:5", "t:Broken chair", "b:" with base64. A person can read it in a control table.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case KindNull:
		return []byte("null"), nil
	case KindAbsent, KindUnchanged:
		return []byte{'"', letters[v.kind], '"'}, nil
	case KindText:
		if !utf8.ValidString(v.s) {
			return nil, fmt.Errorf("text value is not valid UTF-8")
		}
	case KindBytes:
		return json.Marshal("b:" + base64.StdEncoding.EncodeToString([]byte(v.s)))
	case KindInstant, KindDate, KindTime:
		return json.Marshal(string(letters[v.kind]) + ":" + strconv.FormatInt(v.n, 10))
	}
	return json.Marshal(string(letters[v.kind]) + ":" + v.SQL())
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Null
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	switch s {
	case "-":
		*v = Absent
		return nil
	case "=":
		*v = Unchanged
		return nil
	}
	if len(s) < 2 || s[1] != ':' {
		return fmt.Errorf("value %.20q: no kind before a colon", s)
	}
	kind, body := Kind(strings.IndexByte(letters, s[0])), s[2:]
	var err error
	switch kind {
	case KindBytes:
		var raw []byte
		raw, err = base64.StdEncoding.DecodeString(body)
		*v = Bytes(raw)
	case KindInstant, KindDate, KindTime:
		var n int64
		n, err = strconv.ParseInt(body, 10, 64)
		*v = Value{kind: kind, n: n}
	case KindInt, KindDecimal, KindReal, KindText:
		*v, err = Parse(kind, body)
	default:
		return fmt.Errorf("value %.20q: unknown kind", s)
	}
	return err
}
