package definition

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// reader takes values out of the syntax tree of one file and complains of those that are not as
// they should be.
type reader struct {
	*complaints
	file    File
	lines   [][]rune // of file, to find the places of characters
	secrets Secrets
}

// pair is one key of a YAML mapping with its value.
type pair struct {
	key   Text
	value ast.Node
}

// unwrap sees through what stands around a value without meaning. Anchors and tags have been complained
// of by then.
func unwrap(n ast.Node) ast.Node {
	for {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.TagNode:
			n = x.Value
		default:
			return n
		}
	}
}

// plainOnly complains of anchors, aliases, merge keys and tags: what a definition says shall stand
// where it is read, and a file cannot be blown up by references to itself.
func (r *reader) plainOnly(n ast.Node) bool {
	what := ""
	switch n.(type) {
	case *ast.AnchorNode:
		what = "an anchor"
	case *ast.AliasNode:
		what = "an alias"
	case *ast.MergeKeyNode:
		what = "a merge key"
	case *ast.TagNode:
		what = "a tag"
	default:
		return true
	}
	r.add(r.pos(n), "yaml_feature", "write the value out", "definitions cannot use %s", what)
	return false
}

// pos is where a node's own token stands.
func (r *reader) pos(n ast.Node) Pos {
	p := Pos{File: r.file.Name, Line: 1, Column: 1}
	if n == nil {
		return p
	}
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		p.Line, p.Column = tk.Position.Line, max(tk.Position.Column, 1)
	}
	return p
}

// start is where a node begins: for a block mapping its first key.
func (r *reader) start(n ast.Node) Pos {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return r.pos(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return r.pos(x.Key)
	}
	return r.pos(n)
}

// describe is a value in words, for complaints.
func describe(n ast.Node) string {
	switch x := unwrap(n).(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return fmt.Sprintf("the switch %s", x.GetToken().Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return fmt.Sprintf("the number %s", x.GetToken().Value)
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", shorten(x.Value))
	case *ast.LiteralNode:
		return "a text"
	}
	return "something else"
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func (r *reader) wrongType(n ast.Node, want string) {
	if !r.plainOnly(n) {
		return
	}
	advice := ""
	switch unwrap(n).(type) {
	case *ast.NullNode:
		advice = "write a value, or leave the key out"
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		if want == "text" {
			advice = "put it in quotes"
		}
	}
	r.add(r.start(n), "wrong_type", advice, "expected %s, found %s", want, describe(n))
}

// text reads a text.
func (r *reader) text(n ast.Node) (Text, bool) {
	if r.plainOnly(n) {
		switch x := n.(type) {
		case *ast.StringNode:
			return r.locate(x.Value, x.Token), true
		case *ast.LiteralNode:
			return r.locateBlock(x.Value.Value, x.Start), true
		}
		r.wrongType(n, "text")
	}
	return Text{}, false
}

// number reads the digits of a number as they are written; it does not complain.
func (r *reader) number(n ast.Node) (Text, bool) {
	switch x := n.(type) {
	case *ast.IntegerNode:
		return r.locate(x.Token.Value, x.Token), true
	case *ast.FloatNode:
		return r.locate(x.Token.Value, x.Token), true
	}
	return Text{}, false
}

// pairs reads the keys of a YAML mapping in order. Keys that stand twice are complained of, and the
// first counts.
func (r *reader) pairs(n ast.Node, what string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		values = x.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{x}
	default:
		r.wrongType(n, what+" with keys")
		return nil, false
	}
	pairs := make([]pair, 0, len(values))
	first := map[string]Pos{}
	for _, v := range values {
		k, ok := r.key(v.Key)
		if !ok {
			continue
		}
		if before, twice := first[k.Value]; twice {
			r.add(k.Pos, "duplicate_key", "remove one of the two", "key %q stands twice, first in line %d", k.Value, before.Line)
			continue
		}
		first[k.Value] = k.Pos
		pairs = append(pairs, pair{k, v.Value})
	}
	return pairs, true
}

// key reads a key. Numbers are allowed: field IDs and selection values are keys.
func (r *reader) key(n ast.MapKeyNode) (Text, bool) {
	if !r.plainOnly(n) {
		return Text{}, false
	}
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		if s, ok := n.(*ast.StringNode); ok {
			return r.locate(s.Value, s.Token), true
		}
		tk := n.GetToken()
		return r.locate(tk.Value, tk), true
	}
	r.add(r.pos(n), "wrong_type", "write a plain key", "a key must be a text or a number")
	return Text{}, false
}

// locate finds the places of the characters of a plain or quoted text.
func (r *reader) locate(value string, tk *token.Token) Text {
	t := Text{Value: value, Pos: Pos{File: r.file.Name, Line: tk.Position.Line, Column: max(tk.Position.Column, 1)}}
	w := walk{lines: r.lines, line: t.Pos.Line, column: t.Pos.Column}
	switch tk.Type {
	case token.SingleQuoteType:
		w.quote = '\''
	case token.DoubleQuoteType:
		w.quote = '"'
	}
	if w.quote != 0 {
		w.column++
	}
	if t.marks = w.over(value); len(t.marks) > 0 {
		t.Pos.Line, t.Pos.Column = t.marks[0].line, t.marks[0].column
	}
	return t
}

// locateBlock does the same for a text after | or >.
func (r *reader) locateBlock(value string, start *token.Token) Text {
	t := Text{Value: value, Pos: Pos{File: r.file.Name, Line: start.Position.Line, Column: max(start.Position.Column, 1)}}
	w := walk{lines: r.lines, line: t.Pos.Line + 1, block: true, literal: strings.HasPrefix(start.Value, "|")}
	for l := w.line; l <= len(r.lines); l++ {
		if line := r.lines[l-1]; strings.TrimSpace(string(line)) != "" {
			w.indent = len(line) - len([]rune(strings.TrimLeft(string(line), " ")))
			break
		}
	}
	if i := strings.IndexFunc(start.Value, func(c rune) bool { return c >= '1' && c <= '9' }); i >= 0 {
		// The indentation is stated, relative to the parent's: what the first line has beyond it is text.
		first := strings.SplitN(value, "\n", 2)[0]
		w.indent -= len(first) - len(strings.TrimLeft(first, " "))
	}
	w.column = w.indent + 1
	if t.marks = w.over(value); len(t.marks) > 0 {
		t.Pos.Line, t.Pos.Column = t.marks[0].line, t.marks[0].column
	}
	return t
}

// walk goes over the source of a text in step with its value.
type walk struct {
	lines        [][]rune
	line, column int // the next character, from 1
	quote        rune
	block        bool // after | or >
	literal      bool // after |
	indent       int  // of a block's lines
}

// over returns the places of the value's characters, or nil where source and value do not go together:
// the text is then only known to begin at its start.
func (w *walk) over(value string) []mark {
	var marks []mark
	nextLine, nextColumn := 0, 0
	runes := []rune(value)
	offset := 0
	for i, c := range runes {
		if w.atEnd() {
			if !w.fold(c, i+1 < len(runes) && runes[i+1] == '\n', &marks, offset) {
				return nil
			}
			nextLine, offset = 0, offset+len(string(c))
			continue
		}
		if w.line != nextLine || w.column != nextColumn {
			marks = append(marks, mark{offset, w.line, w.column})
		}
		from := w.column
		if !w.step(c) {
			return nil
		}
		nextLine, nextColumn = w.line, from+1
		offset += len(string(c))
	}
	return marks
}

// atEnd reports whether nothing but blanks is left in the line, where blanks do not count.
func (w *walk) atEnd() bool {
	if w.line > len(w.lines) {
		return true
	}
	rest := w.rest()
	if w.block {
		return len(rest) == 0
	}
	s := strings.TrimRight(string(rest), " \t\r")
	return s == "" || w.quote == '"' && s == `\`
}

func (w *walk) rest() []rune {
	line := w.lines[w.line-1]
	if w.column > len(line) {
		return nil
	}
	return line[w.column-1:]
}

// fold goes to the next line for a line break of the value, or the blank that a break was folded into.
func (w *walk) fold(c rune, more bool, marks *[]mark, offset int) bool {
	escaped := false
	if w.line <= len(w.lines) {
		*marks = append(*marks, mark{offset, w.line, w.column})
		escaped = w.quote == '"' && strings.HasPrefix(string(w.rest()), `\`)
	} else if w.block && c == '\n' {
		return true
	} else {
		return false
	}
	w.line++
	w.column = w.indent + 1
	for !more && w.line <= len(w.lines) && !w.literal {
		if s := strings.TrimSpace(string(w.lines[w.line-1])); s != "" {
			break
		}
		w.line++
	}
	if !w.block && w.line <= len(w.lines) {
		line := string(w.lines[w.line-1])
		w.column = len([]rune(line)) - len([]rune(strings.TrimLeft(line, " \t"))) + 1
	}
	if escaped { // an escaped break joins the lines; c is then the next line's first character
		return w.step(c)
	}
	return c == ' ' || c == '\n'
}

// step goes over the source of one character of the value.
func (w *walk) step(c rune) bool {
	rest := w.rest()
	switch {
	case w.quote == '\'' && rest[0] == '\'':
		w.column += 2
		return c == '\'' && len(rest) > 1 && rest[1] == '\''
	case w.quote == '"' && rest[0] == '\\':
		n := escapeLength(rest)
		w.column += n
		return n > 0
	}
	w.column++
	return rest[0] == c
}

// escapeLength is the length of the escape at the head of s, which begins with a backslash; 0 = none.
// Two escaped surrogates are one character.
func escapeLength(s []rune) int {
	if len(s) < 2 {
		return 0
	}
	n := map[rune]int{'x': 4, 'u': 6, 'U': 10}[s[1]]
	if n == 0 {
		return 2
	}
	if len(s) < n {
		return 0
	}
	if s[1] == 'u' && strings.ContainsRune("dD", s[2]) && strings.ContainsRune("89abAB", s[3]) && len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		return 12
	}
	return n
}
