package statement

import (
	"context"
	"math"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// sqlite runs one prepared statement per row: there is no round trip to save.
//
// Parameters have no affinity, so that comparing them with a column takes the column's, as writing
// them does.
type sqlite struct{}

func (sqlite) column(quoted string) string { return quoted }
func (sqlite) param(int) string            { return "?" }

func (sqlite) typeName(c *schema.Column) string { return c.DataType }
func (sqlite) textOnly() bool                   { return false }

func (sqlite) defaultOf(c *schema.Column) string {
	if c.Default == "" {
		return "NULL"
	}
	return "(" + c.Default + ")"
}

func (sqlite) set(_ *schema.Column, param string) string { return param }

func (sqlite) find(_ *schema.Column, name, param string) string { return name + " = " + param }

func (sqlite) compare(c *schema.Column, name, param string, emptyIsNull bool) string {
	if c.Kind != value.KindText {
		return name + " IS " + param
	}
	if emptyIsNull {
		name = "NULLIF(" + name + ", '')"
	}
	return name + " IS " + param + " COLLATE BINARY"
}

func (sqlite) operand(_ *schema.Column, param string, _ value.Value) string { return param }
func (sqlite) order(_ *schema.Column, name string) string                   { return name }

func (sqlite) arg(_ *schema.Column, v value.Value, _ role) (any, bool) {
	switch v.Kind() {
	case value.KindInt:
		return v.Int(), true
	case value.KindReal:
		return v.Real(), !math.IsNaN(v.Real()) // SQLite stores NaN as NULL
	case value.KindBytes:
		return []byte(v.Text()), true
	}
	return v.SQL(), true
}

func (sqlite) batch(*engine.Engine, *shape) limits {
	return limits{rows: math.MaxInt, bytes: math.MaxInt, inOrder: true}
}

func (d sqlite) insert(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	return d.change(ctx, w, tx, s, rows)
}

func (sqlite) change(ctx context.Context, _ *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	stmt, err := tx.prepare(ctx, s.text) //nolint:sqlclosecheck // closed with the transaction
	if err != nil {
		return nil, err
	}
	var refused []int
	for i, r := range rows {
		result, err := stmt.ExecContext(ctx, r.args...)
		if err != nil {
			return nil, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			refused = append(refused, i)
		}
	}
	return refused, nil
}

func (sqlite) lookup(ctx context.Context, q sqlx.QueryerContext, s *shape, keys []row, take func(index int, src []any) error) error {
	ask := func(args []any) (*sqlx.Rows, error) { return q.QueryxContext(ctx, s.text, args...) }
	if tx, ok := q.(*Tx); ok {
		stmt, err := tx.prepare(ctx, s.text)
		if err != nil {
			return err
		}
		ask = func(args []any) (*sqlx.Rows, error) { return stmt.QueryxContext(ctx, args...) }
	}
	for _, k := range keys {
		rows, err := ask(k.args)
		if err != nil {
			return err
		}
		if err := drain(rows, len(s.Read), func(src []any) error { return take(k.index, src) }); err != nil {
			return err
		}
	}
	return nil
}
