package qual

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

const (
	tokEOF    kind = iota
	tokField       // '…', text without quotes
	tokDollar      // $…$, text without dollars
	tokString      // "…", text without quotes
	tokNumber      // digits, perhaps with a point
	tokWord        // AND, LIKE, a function's name
	tokSymbol      // operator, parenthesis, comma
)

// token is a piece of the text.
type token struct {
	kind     kind
	text     string
	off, end int
}

// is reports whether the token is this symbol, or this word in any letter case.
func (t token) is(s string) bool {
	return t.kind == tokSymbol && t.text == s || t.kind == tokWord && strings.EqualFold(t.text, s)
}

// stateFn is a state of the lexer: it consumes some text and returns the next state.
type stateFn func(*lexer) stateFn

// lexer cuts a text into tokens. Pieces that are no token go to errs; lexing goes on after them.
type lexer struct {
	text   string
	start  int // of the token at hand
	pos    int
	tokens []token
	errs   ErrorList
}

// lex returns the tokens of text; the last is tokEOF.
func lex(text string) ([]token, ErrorList) {
	l := &lexer{text: text}
	for state := lexAny; state != nil; {
		state = state(l)
	}
	l.tokens = append(l.tokens, token{kind: tokEOF, off: len(text), end: len(text)})
	return l.tokens, l.errs
}

func (l *lexer) emit(k kind, text string) stateFn {
	l.tokens = append(l.tokens, token{k, text, l.start, l.pos})
	return lexAny
}

func (l *lexer) complain(hint, format string, args ...any) stateFn {
	l.errs = append(l.errs, &Error{l.start, max(l.pos-l.start, 1), fmt.Sprintf(format, args...), hint})
	return lexAny
}

// symbols are tried longest first.
var symbols = []string{"!=", "<=", ">=", "&&", "||", "=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", ","}

// notOurs are operators of other languages.
var notOurs = map[string]string{
	"&": "write AND or &&", "|": "write OR or ||", ";": "one qualification is one text",
	"[": "sets stand inside the text of LIKE", "@": "", "#": "there are no comments",
}

func lexAny(l *lexer) stateFn {
	for l.pos < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.pos]) >= 0 {
		l.pos++
	}
	l.start = l.pos
	rest := l.text[l.pos:]
	if rest == "" {
		return nil
	}
	switch c := rest[0]; {
	case c == '\'':
		return lexField
	case c == '"':
		return lexString
	case c == '$':
		return lexDollar
	case c >= '0' && c <= '9':
		return lexNumber
	}
	if r, _ := utf8.DecodeRuneInString(rest); r == '_' || unicode.IsLetter(r) {
		return lexWord
	}
	return lexSymbol
}

func lexSymbol(l *lexer) stateFn {
	rest := l.text[l.pos:]
	switch {
	case strings.HasPrefix(rest, "=="):
		l.pos += 2
		return l.complain("equality is written =", "== is no operator")
	case strings.HasPrefix(rest, "<>"):
		l.pos += 2
		return l.complain("inequality is written !=", "<> is no operator")
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			l.pos += len(s)
			return l.emit(tokSymbol, s)
		}
	}
	r, size := utf8.DecodeRuneInString(rest)
	l.pos += size
	if r == utf8.RuneError && size == 1 {
		return l.complain("", "the text is not valid UTF-8")
	}
	switch r {
	case '“', '”', '„':
		return l.complain(`use the straight quote "`, "%q is no quote", r)
	case '‘', '’':
		return l.complain("use the straight quote '", "%q is no quote", r)
	}
	return l.complain(notOurs[string(r)], "%q means nothing here", r)
}

func lexWord(l *lexer) stateFn {
	for l.pos < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		l.pos += size
	}
	return l.emit(tokWord, l.text[l.start:l.pos])
}

func lexNumber(l *lexer) stateFn {
	digits := func() bool {
		from := l.pos
		for l.pos < len(l.text) && l.text[l.pos] >= '0' && l.text[l.pos] <= '9' {
			l.pos++
		}
		return l.pos > from
	}
	digits()
	if l.pos < len(l.text) && l.text[l.pos] == '.' {
		l.pos++
		if !digits() {
			return l.complain("", "digits are missing after the point")
		}
	}
	end := l.pos
	for {
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if size == 0 || r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		l.pos += size
	}
	if l.pos > end {
		return l.complain("numbers are digits with at most one point", "%q is no number", l.text[l.start:l.pos])
	}
	return l.emit(tokNumber, l.text[l.start:l.pos])
}

func lexField(l *lexer) stateFn  { return l.quoted('\'', tokField, "field name") }
func lexString(l *lexer) stateFn { return l.quoted('"', tokString, "text") }

// lexDollar reads $Name$. A dollar inside a name is doubled, like the quotes.
func lexDollar(l *lexer) stateFn { return l.quoted('$', tokDollar, "name") }

// quoted reads a quoted token; the quote is doubled inside.
func (l *lexer) quoted(quote byte, k kind, what string) stateFn {
	var b strings.Builder
	for l.pos++; ; {
		i := strings.IndexByte(l.text[l.pos:], quote)
		if i < 0 {
			l.pos = len(l.text)
			l.complain(fmt.Sprintf("a %c inside is written %c%c", quote, quote, quote), "the %s has no closing %c", what, quote)
			return nil
		}
		b.WriteString(l.text[l.pos : l.pos+i])
		l.pos += i + 1
		if l.pos == len(l.text) || l.text[l.pos] != quote {
			break
		}
		b.WriteByte(quote)
		l.pos++
	}
	if s := b.String(); !utf8.ValidString(s) {
		return l.complain("", "the %s is not valid UTF-8", what)
	} else if s == "" && k != tokString {
		return l.complain("", "the %s is empty", what)
	} else {
		return l.emit(k, s)
	}
}
