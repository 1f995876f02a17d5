package qual

import (
	"fmt"
	"strings"

	"ardso/sql/value"
)

// compiler holds one text on its way to a checked tree. Complaints are gathered; nothing stops at
// the first.
type compiler struct {
	text   string
	scope  Scope
	value  bool // a value expression: functions are allowed, conditions are not
	tokens []token
	at     int
	nest   int
	failed bool // a syntax error: tokens are skipped until the next AND or OR
	broken bool // there was one: types are not checked
	// garbled: some of the text is no token.
	garbled bool
	errs    ErrorList
	facts   facts
}

// compile reads text. The root is nil for an empty qualification.
func compile(text string, s Scope, asValue bool) (*node, *compiler) {
	c := &compiler{text: text, scope: s, value: asValue}
	c.tokens, c.errs = lex(text)
	c.garbled = len(c.errs) > 0
	c.broken = c.garbled
	if c.peek().kind == tokEOF && len(c.errs) == 0 {
		if asValue {
			c.complainAt(0, len(text), `for an empty text write ""`, "the expression is empty")
		}
		return nil, c
	}
	root := c.parseAll()
	if c.broken {
		return nil, c
	}
	c.checkRoot(root)
	c.facts.warnings.sort()
	return root, c
}

// problems returns the complaints as an error, or nil.
func (c *compiler) problems() error {
	if len(c.errs) == 0 {
		return nil
	}
	c.errs.sort()
	return c.errs
}

func (c *compiler) complainAt(off, end int, hint, format string, args ...any) {
	c.errs = append(c.errs, &Error{off, end - off, fmt.Sprintf(format, args...), hint})
}

func (c *compiler) complain(n *node, hint, format string, args ...any) {
	c.complainAt(n.off, n.end, hint, format, args...)
}

func (c *compiler) warn(n *node, hint, format string, args ...any) {
	c.facts.warnings = append(c.facts.warnings, &Error{n.off, n.end - n.off, fmt.Sprintf(format, args...), hint})
}

func (c *compiler) peek() token { return c.tokens[c.at] }

func (c *compiler) next() token {
	t := c.tokens[c.at]
	if t.kind != tokEOF {
		c.at++
	}
	return t
}

// accept consumes the next token if it is one of words.
func (c *compiler) accept(words ...string) bool {
	for _, w := range words {
		if c.peek().is(w) {
			c.at++
			return true
		}
	}
	return false
}

// syntax reports a syntax error once; c.failed keeps quiet until parsing resumes. Where a piece of
// the text is no token, what follows from that is not worth telling.
func (c *compiler) syntax(t token, hint, format string, args ...any) *node {
	if !c.failed && !c.garbled {
		end := t.end
		if end == t.off {
			end++
		}
		c.complainAt(t.off, end, hint, format, args...)
	}
	c.failed, c.broken = true, true
	return &node{op: opBad, typ: typeBad, off: t.off, end: t.end}
}

// describe names a token in messages.
func describe(t token) string {
	switch t.kind {
	case tokEOF:
		return "the end"
	case tokField:
		return "'" + t.text + "'"
	case tokDollar:
		return "$" + t.text + "$"
	case tokString:
		return fmt.Sprintf(`text "%.30s"`, t.text)
	}
	return t.text
}

// parseAll parses to the end of the text. After a syntax error it resumes behind the next AND or OR,
// to find what else is wrong.
func (c *compiler) parseAll() *node {
	root := c.parseOr()
	if !c.failed && c.peek().kind != tokEOF {
		t := c.peek()
		hint := ""
		if t.is(")") {
			hint = "there is no ( for it"
		}
		c.syntax(t, hint, "expected AND, OR or the end, found %s", describe(t))
	}
	for c.failed {
		c.failed = false
		for t := c.peek(); t.kind != tokEOF && !t.is("AND") && !t.is("OR") && !t.is("&&") && !t.is("||"); t = c.peek() {
			c.at++
		}
		if c.next().kind == tokEOF {
			break
		}
		c.nest = 0
		c.parseOr()
		for c.accept(")") { // its ( may stand before the error
		}
	}
	return root
}

// deep guards recursion; false means that the text nests too deep.
func (c *compiler) deep() bool {
	c.nest++
	if c.nest > maxDepth {
		c.syntax(c.peek(), "", "nested deeper than %d", maxDepth)
		return false
	}
	return true
}

// join makes a node over args and places it in the text.
func (c *compiler) join(o op, args ...*node) *node {
	n := &node{op: o, args: args, off: args[0].off, end: args[len(args)-1].end}
	for _, a := range args {
		n.depth = max(n.depth, a.depth)
	}
	n.depth++
	if n.depth > maxDepth && !c.failed {
		c.complain(n, "", "nested deeper than %d", maxDepth)
		c.failed, c.broken = true, true
	}
	return n
}

func (c *compiler) parseOr() *node {
	return c.parseList(opOr, c.parseAnd, "OR", "||")
}

func (c *compiler) parseAnd() *node {
	return c.parseList(opAnd, c.parseNot, "AND", "&&")
}

// parseList parses part { word part } into one node of all parts; a part of the same kind, which
// stood in parentheses, is taken in.
func (c *compiler) parseList(o op, part func() *node, words ...string) *node {
	first := part()
	if c.failed || !c.accept(words...) {
		return first
	}
	parts := flat(nil, o, first)
	for {
		parts = flat(parts, o, part())
		if c.failed || !c.accept(words...) {
			return c.join(o, parts...)
		}
	}
}

func flat(list []*node, o op, n *node) []*node {
	if n.op == o {
		return append(list, n.args...)
	}
	return append(list, n)
}

func (c *compiler) parseNot() *node {
	t := c.peek()
	if !c.accept("NOT", "!") {
		return c.parseRelation()
	}
	if !c.deep() {
		return c.syntax(t, "", "")
	}
	n := c.join(opNot, c.parseNot())
	n.off = t.off
	c.nest--
	return n
}

var relations = map[string]op{
	"=": opEqual, "!=": opNotEqual, "<": opLess, "<=": opLessEqual, ">": opGreater, ">=": opGreaterEqual,
}

func (c *compiler) parseRelation() *node {
	left := c.parseSum()
	if c.failed {
		return left
	}
	if o, ok := relations[c.peek().text]; ok && c.peek().kind == tokSymbol {
		c.next()
		n := c.join(o, left, c.parseSum())
		if t := c.peek(); !c.failed && t.kind == tokSymbol && relations[t.text] != 0 {
			return c.syntax(t, "join two comparisons with AND", "a comparison cannot be compared")
		}
		return n
	}
	not := c.accept("NOT")
	switch {
	case c.accept("LIKE"):
		n := c.join(opLike, left, c.parseSum())
		n.neg = not
		return n
	case c.accept("IN"):
		return c.parseIn(left, not)
	case not:
		return c.syntax(c.peek(), "", "expected LIKE or IN after NOT, found %s", describe(c.peek()))
	}
	return left
}

func (c *compiler) parseIn(left *node, not bool) *node {
	if !c.accept("(") {
		return c.syntax(c.peek(), `write IN ("a", "b")`, "expected ( after IN, found %s", describe(c.peek()))
	}
	args := []*node{left}
	for {
		args = append(args, c.parseSum())
		if c.failed || !c.accept(",") {
			break
		}
	}
	n := c.join(opIn, args...)
	n.neg = not
	c.closing(n)
	return n
}

// closing expects the parenthesis that ends n.
func (c *compiler) closing(n *node) {
	if c.failed {
		return
	}
	t := c.next()
	if !t.is(")") {
		c.syntax(t, "", "expected ), found %s", describe(t))
	}
	n.end = t.end
}

var (
	sums  = map[string]op{"+": opAdd, "-": opSub}
	terms = map[string]op{"*": opMul, "/": opDiv, "%": opMod}
)

func (c *compiler) parseSum() *node {
	return c.parseChain(c.parseTerm, sums)
}

func (c *compiler) parseTerm() *node {
	return c.parseChain(c.parseFactor, terms)
}

// parseChain parses part { operator part }, grouping from the left.
func (c *compiler) parseChain(part func() *node, ops map[string]op) *node {
	left := part()
	for !c.failed {
		t := c.peek()
		o, ok := ops[t.text]
		if !ok || t.kind != tokSymbol {
			break
		}
		c.next()
		left = c.join(o, left, part())
	}
	return left
}

// parseFactor reads signs. The negative of a number is a number, so that -5 is one literal.
func (c *compiler) parseFactor() *node {
	t := c.peek()
	if !c.accept("-") {
		return c.parsePrimary()
	}
	if !c.deep() {
		return c.syntax(t, "", "")
	}
	n := c.parseFactor()
	c.nest--
	if n.op == opConst && n.num != "" {
		m := number(negative(n.num))
		m.off, m.end = t.off, n.end
		return m
	}
	m := c.join(opNeg, n)
	m.off = t.off
	return m
}

func negative(num string) string {
	if s, ok := strings.CutPrefix(num, "-"); ok {
		return s
	}
	if strings.Trim(num, "0.") == "" {
		return num
	}
	return "-" + num
}

// number makes the node of a number in digits; with a point it is a decimal, without an integer.
func number(digits string) *node {
	n := &node{op: opConst, depth: 1, num: canonicalNumber(digits)}
	kind := value.KindInt
	if strings.Contains(n.num, ".") {
		kind = value.KindDecimal
	}
	v, err := value.Parse(kind, n.num)
	if err != nil {
		panic("qual: the lexer let the number " + digits + " through") // digits and one point always parse
	}
	n.raw, n.val = v, v
	return n
}

// canonicalNumber drops zeros that mean nothing: "007.50" is "7.5". "2.0" keeps its point, because
// it is a decimal.
func canonicalNumber(s string) string {
	s, neg := strings.CutPrefix(s, "-")
	whole, frac, point := strings.Cut(s, ".")
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if point {
		frac = strings.TrimRight(frac, "0")
		if frac == "" {
			frac = "0"
		}
		whole += "." + frac
	}
	if neg {
		whole = "-" + whole
	}
	return whole
}

func (c *compiler) parsePrimary() *node {
	t := c.next()
	n := &node{op: opConst, depth: 1, off: t.off, end: t.end}
	switch t.kind {
	case tokString:
		n.raw = value.Text(t.text)
		n.val = n.raw
		return n
	case tokNumber:
		n = number(t.text)
		n.off, n.end = t.off, t.end
		return n
	case tokField:
		return c.reference(t, c.scope.Form)
	case tokDollar:
		return c.dollar(t)
	case tokWord:
		return c.parseWord(t)
	}
	if t.is("(") {
		if !c.deep() {
			return c.syntax(t, "", "")
		}
		n := c.parseOr()
		inner := *n // the parentheses belong to its place, not to its neighbours'
		c.closing(&inner)
		inner.off = t.off
		c.nest--
		return &inner
	}
	return c.noValue(t)
}

// noValue reports that t stands where a value should. An AND or OR is left there to resume at.
func (c *compiler) noValue(t token) *node {
	if t.kind != tokEOF {
		c.at--
	}
	return c.syntax(t, "", "expected a value, found %s", describe(t))
}

// dollar reads $NULL$, a keyword, or a field of the current request, in this order: a keyword wins
// over a field of its name, as in AR System.
func (c *compiler) dollar(t token) *node {
	n := &node{op: opConst, depth: 1, off: t.off, end: t.end, raw: value.Null, val: value.Null}
	if t.text == nullWord {
		return n
	}
	k := keywordByName[t.text]
	if k == nil {
		return c.reference(t, c.scope.Current)
	}
	n = &node{op: opKeyword, depth: 1, off: t.off, end: t.end, keyword: k}
	if k.typ == typeNull {
		c.warn(n, "", "$%s$ is always NULL here", k.name)
	}
	if f := c.scope.Current; f != nil && f.FieldByName(k.name) != nil {
		c.warn(n, fmt.Sprintf("the field is $%d$", f.FieldByName(k.name).ID), "$%s$ is the keyword, not the field of that name", k.name)
	}
	return n
}

// parseWord reads EXTERNAL(…), CHANGED(…) or a function.
func (c *compiler) parseWord(t token) *node {
	if !c.accept("(") {
		if isOperatorWord(t) {
			return c.noValue(t)
		}
		return c.syntax(t, fmt.Sprintf(`text is written "%s", a field '%s'`, t.text, t.text), "%s means nothing here", describe(t))
	}
	if !c.deep() {
		return c.syntax(t, "", "")
	}
	defer func() { c.nest-- }()
	n := &node{op: opCall, depth: 1, off: t.off, end: t.end}
	var args []*node
	for !c.failed && !c.peek().is(")") {
		args = append(args, c.parseOr())
		if !c.accept(",") {
			break
		}
		if c.peek().is(")") {
			c.syntax(c.peek(), "", "expected a value after the comma")
		}
	}
	if len(args) > 0 {
		n = c.join(opCall, args...)
		n.off = t.off
	}
	c.closing(n)
	if c.failed {
		return n
	}
	return c.call(n, t)
}

func isOperatorWord(t token) bool {
	for _, w := range []string{"AND", "OR", "NOT", "LIKE", "IN"} {
		if t.is(w) {
			return true
		}
	}
	return false
}

// call decides what word(args) is.
func (c *compiler) call(n *node, word token) *node {
	switch {
	case word.is("EXTERNAL"):
		return c.special(n, opExternal, "EXTERNAL($Field$)", func(a *node) bool { return a.part == "" })
	case word.is("CHANGED"):
		return c.special(n, opChanged, "CHANGED('Field')", func(a *node) bool { return a.from == FromRow && a.part == "" })
	}
	n.fn = c.function(word)
	if n.fn == nil {
		n.op, n.typ = opBad, typeBad
	}
	return n
}

// special makes EXTERNAL and CHANGED, whose one argument is a field itself, not its value.
func (c *compiler) special(n *node, o op, form string, fits func(*node) bool) *node {
	if len(n.args) == 1 && n.args[0].op == opBad {
		return n.args[0]
	}
	if len(n.args) != 1 || n.args[0].op != opField || !fits(n.args[0]) {
		c.complain(n, "", "expected %s", form)
		n.op, n.typ = opBad, typeBad
		return n
	}
	a := n.args[0]
	return &node{op: o, depth: 1, off: n.off, end: n.end, field: a.field, from: a.from, name: a.name}
}
