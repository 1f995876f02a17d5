package qual

import (
	"math"
	"strings"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// Bind puts values in the place of all that is not the row's: $F$ from env.Current, keywords, and
// EXTERNAL($F$), whose text is spliced in. What is left stands alone over Scope.Form: compiled with
// Scope{Form: …} and the same CaseSensitive and NullCompareAR it judges every row as this one does
// with env, in whatever zone. Values of every type survive; where no plain literal says it, the
// value is written as CONVERT("…", "type"), and a NULL that was a value as -$NULL$, which equals
// nothing, as a NULL field does. The result is "" where every row passes.
//
// So a matching qualification 'Serial' = $Serial$ becomes 'Serial' = "A-17" for one source request.
func (q *Qualification) Bind(env *Env) (string, error) {
	if q.root == nil {
		return "", nil
	}
	b := binder{machine{env: env, scope: &q.scope}}
	root := b.condition(q.root)
	if b.err != nil {
		return "", b.err
	}
	if t, ok := constantTruth(root); ok && t == True {
		return "", nil
	}
	return root.String(), nil
}

// binder rebuilds a tree with values in it. It shares what it does not change.
type binder struct{ machine }

// rowDependent reports what only a row can tell.
func rowDependent(n *node) bool {
	depends := false
	n.walk(func(m *node) {
		switch m.op {
		case opField, opExternal:
			depends = depends || m.from != FromCurrent
		case opChanged:
			depends = true
		}
	})
	return depends
}

// truthNodes are conditions that every reader understands and that a row does not change.
func truthNode(t Truth) *node {
	one, zero := number("1"), number("0")
	switch t {
	case True:
		return &node{op: opEqual, args: []*node{one, one}}
	case False:
		return &node{op: opEqual, args: []*node{one, zero}}
	}
	null := &node{op: opConst, raw: value.Null, val: value.Null}
	return &node{op: opLess, args: []*node{one, null}} // Unknown, also where = is two-valued
}

// constantTruth recognizes truthNodes.
func constantTruth(n *node) (Truth, bool) {
	if len(n.args) != 2 || n.args[0].num != "1" || n.args[0].op != opConst || n.args[1].op != opConst {
		return Unknown, false
	}
	switch right := n.args[1]; {
	case n.op == opEqual && right.num == "1":
		return True, true
	case n.op == opEqual && right.num == "0":
		return False, true
	case n.op == opLess && right.isNull():
		return Unknown, true
	}
	return Unknown, false
}

func (b *binder) condition(n *node) *node {
	if n.op == opExternal && n.from == FromCurrent {
		return b.splice(n)
	}
	if !rowDependent(n) && !hasExternal(n) {
		return truthNode(b.test(n))
	}
	switch n.op {
	case opAnd:
		return b.junction(n, True, False)
	case opOr:
		return b.junction(n, False, True)
	case opNot:
		inner := b.condition(n.args[0])
		if t, ok := constantTruth(inner); ok {
			return truthNode(t.Not())
		}
		return n.with(inner)
	case opChanged, opExternal:
		return n
	}
	args := make([]*node, len(n.args))
	for i, a := range n.args {
		args[i] = b.value(a)
	}
	return n.with(args...)
}

func hasExternal(n *node) bool {
	found := false
	n.walk(func(m *node) { found = found || m.op == opExternal })
	return found
}

// junction binds AND (neutral True, decided by False) or OR (the other way round).
func (b *binder) junction(n *node, neutral, decided Truth) *node {
	var parts []*node
	for _, a := range n.args {
		part := b.condition(a)
		t, constant := constantTruth(part)
		switch {
		case constant && t == decided:
			return truthNode(decided)
		case !constant || t != neutral:
			parts = flat(parts, n.op, part)
		}
	}
	switch len(parts) {
	case 0:
		return truthNode(neutral)
	case 1:
		return parts[0]
	}
	return n.with(parts...)
}

// splice compiles the text of EXTERNAL($F$) and binds it.
func (b *binder) splice(n *node) *node {
	text := b.field(n)
	if text.IsNull() || b.err != nil {
		return truthNode(True)
	}
	if b.depth == MaxExternalDepth {
		b.fail(&ExternalError{Field: n.name, Text: text.Text()})
		return n
	}
	root, c := compile(text.Text(), *b.scope, false)
	if err := c.problems(); err != nil {
		b.fail(&ExternalError{Field: n.name, Text: text.Text(), Err: err})
		return n
	}
	if root == nil {
		return truthNode(True)
	}
	b.depth++
	defer func() { b.depth-- }()
	return b.condition(root)
}

// with is n over other arguments.
func (n *node) with(args ...*node) *node {
	m := *n
	m.args = args
	return &m
}

func (b *binder) value(n *node) *node {
	switch {
	case n.op == opConst && !isTime(n.typ), n.op == opField && n.from != FromCurrent:
		return n
	case !rowDependent(n):
		return b.literal(n, b.eval(n))
	}
	args := make([]*node, len(n.args))
	for i, a := range n.args {
		args[i] = b.value(a)
	}
	return n.with(args...)
}

// literal is a node that compiles to v of n's type anywhere.
func (b *binder) literal(n *node, v value.Value) *node {
	if n.typ == schema.Currency {
		b.fail(&BindError{Field: n.name})
		return n
	}
	switch v.Kind() {
	case value.KindNull:
		return &node{op: opNeg, args: []*node{{op: opConst, raw: value.Null, val: value.Null}}}
	case value.KindText:
		return &node{op: opConst, raw: v, val: v, typ: schema.Character}
	case value.KindInt:
		return number(v.SQL())
	case value.KindDecimal:
		return decimalNode(v, n.typ)
	case value.KindBytes:
		return convertNode(strings.TrimPrefix(v.String(), "0x"), schema.Bytes)
	case value.KindInstant:
		return convertNode(formatZoned(v), schema.DateTime)
	case value.KindDate:
		return dateNode(v)
	case value.KindTime:
		return timeNode(v)
	}
	return convertNode(v.SQL(), schema.Real)
}

func decimalNode(v value.Value, t schema.Type) *node {
	switch s := v.Text(); {
	case strings.ContainsAny(s, "NI"):
		return convertNode(s, schema.Decimal)
	case t == schema.Decimal && !strings.Contains(s, "."):
		return number(s + ".0")
	default:
		return number(s)
	}
}

// dateNode writes days that no date literal can say as day numbers.
func dateNode(v value.Value) *node {
	s := v.SQL()
	if _, err := value.Parse(value.KindDate, s); err != nil {
		return convertNumberNode(v.Int(), schema.Date)
	}
	return convertNode(s, schema.Date)
}

func timeNode(v value.Value) *node {
	s := v.SQL()
	if _, err := value.Parse(value.KindTime, s); err != nil && v.Int()%secondMicros == 0 && v.Int() != math.MinInt64 {
		return convertNumberNode(v.Int()/secondMicros, schema.Time)
	}
	return convertNode(s, schema.Time)
}

func convertNode(text string, to schema.Type) *node {
	return convertOf(&node{op: opConst, raw: value.Text(text)}, to)
}

func convertNumberNode(n int64, to schema.Type) *node {
	return convertOf(number(value.Int(n).SQL()), to)
}

// convertOf is CONVERT(arg, "type").
func convertOf(arg *node, to schema.Type) *node {
	return &node{op: opCall, typ: to, fn: &function{name: "CONVERT"}, args: []*node{
		arg, {op: opConst, raw: value.Text(strings.ToUpper(to.String()))},
	}}
}

// BindError is a currency field as a whole, which no literal can stand for.
type BindError struct{ Field string }

func (e *BindError) Error() string {
	return "field " + e.Field + ": a currency as a whole cannot be bound"
}
func (e *BindError) Name() string   { return "qualification.bind" }
func (e *BindError) Remedy() string { return "compare the parts of the currency: VALUE and TYPE" }
