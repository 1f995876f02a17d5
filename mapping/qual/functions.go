package qual

import (
	"fmt"
	"strings"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// param is what a function takes at one place.
type param uint8

const (
	pAny     param = iota // all of one type
	pText                 // any value, read as text
	pInteger              // an integer
	pNumber               // an integer, decimal or real
	pTime                 // a date/time, date or time, or a literal of one
	pDay                  // a date/time or date, or a literal of one
	pUnit                 // the literal name of a unit
	pType                 // the literal name of a type
)

// function is one entry of the table of functions (§7).
type function struct {
	name   string
	params []param
	least  int  // arguments needed; the params behind are optional
	more   bool // the last param may be repeated
	result func(n *node) schema.Type
	doc    string
	run    func(m *machine, n *node, args []value.Value) value.Value
	reject string // not empty: the name is known, and refused for this reason
}

func gives(t schema.Type) func(*node) schema.Type { return func(*node) schema.Type { return t } }

var (
	text    = gives(schema.Character)
	integer = gives(schema.Integer)
)

const (
	clientOnly = "it is a function of the client's screen, which a server does not know"
	noCipher   = "AR System's cipher is not public"
	noMoney    = "currency values cannot be computed; map the parts of the field instead"
	noFormat   = "the format of its argument is not documented"
)

// functions is the table of all functions. Without C a name counts bytes of UTF-8, with C characters;
// a character is never cut. Positions begin at 0, and the end of a SUBSTR is included.
var functions = []*function{
	{name: "DATE", params: []param{pTime}, least: 1, result: text, run: runDate, doc: "DATE(time): its day as text, 2026-11-22"},
	{name: "TIME", params: []param{pTime}, least: 1, result: text, run: runTime, doc: "TIME(time): its time of day as text, 18:04:05"},
	{name: "MONTH", params: []param{pDay}, least: 1, result: integer, run: runPart("MONTH"), doc: "MONTH(time): 1-12"},
	{name: "DAY", params: []param{pDay}, least: 1, result: integer, run: runPart("DAY"), doc: "DAY(time): 1-31"},
	{name: "YEAR", params: []param{pDay}, least: 1, result: integer, run: runPart("YEAR"), doc: "YEAR(time)"},
	{name: "WEEKDAY", params: []param{pDay}, least: 1, result: integer, run: runPart("WEEKDAY"), doc: "WEEKDAY(time): 1-7, 1 is Sunday"},
	{name: "HOUR", params: []param{pTime}, least: 1, result: integer, run: runPart("HOUR"), doc: "HOUR(time): 0-23"},
	{name: "MINUTE", params: []param{pTime}, least: 1, result: integer, run: runPart("MINUTE"), doc: "MINUTE(time): 0-59"},
	{name: "SECOND", params: []param{pTime}, least: 1, result: integer, run: runPart("SECOND"), doc: "SECOND(time): 0-59"},

	{name: "TRUNC", params: []param{pNumber}, least: 1, result: integer, run: runTrunc, doc: "TRUNC(number): its integer part"},
	{name: "ROUND", params: []param{pNumber}, least: 1, result: integer, run: runRound, doc: "ROUND(number): the nearest integer; .5 rounds up"},
	{name: "CONVERT", params: []param{pAny, pType}, least: 2, result: convertType, run: runConvert, doc: `CONVERT(value, "type"): the value as CHARACTER, INTEGER, DECIMAL, REAL, DATE/TIME, DATE, TIME, or from hexadecimal text as BYTES`},

	{name: "LENGTH", params: []param{pText}, least: 1, result: integer, run: runLength(byBytes), doc: "LENGTH(text): its bytes"},
	{name: "LENGTHC", params: []param{pText}, least: 1, result: integer, run: runLength(byChars), doc: "LENGTHC(text): its characters"},
	{name: "UPPER", params: []param{pText}, least: 1, result: text, run: onText(strings.ToUpper), doc: "UPPER(text)"},
	{name: "LOWER", params: []param{pText}, least: 1, result: text, run: onText(strings.ToLower), doc: "LOWER(text)"},
	{name: "SUBSTR", params: []param{pText, pInteger, pInteger}, least: 2, result: text, run: runSubstr(byBytes), doc: "SUBSTR(text, start[, end]): from byte start to byte end, both included"},
	{name: "SUBSTRC", params: []param{pText, pInteger, pInteger}, least: 2, result: text, run: runSubstr(byChars), doc: "SUBSTRC(text, start[, end]): from character start to character end, both included"},
	{name: "LEFT", params: []param{pText, pInteger}, least: 2, result: text, run: runLeft(byBytes), doc: "LEFT(text, n): at most the first n bytes"},
	{name: "LEFTC", params: []param{pText, pInteger}, least: 2, result: text, run: runLeft(byChars), doc: "LEFTC(text, n): at most the first n characters"},
	{name: "RIGHT", params: []param{pText, pInteger}, least: 2, result: text, run: runRight(byBytes), doc: "RIGHT(text, n): at most the last n bytes"},
	{name: "RIGHTC", params: []param{pText, pInteger}, least: 2, result: text, run: runRight(byChars), doc: "RIGHTC(text, n): at most the last n characters"},
	{name: "LTRIM", params: []param{pText}, least: 1, result: text, run: onText(trimLeft), doc: "LTRIM(text): without leading blanks and tabs"},
	{name: "RTRIM", params: []param{pText}, least: 1, result: text, run: onText(trimRight), doc: "RTRIM(text): without trailing blanks and tabs"},
	{name: "LPAD", params: []param{pText, pInteger, pText}, least: 3, result: text, run: runPad(byBytes, true), doc: "LPAD(text, n, pad): pad before text, to n bytes"},
	{name: "LPADC", params: []param{pText, pInteger, pText}, least: 3, result: text, run: runPad(byChars, true), doc: "LPADC(text, n, pad): pad before text, to n characters"},
	{name: "RPAD", params: []param{pText, pInteger, pText}, least: 3, result: text, run: runPad(byBytes, false), doc: "RPAD(text, n, pad): pad after text, to n bytes"},
	{name: "RPADC", params: []param{pText, pInteger, pText}, least: 3, result: text, run: runPad(byChars, false), doc: "RPADC(text, n, pad): pad after text, to n characters"},
	{name: "REPLACE", params: []param{pText, pText, pText}, least: 3, result: text, run: runReplace, doc: "REPLACE(text, old, new): every old, to the letter, becomes new"},
	{name: "STRSTR", params: []param{pText, pText}, least: 2, result: integer, run: runStrstr(byBytes), doc: "STRSTR(text, part): the byte where part begins, -1 if it does not occur"},
	{name: "STRSTRC", params: []param{pText, pText}, least: 2, result: integer, run: runStrstr(byChars), doc: "STRSTRC(text, part): the character where part begins, -1 if it does not occur"},
	{name: "STRIPHTML", params: []param{pText}, least: 1, result: text, run: onText(stripHTML), doc: "STRIPHTML(text): without tags, entities as characters"},

	{name: "MIN", params: []param{pAny}, least: 1, more: true, result: sameType, run: runExtreme(-1), doc: "MIN(a, b, …): the least; NULL is less than all"},
	{name: "MAX", params: []param{pAny}, least: 1, more: true, result: sameType, run: runExtreme(1), doc: "MAX(a, b, …): the greatest; NULL is less than all"},

	{name: "DATEADD", params: []param{pUnit, pInteger, pDay}, least: 3, result: typeOfArgument(2), run: runDateAdd, doc: `DATEADD("MONTH", n, date): n units later; a day that the month does not have becomes its last`},
	{name: "DATEDIFF", params: []param{pUnit, pDay, pDay}, least: 3, result: integer, run: runDateDiff, doc: `DATEDIFF("DAY", d1, d2): whole units from d1 to d2`},
	{name: "DATENAME", params: []param{pUnit, pDay}, least: 2, result: text, run: runDateName, doc: `DATENAME("MONTH", date): the name of that part, its number where it has none`},
	{name: "DATENUM", params: []param{pUnit, pDay}, least: 2, result: integer, run: runDateNum, doc: `DATENUM("MONTH", date): the number of that part`},

	{name: "CURRCONVERT", reject: noMoney},
	{name: "CURRSETDATE", reject: noMoney},
	{name: "CURRSETTYPE", reject: noMoney},
	{name: "CURRSETVALUE", reject: noMoney},
	{name: "ENCRYPT", reject: noCipher},
	{name: "DECRYPT", reject: noCipher},
	{name: "MAPGET", reject: noFormat},
	{name: "LISTGET", reject: noFormat},
	{name: "LISTSIZE", reject: noFormat},
	{name: "COLSUM", reject: clientOnly},
	{name: "COLCOUNT", reject: clientOnly},
	{name: "COLAVG", reject: clientOnly},
	{name: "COLMIN", reject: clientOnly},
	{name: "COLMAX", reject: clientOnly},
	{name: "HOVER", reject: clientOnly},
	{name: "TEMPLATE", reject: clientOnly},
	{name: "SELECTEDROWCOUNT", reject: clientOnly},
	{name: "DROPPEDROWINDEX", reject: clientOnly},
	{name: "DROPPEDCOLUMNINDEX", reject: clientOnly},
	{name: "VISIBLEROWS", reject: clientOnly},
}

// Function is what help and documents say of a function.
type Function struct{ Name, Doc string }

// Functions lists the functions of value expressions, in the order of the table.
func Functions() []Function {
	var list []Function
	for _, f := range functions {
		if f.reject == "" {
			list = append(list, Function{f.name, f.doc})
		}
	}
	return list
}

// function finds a function by name, in any letter case, or complains.
func (c *compiler) function(word token) *function {
	name := strings.ToUpper(word.text)
	var names []string
	for _, f := range functions {
		if f.name == name {
			return c.usable(f, word)
		}
		if f.reject == "" {
			names = append(names, f.name)
		}
	}
	hint := ""
	if near := nearest(name, append(names, "EXTERNAL", "CHANGED")); near != "" {
		hint = "did you mean " + near
	}
	c.complainAt(word.off, word.end, hint, "there is no function %s", word.text)
	return nil
}

// usable refuses what cannot work, and functions in qualifications, except CONVERT of literals,
// which is how bound values of every type are written.
func (c *compiler) usable(f *function, word token) *function {
	switch {
	case f.reject != "":
		c.complainAt(word.off, word.end, "", "%s cannot be used: %s", f.name, f.reject)
	case !c.value && f.name != "CONVERT":
		c.complainAt(word.off, word.end, "", "%s is a function, and functions belong to value expressions", f.name)
	default:
		return f
	}
	return nil
}

// checkCall types a call and fits its arguments.
func (c *compiler) checkCall(n *node) {
	f := n.fn
	n.typ = typeBad
	if !c.operands(n.args) {
		return
	}
	if k := len(n.args); k < f.least || k > len(f.params) && !f.more {
		c.complain(n, f.doc, "%s takes %s, not %d", f.name, f.arity(), k)
		return
	}
	ok := true
	for i, a := range n.args {
		ok = c.checkArgument(n, i, a, f.params[min(i, len(f.params)-1)]) && ok
	}
	if ok {
		n.typ = f.result(n)
	}
	if f.name == "CONVERT" && ok {
		c.checkConvert(n)
	}
}

func (f *function) arity() string {
	switch {
	case f.more:
		return fmt.Sprintf("at least %s", arguments(f.least))
	case f.least < len(f.params):
		return fmt.Sprintf("%d to %s", f.least, arguments(len(f.params)))
	}
	return arguments(f.least)
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// checkArgument fits an argument to its place and reports whether it goes there.
func (c *compiler) checkArgument(n *node, i int, a *node, p param) bool {
	ok := false
	switch p {
	case pAny:
		return n.fn.name == "CONVERT" || c.sameAs(n, i)
	case pText:
		ok = a.typ != schema.Bytes && a.typ != schema.Currency
	case pInteger:
		ok = a.typ == schema.Integer || a.typ == typeNull
	case pNumber:
		ok = isNumber(a.typ) || a.typ == typeNull
	case pTime, pDay:
		if c.fitAnyTime(a, p == pTime); a.typ == typeBad {
			return false
		}
		ok = isTime(a.typ) && (p == pTime || a.typ != schema.Time) || a.typ == typeNull
	case pUnit:
		return c.literal(n, a, "a unit", unitNames(n.fn.name), unitKnown(n.fn.name))
	case pType:
		return c.literal(n, a, "a type", convertNames, func(s string) bool { _, known := convertible(s); return known })
	}
	if !ok {
		c.complain(a, n.fn.doc, "%s does not take %s here", n.fn.name, typeName(a.typ))
	}
	return ok
}

// literal demands a text literal that is known.
func (c *compiler) literal(n, a *node, what, names string, known func(string) bool) bool {
	if a.op == opConst && a.typ == schema.Character && known(a.raw.Text()) {
		return true
	}
	c.complain(a, "write one of "+names, "%s needs the name of %s here, in double quotes", n.fn.name, what)
	return false
}

// sameAs demands one type of all arguments.
func (c *compiler) sameAs(n *node, i int) bool {
	first := n.args[0]
	for _, a := range n.args[:i] {
		if a.typ != typeNull {
			first = a
		}
	}
	a := n.args[i]
	if a.typ == schema.Currency || a.typ == schema.Bytes {
		c.complain(a, "", "%s does not take %s", n.fn.name, typeName(a.typ))
		return false
	}
	return i == 0 || c.unify(first, a)
}

// fitAnyTime reads a literal as a date/time, or where a time alone is welcome as one.
func (c *compiler) fitAnyTime(a *node, timeToo bool) {
	if a.op != opConst || a.typ != schema.Character {
		return
	}
	if timeToo {
		if v, err := parseTimeLiteral(a.raw.Text(), schema.Time, c.zone()); err == nil {
			a.typ, a.val = schema.Time, v
			return
		}
	}
	c.fitText(a, schema.DateTime, nil)
}

// sameType is the type of MIN and MAX: that of the arguments that are not NULL.
func sameType(n *node) schema.Type {
	t := typeNull
	for _, a := range n.args {
		switch {
		case t == typeNull || a.typ == schema.Decimal && t == schema.Integer:
			t = a.typ
		case t == schema.Integer && a.typ != typeNull:
			t = a.typ // a time or selection beside a number
		}
	}
	return t
}

func typeOfArgument(i int) func(*node) schema.Type {
	return func(n *node) schema.Type { return n.args[i].typ }
}

// call runs a function. NULL among its text is "", among its numbers 0; times stay NULL, and the
// functions of a NULL time are NULL, except those that give text.
func (m *machine) call(n *node) value.Value {
	var room [4]value.Value
	args := room[:0]
	for i, a := range n.args {
		v := m.eval(a)
		if m.err != nil {
			return value.Null
		}
		args = append(args, m.argument(a, v, n.fn.params[min(i, len(n.fn.params)-1)]))
	}
	return n.fn.run(m, n, args)
}

func (m *machine) argument(a *node, v value.Value, p param) value.Value {
	switch p {
	case pText:
		return value.Text(m.textOf(a, v))
	case pInteger, pNumber:
		if v.IsNull() {
			return value.Int(0)
		}
	}
	return v
}
