package catalog

import (
	"regexp"
	"strings"

	"ardso/sql/schema"
)

var collateNoCase = regexp.MustCompile("(?i)\\bCOLLATE\\s+[\"'`\\[]?NOCASE\\b")

// markNoCase finds the columns whose comparisons ignore case in SQLite, which tells the collation of a
// column nowhere but in the text of CREATE TABLE.
func markNoCase(t *schema.Table, definition string) {
	if !collateNoCase.MatchString(definition) {
		return
	}
	for _, part := range definitionParts(definition) {
		if c := t.Column(firstName(part)); c != nil && collateNoCase.MatchString(part) {
			c.CaseFolding = true
		}
	}
}

// definitionParts splits what stands between the outer parentheses of CREATE TABLE at its commas, and
// leaves out comments.
func definitionParts(s string) []string {
	var parts []string
	var part strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		switch c := s[i]; {
		case strings.HasPrefix(rest, "--"):
			i += until(rest, "\n", 2)
			continue
		case strings.HasPrefix(rest, "/*"):
			i += until(rest, "*/", 2) + 1
			continue
		case c == '\'' || c == '"' || c == '`' || c == '[':
			end := string(c)
			if c == '[' {
				end = "]"
			}
			n := until(rest, end, 1)
			if c != '\'' { // what a text says is no matter
				part.WriteString(rest[:n+1])
			}
			i += n
			continue
		case c == '(':
			depth++
			if depth == 1 {
				part.Reset()
				continue
			}
		case c == ')':
			depth--
		}
		if depth == 0 && s[i] == ')' || depth == 1 && s[i] == ',' {
			parts = append(parts, part.String())
			part.Reset()
			continue
		}
		part.WriteByte(s[i])
	}
	return parts
}

// until is the place of end in s behind the first n bytes; the last byte where it is missing.
func until(s, end string, n int) int {
	if i := strings.Index(s[n:], end); i >= 0 {
		return n + i
	}
	return len(s) - 1
}

// firstName is the identifier that a column's definition begins with, without its quotes. A quote
// inside a name stays doubled: such a name is not found.
func firstName(part string) string {
	part = strings.TrimSpace(part)
	if part == "" {
		return ""
	}
	if i := strings.IndexByte("\"'`[", part[0]); i >= 0 {
		end := strings.IndexByte(part[1:], "\"'`]"[i])
		if end < 0 {
			return ""
		}
		return part[1 : 1+end]
	}
	if i := strings.IndexAny(part, " \t\r\n"); i >= 0 {
		return part[:i]
	}
	return part
}
