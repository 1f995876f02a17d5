package qual

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"ardso/sql/schema"
	"ardso/sql/value"
)

func runTrunc(m *machine, _ *node, a []value.Value) value.Value {
	return m.integral(a[0], func(d *apd.Decimal) error {
		var frac apd.Decimal
		d.Modf(d, &frac)
		return nil
	})
}

// runRound rounds .5 up, towards plus infinity.
func runRound(m *machine, _ *node, a []value.Value) value.Value {
	return m.integral(a[0], func(d *apd.Decimal) error {
		if _, err := exact.Add(d, d, apd.New(5, -1)); err != nil {
			return err
		}
		_, err := wholeContext(d).Floor(d, d)
		return err
	})
}

// integral makes a number an integer. A real counts by its shortest digits; NaN and Infinity have
// no integer and give NULL.
func (m *machine) integral(v value.Value, f func(*apd.Decimal) error) value.Value {
	if v.Kind() == value.KindReal {
		if math.IsNaN(v.Real()) || math.IsInf(v.Real(), 0) {
			return value.Null
		}
		v = decimal(v.SQL())
	}
	d := apdOf(v)
	if d.Form != apd.Finite {
		return value.Null
	}
	if err := f(d); err != nil {
		m.fail(&LimitError{What: "a number to be rounded has too many digits"})
		return value.Null
	}
	return integerOf(valueOf(d))
}

// checkConvert refuses what has no conversion, and in a qualification all but literals.
func (c *compiler) checkConvert(n *node) {
	a := n.args[0]
	switch {
	case !c.value && a.op != opConst:
		c.complain(n, "", "CONVERT is a function, and functions belong to value expressions")
	case a.typ == schema.Bytes || a.typ == schema.Currency:
		c.complain(a, "", "%s cannot be converted", typeName(a.typ))
	case a.op == opConst:
		m := machine{env: &Env{}, scope: &c.scope, loose: true}
		if n.val = m.eval(n); m.err != nil {
			c.complain(a, timeForms[n.typ], "%s is no %s", a.raw, n.typ)
		}
		n.folded = true
	}
}

// runConvert makes a value another type's. NULL stays NULL. What does not convert is an error, as it
// is in a field map (dso-reference §10.5).
func runConvert(m *machine, n *node, a []value.Value) value.Value {
	v, to := a[0], n.typ
	if v.IsNull() {
		return v
	}
	w, ok := m.convert(n.args[0], v, to)
	if !ok {
		m.fail(&ConvertError{Text: m.textOf(n.args[0], v), To: to.String()})
		return value.Null
	}
	return w
}

func (m *machine) convert(n *node, v value.Value, to schema.Type) (value.Value, bool) {
	if n.typ == to {
		return v, true
	}
	if to == schema.Character {
		return value.Text(m.textOf(n, v)), true
	}
	if v.Kind() == value.KindText {
		return m.convertText(strings.TrimSpace(v.Text()), to)
	}
	switch to {
	case schema.Integer:
		return toInteger(v)
	case schema.Decimal:
		return toDecimal(v)
	case schema.Real:
		return realOf(v), isExact(v.Kind())
	}
	return m.convertTime(v, to)
}

func (m *machine) convertText(s string, to schema.Type) (value.Value, bool) {
	var v value.Value
	var err error
	switch to {
	case schema.Integer:
		v, err = value.Parse(value.KindInt, s)
	case schema.Decimal:
		v, err = value.Decimal(s)
	case schema.Real:
		var f float64
		f, err = strconv.ParseFloat(s, 64)
		v = value.Real(f)
	case schema.Bytes:
		var raw []byte
		raw, err = hex.DecodeString(s)
		v = value.Bytes(raw)
	default:
		v, err = parseTimeLiteral(s, to, zoneOf(m.scope))
	}
	return v, err == nil
}

// toInteger takes numbers without a fraction, and times as seconds or days.
func toInteger(v value.Value) (value.Value, bool) {
	switch v.Kind() {
	case value.KindInt:
		return v, true
	case value.KindDecimal:
		return integerOf(v), !strings.ContainsAny(v.Text(), ".NI")
	case value.KindReal:
		f := v.Real()
		if f != math.Trunc(f) || math.IsInf(f, 0) {
			return v, false
		}
		return integerOf(decimal(v.SQL())), true
	case value.KindDate:
		return value.Int(v.Int()), finite(v)
	case value.KindInstant, value.KindTime:
		return value.Int(v.Int() / secondMicros), finite(v) && v.Int()%secondMicros == 0
	}
	return v, false
}

func toDecimal(v value.Value) (value.Value, bool) {
	switch v.Kind() {
	case value.KindInt:
		return decimal(v.SQL()), true
	case value.KindReal:
		return decimal(v.SQL()), true
	}
	return v, v.Kind() == value.KindDecimal
}

// convertTime takes seconds or days as a time, a part of a date/time, and a date as its midnight.
func (m *machine) convertTime(v value.Value, to schema.Type) (value.Value, bool) {
	if v.Kind() == value.KindInt {
		return timeOfNumber(v.Int(), to)
	}
	if !finite(v) || v.Kind() == value.KindTime {
		return v, false
	}
	t := civilTime(v, zoneOf(m.scope))
	switch {
	case to == schema.Date && v.Kind() == value.KindInstant:
		return value.Date(dayOf(t.Date())), true
	case to == schema.Time && v.Kind() == value.KindInstant:
		h, mi, s := t.Clock()
		return value.TimeOfDay(int64(h*3600+mi*60+s)*secondMicros + int64(t.Nanosecond()/1000)), true
	case to == schema.DateTime && v.Kind() == value.KindDate:
		y, mo, d := t.Date()
		return instantOf(time.Date(y, mo, d, 0, 0, 0, 0, zoneOf(m.scope)), 0), true
	}
	return v, false
}

func timeOfNumber(n int64, to schema.Type) (value.Value, bool) {
	if to == schema.Date {
		return value.Date(n), n != value.PosInfinity && n != value.NegInfinity
	}
	us, ok := intArithmetic(opMul, n, secondMicros, true)
	if to == schema.Time {
		return value.TimeOfDay(us), ok
	}
	return value.Instant(us), ok
}
