package qual

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ardso/sql/schema"
	"ardso/sql/value"
)

const (
	secondMicros = 1_000_000
	dayMicros    = 86400 * secondMicros
)

// timeForms says what literals are read (§12 row 13), for messages.
var timeForms = map[schema.Type]string{
	schema.DateTime: `write "2026-11-22 18:04:05", "11/22/2026 6:04 PM" or "November 22, 2026"`,
	schema.Date:     `write "2026-11-22", "11/22/2026" or "November 22, 2026"`,
	schema.Time:     `write "18:04:05" or "6:04 PM"`,
}

var errTime = errors.New("not a form of date or time that is known")

// zone is where date literals stand.
func (c *compiler) zone() *time.Location { return zoneOf(&c.scope) }

func zoneOf(s *Scope) *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// parseTimeLiteral reads a date/time, date or time literal. A text that names its own zone, an era
// or infinity is read as package value writes it.
func parseTimeLiteral(text string, t schema.Type, zone *time.Location) (value.Value, error) {
	text = strings.TrimSpace(text)
	if t == schema.Time {
		us, rest, ok := scanClock(text)
		if !ok || rest != "" {
			return value.Parse(value.KindTime, text)
		}
		return value.TimeOfDay(us), nil
	}
	y, m, d, rest, ok := scanDate(text)
	clock := int64(0)
	if ok && rest != "" {
		var sep bool
		if rest, sep = cutSeparator(rest); sep {
			clock, rest, sep = scanClock(rest)
		}
		ok = sep && rest == ""
	}
	switch {
	case t == schema.Date && ok && clock == 0:
		return value.Date(dayOf(y, m, d)), nil
	case t == schema.Date:
		return value.Parse(value.KindDate, text)
	case ok:
		return instantOf(time.Date(y, m, d, 0, 0, 0, 0, zone), clock), nil
	}
	return parseZoned(text)
}

// instantOf adds a time of day to a midnight by the clock on the wall, across a change to summer
// time too.
func instantOf(midnight time.Time, clock int64) value.Value {
	y, m, d := midnight.Date()
	t := time.Date(y, m, d, 0, 0, int(clock/secondMicros), int(clock%secondMicros)*1000, midnight.Location())
	return value.Instant(t.UnixMicro())
}

// parseZoned reads an instant that names its zone, or is infinite.
func parseZoned(text string) (value.Value, error) {
	if !strings.HasSuffix(text, "infinity") && !strings.HasSuffix(text, "Z") && !strings.HasSuffix(text, "Z BC") {
		body := strings.TrimSuffix(text, " BC")
		if i := strings.LastIndexAny(body, "+-"); i < len("0000-00-00") {
			return value.Value{}, errTime
		}
	}
	return value.Parse(value.KindInstant, text)
}

// formatZoned writes an instant so that parseZoned reads it, whatever the zone of a Scope.
func formatZoned(v value.Value) string {
	s := v.SQL()
	if strings.HasSuffix(s, "infinity") {
		return s
	}
	body, bc := strings.CutSuffix(s, " BC")
	body += "Z"
	if bc {
		body += " BC"
	}
	return body
}

func cutSeparator(s string) (string, bool) {
	if s[0] == 'T' || s[0] == 't' {
		return s[1:], true
	}
	rest := strings.TrimLeft(s, " ")
	return rest, rest != s
}

// scanDate reads YYYY-MM-DD, MM/DD/YY[YY] or Month D, YYYY.
func scanDate(s string) (y int, m time.Month, d int, rest string, ok bool) {
	switch {
	case s == "":
		return 0, 0, 0, "", false
	case s[0] < '0' || s[0] > '9':
		return scanMonthName(s)
	}
	first, rest := scanDigits(s)
	if rest == "" {
		return 0, 0, 0, "", false
	}
	sep := rest[:1]
	second, rest2 := scanDigits(rest[1:])
	if !strings.HasPrefix(rest2, sep) {
		return 0, 0, 0, "", false
	}
	third, rest3 := scanDigits(rest2[1:])
	switch {
	case sep == "-" && len(first) == 4 && len(second) == 2 && len(third) == 2:
		return checkDate(first, second, third, rest3)
	case sep == "/" && within(first, 1, 2) && within(second, 1, 2) && len(third) == 2:
		century := "20" // 00-68 are 20xx
		if third > "68" {
			century = "19"
		}
		return checkDate(century+third, first, second, rest3)
	case sep == "/" && within(first, 1, 2) && within(second, 1, 2) && len(third) == 4:
		return checkDate(third, first, second, rest3)
	}
	return 0, 0, 0, "", false
}

func within(s string, least, most int) bool { return len(s) >= least && len(s) <= most }

// scanMonthName reads "July 5, 2020" and "Jul 5, 2020".
func scanMonthName(s string) (y int, m time.Month, d int, rest string, ok bool) {
	word, rest, _ := strings.Cut(s, " ")
	for m = time.January; m <= time.December; m++ {
		if name := m.String(); strings.EqualFold(word, name) || strings.EqualFold(word, name[:3]) {
			day, after := scanDigits(strings.TrimLeft(rest, " "))
			after, comma := strings.CutPrefix(strings.TrimLeft(after, " "), ",")
			year, after := scanDigits(strings.TrimLeft(after, " "))
			if !comma || !within(day, 1, 2) || len(year) != 4 {
				return 0, 0, 0, "", false
			}
			return checkDate(year, strconv.Itoa(int(m)), day, after)
		}
	}
	return 0, 0, 0, "", false
}

// checkDate refuses days that no calendar has, such as February 30.
func checkDate(year, month, day, rest string) (int, time.Month, int, string, bool) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	ok := y > 0 && t.Year() == y && t.Month() == time.Month(m) && t.Day() == d
	return y, time.Month(m), d, rest, ok
}

func scanDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

// scanClock reads hh:mm[:ss[.ffffff]] [AM|PM] to microseconds since midnight.
func scanClock(s string) (us int64, rest string, ok bool) {
	hour, rest := scanDigits(s)
	if !within(hour, 1, 2) || !strings.HasPrefix(rest, ":") {
		return 0, s, false
	}
	minute, rest := scanDigits(rest[1:])
	second, frac := "0", ""
	if strings.HasPrefix(rest, ":") {
		second, rest = scanDigits(rest[1:])
		if !within(second, 1, 2) {
			return 0, s, false
		}
		if strings.HasPrefix(rest, ".") {
			frac, rest = scanDigits(rest[1:])
			if !within(frac, 1, 6) {
				return 0, s, false
			}
		}
	}
	h, _ := strconv.ParseInt(hour, 10, 64)
	m, _ := strconv.ParseInt(minute, 10, 64)
	x, _ := strconv.ParseInt(second, 10, 64)
	f, _ := strconv.ParseInt((frac + "000000")[:6], 10, 64)
	if half := strings.ToUpper(strings.TrimLeft(rest, " ")); half == "AM" || half == "PM" {
		if h < 1 || h > 12 {
			return 0, s, false
		}
		h, rest = h%12, ""
		if half == "PM" {
			h += 12
		}
	}
	ok = len(minute) == 2 && h < 24 && m < 60 && x < 60
	return (h*3600+m*60+x)*secondMicros + f, rest, ok
}

// dayOf is the Julian day number of a day.
func dayOf(y int, m time.Month, d int) int64 {
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400 + value.EpochDay
}

// finite reports a time that can be reckoned with. Infinite and far ones, which only PostgreSQL
// stores, cannot: functions of them are NULL.
func finite(v value.Value) bool {
	n := v.Int()
	switch v.Kind() {
	case value.KindInstant:
		return n > -62_135_596_800*secondMicros*5 && n < 253_402_300_800*secondMicros*5
	case value.KindDate:
		return n > -10_000_000 && n < 30_000_000
	}
	return v.Kind() == value.KindTime
}

// infinite reports the two endless instants and dates of PostgreSQL.
func infinite(v value.Value) bool {
	return v.Int() == value.PosInfinity || v.Int() == value.NegInfinity
}

// floorDiv divides by a positive number, rounding down.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civilTime is the wall clock of an instant in zone, of a date at midnight, or of a time of day. It
// is for finite values.
func civilTime(v value.Value, zone *time.Location) time.Time {
	switch v.Kind() {
	case value.KindDate:
		return time.Unix((v.Int()-value.EpochDay)*86400, 0).UTC()
	case value.KindTime:
		return time.UnixMicro(v.Int()).UTC()
	}
	return time.UnixMicro(v.Int()).In(zone)
}

// likeKind turns a wall clock back into a value of the kind that v has.
func likeKind(t time.Time, v value.Value) value.Value {
	if v.Kind() == value.KindDate {
		return value.Date(dayOf(t.Date()))
	}
	return value.Instant(t.UnixMicro())
}

// timeText is a date, time or instant as text in a value expression: ISO 8601, an instant in zone.
func timeText(v value.Value, zone *time.Location) string {
	if v.Kind() != value.KindInstant || !finite(v) {
		return v.SQL()
	}
	t := civilTime(v, zone)
	s := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second())
	if us := t.Nanosecond() / 1000; us != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", us), "0")
	}
	return s
}
