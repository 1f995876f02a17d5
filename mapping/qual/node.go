package qual

import (
	"ardso/sql/schema"
	"ardso/sql/value"
)

// op is what a node of the tree does.
type op uint8

const (
	opConst   op = iota // text, number or $NULL$
	opField             // 'F', 'TR.F', 'DB.F', $F$, with a part of a currency or a state
	opKeyword           // $USER$
	opCall              // LEFT('F', 3)
	opNeg               // -a
	opAdd
	opSub
	opMul
	opDiv
	opMod
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opLike     // neg: NOT LIKE
	opIn       // args[0] IN (args[1:]); neg: NOT IN
	opChanged  // CHANGED('F')
	opExternal // EXTERNAL($F$)
	opNot
	opAnd // two or more; never an And itself
	opOr  // two or more; never an Or itself
	opBad // did not compile; keeps later complaints away
)

// spelling of operators in canonical text.
var spelling = map[op]string{
	opAdd: "+", opSub: "-", opMul: "*", opDiv: "/", opMod: "%",
	opEqual: "=", opNotEqual: "!=", opLess: "<", opLessEqual: "<=", opGreater: ">", opGreaterEqual: ">=",
	opAnd: "AND", opOr: "OR",
}

// Types that only expressions have. Diary is Character here and Bitmask is Integer.
const (
	typeNull    schema.Type = 0  // $NULL$ and keywords that are NULL
	typeBoolean schema.Type = -1 // conditions
	typeBad     schema.Type = -2 // did not compile: fits everything, so that one mistake is told once
)

// maxDepth bounds the nesting of a text, and so the stack of everything that walks the tree.
const maxDepth = 500

// node is a node of the syntax tree. After checking it is never modified.
type node struct {
	op       op
	typ      schema.Type
	off, end int // in the text
	depth    int // 1 + that of the deepest argument
	args     []*node
	neg      bool // NOT LIKE, NOT IN

	// opConst
	raw value.Value // as written
	num string      // a number in canonical digits: "-1.50" is "-1.5", "2.0" keeps its point
	val value.Value // fitted to typ: a label's number, a literal's instant

	// opField, opChanged, opExternal
	field *schema.Field
	from  Source
	part  string // "" = the field itself; VALUE, TYPE, DATE or code of a currency; USER or TIME of a state
	state int64
	name  string // canonical spelling with quotes or dollars

	keyword *keyword
	fn      *function
	folded  bool     // opCall of constants: val is its result
	pattern *pattern // of opLike with a constant right side
}

// statusHistory reports whether the node reads the status history.
func (n *node) statusHistory() bool {
	return n.op == opField && n.field.ID == statusHistoryID
}

// statusHistoryID is the field that is kept in the H table.
const statusHistoryID = 15

// isNull reports the literal $NULL$, which = and != treat apart.
func (n *node) isNull() bool { return n.op == opConst && n.raw.IsNull() }

// walk calls f for n and all below it.
func (n *node) walk(f func(*node)) {
	f(n)
	for _, a := range n.args {
		a.walk(f)
	}
}
