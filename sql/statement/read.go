package statement

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// Lookup reads the rows of keys, each along Form.Key, as they stand now. The result runs along
// keys; a row runs along Form.Fields and is nil where there is none. With forUpdate the rows are
// locked until the transaction ends; SQLite needs no lock, its transaction is the only one that writes.
func (w *Writer) Lookup(ctx context.Context, q sqlx.QueryerContext, f *schema.Form, keys [][]value.Value, forUpdate bool) ([][]value.Value, error) {
	if f.Join != nil {
		return w.lookupPairs(ctx, q, f, keys)
	}
	s, err := w.shape(f, spec{name: "lookup", read: fieldColumns(f), lock: forUpdate})
	if err != nil {
		return nil, err
	}
	found := make([][]value.Value, len(keys))
	ready := make([]row, 0, len(keys))
	for i, k := range keys {
		r := row{index: i}
		ok, err := s.fill(&r, s.Key, k)
		if err != nil {
			return nil, err
		}
		if ok {
			ready = append(ready, r)
		}
	}
	if len(ready) == 0 {
		return found, nil
	}
	sortByKey(s, ready)
	err = w.dialect.lookup(ctx, q, s, ready, func(i int, src []any) error {
		var err error
		_, found[i], err = w.decode(f, src)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up requests of form %q on %s: %w", f.Name, f.Server, err)
	}
	return found, nil
}

// Find reads up to limit rows that meet the condition, in no order; 0 = all.
func (w *Writer) Find(ctx context.Context, q sqlx.QueryerContext, f *schema.Form, c schema.Condition, limit int) ([][]value.Value, error) {
	if isJoin(f) {
		rows, err := w.Find(ctx, q, f.Join.Pair, f.Join.Translate(f, c), limit)
		return fromPairs(f, rows), err
	}
	s, err := w.shape(f, spec{name: "select", noKey: true, read: fieldColumns(f)})
	if err != nil {
		return nil, err
	}
	test, args := w.where(c, f.EmptyIsNull, 1)
	text := s.text + "\nWHERE " + test
	if limit > 0 {
		text += fmt.Sprintf("\nLIMIT %d", limit)
	}
	rows, err := collect(ctx, q, text, args, func(src []any) ([]value.Value, error) {
		_, fields, err := w.decode(f, src)
		return fields, err
	}, len(s.Read))
	if err != nil {
		return nil, fmt.Errorf("find requests of form %q on %s: %w", f.Name, f.Server, err)
	}
	return rows, nil
}

// Count counts the rows that meet the condition.
func (w *Writer) Count(ctx context.Context, q sqlx.QueryerContext, f *schema.Form, c schema.Condition) (n int64, err error) {
	if isJoin(f) {
		return w.Count(ctx, q, f.Join.Pair, f.Join.Translate(f, c))
	}
	test, args := w.where(c, f.EmptyIsNull, 1)
	from, err := w.table(f)
	if err != nil {
		return 0, err
	}
	if w.dialect.column("") != "" {
		from += " AS t"
	}
	err = q.QueryRowxContext(ctx, "/* ardso select */\nSELECT COUNT(*)\nFROM "+from+"\nWHERE "+test, args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count requests of form %q on %s: %w", f.Name, f.Server, err)
	}
	return n, nil
}

// Chunk is what Select reads at a time.
type Chunk struct {
	// After is the key that the chunk begins behind; "" = at the beginning.
	After string
	// Rows bounds the rows; 0 = 1000.
	Rows int
	// Bytes bounds the memory of the rows, of which there is at least one; 0 = 8 MiB.
	Bytes int
	// Unread lets stored values that mean nothing be value.Unchanged, as images of the log have them, unless they
	// are of the key; else they are a *ReadError.
	Unread bool
}

// Select reads the next rows that meet the condition in order of their key, which the database
// compares (H-6); of a join form those of its parts. Rows run along Form.Fields. next is the key of the last one, to go on behind; ""
// says that there are no more.
func (w *Writer) Select(ctx context.Context, q sqlx.QueryerContext, f *schema.Form, c schema.Condition, chunk Chunk) (rows [][]value.Value, next string, err error) {
	if isJoin(f) {
		rows, next, err = w.Select(ctx, q, f.Join.Pair, f.Join.Translate(f, c), chunk)
		return fromPairs(f, rows), next, err
	}
	rows, next, err = w.selectChunk(ctx, q, f, c, chunk)
	if err != nil {
		return nil, "", fmt.Errorf("select requests of form %q on %s: %w", f.Name, f.Server, err)
	}
	return rows, next, nil
}

func (w *Writer) selectChunk(ctx context.Context, q sqlx.QueryerContext, f *schema.Form, c schema.Condition, chunk Chunk) ([][]value.Value, string, error) {
	if chunk.Rows <= 0 {
		chunk.Rows = 1000
	}
	if chunk.Bytes <= 0 {
		chunk.Bytes = 8 << 20
	}
	s, err := w.shape(f, spec{name: "select", noKey: true, read: fieldColumns(f)})
	if err != nil {
		return nil, "", err
	}
	text, args, err := w.chunkText(s, c, chunk)
	if err != nil {
		return nil, "", err
	}
	var rows [][]value.Value
	var last []value.Value
	bytes := 0
	cut := false
	err = each(ctx, q, text, args, len(s.Read), func(src []any) error {
		if bytes >= chunk.Bytes {
			cut = true
			return errStop
		}
		key, fields, err := w.decodeRow(f, src, chunk.Unread)
		if err != nil {
			return err
		}
		for _, v := range fields {
			bytes += v.Size()
		}
		last, rows = key, append(rows, fields)
		return nil
	})
	if err != nil || (len(rows) < chunk.Rows && !cut) {
		return rows, "", err
	}
	next, err := EncodeKey(last)
	return rows, next, err
}

// chunkText completes a select with condition, start, order and limit.
func (w *Writer) chunkText(s *shape, c schema.Condition, chunk Chunk) (string, []any, error) {
	test, args := w.where(c, s.form.EmptyIsNull, 1)
	if chunk.After != "" {
		key, err := DecodeKey(chunk.After)
		if err != nil {
			return "", nil, err
		}
		behind, more, err := w.behind(s.form, key, len(args)+1)
		if err != nil {
			return "", nil, err
		}
		test += "\n  AND " + behind
		args = append(args, more...)
	}
	order := make([]string, len(s.form.Key))
	for i, k := range s.form.Key {
		order[i] = w.dialect.order(k.Column, w.columnName(k.Column))
	}
	return fmt.Sprintf("%s\nWHERE %s\nORDER BY %s\nLIMIT %d", s.text, test, strings.Join(order, ", "), chunk.Rows), args, nil
}

func (w *Writer) columnName(c *schema.Column) string {
	return w.dialect.column(w.db.Engine.Quote(c.Name))
}

// behind is the test that a row's key comes after key. It is written out column by column, with the
// first one alone in front, so that every engine reads the index from there.
func (w *Writer) behind(f *schema.Form, key []value.Value, next int) (string, []any, error) {
	if len(key) != len(f.Key) {
		return "", nil, fmt.Errorf("key to go on from has %d parts, the form's has %d", len(key), len(f.Key))
	}
	if f.Join != nil { // what has no secondary part is the only request of its primary one
		for len(key) > 1 && key[len(key)-1].IsNull() {
			key = key[:len(key)-1]
		}
	}
	var args []any
	test := func(i int, op string) (string, error) {
		c := f.Key[i].Column
		arg, ok := w.dialect.arg(c, key[i], toFind)
		if !ok || key[i].IsNull() {
			return "", fmt.Errorf("key to go on from: %s cannot be in column %s", key[i], c.Name)
		}
		args = append(args, arg)
		param := w.dialect.operand(c, w.db.Engine.Placeholder(next), key[i])
		next++
		return w.dialect.order(c, w.columnName(c)) + op + param, nil
	}
	text, err := test(0, " >= ")
	if len(key) == 1 {
		text = strings.Replace(text, " >= ", " > ", 1)
		return text, args, err
	}
	var options []string
	for i := range key {
		var all []string
		for j := 0; j <= i && err == nil; j++ {
			op := " = "
			if j == i {
				op = " > "
			}
			var one string
			one, err = test(j, op)
			all = append(all, one)
		}
		options = append(options, strings.Join(all, " AND "))
	}
	return text + "\n  AND (" + strings.Join(options, "\n    OR ") + ")", args, err
}

// decode turns the raw values of Form.Fields into logical ones. key holds those of the key as stored.
func (w *Writer) decode(f *schema.Form, src []any) (key, fields []value.Value, err error) {
	return w.decodeRow(f, src, false)
}

func (w *Writer) decodeRow(f *schema.Form, src []any, unread bool) (key, fields []value.Value, err error) {
	fields = make([]value.Value, len(f.Fields))
	stored := make([]value.Value, len(f.Fields))
	for i, x := range f.Fields {
		if src[i] == nil {
			fields[i], stored[i] = value.Null, value.Null
			continue
		}
		if stored[i], err = scan(w.db.Engine, w.dialect, x.Column, src[i]); err == nil {
			fields[i], err = x.Logical(stored[i], f.EmptyIsNull)
		}
		switch {
		case err != nil && unread && !f.IsKey(x):
			fields[i] = value.Unchanged
		case err != nil:
			return nil, nil, &ReadError{Form: f.Name, Field: x.Name, ID: x.ID, Err: err}
		}
	}
	for _, k := range f.Key {
		for i, x := range f.Fields {
			if x == k {
				key = append(key, stored[i])
			}
		}
	}
	return key, fields, nil
}

// EncodeKey is the text form of a key as stored, for Chunk.After and control tables.
func EncodeKey(key []value.Value) (string, error) {
	b, err := json.Marshal(key)
	return string(b), err
}

// DecodeKey reads what EncodeKey wrote.
func DecodeKey(text string) ([]value.Value, error) {
	var key []value.Value
	if err := json.Unmarshal([]byte(text), &key); err != nil {
		return nil, fmt.Errorf("key %.40q: %w", text, err)
	}
	return key, nil
}

// ReadError is a stored value that means nothing in its field, such as a zero date.
type ReadError struct {
	Form  string
	Field string
	ID    int
	Err   error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("field %q (%d) of form %q: %s", e.Field, e.ID, e.Form, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }
func (e *ReadError) Name() string  { return "value.unreadable" }

func (e *ReadError) Remedy() string {
	return "correct the value in the database, or leave the field out of the form; then try again"
}
