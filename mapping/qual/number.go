package qual

import (
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"ardso/sql/value"
)

// exact does arithmetic on decimals without rounding.
var exact = apd.Context{MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent}

// quotientDigits are the significant digits that a division of decimals keeps at least; it keeps
// more where an operand has more. The last digit is rounded half up.
const quotientDigits = 40

// maxDigits bounds the decimals that arithmetic makes; PostgreSQL's own limit is close to it.
const maxDigits = 150_000

// compareNumbers orders an integer or decimal with another. It does not allocate.
func compareNumbers(a, b value.Value) int {
	if a.Kind() == value.KindInt && b.Kind() == value.KindInt {
		return compareInts(a.Int(), b.Int())
	}
	if r, s := rank(a), rank(b); r != 0 || s != 0 {
		return compareInts(r, s)
	}
	var digits [24]byte
	switch {
	case a.Kind() == value.KindInt:
		return compareDigits(strconv.AppendInt(digits[:0], a.Int(), 10), b.Text())
	case b.Kind() == value.KindInt:
		return compareDigits(a.Text(), strconv.AppendInt(digits[:0], b.Int(), 10))
	}
	return compareDigits(a.Text(), b.Text())
}

// rank sorts -Infinity, numbers, Infinity, NaN.
func rank(v value.Value) int64 {
	if v.Kind() == value.KindInt {
		return 0
	}
	switch v.Text() {
	case "-Infinity":
		return -1
	case "Infinity":
		return 1
	case "NaN":
		return 2
	}
	return 0
}

// compareDigits orders two finite canonical decimals: no leading zeros, no trailing ones, no -0.
func compareDigits[A, B string | []byte](a A, b B) int {
	an, bn := a[0] == '-', b[0] == '-'
	switch {
	case an && !bn:
		return -1
	case bn && !an:
		return 1
	case an:
		return -compareMagnitude(a[1:], b[1:])
	}
	return compareMagnitude(a, b)
}

func compareMagnitude[A, B string | []byte](a A, b B) int {
	if x, y := wholeDigits(a), wholeDigits(b); x != y {
		return compareInts(int64(x), int64(y))
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return compareInts(int64(a[i]), int64(b[i]))
		}
	}
	return compareInts(int64(len(a)), int64(len(b)))
}

// wholeDigits is the number of digits before the point.
func wholeDigits[A string | []byte](a A) int {
	for i := range len(a) {
		if a[i] == '.' {
			return i
		}
	}
	return len(a)
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareReals puts NaN last and equal to itself, as PostgreSQL does.
func compareReals(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	switch an, bn := math.IsNaN(a), math.IsNaN(b); {
	case an && bn:
		return 0
	case an:
		return 1
	}
	return -1
}

// realOf is the nearest real to an integer or decimal.
func realOf(v value.Value) value.Value {
	switch v.Kind() {
	case value.KindInt:
		return value.Real(float64(v.Int()))
	case value.KindDecimal:
		f, _ := strconv.ParseFloat(v.Text(), 64) // beyond the range: ±Infinity, which is nearest
		return value.Real(f)
	}
	return v
}

// arithmetic computes a o b of two numbers; both reals, or both integers or decimals. integers says
// that the operands' static type is integer, so that / truncates. The result is NULL for a division by
// zero, which is counted, and where apd has no answer (Infinity - Infinity is NaN, as in PostgreSQL).
func (m *machine) arithmetic(o op, a, b value.Value, integers bool) value.Value {
	if a.Kind() == value.KindReal || b.Kind() == value.KindReal {
		return m.realArithmetic(o, realOf(a).Real(), realOf(b).Real())
	}
	if (o == opDiv || o == opMod) && isZero(b) {
		m.env.DivisionsByZero++
		return value.Null
	}
	if a.Kind() == value.KindInt && b.Kind() == value.KindInt {
		if n, ok := intArithmetic(o, a.Int(), b.Int(), integers); ok {
			return value.Int(n)
		}
	}
	return m.decimalArithmetic(o, a, b, integers)
}

func isZero(v value.Value) bool {
	return v.Kind() == value.KindInt && v.Int() == 0 || v.Kind() == value.KindDecimal && v.Text() == "0"
}

// intArithmetic reports false where 64 bits do not hold the result, or it is no integer.
func intArithmetic(o op, a, b int64, integers bool) (int64, bool) {
	switch o {
	case opAdd:
		c := a + b
		return c, (c > a) == (b > 0)
	case opSub:
		c := a - b
		return c, (c < a) == (b > 0)
	case opMul:
		if a == 0 || b == 0 {
			return 0, true
		}
		c := a * b
		return c, c/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	case opDiv:
		return a / b, integers && !(a == math.MinInt64 && b == -1)
	case opMod:
		if b == -1 {
			return 0, true
		}
		return a % b, true
	}
	return 0, false
}

func (m *machine) realArithmetic(o op, a, b float64) value.Value {
	switch o {
	case opAdd:
		return value.Real(a + b)
	case opSub:
		return value.Real(a - b)
	case opMul:
		return value.Real(a * b)
	}
	if b == 0 {
		m.env.DivisionsByZero++
		return value.Null
	}
	return value.Real(a / b)
}

func (m *machine) decimalArithmetic(o op, a, b value.Value, integers bool) value.Value {
	x, y := apdOf(a), apdOf(b)
	var d apd.Decimal
	var err error
	switch o {
	case opAdd:
		_, err = exact.Add(&d, x, y)
	case opSub:
		_, err = exact.Sub(&d, x, y)
	case opMul:
		_, err = exact.Mul(&d, x, y)
	case opDiv:
		err = quotient(&d, x, y, integers)
	case opMod:
		_, err = wholeContext(x, y).Rem(&d, x, y)
	}
	if err != nil || d.Form == apd.Finite && d.NumDigits()+max(int64(d.Exponent), -int64(d.Exponent)) > maxDigits {
		m.fail(&LimitError{What: "the result of an arithmetic operation has too many digits"})
		return value.Null
	}
	v := valueOf(&d)
	if integers {
		return integerOf(v)
	}
	return v
}

// integerOf is the value that a database's integer has: 64 bits where they hold it.
func integerOf(v value.Value) value.Value {
	if w, err := value.Parse(value.KindInt, v.Text()); err == nil {
		return w
	}
	return v
}

// quotient divides exactly to quotientDigits or what the operands have; integers truncate.
func quotient(d, x, y *apd.Decimal, integers bool) error {
	if integers {
		_, err := wholeContext(x, y).QuoInteger(d, x, y)
		return err
	}
	c := exact.WithPrecision(uint32(max(quotientDigits, x.NumDigits()+2, y.NumDigits()+2)))
	c.Rounding = apd.RoundHalfUp
	_, err := c.Quo(d, x, y)
	return err
}

// wholeContext has the digits that integer results of operands need: apd rounds these operations
// only, and asks for a precision.
func wholeContext(operands ...*apd.Decimal) *apd.Context {
	digits := int64(0)
	for _, d := range operands {
		digits = max(digits, d.NumDigits())
	}
	return exact.WithPrecision(uint32(digits + 2))
}

func apdOf(v value.Value) *apd.Decimal {
	if v.Kind() == value.KindInt {
		return apd.New(v.Int(), 0)
	}
	d, _, err := apd.NewFromString(v.Text())
	if err != nil {
		panic("qual: a canonical decimal is none to apd: " + err.Error())
	}
	return d
}

// valueOf is the decimal of a result.
func valueOf(d *apd.Decimal) value.Value {
	switch d.Form {
	case apd.NaN, apd.NaNSignaling:
		return decimal("NaN")
	case apd.Infinite:
		if d.Negative {
			return decimal("-Infinity")
		}
		return decimal("Infinity")
	}
	return decimal(d.Text('f'))
}

// decimal is value.Decimal for text that is one.
func decimal(s string) value.Value {
	v, err := value.Decimal(s)
	if err != nil {
		panic("qual: " + s + " is no decimal")
	}
	return v
}

// negate is -v of a number.
func negateNumber(v value.Value) value.Value {
	switch v.Kind() {
	case value.KindReal:
		return value.Real(-v.Real())
	case value.KindInt:
		if v.Int() != math.MinInt64 {
			return value.Int(-v.Int())
		}
		return decimal("9223372036854775808")
	case value.KindDecimal:
		switch s := v.Text(); {
		case s == "NaN":
			return v
		case strings.HasPrefix(s, "-"):
			return decimal(s[1:])
		default:
			return decimal("-" + s)
		}
	}
	return value.Null
}
