package qual

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// Prefilter is the part of the qualification that a database can judge by itself, over the columns
// of Scope.Form. It is never stricter: every row that Eval accepts, it selects, on every engine and
// under every collation. Keywords and $F$ are not in it; they are after Bind.
//
// What goes to the database: comparisons of numbers, selections and times with constants; equality
// of text, as the list of all spellings that differ only in case where there are few; $NULL$; and
// that a field compared is not NULL. Order of text and its inequality do not: collations differ.
func (q *Qualification) Prefilter() schema.Condition {
	if q.root == nil {
		return schema.Condition{}
	}
	return filter{&q.scope}.when(q.root, True)
}

type filter struct{ scope *Scope }

// when is a condition that holds for every row for which n is want, True or False.
func (f filter) when(n *node, want Truth) schema.Condition {
	switch n.op {
	case opNot:
		return f.when(n.args[0], want.Not())
	case opAnd, opOr:
		if (n.op == opAnd) == (want == True) {
			return f.every(n.args, want)
		}
		return f.some(n.args, want)
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		return f.comparison(n, want)
	case opIn:
		return f.in(n, want)
	case opLike:
		return f.notNull(n.args[0])
	}
	return schema.Condition{}
}

// every is what all of parts imply together; a part that says nothing is left out.
func (f filter) every(parts []*node, want Truth) schema.Condition {
	var list []schema.Condition
	for _, p := range parts {
		if c := f.when(p, want); c.Op != schema.Always {
			list = append(list, c)
		}
	}
	return join(schema.And, list)
}

// some says something only if every part does.
func (f filter) some(parts []*node, want Truth) schema.Condition {
	list := make([]schema.Condition, len(parts))
	for i, p := range parts {
		if list[i] = f.when(p, want); list[i].Op == schema.Always {
			return schema.Condition{}
		}
	}
	return join(schema.Or, list)
}

func join(op schema.ConditionOp, list []schema.Condition) schema.Condition {
	switch len(list) {
	case 0:
		return schema.Condition{}
	case 1:
		return list[0]
	}
	return schema.Condition{Op: op, Parts: list}
}

// column is the column of a field of the row at hand, nil for every other node.
func column(n *node) *schema.Column {
	if n.op != opField || n.from != FromRow || n.part != "" {
		return nil
	}
	return n.field.Column
}

// ofText reports a field of text that no column of text keeps: what it looks like is the engine's.
func ofText(n *node) bool {
	return plainType(n.field.Type) == schema.Character && n.field.Column.Kind != value.KindText
}

// notNull says that a field that was compared has a value. Where an empty text is NULL it says
// nothing: collations that pad find a blank equal to nothing, and would lose the row.
func (f filter) notNull(n *node) schema.Condition {
	c := column(n)
	if c == nil || f.scope.Form.EmptyIsNull && plainType(n.field.Type) == schema.Character {
		return schema.Condition{}
	}
	return schema.Condition{Op: schema.NotNull, Column: c}
}

func (f filter) isNull(n *node) schema.Condition {
	if column(n) == nil || ofText(n) {
		return schema.Condition{}
	}
	return schema.Condition{Op: schema.IsNull, Column: column(n)}
}

// mirrored is the comparison with its sides exchanged, opposite the one that is true where it is
// false.
var (
	mirrored = map[op]op{
		opEqual: opEqual, opNotEqual: opNotEqual, opLess: opGreater, opLessEqual: opGreaterEqual,
		opGreater: opLess, opGreaterEqual: opLessEqual,
	}
	opposite = map[op]op{
		opEqual: opNotEqual, opNotEqual: opEqual, opLess: opGreaterEqual, opLessEqual: opGreater,
		opGreater: opLessEqual, opGreaterEqual: opLess,
	}
	conditionOps = map[op]schema.ConditionOp{
		opEqual: schema.Equal, opNotEqual: schema.NotEqual, opLess: schema.Less,
		opLessEqual: schema.LessEqual, opGreater: schema.Greater, opGreaterEqual: schema.GreaterEqual,
	}
)

func (f filter) comparison(n *node, want Truth) schema.Condition {
	o, left, right := n.op, n.args[0], n.args[1]
	if want == False {
		o = opposite[o]
	}
	if column(left) == nil {
		o, left, right = mirrored[o], right, left
	}
	if column(left) == nil {
		return schema.Condition{}
	}
	if right.isNull() {
		switch o {
		case opEqual:
			return f.isNull(left)
		case opNotEqual:
			return f.notNull(left)
		}
	}
	v, constant := f.constant(right)
	if f.scope.NullCompareAR && (o == opEqual || o == opNotEqual) {
		if o == opNotEqual || !constant || v.IsNull() {
			return schema.Condition{} // NULL may satisfy it
		}
	}
	if !constant || v.IsNull() {
		return f.notNull(left)
	}
	return f.compare(o, left, v)
}

// constant computes what is the same for every row and every event.
func (f filter) constant(n *node) (value.Value, bool) {
	constant := true
	n.walk(func(m *node) {
		switch m.op {
		case opConst, opNeg, opAdd, opSub, opMul, opDiv, opMod:
		default:
			constant = constant && m.op == opCall && m.folded
		}
	})
	if !constant {
		return value.Value{}, false
	}
	m := machine{env: &Env{}, scope: f.scope}
	v := m.eval(n)
	return v, m.err == nil
}

// in is IN for True and NOT IN for False, or the other way round for a negated node.
func (f filter) in(n *node, want Truth) schema.Condition {
	field := n.args[0]
	if column(field) == nil {
		return schema.Condition{}
	}
	among := (want == True) != n.neg
	var list []schema.Condition
	for _, member := range n.args[1:] {
		v, constant := f.constant(member)
		switch {
		case constant && v.IsNull(): // never matches
		case !constant && among:
			return f.notNull(field)
		case constant && among:
			list = append(list, f.compare(opEqual, field, v))
		case constant:
			list = append(list, f.compare(opNotEqual, field, v))
		}
	}
	if !among {
		list = slices.DeleteFunc(list, func(c schema.Condition) bool { return c.Op == schema.Always || c.Op == schema.NotNull })
	}
	if len(list) == 0 {
		return f.notNull(field)
	}
	if !among {
		return join(schema.And, list)
	}
	return gather(list)
}

// gather makes one IN of equalities; a member that says nothing makes the whole say nothing.
func gather(list []schema.Condition) schema.Condition {
	out := schema.Condition{Op: schema.In, Column: list[0].Column}
	for _, c := range list {
		if c.Op != schema.Equal && c.Op != schema.In {
			return c
		}
		out.Values = append(out.Values, c.Values...)
	}
	if len(out.Values) == 1 {
		out.Op = schema.Equal
	}
	return out
}

// compare is field o v, as far as the column's way of keeping values allows; else that the field is
// not NULL, which a true comparison implies.
func (f filter) compare(o op, n *node, v value.Value) schema.Condition {
	out := schema.Condition{}
	switch n.field.Column.Kind {
	case value.KindInt:
		out = whole(o, n.field, v)
	case value.KindDecimal:
		out = decimalColumn(o, n.field, v)
	case value.KindReal:
		out = realColumn(o, n.field, v)
	case value.KindInstant, value.KindDate, value.KindTime:
		out = moment(o, n.field, v)
	case value.KindText:
		out = f.textColumn(o, n.field, v)
	case value.KindBytes:
		if o == opEqual && v.Kind() == value.KindBytes {
			out = test(o, n.field, v)
		}
	}
	if out.Op == schema.Always {
		return f.notNull(n)
	}
	return out
}

// test is the condition itself, in the database's terms.
func test(o op, f *schema.Field, v value.Value) schema.Condition {
	return schema.Condition{Op: conditionOps[o], Column: f.Column, Values: []value.Value{v}}
}

// whole compares a column of integers, whatever the field's type reads them as.
func whole(o op, f *schema.Field, v value.Value) schema.Condition {
	switch strings.ToLower(f.Column.BaseType) {
	case "bit", "year", "oid": // only look like numbers: a year may be written with two digits
		return schema.Condition{}
	}
	if f.Column.Bits == 1 {
		return schema.Condition{}
	}
	n, exact, ok := inUnits(f, v)
	if !ok {
		return schema.Condition{}
	}
	return floored(o, f, value.Int(n), exact)
}

// inUnits is v in what a column of integers counts for the field's type, rounded down: itself,
// seconds or days. exact says that nothing was cut off.
func inUnits(f *schema.Field, v value.Value) (n int64, exact, ok bool) {
	n = v.Int()
	switch k := v.Kind(); plainType(f.Type) {
	case schema.Integer, schema.Selection:
		if k == value.KindDecimal {
			return floorDecimal(v)
		}
		return n, true, k == value.KindInt
	case schema.Decimal:
		if f.Column.Untyped { // such a column may hold fractions
			return 0, false, false
		}
		if k == value.KindDecimal {
			return floorDecimal(v)
		}
		return n, true, k == value.KindInt
	case schema.DateTime, schema.Time:
		if k == value.KindInt {
			return n, true, true
		}
		return floorDiv(n, secondMicros), n%secondMicros == 0, (k == value.KindInstant || k == value.KindTime) && !infinite(v)
	case schema.Date:
		return n, true, k == value.KindInt || k == value.KindDate && !infinite(v)
	}
	return 0, false, false
}

func floorDecimal(v value.Value) (n int64, exact, ok bool) {
	d := apdOf(v)
	if d.Form != apd.Finite {
		return 0, false, false
	}
	var floor apd.Decimal
	if _, err := wholeContext(d).Floor(&floor, d); err != nil {
		return 0, false, false
	}
	n, err := floor.Int64()
	return n, floor.Cmp(d) == 0, err == nil
}

// floored compares a column of whole units with a number that was rounded down to one.
func floored(o op, f *schema.Field, v value.Value, exact bool) schema.Condition {
	if !exact {
		switch o {
		case opLess, opLessEqual:
			o = opLessEqual
		case opGreater, opGreaterEqual:
			o = opGreater
		default: // no row is equal; that it is not NULL is all that is left to say
			return schema.Condition{}
		}
	}
	return test(o, f, v)
}

// decimalColumn compares exactly where the engine does. SQLite keeps decimals as floats, which are
// in the same order as long as the constant itself is one that reads without rounding; it keeps
// infinite ones as text, which stands behind all numbers there.
func decimalColumn(o op, f *schema.Field, v value.Value) schema.Condition {
	if f.Type != schema.Decimal || !isExact(v.Kind()) || strings.ContainsAny(v.Text(), "NI") {
		return schema.Condition{}
	}
	if v.Kind() == value.KindInt {
		v = decimal(v.SQL())
	}
	if !f.Column.Untyped {
		return test(o, f, v)
	}
	if apdOf(v).NumDigits() > sureDigits || len(v.Text()) > 2*sureDigits {
		return schema.Condition{}
	}
	switch o {
	case opEqual:
		return test(o, f, v)
	case opGreater, opGreaterEqual:
		return test(opGreaterEqual, f, v)
	case opLess, opLessEqual:
		text := schema.Condition{Op: schema.GreaterEqual, Column: f.Column, Values: []value.Value{value.Text("")}}
		return join(schema.Or, []schema.Condition{test(opLessEqual, f, v), text})
	}
	return schema.Condition{}
}

// sureDigits are the significant digits that SQLite reads without rounding.
const sureDigits = 15

func realColumn(o op, f *schema.Field, v value.Value) schema.Condition {
	if f.Type != schema.Real || v.Kind() != value.KindReal || math.IsNaN(v.Real()) || math.IsInf(v.Real(), 0) {
		return schema.Condition{}
	}
	return test(o, f, v)
}

// moment compares a column of the database's own dates and times. SQLite has none: there they are
// text of any form. Elsewhere only days of years that every engine knows are compared.
func moment(o op, f *schema.Field, v value.Value) schema.Condition {
	if f.Column.Untyped || infinite(v) {
		return schema.Condition{}
	}
	n, k := v.Int(), v.Kind()
	switch {
	case f.Type == schema.DateTime && (k == value.KindInstant || k == value.KindInt):
		if k == value.KindInt {
			if n > lastInstant/secondMicros || n < firstInstant/secondMicros {
				return schema.Condition{}
			}
			n *= secondMicros
		}
		return momentOf(o, f, n)
	case f.Type == schema.Date && f.Column.Kind == value.KindDate && (k == value.KindDate || k == value.KindInt):
		if n < firstDay || n > lastDay {
			return schema.Condition{}
		}
		return test(o, f, value.Date(n))
	case f.Type == schema.Time && f.Column.Kind == value.KindTime && (k == value.KindTime || k == value.KindInt):
		if k == value.KindInt {
			n = max(-1, min(n, dayMicros)) * secondMicros
		}
		if n < 0 || n > dayMicros {
			return schema.Condition{}
		}
		return test(o, f, value.TimeOfDay(n))
	}
	return schema.Condition{}
}

// Days from 0001-01-02 to 9999-12-30.
const (
	firstDay, lastDay         = 1721427, 5373483
	firstInstant, lastInstant = (firstDay - value.EpochDay) * dayMicros, (lastDay - value.EpochDay) * dayMicros
)

// momentOf compares a date/time kept as a timestamp, or as a date.
func momentOf(o op, f *schema.Field, us int64) schema.Condition {
	switch {
	case us < firstInstant || us > lastInstant:
		return schema.Condition{}
	case f.Column.Kind == value.KindInstant:
		return test(o, f, value.Instant(us))
	case f.Column.Kind == value.KindDate:
		return floored(o, f, value.Date(floorDiv(us, dayMicros)+value.EpochDay), us%dayMicros == 0)
	}
	return schema.Condition{}
}

// textColumn is equality of text only. Every collation finds a text equal to itself, so the list of
// all texts that Eval takes for equal finds every row, under any.
func (f filter) textColumn(o op, x *schema.Field, v value.Value) schema.Condition {
	if o != opEqual || v.Kind() != value.KindText || !plainText(x.Column) || strings.Contains(v.Text(), "\x00") {
		return schema.Condition{}
	}
	if strings.ContainsFunc(v.Text(), func(r rune) bool { return !representable(r, x.Column) }) {
		return schema.Condition{}
	}
	list := []value.Value{v}
	if !f.scope.CaseSensitive {
		list = spellings(v.Text(), x.Column)
	}
	switch len(list) {
	case 0:
		return schema.Condition{}
	case 1:
		return test(o, x, list[0])
	}
	return schema.Condition{Op: schema.In, Column: x.Column, Values: list}
}

// plainText reports columns whose text is compared as text, and not as an enumeration, a UUID, JSON
// or a type of an extension.
func plainText(c *schema.Column) bool {
	if c.Untyped { // TEXT affinity, by SQLite's own rule
		name := strings.ToUpper(c.DataType)
		return !strings.Contains(name, "INT") && (strings.Contains(name, "CHAR") || strings.Contains(name, "CLOB") || strings.Contains(name, "TEXT"))
	}
	switch strings.ToLower(c.BaseType) {
	case "text", "varchar", "character varying", "character", "char", "bpchar", "tinytext", "mediumtext", "longtext":
		return true
	}
	return isCitext(c)
}

func isCitext(c *schema.Column) bool {
	name := strings.ReplaceAll(strings.ToLower(c.BaseType), `"`, "")
	return name == "citext" || strings.HasSuffix(name, ".citext")
}

// maxSpellings bounds the list that stands for one text.
const maxSpellings = 256

// spellings lists the texts that differ from s only in case, as far as the column's own comparison
// does not find them by itself; none where there are too many. citext takes the two cases of an
// ASCII letter for one, in every locale but for i, which Turkish treats apart, and for k and s, to
// which Unicode folds a third letter each.
func spellings(s string, c *schema.Column) []value.Value {
	list := []string{""}
	trusted := isCitext(c) && !strings.ContainsFunc(s, unicode.IsMark)
	for _, r := range s {
		runes := []rune{r}
		if !trusted || r >= utf8.RuneSelf || strings.ContainsRune("iIkKsS", r) {
			runes = caseVariants(r, c)
		}
		if len(list)*len(runes) > maxSpellings {
			return nil
		}
		next := make([]string, 0, len(list)*len(runes))
		for _, head := range list {
			for _, x := range runes {
				next = append(next, head+string(x))
			}
		}
		list = next
	}
	out := make([]value.Value, len(list))
	for i, text := range list {
		out[i] = value.Text(text)
	}
	return out
}

// caseVariants are r and the runes that fold to the same, as far as the column can hold them.
func caseVariants(r rune, c *schema.Column) []rune {
	list := []rune{r}
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		if representable(x, c) {
			list = append(list, x)
		}
	}
	return list
}

// representable reports runes that a column's character set surely has. Comparing with others may be
// an error there.
func representable(r rune, c *schema.Column) bool {
	switch strings.ToLower(c.Charset) {
	case "", "utf8mb4":
		return true
	case "utf8", "utf8mb3", "ucs2":
		return r <= 0xFFFF
	}
	return r < utf8.RuneSelf
}
