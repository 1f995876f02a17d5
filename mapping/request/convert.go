package request

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ardso/sql/schema"
	"ardso/sql/value"
)

const (
	secondMicros = 1_000_000
	dayMicros    = 86400 * secondMicros
)

// ConvertError is a value of one field that means nothing in another.
type ConvertError struct {
	From, To *schema.Field // From nil: the value comes from an expression
	Value    value.Value
	Reason   string
}

func (e *ConvertError) Error() string {
	from := "expression"
	if e.From != nil {
		from = fmt.Sprintf("field %q (%d)", e.From.Name, e.From.ID)
	}
	return fmt.Sprintf("%s to field %q (%d): %s %s", from, e.To.Name, e.To.ID, e.Value.Kind(), e.Reason)
}

func (e *ConvertError) Name() string { return "value.type" }

func (e *ConvertError) Remedy() string {
	return "exclude the field or map it with an expression that gives a value of the target's type"
}

// Convert gives v, a logical value of field from (nil: of an expression), as a logical value of
// field to, checked and exact, by the matrix of dso-reference 10.5. NULL, absent and unchanged stay
// as they are.
func Convert(v value.Value, from, to *schema.Field) (value.Value, error) {
	if !v.Known() || v.IsNull() {
		return v, nil
	}
	if from != nil && from.Type == to.Type && to.Type != schema.Selection {
		return v, nil
	}
	w, reason := convert(v, from, to)
	if reason != "" {
		return v, &ConvertError{From: from, To: to, Value: v, Reason: reason}
	}
	return w, nil
}

func convert(v value.Value, from, to *schema.Field) (w value.Value, reason string) {
	switch to.Type {
	case schema.Character, schema.Diary:
		return toText(v, from)
	case schema.Selection:
		return toSelection(v, from, to)
	case schema.Integer, schema.Bitmask:
		return toInteger(v)
	case schema.Decimal:
		return toDecimal(v)
	case schema.Real:
		return toReal(v)
	case schema.DateTime:
		return toInstant(v)
	case schema.Date:
		return toDate(v)
	case schema.Time:
		return toTime(v)
	case schema.Bytes, schema.Attachment:
		if v.Kind() == value.KindBytes {
			return v, ""
		}
	}
	return v, "does not go into a " + to.Type.String()
}

// toText: a selection goes by its label, a time as ISO text.
func toText(v value.Value, from *schema.Field) (value.Value, string) {
	if v.Kind() == value.KindBytes {
		return v, "does not go into text"
	}
	if from != nil && from.Type == schema.Selection && len(from.Values) > 0 {
		label, ok := from.Label(v.Int())
		if !ok {
			return v, fmt.Sprintf("%s has no label on the source", v)
		}
		return value.Text(label), ""
	}
	return value.Text(v.SQL()), ""
}

// toSelection: between selections by number if both labels agree, else by label (choice 39 of
// dso-reference 29); text by label, then number; a target without labels takes any number.
func toSelection(v value.Value, from, to *schema.Field) (value.Value, string) {
	switch v.Kind() {
	case value.KindInt:
		if len(to.Values) == 0 {
			return v, ""
		}
		there, known := to.Label(v.Int())
		if from == nil || len(from.Values) == 0 || from.Type != schema.Selection {
			if !known {
				return v, fmt.Sprintf("%s is no value of the target's selection", v)
			}
			return v, ""
		}
		here, ok := from.Label(v.Int())
		if !ok {
			return v, fmt.Sprintf("%s has no label on the source", v)
		}
		if known && here == there {
			return v, ""
		}
		n, ok := to.Number(here)
		if !ok {
			return v, fmt.Sprintf("%s (%q) is no value of the target's selection", v, here)
		}
		return value.Int(n), ""
	case value.KindText:
		if n, ok := to.Number(v.Text()); ok {
			return value.Int(n), ""
		}
		if n, err := strconv.ParseInt(v.Text(), 10, 64); err == nil {
			if _, ok := to.Label(n); ok || len(to.Values) == 0 {
				return value.Int(n), ""
			}
		}
		return v, "is no label or number of the target's selection"
	case value.KindDecimal:
		n, reason := toInteger(v)
		if reason != "" {
			return v, reason
		}
		return toSelection(n, from, to)
	}
	return v, "does not go into a selection"
}

func toInteger(v value.Value) (value.Value, string) {
	switch v.Kind() {
	case value.KindInt:
		return v, ""
	case value.KindDecimal, value.KindText:
		d, err := value.Decimal(strings.TrimSpace(v.Text()))
		if err != nil {
			return v, "is no number"
		}
		n, err := strconv.ParseInt(d.Text(), 10, 64)
		if err != nil {
			return v, "is no whole number of 64 bits"
		}
		return value.Int(n), ""
	case value.KindReal:
		if f := v.Real(); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return value.Int(int64(f)), ""
		}
		return v, "has a fraction"
	case value.KindInstant, value.KindTime:
		if finite(v) && v.Int()%secondMicros == 0 {
			return value.Int(v.Int() / secondMicros), ""
		}
		return v, "is no whole second"
	case value.KindDate:
		if finite(v) {
			return value.Int(v.Int()), ""
		}
	}
	return v, "does not go into an integer"
}

func toDecimal(v value.Value) (value.Value, string) {
	switch v.Kind() {
	case value.KindDecimal:
		return v, ""
	case value.KindInt, value.KindReal, value.KindText:
		d, err := value.Decimal(strings.TrimSpace(v.SQL()))
		if err != nil {
			return v, "is no number"
		}
		return d, ""
	}
	return v, "does not go into a decimal"
}

func toReal(v value.Value) (value.Value, string) {
	switch v.Kind() {
	case value.KindReal:
		return v, ""
	case value.KindInt, value.KindDecimal, value.KindText:
		f, err := strconv.ParseFloat(strings.TrimSpace(v.SQL()), 64)
		if err != nil {
			return v, "is no number"
		}
		back, err := value.Decimal(value.Real(f).SQL())
		want, err2 := value.Decimal(strings.TrimSpace(v.SQL()))
		if err != nil || err2 != nil || !back.Equal(want) {
			return v, "has more digits than a real keeps"
		}
		return value.Real(f), ""
	}
	return v, "does not go into a real"
}

func toInstant(v value.Value) (value.Value, string) {
	switch v.Kind() {
	case value.KindInstant:
		return v, ""
	case value.KindInt:
		if n := v.Int(); n <= math.MaxInt64/secondMicros && n >= math.MinInt64/secondMicros {
			return value.Instant(n * secondMicros), ""
		}
	case value.KindDate:
		if finite(v) {
			return value.Instant((v.Int() - value.EpochDay) * dayMicros), ""
		}
	case value.KindText:
		if t, err := value.Parse(value.KindInstant, strings.TrimSpace(v.Text())); err == nil {
			return t, ""
		}
		return v, "is no date and time"
	}
	return v, "does not go into a date/time"
}

func toDate(v value.Value) (value.Value, string) {
	switch v.Kind() {
	case value.KindDate:
		return v, ""
	case value.KindInt:
		return value.Date(v.Int()), ""
	case value.KindInstant: // the day part, UTC
		if finite(v) {
			day := v.Int() / dayMicros
			if v.Int()%dayMicros < 0 {
				day--
			}
			return value.Date(day + value.EpochDay), ""
		}
	case value.KindText:
		if d, err := value.Parse(value.KindDate, strings.TrimSpace(v.Text())); err == nil {
			return d, ""
		}
		return v, "is no date"
	}
	return v, "does not go into a date"
}

func toTime(v value.Value) (value.Value, string) {
	switch v.Kind() {
	case value.KindTime:
		return v, ""
	case value.KindInt:
		if n := v.Int(); n >= 0 && n < 86400 {
			return value.TimeOfDay(n * secondMicros), ""
		}
		return v, "is no second of a day"
	case value.KindInstant: // the time part, UTC
		if finite(v) {
			us := v.Int() % dayMicros
			if us < 0 {
				us += dayMicros
			}
			return value.TimeOfDay(us), ""
		}
	case value.KindText:
		if t, err := value.Parse(value.KindTime, strings.TrimSpace(v.Text())); err == nil {
			return t, ""
		}
		return v, "is no time"
	}
	return v, "does not go into a time"
}

func finite(v value.Value) bool {
	return v.Int() != value.PosInfinity && v.Int() != value.NegInfinity
}
