package qual

import (
	"html"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"ardso/sql/value"
)

// measure counts text in bytes or in characters.
type measure struct {
	length func(string) int
	// cut returns the bytes that the first n units take, without breaking a character.
	cut func(s string, n int) int
}

var (
	byBytes = measure{length: func(s string) int { return len(s) }, cut: cutBytes}
	byChars = measure{length: utf8.RuneCountInString, cut: cutChars}
)

func cutBytes(s string, n int) int {
	if n >= len(s) {
		return len(s)
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

func cutChars(s string, n int) int {
	for i := range s {
		if n <= 0 {
			return i
		}
		n--
	}
	return len(s)
}

// count is an integer argument in the range of int; far ones are as good as the range's end.
func count(v value.Value) int {
	if v.Kind() == value.KindDecimal {
		if strings.HasPrefix(v.Text(), "-") {
			return math.MinInt32
		}
		return math.MaxInt32
	}
	return int(min(max(v.Int(), math.MinInt32), math.MaxInt32))
}

type runner = func(*machine, *node, []value.Value) value.Value

func onText(f func(string) string) runner {
	return func(m *machine, _ *node, a []value.Value) value.Value { return m.text(f(a[0].Text())) }
}

func trimLeft(s string) string  { return strings.TrimLeft(s, " \t") }
func trimRight(s string) string { return strings.TrimRight(s, " \t") }

func runLength(by measure) runner {
	return func(_ *machine, _ *node, a []value.Value) value.Value {
		return value.Int(int64(by.length(a[0].Text())))
	}
}

// runSubstr takes start to end, both included. A character that begins before a byte start or ends
// after a byte end is left out.
func runSubstr(by measure) runner {
	return func(_ *machine, _ *node, a []value.Value) value.Value {
		s := a[0].Text()
		start, end := max(count(a[1]), 0), len(s)
		if len(a) == 3 {
			end = by.cut(s, count(a[2])+1)
		}
		from := by.cut(s, start)
		if from < len(s) && by.length(s[:from]) < start { // start is inside a character
			_, size := utf8.DecodeRuneInString(s[from:])
			from += size
		}
		if from >= end {
			return value.Text("")
		}
		return value.Text(s[from:end])
	}
}

func runLeft(by measure) runner {
	return func(_ *machine, _ *node, a []value.Value) value.Value {
		s := a[0].Text()
		return value.Text(s[:by.cut(s, count(a[1]))])
	}
}

func runRight(by measure) runner {
	return func(_ *machine, _ *node, a []value.Value) value.Value {
		s, n := a[0].Text(), max(count(a[1]), 0)
		drop := max(by.length(s)-n, 0)
		from := by.cut(s, drop)
		if by.length(s[:from]) < drop { // the cut fell inside a character, which is then left out
			_, size := utf8.DecodeRuneInString(s[from:])
			from += size
		}
		return value.Text(s[from:])
	}
}

// runPad repeats pad as far as n units hold whole characters. Text that is long enough stays.
func runPad(by measure, before bool) runner {
	return func(m *machine, _ *node, a []value.Value) value.Value {
		s, n, pad := a[0].Text(), count(a[1]), a[2].Text()
		room := n - by.length(s)
		if room <= 0 || pad == "" {
			return a[0]
		}
		unit := by.length(pad)
		if room/unit > maxText/len(pad) {
			m.fail(&LimitError{What: "the text that a padding makes is longer than 64 MiB"})
			return value.Null
		}
		fill := strings.Repeat(pad, room/unit)
		fill += pad[:by.cut(pad, room%unit)]
		if before {
			return m.text(fill + s)
		}
		return m.text(s + fill)
	}
}

// runReplace does not look into what it has put in. An empty old replaces nothing.
func runReplace(m *machine, _ *node, a []value.Value) value.Value {
	s, old, with := a[0].Text(), a[1].Text(), a[2].Text()
	if old == "" {
		return a[0]
	}
	if grown := len(s) + strings.Count(s, old)*(len(with)-len(old)); grown > maxText {
		m.fail(&LimitError{What: "the text that REPLACE makes is longer than 64 MiB"})
		return value.Null
	}
	return value.Text(strings.ReplaceAll(s, old, with))
}

func runStrstr(by measure) runner {
	return func(_ *machine, _ *node, a []value.Value) value.Value {
		i := strings.Index(a[0].Text(), a[1].Text())
		if i >= 0 {
			i = by.length(a[0].Text()[:i])
		}
		return value.Int(int64(i))
	}
}

// tags are comments, scripts and styles with what is in them, and all other tags.
var tags = regexp.MustCompile(`(?is)<!--.*?-->|<script\b.*?</script\s*>|<style\b.*?</style\s*>|</?[a-z!][^>]*>`)

func stripHTML(s string) string {
	return html.UnescapeString(tags.ReplaceAllString(s, ""))
}

// runExtreme is MIN for sign -1 and MAX for 1. NULL is less than all (§7). Text compares as
// everywhere else; of equal ones the first stays.
func runExtreme(sign int) runner {
	return func(m *machine, _ *node, a []value.Value) value.Value {
		best := a[0]
		for _, v := range a[1:] {
			if c := m.compareNull(v, best); c*sign > 0 {
				best = v
			}
		}
		return best
	}
}

func (m *machine) compareNull(a, b value.Value) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		return -1
	case b.IsNull():
		return 1
	}
	return compare(a, b, m.scope.CaseSensitive)
}
