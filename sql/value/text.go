package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads the text form of a non-NULL value as databases print it under the session settings
// that package engine makes (ISO dates, UTC). For KindBytes the text is the raw bytes. An integer
// beyond int64 (BIGINT UNSIGNED) becomes a decimal. Zero dates, and whatever else has no canonical
// form, are a *SyntaxError: nothing is guessed.
func Parse(k Kind, s string) (Value, error) {
	switch k {
	case KindInt:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			if d, derr := Decimal(s); derr == nil && !strings.ContainsAny(s, ".eEnN") {
				return d, nil
			}
			return Value{}, &SyntaxError{k, s}
		}
		return Int(n), nil
	case KindDecimal:
		return Decimal(s)
	case KindReal:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || strings.ContainsAny(s, "_xX") { // Go's own spellings of numbers
			return Value{}, &SyntaxError{k, s}
		}
		return Real(f), nil
	case KindText:
		if !utf8.ValidString(s) {
			return Value{}, &SyntaxError{k, s}
		}
		return Text(s), nil
	case KindBytes:
		return Value{kind: KindBytes, s: s}, nil
	case KindInstant:
		return parseInstant(s)
	case KindDate:
		day, rest, ok := parseDate(s)
		if !ok || rest != "" {
			return Value{}, &SyntaxError{k, s}
		}
		return Date(day), nil
	case KindTime:
		us, rest, ok := parseTime(s)
		if !ok || rest != "" {
			return Value{}, &SyntaxError{k, s}
		}
		return TimeOfDay(us), nil
	}
	return Value{}, fmt.Errorf("parse a value of kind %s", k)
}

// SyntaxError is a text that is no value of its column's kind.
type SyntaxError struct {
	Kind Kind
	Text string // may hold field data: not for logs above debug
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%.40q is no %s", e.Text, e.Kind)
}

func canonicalDecimal(s string) (string, error) {
	orig := s
	switch strings.ToLower(s) {
	case "nan":
		return "NaN", nil
	case "infinity", "inf", "+infinity":
		return "Infinity", nil
	case "-infinity", "-inf":
		return "-Infinity", nil
	}
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > 20000 || n < -20000 {
			return "", &SyntaxError{KindDecimal, orig}
		}
		exp, s = n, s[:i]
	}
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" && frac == "" {
		return "", &SyntaxError{KindDecimal, orig}
	}
	for i := range len(whole) + len(frac) {
		c := byte(0)
		if i < len(whole) {
			c = whole[i]
		} else {
			c = frac[i-len(whole)]
		}
		if c < '0' || c > '9' {
			return "", &SyntaxError{KindDecimal, orig}
		}
	}
	if exp > 0 {
		if n := exp - len(frac); n > 0 {
			frac += strings.Repeat("0", n)
		}
		whole, frac = whole+frac[:exp], frac[exp:]
	} else if exp < 0 {
		if n := -exp - len(whole); n > 0 {
			whole = strings.Repeat("0", n) + whole
		}
		cut := len(whole) + exp
		whole, frac = whole[:cut], whole[cut:]+frac
	}
	whole = strings.TrimLeft(whole, "0")
	frac = strings.TrimRight(frac, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if neg && whole != "0" {
		whole = "-" + whole
	}
	return whole, nil
}

func formatReal(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

const dayMicros = 86400 * 1_000_000

// maxInstantDays bounds the days from 1970 whose microseconds an int64 holds, with any time of day and
// zone. It is in the year 294247; PostgreSQL goes thirty years further, which is refused.
const maxInstantDays = math.MaxInt64/dayMicros - 3

// parseInstant reads "2026-11-22 21:09:00[.123456][+00[:00]][ BC]", also with T and Z; a text
// without a zone is UTC.
func parseInstant(s string) (Value, error) {
	switch s {
	case "infinity":
		return Instant(PosInfinity), nil
	case "-infinity":
		return Instant(NegInfinity), nil
	}
	body, bc := strings.CutSuffix(s, " BC")
	i := strings.IndexAny(body, " T")
	bad := &SyntaxError{KindInstant, s}
	if i < 0 {
		return Value{}, bad
	}
	day, rest, ok := parseDay(body[:i], bc)
	if !ok || rest != "" || day-EpochDay > maxInstantDays || day-EpochDay < -maxInstantDays {
		return Value{}, bad
	}
	us, rest, ok := parseTime(body[i+1:])
	if !ok || us < 0 || us > dayMicros {
		return Value{}, bad
	}
	if rest != "" && rest != "Z" {
		off, ok := parseOffset(rest)
		if !ok {
			return Value{}, bad
		}
		us -= off
	}
	return Instant((day-EpochDay)*dayMicros + us), nil
}

// parseOffset reads "+hh", "+hh:mm" or "+hh:mm:ss" to microseconds.
func parseOffset(s string) (int64, bool) {
	sign := int64(1)
	switch {
	case strings.HasPrefix(s, "-"):
		sign = -1
	case !strings.HasPrefix(s, "+"):
		return 0, false
	}
	parts := strings.Split(s[1:], ":")
	if len(parts) > 3 {
		return 0, false
	}
	secs, unit, limit := int64(0), int64(3600), int64(15) // hours, as far as zones go
	for _, p := range parts {
		n, ok := digits(p, 2)
		if !ok || n > limit {
			return 0, false
		}
		limit = 59
		secs += n * unit
		unit /= 60
	}
	return sign * secs * 1_000_000, true
}

// parseDate reads "2026-11-22[ BC]", "infinity" or "-infinity" to a Julian day number.
func parseDate(s string) (day int64, rest string, ok bool) {
	switch s {
	case "infinity":
		return PosInfinity, "", true
	case "-infinity":
		return NegInfinity, "", true
	}
	body, bc := strings.CutSuffix(s, " BC")
	return parseDay(body, bc)
}

func parseDay(s string, bc bool) (day int64, rest string, ok bool) {
	parts := strings.SplitN(s, "-", 3)
	if len(parts) != 3 || len(parts[0]) < 4 || len(parts[0]) > 6 || len(parts[2]) < 2 {
		return 0, "", false
	}
	y, ok1 := digits(parts[0], len(parts[0]))
	m, ok2 := digits(parts[1], 2)
	d, ok3 := digits(parts[2][:2], 2)
	if !ok1 || !ok2 || !ok3 || y == 0 {
		return 0, "", false
	}
	if bc {
		y = 1 - y
	}
	if day, ok = JulianDay(y, m, d); !ok {
		return 0, "", false
	}
	return day, parts[2][2:], true
}

// parseTime reads "[-]h:mm:ss[.ffffff]" and returns what follows it.
func parseTime(s string) (us int64, rest string, ok bool) {
	body, neg := strings.CutPrefix(s, "-")
	end := len(body)
	if i := strings.IndexAny(body, "+-Z"); i >= 0 {
		end = i
	}
	body, rest = body[:end], body[end:]
	parts := strings.Split(body, ":")
	if len(parts) != 3 {
		return 0, "", false
	}
	h, ok1 := digits(parts[0], len(parts[0]))
	m, ok2 := digits(parts[1], 2)
	sec, frac, point := strings.Cut(parts[2], ".")
	x, ok3 := digits(sec, 2)
	if !ok1 || !ok2 || !ok3 || m > 59 || x > 59 || point && frac == "" || len(parts[0]) > 4 || len(frac) > 9 {
		return 0, "", false
	}
	us = (h*3600 + m*60 + x) * 1_000_000
	if frac != "" {
		f, ok := digits(frac, len(frac))
		if !ok {
			return 0, "", false
		}
		for i := len(frac); i < 6; i++ {
			f *= 10
		}
		for i := len(frac); i > 6; i-- {
			if f%10 != 0 { // finer than a microsecond: no engine of ours stores it
				return 0, "", false
			}
			f /= 10
		}
		us += f
	}
	if neg {
		us = -us
	}
	return us, rest, true
}

// digits reads exactly n decimal digits.
func digits(s string, n int) (int64, bool) {
	if len(s) != n || n == 0 || n > 18 {
		return 0, false
	}
	v := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
	}
	return v, true
}

func daysIn(y, m int64) int64 {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// JulianDay is the Julian day number of a day in the proleptic Gregorian calendar, year 0 = 1 BC. ok is false where
// there is no such day.
func JulianDay(y, m, d int64) (day int64, ok bool) {
	if m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	a := (14 - m) / 12
	yy := y + 4800 - a
	mm := m + 12*a - 3
	return d + (153*mm+2)/5 + 365*yy + floorDiv(yy, 4) - floorDiv(yy, 100) + floorDiv(yy, 400) - 32045, true
}

func civil(day int64) (y, m, d int64) {
	a := day + 32044
	b := floorDiv(4*a+3, 146097)
	c := a - floorDiv(146097*b, 4)
	e := floorDiv(4*c+3, 1461)
	f := c - floorDiv(1461*e, 4)
	g := (5*f + 2) / 153
	d = f - (153*g+2)/5 + 1
	m = g + 3 - 12*(g/10)
	y = 100*b + e - 4800 + g/10
	return y, m, d
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func formatDate(day int64) string {
	switch day {
	case PosInfinity:
		return "infinity"
	case NegInfinity:
		return "-infinity"
	}
	y, m, d := civil(day)
	if y <= 0 {
		return fmt.Sprintf("%04d-%02d-%02d BC", 1-y, m, d)
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}

func formatTime(us int64) string {
	sign := ""
	if us < 0 {
		sign, us = "-", -us
	}
	s := us / 1_000_000
	out := fmt.Sprintf("%s%02d:%02d:%02d", sign, s/3600, s/60%60, s%60)
	if f := us % 1_000_000; f != 0 {
		out += "." + strings.TrimRight(fmt.Sprintf("%06d", f), "0")
	}
	return out
}

// formatInstant writes UTC without naming the zone: sessions run in UTC, and a zoneless column of
// another engine takes the same text.
func formatInstant(us int64) string {
	switch us {
	case PosInfinity:
		return "infinity"
	case NegInfinity:
		return "-infinity"
	}
	day := floorDiv(us, dayMicros)
	date := formatDate(day + EpochDay)
	date, bc := strings.CutSuffix(date, " BC")
	out := date + " " + formatTime(us-day*dayMicros)
	if bc {
		out += " BC"
	}
	return out
}
