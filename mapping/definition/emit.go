package definition

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// This file writes YAML by hand: the library does not read all that it writes (a text with a carriage return), and
// people are to know their definitions again, in which short lists and objects stand on a line.

// maxLine is how long a list or object on a line may be.
const maxLine = 100

// yamlOf writes a document: its sections stand on lines of their own.
func yamlOf(sections entries) string {
	var b strings.Builder
	for _, e := range sections {
		b.WriteString(e.key + ":\n")
		writeBlock(&b, e.value, 2)
	}
	return b.String()
}

// writeBlock writes entries or a list, each of theirs on a line or on several.
func writeBlock(b *strings.Builder, v any, indent int) {
	margin := strings.Repeat(" ", indent)
	switch x := v.(type) {
	case entries:
		for _, e := range x {
			b.WriteString(margin + onLine(e.key) + ":")
			writeValue(b, e.value, indent)
		}
	case []any:
		for _, item := range x {
			b.WriteString(margin + "-")
			if of, ok := item.(entries); ok && !fits(item) { // its first key stands behind the dash
				var object strings.Builder
				writeBlock(&object, of, indent+2)
				b.WriteString(object.String()[indent+1:])
				continue
			}
			writeValue(b, item, indent)
		}
	}
}

// writeValue writes what stands behind a colon or a dash.
func writeValue(b *strings.Builder, v any, indent int) {
	switch s, isText := v.(string); {
	case isText && isLiteral(s):
		head := "|"
		if !strings.HasSuffix(s, "\n") {
			head = "|-"
		}
		b.WriteString(" " + head + "\n")
		for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
			if line != "" {
				b.WriteString(strings.Repeat(" ", indent+2) + line)
			}
			b.WriteByte('\n')
		}
	case isText && blockText.MatchString(s) && !otherwiseRead.MatchString(s):
		b.WriteString(" " + s + "\n")
	case fits(v):
		b.WriteString(" " + onLine(v) + "\n")
	default:
		b.WriteByte('\n')
		writeBlock(b, v, indent+2)
	}
}

// fits reports whether a value is written on one line.
func fits(v any) bool {
	switch x := v.(type) {
	case entries:
		for _, e := range x {
			if s, ok := e.value.(string); ok && isLiteral(s) || !fits(e.value) {
				return false
			}
		}
	case []any:
		for _, item := range x {
			if !fits(item) {
				return false
			}
		}
	default:
		return true
	}
	return len(onLine(v)) <= maxLine
}

// onLine writes a value on one line.
func onLine(v any) string {
	switch x := v.(type) {
	case entries:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = onLine(e.key) + ": " + onLine(e.value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = onLine(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case bool:
		return map[bool]string{false: "no", true: "yes"}[x]
	case string:
		if lineText.MatchString(x) && !otherwiseRead.MatchString(x) {
			return x
		}
		return quoted(x)
	}
	return fmt.Sprint(v)
}

var (
	lineText  = regexp.MustCompile(`^[A-Za-z_$]([A-Za-z0-9_ .$+/-]*[A-Za-z0-9_.$+/-])?$`)
	blockText = regexp.MustCompile(`^([A-Za-z_$]([A-Za-z0-9_ .,$+/()'"{}-]*[A-Za-z0-9_.,$+/()'"{}-])?|[a-z]+:[A-Za-z0-9_./@?=&%+${}-]+)$`)
	// otherwiseRead are words that some reader of YAML takes for a switch or for nothing.
	otherwiseRead = regexp.MustCompile(`(?i)^(y|n|yes|no|true|false|off|null)$`)
)

// isLiteral reports a text over several lines that reads best as it is, after |.
func isLiteral(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n\n") || strings.HasPrefix(s, "\n") || strings.HasPrefix(s, " ") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasSuffix(line, " ") {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && isEscaped(r) })
}

// isEscaped reports what does not show, or ends a line for some reader.
func isEscaped(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// quoted writes a text between double quotes.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case isEscaped(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		case isEscaped(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
