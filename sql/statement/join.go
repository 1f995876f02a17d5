package statement

import (
	"context"
	"fmt"
	"strings"
	"text/template"

	"github.com/jmoiron/sqlx"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// Join forms are read through the pairs of their parts' rows (schema.Join.Pair). Nothing is written to them
// here: that is for each part to be settled by itself.

// isJoin reports a join form that is not its own Pair.
func isJoin(f *schema.Form) bool { return f.Join != nil && f.Join.Pair != f }

// fromPairs makes requests of a join form of rows of its Pair.
func fromPairs(f *schema.Form, pairs [][]value.Value) [][]value.Value {
	rows := make([][]value.Value, len(pairs))
	for i, p := range pairs {
		rows[i] = f.Join.Row(f.Join.Split(p))
	}
	return rows
}

// lookupPairs is Lookup for join forms, whose rows are not locked.
func (w *Writer) lookupPairs(ctx context.Context, q sqlx.QueryerContext, f *schema.Form, keys [][]value.Value) ([][]value.Value, error) {
	found := make([][]value.Value, len(keys))
	for i, key := range keys {
		rows, err := w.Find(ctx, q, f, schema.Condition{Op: schema.Equal, Column: f.Key[0].Column, Values: key}, 1)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			found[i] = rows[0]
		}
	}
	return found, nil
}

// table is what a statement reads a form's rows from, or writes them to.
func (w *Writer) table(f *schema.Form) (string, error) {
	e := w.db.Engine
	if f.Join == nil {
		return e.Table(f.Table.Schema, f.Table.Name), nil
	}
	side := func(part int, x *schema.Field) string { return [2]string{"a.", "b."}[part] + e.Quote(x.Column.Name) }
	columns := make([]string, len(f.Fields))
	for i, x := range f.Fields {
		from := f.Join.From[i]
		columns[i] = side(from.Part, from.Field) + " AS " + e.Quote(x.Column.Name)
	}
	on := make([]string, len(f.Join.On))
	for i, pair := range f.Join.On {
		on[i] = side(schema.Primary, pair[schema.Primary]) + " = " + side(schema.Secondary, pair[schema.Secondary])
	}
	text, err := files.ReadFile("join.sql")
	if err != nil {
		return "", err
	}
	t, err := template.New("join").Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	parts := f.Join.Parts
	err = t.Execute(&b, map[string]any{
		"Columns": strings.Join(columns, ", "), "On": strings.Join(on, " AND "), "Outer": f.Join.Outer,
		"Primary":   e.Table(parts[schema.Primary].Table.Schema, parts[schema.Primary].Table.Name),
		"Secondary": e.Table(parts[schema.Secondary].Table.Schema, parts[schema.Secondary].Table.Name),
	})
	if err != nil {
		return "", fmt.Errorf("join.sql: %w", err)
	}
	if w.dialect.column("") == "" { // else the statement gives the alias
		b.WriteString(" AS t")
	}
	return b.String(), nil
}
