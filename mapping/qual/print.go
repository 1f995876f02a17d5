package qual

import (
	"strings"
)

// String is the canonical text: one spelling of operators and names, no needless parentheses.
// Compile of it in the same Scope gives the same tree.
func (p *program) String() string {
	if p.root == nil {
		return ""
	}
	return p.root.String()
}

// Levels of precedence, loosest first (§6.2).
const (
	levelOr = iota
	levelAnd
	levelNot
	levelRelation
	levelSum
	levelTerm
	levelFactor
	levelPrimary
)

func (n *node) level() int {
	switch n.op {
	case opOr:
		return levelOr
	case opAnd:
		return levelAnd
	case opNot:
		return levelNot
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual, opLike, opIn:
		return levelRelation
	case opAdd, opSub:
		return levelSum
	case opMul, opDiv, opMod:
		return levelTerm
	case opNeg:
		return levelFactor
	}
	return levelPrimary
}

func (n *node) String() string {
	var b strings.Builder
	n.print(&b, levelOr)
	return b.String()
}

// print writes n where an operand of at least the given level is expected.
func (n *node) print(b *strings.Builder, level int) {
	if n.level() < level {
		b.WriteByte('(')
		n.print(b, levelOr)
		b.WriteByte(')')
		return
	}
	switch n.op {
	case opConst:
		b.WriteString(n.literal())
	case opField:
		b.WriteString(n.name)
	case opKeyword:
		b.WriteString("$" + n.keyword.name + "$")
	case opCall:
		n.printList(b, n.fn.name, n.args)
	case opChanged:
		b.WriteString("CHANGED(" + n.name + ")")
	case opExternal:
		b.WriteString("EXTERNAL(" + n.name + ")")
	case opNeg:
		b.WriteByte('-')
		n.args[0].print(b, levelFactor)
	case opNot:
		b.WriteString("NOT ")
		n.args[0].print(b, levelNot)
	case opLike:
		n.args[0].print(b, levelSum)
		b.WriteString(n.not(" LIKE "))
		n.args[1].print(b, levelSum)
	case opIn:
		n.args[0].print(b, levelSum)
		n.printList(b, n.not(" IN "), n.args[1:])
	default:
		n.printInfix(b)
	}
}

func (n *node) not(word string) string {
	if n.neg {
		return " NOT" + word
	}
	return word
}

func (n *node) printList(b *strings.Builder, name string, args []*node) {
	b.WriteString(name + "(")
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		a.print(b, levelOr)
	}
	b.WriteByte(')')
}

// printInfix writes operators that group from the left: what stands on the right needs parentheses
// already at the same level.
func (n *node) printInfix(b *strings.Builder) {
	left, right := n.level(), n.level()+1
	if n.level() == levelRelation {
		left = levelSum
	}
	for i, a := range n.args {
		if i == 0 {
			a.print(b, left)
			continue
		}
		b.WriteString(" " + spelling[n.op] + " ")
		a.print(b, right)
	}
}

// literal writes a constant as it was written.
func (n *node) literal() string {
	switch {
	case n.num != "":
		return n.num
	case n.raw.IsNull():
		return "$" + nullWord + "$"
	}
	return quote(n.raw.Text())
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
