package binlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ardso/sql/engine"
)

// Table is what a check wants to know of a table.
type Table struct {
	Name      string `db:"name"`
	Found     bool   `db:"-"`      // else there is none, or the user may see nothing of it
	Type      string `db:"type"`   // BASE TABLE, or what else it is
	Engine    string `db:"engine"` // InnoDB, MyISAM, …
	HasKey    bool   `db:"has_key"`
	CanSelect bool   `db:"-"`
}

// ReadTable asks for a table of the database.
func ReadTable(ctx context.Context, db *engine.DB, name string) (Table, error) {
	t := Table{Found: true}
	err := db.GetContext(ctx, &t, statement("table"), name, name)
	if errors.Is(err, sql.ErrNoRows) {
		return Table{Name: name}, nil
	}
	if err != nil {
		return t, fmt.Errorf("read table %s: %w", name, err)
	}
	_, err = db.ExecContext(ctx, "/* ardso check */ SELECT * FROM "+db.Engine.Quote(t.Name)+" LIMIT 0")
	t.CanSelect = err == nil
	if err != nil && db.Engine.Class(err) != engine.Denied {
		return t, fmt.Errorf("select from table %s: %w", name, err)
	}
	return t, nil
}

// Column is a column as the catalog has it.
type Column struct {
	Name       string `db:"name"`
	DataType   string `db:"data_type"`   // int
	ColumnType string `db:"column_type"` // int(11) unsigned
	Charset    string `db:"charset"`     // "" = no text
	Octets     int64  `db:"octets"`      // greatest length of text and bytes
	Digits     int    `db:"digits"`      // of numbers
	Scale      int    `db:"scale"`       // digits behind the point
	Fraction   int    `db:"fraction"`    // digits of a second
	Nullable   bool   `db:"nullable"`
	Key        bool   `db:"in_key"` // part of the primary key
}

// ReadColumns asks for the columns of a table in the order of the log; none where there is no such table.
func ReadColumns(ctx context.Context, db *engine.DB, table string) ([]Column, error) {
	var all []Column
	if err := db.SelectContext(ctx, &all, statement("columns"), table, table); err != nil {
		return nil, fmt.Errorf("read columns of table %s: %w", table, err)
	}
	return all, nil
}

// Charsets returns the names of character sets by the number of a collation.
func Charsets(ctx context.Context, db *engine.DB) (map[uint32]string, error) {
	name := "collations"
	if db.Engine.Name == "mariadb" && db.Engine.Version >= 101000 {
		name = "collations_mariadb"
	}
	var rows []struct {
		ID      uint32         `db:"id"`
		Charset sql.NullString `db:"charset"`
	}
	if err := db.SelectContext(ctx, &rows, statement(name)); err != nil {
		return nil, fmt.Errorf("read character sets: %w", err)
	}
	all := make(map[uint32]string, len(rows))
	for _, r := range rows {
		all[r.ID] = r.Charset.String
	}
	return all, nil
}
