package qual

import (
	"strings"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// MaxExternalDepth bounds EXTERNALs within the text of EXTERNALs (§12 row 18).
const MaxExternalDepth = 5

// machine evaluates one tree for one Env. The first error stops it: what is returned after that
// means nothing.
type machine struct {
	env   *Env
	scope *Scope
	loose bool // value expression: NULL counts as "" or 0 (§6.4)
	depth int  // of EXTERNAL
	err   error
}

// start makes the Env's machine ready for an evaluation.
func (e *Env) start(s *Scope, loose bool) *machine {
	e.machine = machine{env: e, scope: s, loose: loose}
	return &e.machine
}

func (m *machine) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// test evaluates a condition.
func (m *machine) test(n *node) Truth {
	switch n.op {
	case opAnd:
		return m.all(n.args)
	case opOr:
		return m.any(n.args)
	case opNot:
		return m.test(n.args[0]).Not()
	case opEqual, opNotEqual:
		return m.equality(n)
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return m.order(n)
	case opLike:
		return m.like(n)
	case opIn:
		return m.in(n)
	case opChanged:
		return m.changed(n)
	case opExternal:
		return m.external(n)
	}
	panic("qual: a value was tested") // the checker lets only conditions come here
}

// all is Kleene's AND; it stops at the first False.
func (m *machine) all(args []*node) Truth {
	t := True
	for _, a := range args {
		t = min(t, m.test(a))
		if t == False || m.err != nil {
			break
		}
	}
	return t
}

// any is Kleene's OR; it stops at the first True.
func (m *machine) any(args []*node) Truth {
	t := False
	for _, a := range args {
		t = max(t, m.test(a))
		if t == True || m.err != nil {
			break
		}
	}
	return t
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// equality is = and !=. Beside the literal $NULL$ they ask for NULL; otherwise a NULL side makes
// them Unknown, unless the rule wants them two-valued.
func (m *machine) equality(n *node) Truth {
	a, b := m.eval(n.args[0]), m.eval(n.args[1])
	an, bn := a.IsNull(), b.IsNull()
	t := Unknown
	switch {
	case n.args[0].isNull() || n.args[1].isNull(), (an || bn) && m.scope.NullCompareAR:
		t = truth(an && bn)
	case an || bn:
		return Unknown
	case n.args[0].typ == schema.Currency:
		t = truth(a.Equal(b) && m.part(n.args[0], "TYPE").Equal(m.part(n.args[1], "TYPE")))
	default:
		t = truth(compare(a, b, m.scope.CaseSensitive) == 0)
	}
	if n.op == opNotEqual {
		return t.Not()
	}
	return t
}

func (m *machine) order(n *node) Truth {
	a, b := m.eval(n.args[0]), m.eval(n.args[1])
	if a.IsNull() || b.IsNull() {
		return Unknown
	}
	if n.args[0].typ == schema.Currency && !m.part(n.args[0], "TYPE").Equal(m.part(n.args[1], "TYPE")) {
		return Unknown // without a rate, money of two currencies has no order
	}
	c := compare(a, b, m.scope.CaseSensitive)
	switch n.op {
	case opLess:
		return truth(c < 0)
	case opLessEqual:
		return truth(c <= 0)
	case opGreater:
		return truth(c > 0)
	}
	return truth(c >= 0)
}

// compare orders two values that are not NULL and whose types are comparable.
func compare(a, b value.Value, caseSensitive bool) int {
	x, y := a.Kind(), b.Kind()
	switch {
	case x == value.KindText && y == value.KindText:
		return compareText(a.Text(), b.Text(), caseSensitive)
	case isExact(x) && isExact(y):
		return compareNumbers(a, b)
	case x == value.KindReal || y == value.KindReal:
		return compareReals(realOf(a).Real(), realOf(b).Real())
	case x == value.KindBytes:
		return strings.Compare(a.Text(), b.Text())
	case x == y:
		return compareInts(a.Int(), b.Int())
	case isExact(y):
		return compareTimeNumber(a, b)
	case isExact(x):
		return -compareTimeNumber(b, a)
	}
	panic("qual: " + x.String() + " compared with " + y.String()) // the checker refuses them
}

func isExact(k value.Kind) bool { return k == value.KindInt || k == value.KindDecimal }

// compareTimeNumber orders an instant or time with seconds, a date with a day number.
func compareTimeNumber(t, n value.Value) int {
	if n.Kind() == value.KindDecimal { // an integer beyond 64 bits
		return -compareNumbers(n, value.Int(0))
	}
	us := t.Int()
	if t.Kind() == value.KindDate || infinite(t) {
		return compareInts(us, n.Int())
	}
	seconds := floorDiv(us, secondMicros)
	if c := compareInts(seconds, n.Int()); c != 0 {
		return c
	}
	return compareInts(us, seconds*secondMicros)
}

func (m *machine) like(n *node) Truth {
	a, b := m.eval(n.args[0]), m.eval(n.args[1])
	if a.IsNull() || b.IsNull() {
		return Unknown
	}
	p := n.pattern
	if p == nil {
		p = compilePattern(b.Text(), m.scope.CaseSensitive)
	}
	return truth(p.match(a.Text()) != n.neg)
}

// in compares with each member; NULL members never match, and so do not make it Unknown (§12 row 17).
func (m *machine) in(n *node) Truth {
	a := m.eval(n.args[0])
	if a.IsNull() {
		return Unknown
	}
	for _, member := range n.args[1:] {
		b := m.eval(member)
		if !b.IsNull() && m.err == nil && compare(a, b, m.scope.CaseSensitive) == 0 {
			return truth(!n.neg)
		}
	}
	return truth(n.neg)
}

// changed is CHANGED('F'): the value after differs from the value before, NULL included (§12 row 4).
// Text differs here if any byte does.
func (m *machine) changed(n *node) Truth {
	after, before := at(m.env.Fields, n.field.Index), at(m.env.DB, n.field.Index)
	switch {
	case after.Kind() == value.KindUnchanged:
		return False
	case !after.Known():
		m.unknown(n, after)
	case !before.Known():
		m.unknown(n, before)
	}
	return truth(!after.Equal(before))
}

// at reads an image; no image reads as NULL, a short one as absent.
func at(image []value.Value, i int) value.Value {
	switch {
	case image == nil:
		return value.Null
	case i >= len(image):
		return value.Absent
	}
	return image[i]
}

func (m *machine) unknown(n *node, v value.Value) {
	m.fail(&UnknownValueError{Field: n.name, Kind: v.Kind().String()})
}

// external splices the text of a field in. Empty text, like NULL, restricts nothing.
func (m *machine) external(n *node) Truth {
	text := m.field(n)
	if text.IsNull() || m.err != nil {
		return True
	}
	if m.depth == MaxExternalDepth {
		m.fail(&ExternalError{Field: n.name, Text: text.Text()})
		return Unknown
	}
	root, c := compile(text.Text(), *m.scope, false)
	if err := c.problems(); err != nil {
		m.fail(&ExternalError{Field: n.name, Text: text.Text(), Err: err})
		return Unknown
	}
	if root == nil {
		return True
	}
	m.depth++
	defer func() { m.depth-- }()
	return m.test(root)
}

// eval computes a value: NULL or of the kind that the node's type has.
func (m *machine) eval(n *node) value.Value {
	switch n.op {
	case opConst:
		return n.val
	case opField:
		return m.field(n)
	case opKeyword:
		if n.keyword.get == nil {
			return value.Null
		}
		return n.keyword.get(&m.env.Keywords, n.typ, zoneOf(m.scope))
	case opNeg:
		return negateNumber(m.eval(n.args[0]))
	case opAdd, opSub, opMul, opDiv, opMod:
		return m.binary(n)
	case opCall:
		if n.folded {
			return n.val
		}
		return m.call(n)
	}
	panic("qual: a condition was evaluated") // the checker lets only values come here
}

// field reads a reference.
func (m *machine) field(n *node) value.Value {
	switch {
	case n.field.ID == statusHistoryID && n.part != "":
		if m.env.StatusHistory == nil {
			return value.Null
		}
		return m.env.StatusHistory(n.from, n.state, n.part == "TIME")
	case n.part != "":
		return m.part(n, n.part)
	case n.field.Type == schema.Currency:
		return m.part(n, "VALUE")
	}
	var v value.Value
	switch n.from {
	case FromRow:
		v = at(m.env.Fields, n.field.Index)
	case FromTR:
		if v = at(m.env.TR, n.field.Index); v.Kind() == value.KindAbsent {
			return value.Null
		}
	case FromDB:
		v = at(m.env.DB, n.field.Index)
	case FromCurrent:
		v = at(m.env.Current, n.field.Index)
	}
	if !v.Known() {
		m.unknown(n, v)
		return value.Null
	}
	return v
}

// part reads a part of a currency field.
func (m *machine) part(n *node, part string) value.Value {
	if m.env.Currency == nil || n.op != opField {
		return value.Null
	}
	return m.env.Currency(n.from, n.field.Index, part)
}

func (m *machine) binary(n *node) value.Value {
	a, b := m.eval(n.args[0]), m.eval(n.args[1])
	if m.err != nil {
		return value.Null
	}
	if n.typ == schema.Character {
		return m.concatenate(n, a, b)
	}
	if m.loose && isNumber(n.typ) {
		a, b = m.zero(n.args[0], n, a), m.zero(n.args[1], n, b)
	}
	switch {
	case a.IsNull() || b.IsNull():
		return value.Null
	case isTime(n.args[0].typ) || isTime(n.args[1].typ):
		return m.timeArithmetic(n.op, a, b)
	}
	return m.arithmetic(n.op, a, b, n.typ == schema.Integer)
}

// zero is what NULL counts as among numbers, in a value expression. A NULL time stays NULL: it has
// no zero.
func (m *machine) zero(arg, n *node, v value.Value) value.Value {
	switch {
	case !v.IsNull() || isTime(arg.typ) || isTime(n.args[0].typ) || isTime(n.args[1].typ):
		return v
	case n.typ == schema.Real:
		return value.Real(0)
	case n.typ == schema.Decimal:
		return decimal("0")
	}
	return value.Int(0)
}

// timeArithmetic adds and subtracts seconds or days, and takes differences. What is infinite stays
// so; the difference of infinite times is NULL.
func (m *machine) timeArithmetic(o op, a, b value.Value) value.Value {
	if isExact(a.Kind()) {
		a, b = b, a // integer + time
	}
	unit := int64(secondMicros)
	if a.Kind() == value.KindDate {
		unit = 1
	}
	if !isExact(b.Kind()) { // time - time
		if infinite(a) || infinite(b) {
			return value.Null
		}
		if d, ok := intArithmetic(opSub, a.Int(), b.Int(), true); ok {
			return value.Int(d / unit)
		}
		return m.farTime()
	}
	if infinite(a) {
		return a
	}
	n, ok := intArithmetic(opMul, b.Int(), unit, true)
	if ok && b.Kind() == value.KindInt {
		if n, ok = intArithmetic(o, a.Int(), n, true); ok {
			return timeOf(a.Kind(), n)
		}
	}
	return m.farTime()
}

func (m *machine) farTime() value.Value {
	m.fail(&LimitError{What: "a time reckoned with is too far away"})
	return value.Null
}

func timeOf(k value.Kind, n int64) value.Value {
	switch k {
	case value.KindDate:
		return value.Date(n)
	case value.KindTime:
		return value.TimeOfDay(n)
	}
	return value.Instant(n)
}

// maxText bounds the text that an expression makes, in bytes.
const maxText = 64 << 20

// concatenate joins text. In a value expression NULL is "", and other types join as their text.
func (m *machine) concatenate(n *node, a, b value.Value) value.Value {
	if !m.loose && (a.IsNull() || b.IsNull()) {
		return value.Null
	}
	return m.text(m.textOf(n.args[0], a) + m.textOf(n.args[1], b))
}

// text makes a value of text, unless it is too long.
func (m *machine) text(s string) value.Value {
	if len(s) > maxText {
		m.fail(&LimitError{What: "the text that an expression makes is longer than 64 MiB"})
		return value.Null
	}
	return value.Text(s)
}

// textOf is a value as text in a value expression: NULL is "", a selection its label, times are ISO
// 8601 in the scope's zone.
func (m *machine) textOf(n *node, v value.Value) string {
	switch {
	case v.IsNull():
		return ""
	case n.typ == schema.Selection && n.field != nil:
		if label, ok := n.field.Label(v.Int()); ok {
			return label
		}
	case isTime(n.typ):
		return timeText(v, zoneOf(m.scope))
	}
	return v.SQL()
}
