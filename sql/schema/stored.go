package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ardso/sql/value"
)

const (
	secondMicros = 1_000_000
	dayMicros    = 86400 * secondMicros
)

// Logical turns a value as its column stores it into the value that the field's type means: a
// date/time becomes an instant whether it is kept as epoch seconds or as a timestamp, a date a
// Julian day number, a time microseconds since midnight, text of an ar form NULL when empty.
// Absent, unchanged and NULL stay as they are. Rule: ar-database-reference, "Values on disk".
func (f *Field) Logical(v value.Value, emptyIsNull bool) (value.Value, error) {
	if !v.Known() || v.IsNull() {
		return v, nil
	}
	k := v.Kind()
	switch f.Type {
	case DateTime:
		switch k {
		case value.KindInstant:
			return v, nil
		case value.KindInt:
			if s := v.Int(); s <= math.MaxInt64/secondMicros && s >= math.MinInt64/secondMicros {
				return value.Instant(s * secondMicros), nil
			}
		case value.KindDate:
			if v.Int() != value.PosInfinity && v.Int() != value.NegInfinity {
				return value.Instant((v.Int() - value.EpochDay) * dayMicros), nil
			}
		}
	case Date:
		switch k {
		case value.KindDate:
			return v, nil
		case value.KindInt:
			return value.Date(v.Int()), nil
		}
	case Time:
		switch k {
		case value.KindTime:
			return v, nil
		case value.KindInt:
			if s := v.Int(); s <= math.MaxInt64/secondMicros && s >= math.MinInt64/secondMicros {
				return value.TimeOfDay(s * secondMicros), nil
			}
		}
	case Integer, Selection, Bitmask:
		switch k {
		case value.KindInt, value.KindDecimal:
			return v, nil
		}
	case Real:
		switch k {
		case value.KindReal:
			return v, nil
		case value.KindInt:
			if n := v.Int(); int64(float64(n)) == n {
				return value.Real(float64(n)), nil
			}
		}
	case Decimal:
		switch k {
		case value.KindDecimal:
			return v, nil
		case value.KindInt:
			return value.Decimal(strconv.FormatInt(v.Int(), 10))
		case value.KindReal: // SQLite keeps decimals as floats where the column has numeric affinity
			return value.Decimal(v.SQL())
		}
	case Character, Diary:
		switch k {
		case value.KindText:
			if emptyIsNull && v.Text() == "" {
				return value.Null, nil
			}
			return v, nil
		case value.KindInt, value.KindDecimal, value.KindReal, value.KindInstant, value.KindDate, value.KindTime:
			return value.Text(v.SQL()), nil
		}
	case Bytes, Attachment:
		if k == value.KindBytes {
			return v, nil
		}
	}
	return v, fmt.Errorf("field %q (%d) is %s, its column holds %s", f.Name, f.ID, f.Type, k)
}

// Stored is the inverse of Logical: the value to write into the field's column. It fails where the
// column cannot hold the value exactly: nothing is rounded or cut (X-5, X-7, A "no silent
// truncation" of DSO). Lengths and ranges are checked by Fits, not here.
func (f *Field) Stored(v value.Value) (value.Value, error) {
	if !v.Known() || v.IsNull() {
		return v, nil
	}
	want := f.Column.Kind
	k := v.Kind()
	if k == want {
		return v, nil
	}
	switch want {
	case value.KindInt:
		switch k {
		case value.KindInstant, value.KindTime:
			if v.Int()%secondMicros == 0 && v.Int() != value.PosInfinity && v.Int() != value.NegInfinity {
				return value.Int(v.Int() / secondMicros), nil
			}
			return v, fmt.Errorf("%s is not a whole second, and the column keeps whole seconds", v)
		case value.KindDate:
			if v.Int() != value.PosInfinity && v.Int() != value.NegInfinity {
				return value.Int(v.Int()), nil
			}
		case value.KindDecimal:
			if n, err := strconv.ParseInt(v.Text(), 10, 64); err == nil {
				return value.Int(n), nil
			}
			if f.Column.Unsigned && !strings.ContainsAny(v.Text(), ".-NI") {
				return v, nil // above the greatest int64; Fits knows the column's range
			}
		}
	case value.KindDecimal:
		if k == value.KindInt {
			return value.Decimal(v.SQL())
		}
	case value.KindReal:
		if k == value.KindInt && int64(float64(v.Int())) == v.Int() {
			return value.Real(float64(v.Int())), nil
		}
		if k == value.KindDecimal {
			if x, err := strconv.ParseFloat(v.Text(), 64); err == nil {
				if back, err := value.Decimal(value.Real(x).SQL()); err == nil && back.Equal(v) {
					return value.Real(x), nil
				}
			}
		}
	case value.KindDate:
		if k == value.KindInstant && v.Int()%dayMicros == 0 {
			return value.Date(v.Int()/dayMicros + value.EpochDay), nil
		}
	case value.KindText:
		if k != value.KindBytes {
			return value.Text(v.SQL()), nil
		}
	}
	return v, fmt.Errorf("%s does not fit a column of %s", v, f.Column.DataType)
}
