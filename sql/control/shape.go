package control

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Shape is a row of dso_shape: which columns a table has in the server's log from a position on, where the log
// itself does not say (S-2).
type Shape struct {
	Table    string `db:"table_name"`
	Number   int    `db:"number"` // counts a table's shapes in the order of the log
	Position string `db:"position"`
	Shape    string `db:"shape"` // JSON, opaque here; "" = not known
}

// ReadShapes returns all, each table's in the order of the log.
func ReadShapes(ctx context.Context, db *engine.DB) ([]Shape, error) {
	var all []Shape
	if err := db.SelectContext(ctx, &all, query(db, "shape_read")); err != nil {
		return nil, fmt.Errorf("read dso_shape: %w", err)
	}
	return all, nil
}

// WriteShape adds a shape. One of that table and number must not be there.
func WriteShape(ctx context.Context, db *engine.DB, s Shape) error { return writeShape(ctx, db, s) }

func writeShape(ctx context.Context, h Handle, s Shape) error {
	_, err := exec(ctx, h, "shape_write", s.Table, s.Number, s.Position, s.Shape)
	return err
}

// DropShapes forgets the shapes of a table.
func DropShapes(ctx context.Context, db *engine.DB, table string) error {
	_, err := exec(ctx, db, "shape_drop", table)
	return err
}

// ReplaceShapes forgets all shapes and writes these: the log is read from a new position on.
func ReplaceShapes(ctx context.Context, db *engine.DB, shapes []Shape) error {
	return within(ctx, db, func(tx *sqlx.Tx) error {
		if _, err := exec(ctx, tx, "shape_clear"); err != nil {
			return err
		}
		for _, s := range shapes {
			if err := writeShape(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
}
