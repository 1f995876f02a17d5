package statement

import (
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Where renders a condition with its arguments; next is the number of its first parameter, from 1.
// On PostgreSQL the table's alias has to be t. emptyIsNull is the form's. A comparison with a value
// that the engine cannot take is left out, so the text is never stricter than the condition.
func Where(e *engine.Engine, c schema.Condition, emptyIsNull bool, next int) (sql string, args []any) {
	b := conditions{engine: e, dialect: dialects[e.Dialect], emptyIsNull: emptyIsNull, next: next}
	return b.render(c), b.args
}

func (w *Writer) where(c schema.Condition, emptyIsNull bool, next int) (string, []any) {
	return Where(w.db.Engine, c, emptyIsNull, next)
}

// conditions renders one condition tree.
type conditions struct {
	engine      *engine.Engine
	dialect     dialect
	emptyIsNull bool
	next        int
	args        []any
}

const (
	always = "1 = 1"
	never  = "1 = 0"
)

var operators = map[schema.ConditionOp]string{
	schema.Equal: " = ", schema.NotEqual: " <> ", schema.Less: " < ", schema.LessEqual: " <= ",
	schema.Greater: " > ", schema.GreaterEqual: " >= ",
}

func (b *conditions) render(c schema.Condition) string {
	switch c.Op {
	case schema.And:
		return b.join(c.Parts, " AND ", always)
	case schema.Or:
		return b.join(c.Parts, " OR ", never)
	case schema.IsNull, schema.NotNull:
		return b.null(c)
	case schema.In:
		return b.in(c)
	}
	op, ok := operators[c.Op]
	if !ok || len(c.Values) == 0 {
		return always
	}
	param, ok := b.param(c.Column, c.Values[0])
	if !ok {
		return always
	}
	return b.name(c.Column) + op + param
}

func (b *conditions) name(c *schema.Column) string {
	return b.dialect.column(b.engine.Quote(c.Name))
}

func (b *conditions) join(parts []schema.Condition, by, empty string) string {
	if len(parts) == 0 {
		return empty
	}
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = b.render(p)
	}
	return "(" + strings.Join(out, by) + ")"
}

func (b *conditions) null(c schema.Condition) string {
	name := b.name(c.Column)
	switch text := b.emptyIsNull && isText(c.Column); {
	case c.Op == schema.IsNull && text:
		return "(" + name + " IS NULL OR " + name + " = '')"
	case c.Op == schema.IsNull:
		return name + " IS NULL"
	case text:
		return "(" + name + " IS NOT NULL AND " + name + " <> '')"
	}
	return name + " IS NOT NULL"
}

func (b *conditions) in(c schema.Condition) string {
	if len(c.Values) == 0 {
		return never
	}
	n := len(b.args)
	list := make([]string, len(c.Values))
	for i, v := range c.Values {
		param, ok := b.param(c.Column, v)
		if !ok {
			b.next -= len(b.args) - n
			b.args = b.args[:n]
			return always
		}
		list[i] = param
	}
	return b.name(c.Column) + " IN (" + strings.Join(list, ", ") + ")"
}

// param adds an argument; false where the engine has no such value.
func (b *conditions) param(c *schema.Column, v value.Value) (string, bool) {
	if !v.Known() || v.IsNull() {
		return "", false
	}
	arg, ok := b.dialect.arg(c, v, toJudge)
	if !ok {
		return "", false
	}
	p := b.dialect.operand(c, b.engine.Placeholder(b.next), v)
	b.next++
	b.args = append(b.args, arg)
	return p, true
}
