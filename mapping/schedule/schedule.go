// Package schedule says when escalations run: at an interval, or by a calendar in a time zone. It reads no
// clock: the present comes in, times go out.
//
// # When clocks are set
//
// A calendar speaks of what clocks in its zone show. A minute that they skip counts as shown at the very moment
// they skip it, so that no run is lost: with "02:30" on the night that 02:00 is followed by 03:00, the run is
// at 03:00. Several times within one gap are one run. A minute that they show twice counts the first time only.
//
// Read Schedule, then Due.
package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule is when an escalation runs: Every, if it is not 0, else by Calendar.
type Schedule struct {
	Every    time.Duration
	Calendar Calendar
}

// Calendar is a set of times of day on days: AR System's time mark (ar-database-reference 8.2).
type Calendar struct {
	Weekdays  []time.Weekday // joined with MonthDays by OR; none of both: every day
	MonthDays []int          // 1 to 31, LastDay
	Times     []Time         // at least one
	Zone      *time.Location
}

// LastDay among MonthDays is the last day of every month, as AR System numbers it.
const LastDay = 32

// Time is a time of day.
type Time struct{ Hour, Minute int }

// ParseTime reads hours and minutes such as 18:00.
func ParseTime(s string) (Time, error) {
	at, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return Time{}, fmt.Errorf("%q is not a time of day", s)
	}
	return Time{at.Hour(), at.Minute()}, nil
}

func (t Time) String() string               { return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute) }
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Compare orders times within a day.
func (t Time) Compare(u Time) int {
	return cmp.Or(cmp.Compare(t.Hour, u.Hour), cmp.Compare(t.Minute, u.Minute))
}

// Next is the first time after t at which the schedule asks for a run: for an interval, counted from t.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.Every != 0 {
		return t.Add(s.Every)
	}
	return s.Calendar.next(t)
}

// Due says what becomes of a schedule that has been due since a time which is not after now: it runs once, for
// its latest time up to now, and passes over those before, of which there are so many. next is when it is due
// again; intervals are counted from now on, for that is when the run begins
// (ar-database-reference 12, row 31).
func (s *Schedule) Due(since, now time.Time) (at time.Time, passed int, next time.Time) {
	if s.Every != 0 {
		passed = int(now.Sub(since) / s.Every)
		return since.Add(time.Duration(passed) * s.Every), passed, now.Add(s.Every)
	}
	for at, next = since, s.Next(since); !next.After(now); passed++ {
		at, next = next, s.Next(next)
	}
	return at, passed, next
}

// String is the schedule as it is kept, to see whether it was changed, and shown: equal texts are equal schedules.
func (s *Schedule) String() string {
	if s.Every != 0 {
		return "every " + s.Every.String()
	}
	return s.Calendar.String()
}

func (c *Calendar) String() string {
	var parts []string
	add := func(list []string) {
		if len(list) > 0 {
			parts = append(parts, strings.Join(list, ","))
		}
	}
	var days, times []string
	for _, d := range c.Weekdays {
		days = append(days, strings.ToLower(d.String()[:3]))
	}
	for _, d := range c.MonthDays {
		if d == LastDay {
			days = append(days, "last")
		} else {
			days = append(days, strconv.Itoa(d))
		}
	}
	for _, t := range c.Times {
		times = append(times, t.String())
	}
	add(days)
	add(times)
	return "at " + strings.Join(append(parts, c.Zone.String()), " ")
}

// longest is more days than lie between any two days of a calendar.
const longest = 100

func (c *Calendar) next(after time.Time) time.Time {
	y, m, d := after.In(c.Zone).Date()
	// The day before, too: where clocks are set back over midnight it comes again.
	for i := -1; i < longest; i++ {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC)
		if !c.on(day) {
			continue
		}
		var first time.Time
		for _, t := range c.Times {
			at := instant(day.Add(time.Duration(t.Hour)*time.Hour+time.Duration(t.Minute)*time.Minute), c.Zone)
			if at.After(after) && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
		if !first.IsZero() {
			return first
		}
	}
	panic("schedule: a calendar without times")
}

// on reports whether a day is one of the calendar's.
func (c *Calendar) on(day time.Time) bool {
	if len(c.Weekdays) == 0 && len(c.MonthDays) == 0 {
		return true
	}
	return slices.Contains(c.Weekdays, day.Weekday()) || slices.Contains(c.MonthDays, day.Day()) ||
		slices.Contains(c.MonthDays, LastDay) && day.AddDate(0, 0, 1).Day() == 1
}

// instant is the first moment at which clocks in a zone show wall, whose fields are read as if it were in UTC, or
// at which they skip it. time.Date picks one of two moments, without saying which.
func instant(wall time.Time, zone *time.Location) time.Time {
	// No zone is further from UTC than that, so the first period that can hold it is in force then.
	for t := wall.Add(-26 * time.Hour); ; {
		start, end := t.In(zone).ZoneBounds()
		_, offset := t.In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case !start.IsZero() && at.Before(start):
			return start.UTC() // the clocks were set from before it to after it
		case end.IsZero() || at.Before(end):
			return at
		}
		t = end
	}
}
