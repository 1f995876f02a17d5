package cdctest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// The functions here are what most sources need for their methods.

// Exec runs statements in one transaction, as a user's if mark is nil, else as ardso's with that mark.
// The control tables must exist.
func Exec(t testing.TB, db *engine.DB, mark *cdc.Mark, statements ...string) {
	t.Helper()
	if err := exec(t.Context(), db, mark, statements); err != nil {
		t.Fatalf("run a transaction: %v", err)
	}
}

func exec(ctx context.Context, db *engine.DB, mark *cdc.Mark, statements []string) (err error) {
	var c control.Checkpoint
	if mark != nil {
		c = control.Checkpoint{
			Source: mark.Origin, Pool: "suite", Layout: "1",
			Position: "1", Origin: mark.Origin, Path: strings.Join(mark.Path, cdc.PathSeparator),
			Mapping: mark.Mapping, WriteBack: mark.WriteBack, Epoch: 1,
		}
		if err := control.Prepare(ctx, db, c.Source, c.Epoch, c); err != nil {
			return err
		}
	}
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	if mark != nil {
		if err := control.Advance(ctx, tx, c); err != nil {
			return err
		}
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.200s: %w", s, err)
		}
	}
	if mark != nil {
		if err := control.CloseMark(ctx, tx, c); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Watermark writes a watermark.
func Watermark(t testing.TB, db *engine.DB, w cdc.Watermark) {
	t.Helper()
	if err := control.WriteWatermark(t.Context(), db, string(w.Kind), w.Name); err != nil {
		t.Fatalf("write a watermark: %v", err)
	}
}

// Select reads all rows of a table in key order through the engine's own reading expressions.
func Select(t testing.TB, db *engine.DB, table *schema.Table) [][]value.Value {
	t.Helper()
	e := db.Engine
	read, order := make([]string, len(table.Columns)), make([]string, len(table.Key))
	for i, c := range table.Columns {
		read[i] = e.Read(c.Kind, c.BaseType, e.Quote(c.Name))
	}
	for i, k := range table.Key {
		order[i] = e.Quote(k)
	}
	query := fmt.Sprintf("SELECT %s FROM %s ORDER BY %s",
		strings.Join(read, ", "), e.Table(table.Schema, table.Name), strings.Join(order, ", "))
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all [][]value.Value
	for rows.Next() {
		raw, to := make([]any, len(read)), make([]any, len(read))
		for i := range raw {
			to[i] = &raw[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		vs := make([]value.Value, len(raw))
		for i, c := range table.Columns {
			if vs[i], err = e.Scan(c.Kind, c.BaseType, raw[i]); err != nil {
				t.Fatalf("column %s of %s: %v", c.Name, table.Name, err)
			}
		}
		all = append(all, vs)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return all
}
