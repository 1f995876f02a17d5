package request

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"ardso/sql/value"
)

// Separators of a stored diary (ar-database-reference 3.3).
const (
	entryEnd = "\x03" // behind each entry
	partEnd  = "\x04" // between time, user and text of one
)

// DiaryEntry is one entry of a diary.
type DiaryEntry struct {
	Time int64 // seconds since 1970-01-01 UTC
	User string
	Text string // with "\n" between lines
	// Other: it is not made of time, user and text. All of it is Text.
	Other bool

	stored string // as it stands in the diary; it is never written anew
}

// Diary is what a diary field holds: a set of entries.
type Diary []DiaryEntry

// ParseDiary reads a stored diary, its entries in the order in which they stand. It takes any text: what is no
// entry is kept as it is, so that nothing is lost with it.
func ParseDiary(text string) Diary {
	var d Diary
	for stored := range strings.SplitSeq(text, entryEnd) {
		if stored != "" {
			d = append(d, parseEntry(stored))
		}
	}
	return d
}

func parseEntry(stored string) DiaryEntry {
	part := strings.SplitN(stored, partEnd, 3)
	if len(part) == 3 {
		if at, err := strconv.ParseInt(part[0], 10, 64); err == nil {
			return DiaryEntry{Time: at, User: part[1], Text: lines(part[2]), stored: stored}
		}
	}
	return DiaryEntry{Text: lines(stored), Other: true, stored: stored}
}

// lines reads both ways in which line breaks are stored.
func lines(text string) string { return strings.ReplaceAll(text, "\x01", "\n") }

// String is the diary as it is stored.
func (d Diary) String() string {
	var b strings.Builder
	for _, e := range d {
		b.WriteString(e.stored)
		b.WriteString(entryEnd)
	}
	return b.String()
}

// Union has all entries of both, each once, ordered by time, user and text, what is no entry in front. So it is the
// same text whoever joins them and in whatever order.
func (d Diary) Union(e Diary) Diary {
	all := slices.Concat(d, e)
	slices.SortFunc(all, func(a, b DiaryEntry) int {
		return cmp.Or(a.compare(b), strings.Compare(a.stored, b.stored))
	})
	return slices.CompactFunc(all, func(a, b DiaryEntry) bool { return a.compare(b) == 0 })
}

// compare is 0 for two copies of one entry.
func (e DiaryEntry) compare(f DiaryEntry) int {
	switch {
	case e.Other != f.Other && e.Other:
		return -1
	case e.Other != f.Other:
		return 1
	}
	return cmp.Or(cmp.Compare(e.Time, f.Time), strings.Compare(e.User, f.User), strings.Compare(e.Text, f.Text))
}

// SameDiary reports whether two values of a diary field have the same entries.
func SameDiary(a, b value.Value) bool {
	if !a.Known() || !b.Known() {
		return false
	}
	if a.Equal(b) {
		return true
	}
	x, y := ParseDiary(a.Text()).Union(nil), ParseDiary(b.Text()).Union(nil)
	return slices.EqualFunc(x, y, func(e, f DiaryEntry) bool { return e.compare(f) == 0 })
}

// UnionDiaries joins two values of a diary field; one that is not known, or empty, adds nothing.
func UnionDiaries(a, b value.Value) value.Value {
	d := ParseDiary(a.Text()).Union(ParseDiary(b.Text()))
	switch {
	case len(d) > 0:
		return value.Text(d.String())
	case a.Known():
		return a
	}
	return b
}
