package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"ardso/sql/value"
)

// FitError is a value that a field or its column cannot hold whole. Name and Remedy are what an
// administrator sees.
type FitError struct {
	Kind   string // "value.too_long", "value.out_of_range", "value.precision", "value.character", "value.type", "field.missing"
	Field  string // "": there is none of that ID
	ID     int
	Reason string
}

func (e *FitError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("field %d: %s", e.ID, e.Reason)
	}
	return fmt.Sprintf("field %q (%d): %s", e.Field, e.ID, e.Reason)
}
func (e *FitError) Name() string { return e.Kind }

func (e *FitError) Remedy() string {
	if e.Kind == fieldMissing {
		return fmt.Sprintf("bring it back, or, if its column was renamed, declare that under fields with id: %d; then retry the operation; else remove it and `ardso transfer` the request", e.ID)
	}
	return "change the value on the source, widen the target field, or map it with an expression; then retry the operation"
}

const fieldMissing = "field.missing"

// MissingField is the error of an operation, decided on earlier, that names a field which the form has no more.
func MissingField(f *Form, id int) *FitError {
	return &FitError{Kind: fieldMissing, ID: id, Reason: fmt.Sprintf("form %q on %s has no such field any more", f.Name, f.Server)}
}

// Fits checks that the field and its column can hold v, a logical value, without cutting, rounding
// or replacing anything, on whatever engine: DSO ends such an operation in an error and so do we
// (dso-reference 10.5; ). It returns the value as the column stores it.
func (f *Field) Fits(v value.Value) (value.Value, error) {
	s, err := f.Stored(v)
	if err != nil {
		return s, f.misfit("value.type", "%s", err)
	}
	if !s.Known() || s.IsNull() {
		return s, nil
	}
	switch s.Kind() {
	case value.KindText:
		err = f.fitsText(s.Text())
	case value.KindBytes:
		if c := f.Column; c.Length > 0 && len(s.Text()) > c.Length {
			err = f.misfit("value.too_long", "%d bytes, the column holds %d", len(s.Text()), c.Length)
		}
	case value.KindInt, value.KindDecimal:
		err = f.fitsNumber(s)
	case value.KindReal:
		if f.Column.Single && float64(float32(s.Real())) != s.Real() && !math.IsNaN(s.Real()) {
			err = f.misfit("value.precision", "%s needs double precision, the column has single", s)
		}
	case value.KindInstant, value.KindTime:
		err = f.fitsMoment(s)
	}
	return s, err
}

func (f *Field) misfit(kind, format string, args ...any) error {
	return &FitError{Kind: kind, Field: f.Name, ID: f.ID, Reason: fmt.Sprintf(format, args...)}
}

func (f *Field) fitsText(s string) error {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return f.misfit("value.character", "character U+0000 at byte %d, which not every database can store", i)
	}
	if err := f.fitsLength(s, f.MaxLength, f.LengthInBytes, "field"); err != nil {
		return err
	}
	c := f.Column
	if err := f.fitsLength(s, c.Length, c.LengthInBytes, "column"); err != nil {
		return err
	}
	if limit := charsetLimit(c.Charset); limit < utf8.MaxRune {
		for i, r := range s {
			if r > limit {
				return f.misfit("value.character", "character %U at byte %d, which character set %s does not have", r, i, c.Charset)
			}
		}
	}
	return nil
}

func (f *Field) fitsLength(s string, limit int, inBytes bool, whose string) error {
	if limit <= 0 || len(s) <= limit {
		return nil
	}
	if inBytes {
		return f.misfit("value.too_long", "%d bytes, the %s holds %d", len(s), whose, limit)
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return f.misfit("value.too_long", "%d characters, the %s holds %d", n, whose, limit)
	}
	return nil
}

// charsetLimit is the highest character of a MySQL character set, as far as a limit says it; the
// database refuses the rest in strict mode.
func charsetLimit(charset string) rune {
	switch charset {
	case "ascii":
		return 0x7f
	case "utf8", "utf8mb3", "ucs2":
		return 0xffff
	}
	return utf8.MaxRune
}

func (f *Field) fitsNumber(v value.Value) error {
	c := f.Column
	text := v.SQL()
	if strings.ContainsAny(text, "NI") { // NaN and the infinities are PostgreSQL's
		if c.Kind == value.KindDecimal && c.Precision == 0 && c.BaseType == "numeric" {
			return nil
		}
		return f.misfit("value.out_of_range", "%s is no number that the column can hold", text)
	}
	if c.Kind == value.KindInt && c.Bits > 0 {
		lo, hi := intRange(c.Bits, c.Unsigned)
		if v.Kind() != value.KindInt || v.Int() < lo || (hi >= 0 && v.Int() > hi) {
			if !(c.Unsigned && c.Bits == 64 && fitsUint64(text)) {
				return f.misfit("value.out_of_range", "%s is out of the range of %s", text, c.DataType)
			}
		}
	}
	if c.Kind == value.KindDecimal && c.Untyped && !survivesFloat(text) {
		return f.misfit("value.precision", "%s has more digits than SQLite keeps in a column of %s; declare it as text", text, c.DataType)
	}
	if c.Kind == value.KindDecimal && c.Precision > 0 {
		whole, frac, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
		if whole == "0" {
			whole = ""
		}
		if len(frac) > c.Scale {
			return f.misfit("value.precision", "%s has %d decimals, %s keeps %d", text, len(frac), c.DataType, c.Scale)
		}
		if len(whole) > c.Precision-c.Scale {
			return f.misfit("value.out_of_range", "%s has %d integer digits, %s keeps %d", text, len(whole), c.DataType, c.Precision-c.Scale)
		}
	}
	return f.fitsLimits(text)
}

// survivesFloat reports whether a canonical decimal comes back from a SQLite column of numbers, which
// keeps 64-bit integers, and floats of which SQLite promises 15 significant digits.
func survivesFloat(text string) bool {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return true
	}
	x, err := strconv.ParseFloat(text, 64)
	digits := strings.Trim(strings.Replace(strings.TrimPrefix(text, "-"), ".", "", 1), "0")
	if err != nil || len(digits) > 15 {
		return false
	}
	back, err := value.Decimal(value.Real(x).SQL())
	return err == nil && back.Text() == text
}

func intRange(bits int, unsigned bool) (lo, hi int64) {
	switch {
	case bits == 1:
		return 0, 1
	case unsigned && bits >= 64:
		return 0, math.MaxInt64
	case unsigned:
		return 0, 1<<bits - 1
	case bits >= 64:
		return math.MinInt64, math.MaxInt64
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

func fitsUint64(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// fitsLimits checks the field's own range (field_int, field_real, field_dec).
func (f *Field) fitsLimits(text string) error {
	for _, limit := range []struct {
		text string
		sign int
	}{{f.Min, -1}, {f.Max, 1}} {
		if limit.text == "" {
			continue
		}
		l, err := value.Decimal(limit.text)
		if err != nil {
			continue
		}
		v, err := value.Decimal(text)
		if err != nil {
			continue
		}
		if compareDecimals(v.Text(), l.Text()) == limit.sign {
			return f.misfit("value.out_of_range", "%s is out of the field's range %s to %s", text, f.Min, f.Max)
		}
	}
	return nil
}

// compareDecimals compares two canonical decimals.
func compareDecimals(a, b string) int {
	an, bn := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case an && !bn:
		return -1
	case !an && bn:
		return 1
	case an:
		return -compareDecimals(a[1:], b[1:])
	}
	aw, af, _ := strings.Cut(a, ".")
	bw, bf, _ := strings.Cut(b, ".")
	if len(aw) != len(bw) {
		if len(aw) < len(bw) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(aw, bw); c != 0 {
		return c
	}
	return strings.Compare(af, bf)
}

// fitsMoment checks that a timestamp or time column keeps the fraction of a second: engines round
// without a word. Infinite instants and years beyond what the column can hold are refused by the
// database itself, in strict mode.
func (f *Field) fitsMoment(v value.Value) error {
	n := v.Int()
	if n == value.PosInfinity || n == value.NegInfinity {
		return nil
	}
	unit := int64(1)
	for i := f.Column.Scale; i < 6; i++ {
		unit *= 10
	}
	if n%unit != 0 {
		return f.misfit("value.precision", "%s is finer than %s keeps", v, f.Column.DataType)
	}
	return nil
}
