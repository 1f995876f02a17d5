package statement

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// UpdateSet is which fields an update writes and which it compares.
type UpdateSet struct {
	Set   []*schema.Field // key fields may be among them
	Guard []*schema.Field // must hold the before values, byte for byte, NULL being equal to NULL
	Reset []*schema.Field // get their columns' defaults; of one row only
}

// UpdateRow is one row to update or delete. All values are logical and known.
type UpdateRow struct {
	Key   []value.Value // along Form.Key, as it stands before the update
	Set   []value.Value // along UpdateSet.Set; nil for a delete
	Guard []value.Value // along the guard
}

// row is a row ready to be sent.
type row struct {
	index int   // in the call
	args  []any // along shape.parts; nil = NULL
	bytes int
}

// runner runs rendered statements the engine's way. Rows come in batches that fit one statement;
// refused are indexes of the batch.
type runner interface {
	insert(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) (refused []int, err error)
	change(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) (refused []int, err error)
	// lookup calls take with the raw values of each row that is there.
	lookup(ctx context.Context, q sqlx.QueryerContext, s *shape, keys []row, take func(index int, src []any) error) error
	// batch bounds what one statement takes.
	batch(e *engine.Engine, s *shape) limits
}

// limits of one statement.
type limits struct {
	rows     int
	bytes    int
	inOrder  bool // rows stay in the caller's order; otherwise they go by key, so that locks are taken in one order
	overhead int  // bytes a row takes besides its values
}

// Insert adds rows, whose values run along cols, and returns the indexes, ascending, of those whose
// key exists already. Any other failure, another unique index included, is an error: the caller
// then rolls back to its savepoint and goes row by row.
func (w *Writer) Insert(ctx context.Context, tx *Tx, f *schema.Form, cols []*schema.Field, rows [][]value.Value) ([]int, error) {
	s, err := w.shape(f, spec{name: "insert", set: cols, noKey: true})
	if err != nil {
		return nil, err
	}
	ready := make([]row, 0, len(rows))
	for i, values := range rows {
		r := row{index: i}
		if _, err := s.fill(&r, s.Set, values); err != nil {
			return nil, err
		}
		ready = append(ready, r)
	}
	return w.run(ctx, tx, s, ready, nil, w.dialect.insert)
}

// Update writes rows that have their key and hold the guard's values, and returns the indexes,
// ascending, of those it did not find so.
func (w *Writer) Update(ctx context.Context, tx *Tx, f *schema.Form, set UpdateSet, rows []UpdateRow) ([]int, error) {
	if len(set.Set) == 0 {
		return nil, fmt.Errorf("update form %q: no field to write", f.Name)
	}
	if len(set.Reset) > 0 && len(rows) > 1 {
		return nil, fmt.Errorf("update form %q: %d rows to reset at once", f.Name, len(rows))
	}
	s, err := w.shape(f, spec{name: "update", set: set.Set, guard: set.Guard, reset: set.Reset})
	if err != nil {
		return nil, err
	}
	return w.change(ctx, tx, s, rows)
}

// Delete deletes rows that have their key and hold the guard's values, and returns the indexes,
// ascending, of those it did not find so.
func (w *Writer) Delete(ctx context.Context, tx *Tx, f *schema.Form, guard []*schema.Field, rows []UpdateRow) ([]int, error) {
	s, err := w.shape(f, spec{name: "delete", guard: guard})
	if err != nil {
		return nil, err
	}
	return w.change(ctx, tx, s, rows)
}

func (w *Writer) change(ctx context.Context, tx *Tx, s *shape, rows []UpdateRow) ([]int, error) {
	var refused []int
	ready := make([]row, 0, len(rows))
	for i, u := range rows {
		r := row{index: i, args: make([]any, 0, len(s.Set)+len(s.Key)+len(s.Guard))}
		fits := true
		for _, part := range []struct {
			parts  []part
			values []value.Value
		}{{s.Set, u.Set}, {s.Key, u.Key}, {s.Guard, u.Guard}} {
			ok, err := s.fill(&r, part.parts, part.values)
			if err != nil {
				return nil, err
			}
			fits = fits && ok
		}
		if fits {
			ready = append(ready, r)
		} else {
			refused = append(refused, i) // no row can hold such a value
		}
	}
	return w.run(ctx, tx, s, ready, refused, w.dialect.change)
}

// fill appends the arguments of values to r. It is false where a value to find or compare cannot be
// in its column; a value to write that cannot is a *ValueError.
func (s *shape) fill(r *row, parts []part, values []value.Value) (bool, error) {
	if len(values) != len(parts) {
		return false, fmt.Errorf("form %q: %d values for %d fields", s.form.Name, len(values), len(parts))
	}
	fits := true
	for i, p := range parts {
		arg, ok, err := s.argument(p, values[i])
		if err != nil {
			return false, err
		}
		if !ok && p.role == toSet {
			return false, &ValueError{
				Form: s.form.Name, Field: p.field.Name, ID: p.field.ID, Row: r.index,
				Value: values[i], Type: p.field.Column.DataType,
			}
		}
		fits = fits && ok
		r.args = append(r.args, arg)
		r.bytes += size(arg)
	}
	return fits, nil
}

// size is what an argument may take in a statement, quoted and escaped.
func size(arg any) int {
	switch x := arg.(type) {
	case string:
		return 2*len(x) + 8
	case []byte:
		return 2*len(x) + 16
	}
	return 24
}

// run cuts rows into batches and returns what was refused in all, ascending.
func (w *Writer) run(ctx context.Context, tx *Tx, s *shape, rows []row, refused []int,
	send func(context.Context, *Writer, *Tx, *shape, []row) ([]int, error),
) ([]int, error) {
	limit := w.dialect.batch(w.db.Engine, s)
	if !limit.inOrder {
		sortByKey(s, rows)
	}
	for len(rows) > 0 {
		n, bytes := 0, 0
		for n < len(rows) && n < limit.rows && (n == 0 || bytes+rows[n].bytes+limit.overhead <= limit.bytes) {
			bytes += rows[n].bytes + limit.overhead
			n++
		}
		no, err := send(ctx, w, tx, s, rows[:n])
		if err != nil {
			return nil, err
		}
		for _, i := range no {
			refused = append(refused, rows[i].index)
		}
		rows = rows[n:]
	}
	slices.Sort(refused)
	return refused, nil
}

// sortByKey orders rows by their keys, in whatever order is the same for every statement.
func sortByKey(s *shape, rows []row) {
	at := s.keyPlaces()
	slices.SortStableFunc(rows, func(a, b row) int {
		for _, i := range at {
			if c := compareArgs(a.args[i], b.args[i]); c != 0 {
				return c
			}
		}
		return 0
	})
}

// keyPlaces tells where the key is among the arguments of a row.
func (s *shape) keyPlaces() []int {
	var at []int
	if len(s.Key) > 0 {
		for i := range s.Key {
			at = append(at, len(s.Set)+i)
		}
		return at
	}
	for _, k := range s.form.Key {
		for i, p := range s.Set {
			if p.field == k {
				at = append(at, i)
			}
		}
	}
	return at
}

func compareArgs(a, b any) int {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case []byte:
		if y, ok := b.([]byte); ok {
			return slices.Compare(x, y)
		}
	}
	return 0
}
