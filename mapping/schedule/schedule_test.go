package schedule

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t rapid.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(t rapid.TB, s string) time.Time {
	t.Helper()
	x, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestNext: days, hours, and the nights on which clocks are set.
func TestNext(t *testing.T) {
	evening, night := []Time{{18, 0}}, []Time{{2, 30}}
	tests := []struct {
		name  string
		c     Calendar
		zone  string
		after string
		want  []string
	}{
		{"every day", Calendar{Times: evening}, "Asia/Tokyo", "2026-03-01T00:00:00Z", []string{"2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z"}},
		{"a time is not after itself", Calendar{Times: evening}, "Asia/Tokyo", "2026-03-01T09:00:00Z", []string{"2026-03-02T09:00:00Z"}},
		{"several times", Calendar{Times: []Time{{7, 0}, {16, 15}}}, "UTC", "2026-03-01T06:59:59Z", []string{"2026-03-01T07:00:00Z", "2026-03-01T16:15:00Z", "2026-03-02T07:00:00Z"}},
		{"working days", Calendar{Weekdays: []time.Weekday{1, 2, 3, 4, 5}, Times: evening}, "America/Los_Angeles", "2026-01-09T12:00:00Z", []string{"2026-01-10T02:00:00Z", "2026-01-13T02:00:00Z"}},
		{"days of the month", Calendar{MonthDays: []int{3, 11}, Times: evening}, "UTC", "2026-01-04T00:00:00Z", []string{"2026-01-11T18:00:00Z", "2026-02-03T18:00:00Z"}},
		{"the 31st", Calendar{MonthDays: []int{31}, Times: evening}, "UTC", "2026-01-31T18:00:00Z", []string{"2026-03-31T18:00:00Z", "2026-05-31T18:00:00Z"}},
		{"the last day", Calendar{MonthDays: []int{LastDay}, Times: evening}, "UTC", "2028-01-31T18:00:00Z", []string{"2028-02-29T18:00:00Z", "2028-03-31T18:00:00Z"}},
		{"either day", Calendar{Weekdays: []time.Weekday{1}, MonthDays: []int{15}, Times: evening}, "UTC", "2026-06-12T00:00:00Z", []string{"2026-06-15T18:00:00Z", "2026-06-22T18:00:00Z"}},
		{"a skipped time", Calendar{Times: night}, "America/Los_Angeles", "2026-03-07T20:00:00Z", []string{"2026-03-08T10:00:00Z", "2026-03-09T09:30:00Z"}},
		{"two skipped times", Calendar{Times: []Time{{2, 0}, {2, 59}, {3, 0}, {3, 1}}}, "America/Los_Angeles", "2026-03-08T09:59:59Z", []string{"2026-03-08T10:00:00Z", "2026-03-08T10:01:00Z", "2026-03-09T09:00:00Z"}},
		{"a doubled time", Calendar{Times: []Time{{1, 30}}}, "America/Los_Angeles", "2026-11-01T00:00:00Z", []string{"2026-11-01T08:30:00Z", "2026-11-02T09:30:00Z"}},
		{"between the two", Calendar{Times: []Time{{1, 30}}}, "America/Los_Angeles", "2026-11-01T09:00:00Z", []string{"2026-11-02T09:30:00Z"}},
		{"midnight that is skipped", Calendar{Times: []Time{{0, 0}}}, "Africa/Cairo", "2026-04-23T12:00:00Z", []string{"2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"}},
		{"a skipped day", Calendar{MonthDays: []int{30}, Times: evening}, "Pacific/Apia", "2011-12-29T00:00:00Z", []string{"2011-12-30T10:00:00Z", "2012-01-30T04:00:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.c
			c.Zone = zone(t, tt.zone)
			s := Schedule{Calendar: c}
			next := at(t, tt.after)
			for _, want := range tt.want {
				if next = s.Next(next); !next.Equal(at(t, want)) {
					t.Fatalf("got %s, want %s", next.UTC().Format(time.RFC3339), want)
				}
			}
		})
	}
}

// zones have summer time at several hours, by half an hour and by two, at midnight, none, and days that
// were skipped.
var zones = []string{
	"UTC", "America/Los_Angeles", "Europe/Paris", "Asia/Tokyo", "Australia/Lord_Howe", "Antarctica/Troll", "America/Havana",
	"Africa/Cairo", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Asia/Pyongyang", "America/Caracas",
}

func drawCalendar(t *rapid.T) Calendar {
	c := Calendar{Zone: zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))}
	for d := range 7 {
		if rapid.IntRange(0, 3).Draw(t, "weekday") == 0 {
			c.Weekdays = append(c.Weekdays, time.Weekday(d))
		}
	}
	c.MonthDays = rapid.SliceOfNDistinct(rapid.IntRange(1, LastDay), 0, 4, rapid.ID).Draw(t, "monthdays")
	if rapid.Bool().Draw(t, "every day") {
		c.Weekdays, c.MonthDays = nil, nil
	}
	minute := rapid.SampledFrom([]int{0, 1, 15, 30, 59})
	c.Times = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Time {
		return Time{rapid.IntRange(0, 23).Draw(t, "hour"), minute.Draw(t, "minute")}
	}), 1, 6, rapid.ID).Draw(t, "times")
	return c
}

// drawTime draws a time, most often near one at which clocks in the zone are set.
func drawTime(t *rapid.T, z *time.Location) time.Time {
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	x := from.Add(time.Duration(rapid.Int64Range(0, int64(35*365*24*time.Hour/time.Second)).Draw(t, "time")) * time.Second)
	if _, end := x.In(z).ZoneBounds(); !end.IsZero() && rapid.IntRange(0, 3).Draw(t, "near") > 0 {
		x = end.Add(time.Duration(rapid.IntRange(-30*60, 3*60).Draw(t, "minutes")) * time.Minute)
	}
	return x
}

// scan looks at the clock each minute, from two days before, and returns the first n times after a time at which it
// shows a minute of the calendar for the first time, or has just skipped one.
func scan(c *Calendar, after time.Time, n int) (found []time.Time) {
	shows := func(t time.Time) time.Time {
		_, offset := t.In(c.Zone).Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second).Truncate(time.Minute)
	}
	matches := func(wall time.Time) bool {
		if !slices.Contains(c.Times, Time{wall.Hour(), wall.Minute()}) {
			return false
		}
		last := wall.AddDate(0, 0, 1).Day() == 1
		return len(c.Weekdays)+len(c.MonthDays) == 0 || slices.Contains(c.Weekdays, wall.Weekday()) ||
			slices.Contains(c.MonthDays, wall.Day()) || last && slices.Contains(c.MonthDays, LastDay)
	}
	t := after.Truncate(time.Minute).Add(-48 * time.Hour)
	furthest := shows(t)
	for ; len(found) < n; t = t.Add(time.Minute) {
		hit := false
		for wall := furthest.Add(time.Minute); !wall.After(shows(t)); wall = wall.Add(time.Minute) {
			hit = hit || matches(wall)
			furthest = wall
		}
		if hit && t.After(after) {
			found = append(found, t)
		}
	}
	return found
}

// TestNextIsWhatTheClockShows compares with looking at the clock each minute.
func TestNextIsWhatTheClockShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		after := drawTime(t, c.Zone)
		s := Schedule{Calendar: c}
		next := after
		for _, want := range scan(&c, after, 4) {
			if next = s.Next(next); !next.Equal(want) {
				t.Fatalf("%s: after %s: got %s, want %s", &s, after.In(c.Zone), next.In(c.Zone), want.In(c.Zone))
			}
		}
	})
}

// TestDue: one run for what was missed, at its latest time, and the next is after now.
func TestDue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule{Calendar: drawCalendar(t)}
		since := s.Next(drawTime(t, s.Calendar.Zone))
		now := since.Add(time.Duration(rapid.Int64Range(0, int64(40*24*time.Hour)).Draw(t, "late")))
		var all []time.Time
		for x := since; !x.After(now); x = s.Next(x) {
			all = append(all, x)
		}
		at, passed, next := s.Due(since, now)
		if !at.Equal(all[len(all)-1]) || passed != len(all)-1 || !next.Equal(s.Next(at)) || !next.After(now) {
			t.Fatalf("due since %s, now %s: run for %s, %d passed over, next %s; all %v", since, now, at, passed, next, all)
		}
	})
}

// TestDueInterval: intervals are counted from the start of the last run.
func TestDueInterval(t *testing.T) {
	s := Schedule{Every: time.Hour}
	since := at(t, "2026-03-01T10:00:00Z")
	for _, tt := range []struct{ now, at, next string }{
		{"2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"},
		{"2026-03-01T10:20:00Z", "2026-03-01T10:00:00Z", "2026-03-01T11:20:00Z"},
		{"2026-03-01T13:20:00Z", "2026-03-01T13:00:00Z", "2026-03-01T14:20:00Z"},
	} {
		got, passed, next := s.Due(since, at(t, tt.now))
		if !got.Equal(at(t, tt.at)) || !next.Equal(at(t, tt.next)) || passed != int(got.Sub(since)/time.Hour) {
			t.Errorf("now %s: run for %s, %d passed over, next %s", tt.now, got, passed, next)
		}
	}
}

func TestString(t *testing.T) {
	tests := []struct {
		s    Schedule
		want string
	}{
		{Schedule{Every: 90 * time.Minute}, "every 1h30m0s"},
		{Schedule{Calendar: Calendar{Times: []Time{{18, 0}}, Zone: time.UTC}}, "at 18:00 UTC"},
		{Schedule{Calendar: Calendar{Weekdays: []time.Weekday{1, 5}, MonthDays: []int{2, LastDay}, Times: []Time{{7, 5}, {18, 0}}, Zone: zone(t, "Europe/Paris")}}, "at mon,fri,2,last 07:05,18:00 Europe/Paris"},
	}
	for _, tt := range tests {
		if got := tt.s.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, s := range []string{"00:00", "07:05", "23:59"} {
		if x, err := ParseTime(s); err != nil || x.String() != s {
			t.Errorf("%s: got %s, %v", s, x, err)
		}
	}
	for _, s := range []string{"", "24:00", "7:05", "18:60", "18.00", "18:00:00"} {
		if x, err := ParseTime(s); err == nil {
			t.Errorf("%s: got %s", s, x)
		}
	}
}
