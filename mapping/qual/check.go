package qual

import (
	"fmt"
	"strings"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// checkRoot types the tree and fits it to what the text is for.
func (c *compiler) checkRoot(root *node) {
	c.check(root)
	if !c.value {
		c.condition(root)
		return
	}
	c.operand(root)
	if t := c.scope.Target; t != nil && root.typ != typeBad {
		c.fit(root, plainType(t.Type), t)
	}
}

// plainType joins types that differ only in how they are kept.
func plainType(t schema.Type) schema.Type {
	switch t {
	case schema.Diary:
		return schema.Character
	case schema.Bitmask:
		return schema.Integer
	case schema.Attachment:
		return schema.Bytes
	}
	return t
}

func typeName(t schema.Type) string {
	switch t {
	case typeNull:
		return "NULL"
	case typeBoolean:
		return "a condition"
	}
	return t.String()
}

// check types n, arguments first.
func (c *compiler) check(n *node) {
	for _, a := range n.args {
		c.check(a)
	}
	switch n.op {
	case opConst:
		n.typ = constType(n)
	case opField:
		n.typ = referenceType(n)
	case opKeyword:
		n.typ = n.keyword.typ
	case opCall:
		c.checkCall(n)
	case opNeg:
		c.checkNeg(n)
	case opAdd, opSub, opMul, opDiv, opMod:
		c.checkArithmetic(n)
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		c.checkComparison(n)
	case opLike:
		c.checkLike(n)
	case opIn:
		c.checkIn(n)
	case opChanged:
		c.checkChanged(n)
	case opExternal:
		c.checkExternal(n)
	case opNot, opAnd, opOr:
		n.typ = typeBoolean
		for _, a := range n.args {
			c.condition(a)
		}
	}
}

// condition demands that n is true or false.
func (c *compiler) condition(n *node) {
	if n.typ != typeBoolean && n.typ != typeBad {
		c.complain(n, "compare it with something", "expected a condition, found %s", typeName(n.typ))
	}
}

// operand demands that n is a value, and reports whether it is one that can be worked with.
func (c *compiler) operand(n *node) bool {
	if n.typ == typeBoolean {
		c.complain(n, "", "expected a value, found a condition")
		n.typ = typeBad
	}
	return n.typ != typeBad
}

func (c *compiler) operands(args []*node) bool {
	ok := true
	for _, a := range args {
		ok = c.operand(a) && ok
	}
	return ok
}

func constType(n *node) schema.Type {
	switch {
	case n.raw.IsNull():
		return typeNull
	case n.num == "":
		return schema.Character
	case strings.Contains(n.num, "."):
		return schema.Decimal
	}
	return schema.Integer
}

func referenceType(n *node) schema.Type {
	switch n.part {
	case "":
		return plainType(n.field.Type)
	case "TIME", "DATE":
		return schema.DateTime
	case "USER", "TYPE":
		return schema.Character
	}
	return schema.Decimal // VALUE or a functional currency
}

func isNumber(t schema.Type) bool {
	return t == schema.Integer || t == schema.Decimal || t == schema.Real
}

// isTime reports the types that count seconds or days, and so go with integers.
func isTime(t schema.Type) bool {
	return t == schema.DateTime || t == schema.Date || t == schema.Time
}

// fit turns what n is, where n leaves it open, into type t: a literal into a label's number, a date
// or a real, a keyword into what it means beside t. labels is the selection whose labels count.
// What is not open stays; whoever calls compares the types afterwards.
func (c *compiler) fit(n *node, t schema.Type, labels *schema.Field) {
	switch {
	case n.typ == t || n.typ == typeBad:
	case n.op == opConst && n.typ == schema.Character:
		c.fitText(n, t, labels)
	case t == schema.Real && (n.typ == schema.Integer || n.typ == schema.Decimal) && isConstant(n):
		fitReal(n)
	case isTime(t) && n.typ == schema.DateTime:
		fitKeyword(n, t)
	}
}

// isConstant reports a tree of literal numbers.
func isConstant(n *node) bool {
	constant := true
	n.walk(func(m *node) {
		constant = constant && (m.op == opConst && m.num != "" || m.op >= opNeg && m.op <= opDiv)
	})
	return constant
}

// fitReal makes literal numbers reals, which stand only beside reals (§12 row 15).
func fitReal(n *node) {
	n.walk(func(m *node) {
		m.typ = schema.Real
		if m.op == opConst {
			m.val = realOf(m.raw)
		}
	})
}

// fitKeyword makes $DATE$ or $TIME$, also with seconds or days added, the kind of time t.
func fitKeyword(n *node, t schema.Type) bool {
	switch n.op {
	case opKeyword:
		if !n.keyword.canBe(t) {
			return false
		}
	case opAdd, opSub:
		for _, a := range n.args {
			if isTime(a.typ) && !fitKeyword(a, t) {
				return false
			}
		}
	default:
		return false
	}
	n.typ = t
	return true
}

// fitText reads a text literal as what stands beside it.
func (c *compiler) fitText(n *node, t schema.Type, labels *schema.Field) {
	text := n.raw.Text()
	switch t {
	case schema.Selection:
		if labels == nil {
			return
		}
		c.fitLabel(n, text, labels)
	case schema.DateTime, schema.Date, schema.Time:
		v, err := parseTimeLiteral(text, t, c.zone())
		if err != nil {
			c.complain(n, timeForms[t], "%q is no %s", text, t)
			n.typ = typeBad
			return
		}
		n.typ, n.val = t, v
	}
}

// fitLabel looks a selection's label up, then a number in quotes (§12 row 14).
func (c *compiler) fitLabel(n *node, text string, labels *schema.Field) {
	id, ok := labels.Number(text)
	if !ok {
		if v, err := value.Parse(value.KindInt, text); err == nil && v.Kind() == value.KindInt {
			id, ok = v.Int(), true
		}
	}
	if !ok {
		names := make([]string, len(labels.Values))
		for i, v := range labels.Values {
			names[i] = v.Label
		}
		hint := ""
		if near := nearest(text, names); near != "" {
			hint = fmt.Sprintf("did you mean %q", near)
		} else if len(names) > 0 && len(names) <= 12 {
			hint = "the values are " + strings.Join(names, ", ")
		}
		c.complain(n, hint, "field %q has no value %q", labels.Name, text)
		n.typ = typeBad
		return
	}
	n.typ, n.val = schema.Selection, value.Int(id)
}

// unify fits a and b to each other and reports whether they can be compared. It complains if not.
func (c *compiler) unify(a, b *node) bool {
	c.fit(a, b.typ, b.field)
	c.fit(b, a.typ, a.field)
	if a.typ == typeBad || b.typ == typeBad {
		return false
	}
	if comparable(a.typ, b.typ) {
		return true
	}
	hint := ""
	switch {
	case a.typ == schema.Real && isNumber(b.typ), b.typ == schema.Real && isNumber(a.typ):
		hint = "reals are inexact and compare only with reals"
	case a.typ == schema.Character && b.op == opConst && b.num != "":
		hint = fmt.Sprintf(`text is written "%s"`, b.num)
	case b.typ == schema.Character && a.op == opConst && a.num != "":
		hint = fmt.Sprintf(`text is written "%s"`, a.num)
	case a.typ == schema.Currency || b.typ == schema.Currency:
		hint = "name a part: VALUE, TYPE, DATE or a currency code"
	}
	c.complainAt(a.off, b.end, hint, "%s and %s cannot be compared", typeName(a.typ), typeName(b.typ))
	return false
}

// comparable reports whether two types compare: numbers exactly, a selection with its number, a
// time with seconds or days, everything with NULL.
func comparable(a, b schema.Type) bool {
	if a == b || a == typeNull || b == typeNull {
		return true
	}
	if b == schema.Integer {
		a, b = b, a
	}
	return a == schema.Integer && (b == schema.Decimal || b == schema.Selection || isTime(b))
}

func (c *compiler) checkComparison(n *node) {
	n.typ = typeBoolean
	a, b := n.args[0], n.args[1]
	if !c.operands(n.args) || !c.unify(a, b) {
		return
	}
	equality := n.op == opEqual || n.op == opNotEqual
	if !equality && (a.typ == schema.Bytes || b.typ == schema.Bytes) {
		c.complain(n, "", "bytes have no order")
	}
	if !equality && (a.isNull() || b.isNull()) {
		c.warn(n, "only = and != ask for $NULL$", "a comparison with $NULL$ by %s is never true", spelling[n.op])
	}
	c.warnEmpty(n, a, b)
	c.warnEmpty(n, b, a)
	c.warnNumber(a, b)
	c.warnNumber(b, a)
}

// warnEmpty tells of "" where the form keeps NULL for it.
func (c *compiler) warnEmpty(n, a, b *node) {
	if a.op == opField && b.op == opConst && b.typ == schema.Character && b.raw.Text() == "" &&
		c.scope.Form != nil && c.scope.Form.EmptyIsNull {
		c.warn(n, "write $NULL$", `%s is never "": empty text is NULL`, a.name)
	}
}

// warnNumber tells of a selection's number without a label.
func (c *compiler) warnNumber(a, b *node) {
	if a.typ != schema.Selection || a.op != opField || b.op != opConst || b.val.Kind() != value.KindInt {
		return
	}
	if _, ok := a.field.Label(b.val.Int()); !ok && len(a.field.Values) > 0 {
		c.warn(b, "", "field %q has no value %s", a.field.Name, b.val)
	}
}

func (c *compiler) checkLike(n *node) {
	n.typ = typeBoolean
	if !c.operands(n.args) {
		return
	}
	for _, a := range n.args {
		if a.typ != schema.Character && a.typ != typeNull {
			c.complain(a, "", "LIKE compares text, not %s", typeName(a.typ))
			return
		}
	}
	if p := n.args[1]; p.op == opConst && p.typ == schema.Character {
		n.pattern = compilePattern(p.raw.Text(), c.scope.CaseSensitive)
	}
}

func (c *compiler) checkIn(n *node) {
	n.typ = typeBoolean
	if !c.operands(n.args) {
		return
	}
	for _, m := range n.args[1:] {
		if c.unify(n.args[0], m) && m.typ == typeNull {
			c.warn(m, "write OR … = $NULL$", "NULL in a list never matches")
		}
	}
}

func (c *compiler) checkChanged(n *node) {
	n.typ = typeBoolean
	c.facts.usesBefore = true
	if !c.scope.TRDB {
		c.complain(n, "", "CHANGED is known only in the run_if of a filter")
	}
}

func (c *compiler) checkExternal(n *node) {
	n.typ = typeBoolean
	c.facts.external = true
	c.facts.usesBefore = c.facts.usesBefore || c.scope.TRDB
	if plainType(n.field.Type) != schema.Character {
		c.complain(n, "", "EXTERNAL reads a qualification from a character field; %s is %s", n.name, n.field.Type)
	}
}

func (c *compiler) checkNeg(n *node) {
	a := n.args[0]
	n.typ = a.typ
	if c.operand(a) && !isNumber(a.typ) && a.typ != typeNull {
		c.complain(n, "", "%s has no negative", typeName(a.typ))
		n.typ = typeBad
	}
}

func (c *compiler) checkArithmetic(n *node) {
	a, b := n.args[0], n.args[1]
	n.typ = typeBad
	if !c.operands(n.args) {
		return
	}
	if n.op == opSub && (isTime(a.typ) || isTime(b.typ)) {
		c.fit(a, b.typ, nil)
		c.fit(b, a.typ, nil)
	} else {
		if b.typ == schema.Real {
			c.fit(a, b.typ, nil)
		}
		if a.typ == schema.Real {
			c.fit(b, a.typ, nil)
		}
	}
	if a.typ == typeBad || b.typ == typeBad {
		return
	}
	t, ok := c.arithmeticType(n.op, a.typ, b.typ)
	if !ok {
		c.complain(n, c.arithmeticHint(n), "%s %s %s is not defined", typeName(a.typ), spelling[n.op], typeName(b.typ))
		return
	}
	n.typ = t
}

func (c *compiler) arithmeticHint(n *node) string {
	a, b := n.args[0].typ, n.args[1].typ
	switch {
	case isNumber(a) && isNumber(b) && n.op == opMod:
		return "% takes integers"
	case isNumber(a) && isNumber(b):
		return "reals are inexact and go only with reals"
	case a == schema.Selection || b == schema.Selection:
		return "a selection is no number"
	}
	return ""
}

// arithmeticType is the type of a operator b (§6.2, §12 rows 15 and 16). Days are added to a date,
// seconds to a date/time and a time. In a value expression + joins text with anything.
func (c *compiler) arithmeticType(o op, a, b schema.Type) (schema.Type, bool) {
	if o == opAdd && (a == schema.Character || b == schema.Character) {
		joins := c.value && a != schema.Bytes && b != schema.Bytes && a != schema.Currency && b != schema.Currency
		return schema.Character, joins || (a == b || a == typeNull || b == typeNull)
	}
	switch {
	case a == typeNull && b == typeNull:
		return typeNull, true
	case isTime(a) || isTime(b):
		return timeArithmetic(o, a, b)
	case a == typeNull:
		a = b
	case b == typeNull:
		b = a
	}
	switch {
	case !isNumber(a) || !isNumber(b):
		return 0, false
	case o == opMod:
		return schema.Integer, a == schema.Integer && b == schema.Integer
	case a == b:
		return a, true
	}
	return schema.Decimal, a != schema.Real && b != schema.Real
}

func timeArithmetic(o op, a, b schema.Type) (schema.Type, bool) {
	switch {
	case o == opAdd && (b == schema.Integer || b == typeNull):
		return a, true
	case o == opAdd && (a == schema.Integer || a == typeNull):
		return b, true
	case o == opSub && a == b:
		return schema.Integer, true
	case o == opSub && b == schema.Integer:
		return a, true
	case o == opSub && (a == typeNull || b == typeNull):
		return typeNull, true
	}
	return 0, false
}
