package statement

import (
	"context"
	"database/sql/driver"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// fewest rows that are worth the savepoint.
const fewest = 4

// manySize is how many rows one statement takes: each CASE runs through half of them on average, so
// fewer where there are many columns.
func manySize(s *shape) int {
	return min(50, max(8, 400/(len(s.Set)+1)))
}

// together writes rows some dozens to a statement, all in one packet behind a savepoint, and reports
// whether every row was found. If not, it has undone all of it.
//
// It also undoes what fails for a reason of the rows, so that they are tried one by one in the
// caller's order: within a statement the server takes them by its index, and values of a unique
// index that move from one row to another may then clash.
func (d mysql) together(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) (bool, error) {
	if len(rows) < fewest || s.writesKey() {
		return false, nil
	}
	text := "/* ardso apply */ SAVEPOINT dso_together"
	var args []driver.NamedValue
	var want []int64
	bytes := 0
	for len(rows) > 0 {
		n := min(len(rows), manySize(s))
		many, err := w.shape(s.form, spec{name: s.name + "_many", set: fieldsOf(s.Set), guard: fieldsOf(s.Guard), many: n})
		if err != nil {
			return false, err
		}
		text += ";\n" + many.text
		bytes += len(many.text)
		args = many.manyArgs(args, rows[:n])
		want = append(want, int64(n))
		rows = rows[n:]
	}
	for _, a := range args {
		bytes += size(a.Value)
	}
	if bytes > d.batch(w.db.Engine, s).bytes {
		return false, nil
	}
	found, err := packet(ctx, tx, text, args)
	if err != nil && w.db.Engine.Class(err) == engine.Transient {
		return false, err
	}
	if err == nil && len(found) == 1+len(want) {
		all := true
		for i, n := range want {
			all = all && found[i+1] == n
		}
		if all {
			return true, nil
		}
	}
	return false, tx.RollbackTo(ctx, "dso_together")
}

// writesKey: MySQL assigns from left to right, and a CASE on a key that is written already would
// choose wrongly.
func (s *shape) writesKey() bool {
	for _, p := range s.Set {
		if s.form.IsKey(p.field) {
			return true
		}
	}
	return false
}

func fieldsOf(parts []part) []*schema.Field {
	fields := make([]*schema.Field, len(parts))
	for i, p := range parts {
		fields[i] = p.field
	}
	return fields
}

// cases assigns each column by CASE on the key.
func (s *shape) cases() string {
	out := make([]string, len(s.Set))
	for i, p := range s.Set {
		param := p.param
		if p.field.Column.Kind == value.KindReal {
			param += " + 0e0" // else a mixture of literals would decide the type of them all
		}
		out[i] = p.name + " = CASE" + strings.Repeat(" WHEN "+s.oneLine(s.Key)+" THEN "+param, s.Many) + " END"
	}
	return strings.Join(out, ",\n  ")
}

// guards tests each row's guard by CASE on the key.
func (s *shape) guards() string {
	return "CASE" + strings.Repeat("\n    WHEN "+s.oneLine(s.Key)+" THEN "+s.oneLine(s.Guard), s.Many) + " END"
}

// anyKey tests that a row is one of those meant, so that the key's index serves.
func (s *shape) anyKey() string {
	test := s.oneLine(s.Key)
	return strings.Repeat(test+" OR ", s.Many-1) + test
}

func (s *shape) oneLine(parts []part) string {
	return strings.ReplaceAll(s.tests(parts), "\n  AND ", " AND ")
}

// manyArgs appends the arguments in the order of the statement.
func (s *shape) manyArgs(args []driver.NamedValue, rows []row) []driver.NamedValue {
	add := func(values ...any) {
		for _, v := range values {
			args = append(args, driver.NamedValue{Ordinal: len(args) + 1, Value: v})
		}
	}
	first, behind := len(s.Set), len(s.Set)+len(s.Key)
	for i := range s.Set {
		for _, r := range rows {
			add(r.args[first:behind]...)
			add(r.args[i])
		}
	}
	for _, r := range rows {
		add(r.args[first:behind]...)
	}
	if len(s.Guard) > 0 {
		for _, r := range rows {
			add(r.args[first:behind]...)
			add(r.args[behind:]...)
		}
	}
	return args
}
