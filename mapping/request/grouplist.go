package request

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"ardso/sql/value"
)

// ParseGroups reads a group list such as ";12;-5;'Dan O”Connor';": group IDs, roles with a minus sign, and users in
// quotes (ar-database-reference 3.6). It returns each once, in the order of FormatGroups. It is false where a quote is
// not closed, so that one cannot tell where an entry ends.
func ParseGroups(text string) (groups []string, ok bool) {
	for text != "" {
		var g string
		if g, text, ok = nextGroup(text); !ok {
			return nil, false
		}
		if g = strings.Trim(g, " "); g != "" {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, compareGroups)
	return slices.Compact(groups), true
}

// nextGroup cuts off what stands before the first semicolon outside of quotes. Quotes are such at the beginning of an
// entry only; inside they are doubled.
func nextGroup(text string) (group, rest string, ok bool) {
	end := 0
	if in := strings.TrimLeft(text, " "); strings.HasPrefix(in, "'") {
		for end = len(text) - len(in) + 1; ; end += 2 {
			i := strings.IndexByte(text[end:], '\'')
			if i < 0 {
				return "", "", false
			}
			if end += i; !strings.HasPrefix(text[end:], "''") {
				break
			}
		}
	}
	i := strings.IndexByte(text[end:], ';')
	if i < 0 {
		return text, "", true
	}
	return text[:end+i], text[end+i+1:], true
}

// compareGroups puts numbers first, by number, then the others.
func compareGroups(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a, b))
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// FormatGroups writes a group list as AR System stores it; "" if it is empty.
func FormatGroups(groups []string) string {
	if len(groups) == 0 {
		return ""
	}
	return ";" + strings.Join(groups, ";") + ";"
}

// SameGroups reports whether two values of a group list have the same entries.
func SameGroups(a, b value.Value) bool {
	if !a.Known() || !b.Known() {
		return false
	}
	x, ok := ParseGroups(a.Text())
	y, also := ParseGroups(b.Text())
	return a.Equal(b) || ok && also && slices.Equal(x, y)
}

// MergeGroups takes the changes from before to after into a group list that has become current elsewhere: what
// either side added is in, what either removed is not. A list that has these entries stays as it is. It is false where
// one of them is no group list.
func MergeGroups(before, after, current value.Value) (value.Value, bool) {
	was, ok1 := ParseGroups(before.Text())
	is, ok2 := ParseGroups(after.Text())
	merged, ok3 := ParseGroups(current.Text())
	if !before.Known() || !ok1 || !ok2 || !ok3 {
		return current, false
	}
	merged = slices.DeleteFunc(merged, func(g string) bool {
		return slices.Contains(was, g) && !slices.Contains(is, g)
	})
	for _, g := range is {
		if !slices.Contains(was, g) && !slices.Contains(merged, g) {
			merged = append(merged, g)
		}
	}
	slices.SortFunc(merged, compareGroups)
	for _, v := range []value.Value{current, after} {
		if list, _ := ParseGroups(v.Text()); slices.Equal(list, merged) {
			return v, true
		}
	}
	if len(merged) == 0 {
		return value.Null, true
	}
	return value.Text(FormatGroups(merged)), true
}
