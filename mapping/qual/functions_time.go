package qual

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// unit is a unit of DATEADD and DATEDIFF, or a part of DATENAME and DATENUM (§12 row 19).
type unit struct {
	name   string
	months int           // length in months
	exact  time.Duration // length in time; days and weeks go by the calendar
	part   func(time.Time) int
	label  func(time.Time) string
}

var units = []unit{
	{name: "YEAR", months: 12, part: time.Time.Year},
	{name: "QUARTER", months: 3, part: func(t time.Time) int { return (int(t.Month()) + 2) / 3 }},
	{name: "MONTH", months: 1, part: func(t time.Time) int { return int(t.Month()) }, label: func(t time.Time) string { return t.Month().String() }},
	{name: "WEEK", exact: 7 * 24 * time.Hour, part: func(t time.Time) int { _, w := t.ISOWeek(); return w }},
	{name: "DAY", exact: 24 * time.Hour, part: time.Time.Day},
	{name: "HOUR", exact: time.Hour, part: time.Time.Hour},
	{name: "MINUTE", exact: time.Minute, part: time.Time.Minute},
	{name: "SECOND", exact: time.Second, part: time.Time.Second},
	{name: "WEEKDAY", part: func(t time.Time) int { return int(t.Weekday()) + 1 }, label: func(t time.Time) string { return t.Weekday().String() }},
}

// length reports a unit that has one; WEEKDAY is only a part.
func (u unit) length() bool { return u.months != 0 || u.exact != 0 }

func findUnit(name string) (unit, bool) {
	for _, u := range units {
		if strings.EqualFold(u.name, name) {
			return u, true
		}
	}
	return unit{}, false
}

// unitKnown reports whether a function takes a unit.
func unitKnown(function string) func(string) bool {
	return func(name string) bool {
		u, ok := findUnit(name)
		return ok && (u.length() || function == "DATENAME" || function == "DATENUM")
	}
}

func unitNames(function string) string {
	var names []string
	for _, u := range units {
		if unitKnown(function)(u.name) {
			names = append(names, u.name)
		}
	}
	return strings.Join(names, ", ")
}

// clock is the wall clock of a time argument; false for NULL and for times beyond reckoning.
func (m *machine) clock(v value.Value) (time.Time, bool) {
	if v.IsNull() || !finite(v) {
		return time.Time{}, false
	}
	return civilTime(v, zoneOf(m.scope)), true
}

func runDate(m *machine, _ *node, a []value.Value) value.Value {
	t, ok := m.clock(a[0])
	if !ok || a[0].Kind() == value.KindTime {
		return value.Text("")
	}
	return value.Text(fmt.Sprintf("%04d-%02d-%02d", t.Year(), t.Month(), t.Day()))
}

func runTime(m *machine, _ *node, a []value.Value) value.Value {
	t, ok := m.clock(a[0])
	if !ok {
		return value.Text("")
	}
	return value.Text(t.Format("15:04:05"))
}

func runPart(name string) runner {
	u, _ := findUnit(name)
	return func(m *machine, _ *node, a []value.Value) value.Value {
		t, ok := m.clock(a[0])
		if !ok {
			return value.Null
		}
		return value.Int(int64(u.part(t)))
	}
}

func runDateNum(m *machine, _ *node, a []value.Value) value.Value {
	return runPart(a[0].Text())(m, nil, a[1:])
}

func runDateName(m *machine, _ *node, a []value.Value) value.Value {
	u, _ := findUnit(a[0].Text())
	t, ok := m.clock(a[1])
	switch {
	case !ok:
		return value.Text("")
	case u.label != nil:
		return value.Text(u.label(t))
	}
	return value.Text(strconv.Itoa(u.part(t)))
}

// farCount bounds DATEADD, so that no reckoning overflows: beyond it lies no date of ours.
const farCount = 500_000_000_000

// runDateAdd goes by the calendar from a day on, so that a day later is the same hour on the clock.
func runDateAdd(m *machine, _ *node, a []value.Value) value.Value {
	u, _ := findUnit(a[0].Text())
	t, ok := m.clock(a[2])
	if !ok {
		return a[2]
	}
	if a[1].Kind() != value.KindInt || a[1].Int() > farCount || a[1].Int() < -farCount {
		return m.farTime()
	}
	n := a[1].Int()
	switch {
	case u.months != 0:
		t = addMonths(t, n*int64(u.months))
	case u.exact >= 24*time.Hour:
		t = t.AddDate(0, 0, int(n*int64(u.exact/(24*time.Hour))))
	default:
		seconds := n * int64(u.exact/time.Second)
		t = time.Unix(t.Unix()+seconds, int64(t.Nanosecond())).In(t.Location())
	}
	if y := t.Year(); y < -4712 || y > 294000 {
		return m.farTime()
	}
	return likeKind(t, a[2])
}

// addMonths keeps the day, or takes the month's last where it is shorter (§12 row 19).
func addMonths(t time.Time, n int64) time.Time {
	y, m, d := t.Date()
	months := int64(y)*12 + int64(m) - 1 + n
	year, month := months/12, months%12
	if month < 0 {
		year, month = year-1, month+12
	}
	last := time.Date(int(year), time.Month(month+2), 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(int(year), time.Month(month+1), min(d, last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

// runDateDiff counts the whole units from d1 to d2, negative if d2 is earlier.
func runDateDiff(m *machine, _ *node, a []value.Value) value.Value {
	u, _ := findUnit(a[0].Text())
	from, ok1 := m.clock(a[1])
	to, ok2 := m.clock(a[2])
	if !ok1 || !ok2 {
		return value.Null
	}
	if to.Before(from) {
		return value.Int(-wholeUnits(u, to, from))
	}
	return value.Int(wholeUnits(u, from, to))
}

// wholeUnits counts units from one time to a later one.
func wholeUnits(u unit, from, to time.Time) int64 {
	if u.months != 0 {
		n := int64(to.Year()-from.Year())*12 + int64(to.Month()) - int64(from.Month())
		if addMonths(from, n).After(to) {
			n--
		}
		return n / int64(u.months)
	}
	if u.exact < 24*time.Hour {
		return (to.UnixMicro() - from.UnixMicro()) / u.exact.Microseconds()
	}
	wall := func(t time.Time) int64 { // days by the calendar, whatever the clocks were set to
		y, mo, d := t.Date()
		return time.Date(y, mo, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).UnixMicro()
	}
	return (wall(to) - wall(from)) / u.exact.Microseconds()
}

// convertNames lists what CONVERT makes.
const convertNames = "CHARACTER, INTEGER, DECIMAL, REAL, DATE/TIME, DATE, TIME, BYTES"

func convertible(name string) (schema.Type, bool) {
	t, ok := schema.ParseType(name)
	switch t {
	case schema.Character, schema.Integer, schema.Decimal, schema.Real, schema.DateTime, schema.Date,
		schema.Time, schema.Bytes:
		return t, ok
	}
	return 0, false
}

func convertType(n *node) schema.Type {
	t, _ := convertible(n.args[1].raw.Text())
	return t
}
