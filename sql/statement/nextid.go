package statement

import (
	"context"
	"fmt"
	"strings"

	"ardso/sql/schema"
)

// dictionary is how a database spells the columns of arschema.
type dictionary struct {
	table    string // quoted, with schema
	schemaID string // quoted
	nextID   string // quoted
}

// NextID takes n Request IDs from the form's counter, arschema.nextId, in the caller's transaction
// and returns the first number (ar-database-reference 12, row 26). The row stays locked until the
// transaction ends, so take them late.
//
// A plain form has no counter: *NoCounterError.
func (w *Writer) NextID(ctx context.Context, tx *Tx, f *schema.Form, n int) (int64, error) {
	if f.ID == 0 || f.NextID == nil {
		return 0, &NoCounterError{Server: f.Server, Form: f.Name}
	}
	d, err := w.counter(ctx, tx, f)
	if err != nil {
		return 0, fmt.Errorf("next Request ID of form %q on %s: %w", f.Name, f.Server, err)
	}
	e := w.db.Engine
	update := fmt.Sprintf("/* ardso apply */ UPDATE %s SET %s = %s + %s WHERE %s = %s",
		d.table, d.nextID, d.nextID, e.Placeholder(1), d.schemaID, e.Placeholder(2))
	result, err := tx.ExecContext(ctx, update, n, f.ID)
	if err != nil {
		return 0, fmt.Errorf("next Request ID of form %q on %s: %w", f.Name, f.Server, err)
	}
	if found, err := result.RowsAffected(); err == nil && found == 0 {
		return 0, &NoCounterError{Server: f.Server, Form: f.Name}
	}
	var next int64
	read := fmt.Sprintf("/* ardso apply */ SELECT %s FROM %s WHERE %s = %s", d.nextID, d.table, d.schemaID, e.Placeholder(1))
	if err := tx.GetContext(ctx, &next, read, f.ID); err != nil {
		return 0, fmt.Errorf("next Request ID of form %q on %s: %w", f.Name, f.Server, err)
	}
	return next - int64(n), nil
}

// counter finds out how the columns are spelled: engines fold letter case in their own ways, or
// keep it.
func (w *Writer) counter(ctx context.Context, tx *Tx, f *schema.Form) (d dictionary, err error) {
	w.mu.Lock()
	known := w.dictionary
	w.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	e := w.db.Engine
	text, err := files.ReadFile(e.Dialect + "/counter.sql")
	if err != nil {
		return d, err
	}
	err = each(ctx, tx, string(text), []any{f.Table.Schema}, 2, func(src []any) error {
		table, err := asText(src[0])
		if err != nil {
			return err
		}
		column, err := asText(src[1])
		d.table = e.Table(f.Table.Schema, table)
		switch strings.ToLower(column) {
		case "schemaid":
			d.schemaID = e.Quote(column)
		case "nextid":
			d.nextID = e.Quote(column)
		}
		return err
	})
	if err != nil {
		return d, err
	}
	if d.schemaID == "" || d.nextID == "" {
		return d, fmt.Errorf("there is no arschema with columns schemaId and nextId")
	}
	w.mu.Lock()
	w.dictionary = &d
	w.mu.Unlock()
	return d, nil
}

// NoCounterError is a form for which no Request IDs can be made.
type NoCounterError struct {
	Server string
	Form   string
}

func (e *NoCounterError) Error() string {
	return fmt.Sprintf("form %q on %s: there is no counter to make Request IDs from", e.Form, e.Server)
}

func (e *NoCounterError) Name() string { return "request_id.no_counter" }

func (e *NoCounterError) Remedy() string {
	return "let the mapping fill the Request ID, or choose another action for a duplicate one than \"create new\""
}

func asText(src any) (string, error) {
	switch x := src.(type) {
	case string:
		return x, nil
	case []byte:
		return string(x), nil
	}
	return "", fmt.Errorf("a name is %T", src)
}
