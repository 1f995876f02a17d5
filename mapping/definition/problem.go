package definition

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one complaint about the definitions.
type Problem struct {
	Pos    Pos
	Kind   string // such as "definition.unknown_key"; docs/definitions.md lists them
	Found  string // what was found, in one clause
	Advice string // what was meant, or what to do
	Line   string // the source line, secrets hidden; "" where there is none
	Caret  int    // column of the caret in Line, from 1; 0 = none
}

// Error is the complaint on several lines: place and finding, the source line with a caret, advice.
func (p *Problem) Error() string {
	var b strings.Builder
	if !p.Pos.IsZero() {
		fmt.Fprintf(&b, "%s: ", p.Pos)
	}
	fmt.Fprintf(&b, "%s [%s]", p.Found, p.Kind)
	if p.Line != "" {
		number := fmt.Sprint(p.Pos.Line)
		fmt.Fprintf(&b, "\n  %s | %s", number, p.Line)
		if p.Caret > 0 {
			fmt.Fprintf(&b, "\n  %*s | %s^", len(number), "", blanks(p.Line, p.Caret-1))
		}
	}
	if p.Advice != "" {
		fmt.Fprintf(&b, "\n  %s", p.Advice)
	}
	return b.String()
}

func (p *Problem) Name() string   { return p.Kind }
func (p *Problem) Remedy() string { return p.Advice }

// blanks is as wide as the first n characters of line: tabs stay tabs, so the caret stands right.
func blanks(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n == 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
		n--
	}
	return b.String() + strings.Repeat(" ", n)
}

// ErrorList is all problems of a document, by file, line and column.
type ErrorList []*Problem

// Error is all problems, one after another, with their number at the end where there are several.
func (l ErrorList) Error() string {
	parts := make([]string, 0, len(l)+1)
	for _, p := range l {
		parts = append(parts, p.Error())
	}
	if len(l) > 1 {
		parts = append(parts, fmt.Sprintf("%d problems in the definitions", len(l)))
	}
	return strings.Join(parts, "\n")
}

func (l ErrorList) Name() string { return "definition.invalid" }

func (l ErrorList) Remedy() string {
	if len(l) == 1 && l[0].Advice != "" {
		return l[0].Advice
	}
	return "correct the definitions as said at each place; docs/definitions.md explains every key"
}

// Unwrap gives errors.As the single problems.
func (l ErrorList) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// err is nil for an empty list; a plain conversion would give an error that holds no problem.
func (l ErrorList) err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// complaints gathers problems.
type complaints struct {
	sources sources
	list    ErrorList
}

// add files a complaint about the text at pos.
func (c *complaints) add(pos Pos, kind, advice, format string, args ...any) {
	p := &Problem{Pos: pos, Kind: "definition." + kind, Found: fmt.Sprintf(format, args...), Advice: advice}
	p.Found = hide(p.Found)
	c.list = append(c.list, p)
}

// sorted returns the list by file in the order given, line and column, without doubles, and with the
// source lines.
func (c *complaints) sorted() ErrorList {
	slices.SortStableFunc(c.list, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(c.sources.order(a.Pos.File), c.sources.order(b.Pos.File)),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	list := slices.CompactFunc(c.list, func(a, b *Problem) bool { return *a == *b })
	lines := map[string][]string{}
	for _, f := range c.sources.files() {
		if slices.ContainsFunc(list, func(p *Problem) bool { return p.Pos.File == f.Name }) {
			lines[f.Name] = strings.Split(f.Text, "\n")
		}
	}
	for _, p := range list {
		if of := lines[p.Pos.File]; p.Pos.Line >= 1 && p.Pos.Line <= len(of) {
			p.Line, p.Caret = excerpt(of[p.Pos.Line-1], p.Pos.Column)
		}
	}
	return list
}

// sources are the texts that a document was read from, to show lines of them. It prints as nothing:
// the texts may hold a password that the definitions refuse.
type sources struct{ texts func() []File }

func (s sources) files() []File {
	if s.texts == nil {
		return nil
	}
	return s.texts()
}

func (s sources) order(file string) int {
	return slices.IndexFunc(s.files(), func(f File) bool { return f.Name == file })
}

// maxExcerpt bounds a shown line, in characters; a file may be one long line.
const maxExcerpt = 160

// excerpt is what is shown of a source line: secrets hidden, with the column of the caret in it.
func excerpt(source string, column int) (line string, caret int) {
	runes := []rune(strings.TrimRight(strings.ToValidUTF8(source, "\uFFFD"), "\r"))
	at := min(max(column-1, 0), len(runes))
	before, after := hideAt(string(runes), at)
	line, caret = before+after, utf8.RuneCountInString(before)+1
	if r := []rune(line); len(r) > maxExcerpt {
		from := max(0, min(caret-1-maxExcerpt/2, len(r)-maxExcerpt))
		line, caret = string(r[from:from+maxExcerpt]), caret-from
	}
	return printable(line), caret
}

// printable replaces characters that would move the caret or the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, s)
}

// secretText finds what may be a password in a line of a definition file: the value of a password key
// that is no reference, and the password in a URL.
var secretText = regexp.MustCompile(`(?i)(?:password['"]?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\$\{[^}\s]*\}|[^\s,}&]+)|://[^:/?#\s]*:([^/?#\s]*)@`)

// hide replaces passwords in a text.
func hide(text string) string {
	before, after := hideAt(text, 0)
	return before + after
}

// hideAt replaces passwords in a line and keeps the place of the character at index at.
func hideAt(line string, at int) (before, after string) {
	var b strings.Builder
	cut, runesSeen, last := -1, 0, 0
	put := func(text string, width int) {
		if cut < 0 && at <= runesSeen+width {
			cut = b.Len() + byteOffset(text, min(at-runesSeen, utf8.RuneCountInString(text)))
		}
		b.WriteString(text)
		runesSeen += width
	}
	for _, m := range secretText.FindAllStringSubmatchIndex(line, -1) {
		from, to := m[2], m[3]
		if from < 0 {
			from, to = m[4], m[5]
		}
		if v := strings.Trim(line[from:to], `'"`); reference.MatchString(v) || from == to {
			continue
		}
		put(line[last:from], utf8.RuneCountInString(line[last:from]))
		put(hidden, utf8.RuneCountInString(line[from:to]))
		last = to
	}
	put(line[last:], utf8.RuneCountInString(line[last:]))
	all := b.String()
	return all[:cut], all[cut:]
}

// byteOffset is where the n-th character of s begins.
func byteOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// reference is text that only names an environment variable.
var reference = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)

// nearest is the advice `did you mean "x"?` where one of the names is close to what was found, else
// the list of them, as long as it is short.
func nearest(found string, names []string) string {
	best, least := "", len(found)/3+2
	for _, n := range names {
		if strings.EqualFold(n, found) {
			return fmt.Sprintf("did you mean %q?", n)
		}
		if d := distance(strings.ToLower(found), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(names) == 0:
		return ""
	case len(names) > 30:
		return fmt.Sprintf("there are %d names, none of them close", len(names))
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return "known: " + strings.Join(quoted, ", ")
}

// distance is the number of inserted, deleted, replaced or swapped characters between two names.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 || len(y) > 100 {
		return 100
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			differ := 1
			if x[i-1] == y[j-1] {
				differ = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+differ)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
