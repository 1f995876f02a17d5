package catalog

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

//go:embed postgres/*.sql mysql/*.sql sqlite/*.sql
var queries embed.FS

// tables are the physical tables of one database schema, by name.
type tables map[string]*schema.Table

// find looks a table up by its exact name, then without regard to case (MD-18).
func (ts tables) find(name string) *schema.Table {
	if t, ok := ts[name]; ok {
		return t
	}
	for _, n := range ts.names() {
		if strings.EqualFold(n, name) {
			return ts[n]
		}
	}
	return nil
}

// names are those that a person could mean: not our own control tables.
func (ts tables) names() []string {
	names := make([]string, 0, len(ts))
	for name := range ts {
		if !ours(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ours reports an object of ardso.
func ours(name string) bool { return strings.HasPrefix(strings.ToLower(name), "dso_") }

// readTables reads the tables of one schema with columns, indexes, references and triggers.
func readTables(ctx context.Context, db *engine.DB, schemaName string) (tables, error) {
	all, definitions, err := readNames(ctx, db, schemaName)
	if err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, *engine.DB, string, tables) error{
		readColumns, readIndexes, readReferences, readTriggers,
	} {
		if err := part(ctx, db, schemaName, all); err != nil {
			return nil, err
		}
	}
	for name, definition := range definitions {
		markNoCase(all[name], definition)
	}
	return all, nil
}

// query runs a query file of the dialect, whose only parameter is the schema.
func query[T any](ctx context.Context, db *engine.DB, file, schemaName string) ([]T, error) {
	text, err := queries.ReadFile(db.Engine.Dialect + "/" + file)
	if err != nil {
		return nil, err
	}
	args := []any{schemaName}
	for range strings.Count(string(text), "?") - 1 {
		if db.Engine.Dialect == "mysql" { // whose placeholders have no numbers
			args = append(args, schemaName)
		}
	}
	var rows []T
	if err := db.SelectContext(ctx, &rows, string(text), args...); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(file, ".sql"), err)
	}
	return rows, nil
}

// readNames returns the tables, and the text that made them where that says what columns do not.
func readNames(ctx context.Context, db *engine.DB, schemaName string) (all tables, definitions map[string]string, err error) {
	type row struct {
		Table         string `db:"table_name"`
		Identity      string `db:"identity"`
		Transactional int    `db:"transactional"`
		Definition    string `db:"definition"`
	}
	rows, err := query[row](ctx, db, "tables.sql", schemaName)
	all, definitions = tables{}, map[string]string{}
	for _, r := range rows {
		t := &schema.Table{Schema: schemaName, Name: r.Table, Transactional: r.Transactional == 1}
		switch r.Identity {
		case "full":
			t.Identity = schema.IdentityFull
		case "nothing":
			t.Identity = schema.IdentityNothing
		}
		all[r.Table] = t
		if r.Definition != "" {
			definitions[r.Table] = r.Definition
		}
	}
	return all, definitions, err
}

type columnRow struct {
	Table          string `db:"table_name"`
	Column         string `db:"column_name"`
	DataType       string `db:"data_type"`
	BaseType       string `db:"base_type"`
	TypeName       string `db:"type_name"`
	Length         int    `db:"length"`
	LengthInBytes  int    `db:"length_in_bytes"`
	Precision      int    `db:"prec"`
	Scale          int    `db:"scale"`
	Bits           int    `db:"bits"`
	Unsigned       int    `db:"is_unsigned"`
	Charset        string `db:"charset"`
	CaseFolding    int    `db:"case_folding"`
	Nullable       int    `db:"nullable"`
	HasDefault     int    `db:"has_default"`
	Default        string `db:"default_text"`
	Generated      int    `db:"generated"`
	IdentityAlways int    `db:"identity_always"`
	KeyPlace       int    `db:"key_place"` // from 1 in the primary key, where the columns tell it
}

func readColumns(ctx context.Context, db *engine.DB, schemaName string, all tables) error {
	rows, err := query[columnRow](ctx, db, "columns.sql", schemaName)
	if err != nil {
		return err
	}
	keys := map[*schema.Table][]columnRow{}
	for _, r := range rows {
		t := all[r.Table]
		if t == nil {
			continue // made between the two queries
		}
		t.Columns = append(t.Columns, r.column(db.Engine, len(t.Columns)))
		if r.KeyPlace > 0 {
			keys[t] = append(keys[t], r)
		}
	}
	for t, key := range keys {
		slices.SortFunc(key, func(a, b columnRow) int { return a.KeyPlace - b.KeyPlace })
		for _, r := range key {
			t.Key = append(t.Key, r.Column)
		}
		t.Column(t.Key[0]).Indexed = true
	}
	return nil
}

func (r columnRow) column(e *engine.Engine, ordinal int) *schema.Column {
	kind, ok := e.Kind(r.TypeName)
	c := &schema.Column{
		Name: r.Column, Ordinal: ordinal, DataType: r.DataType, BaseType: r.BaseType, Kind: kind,
		Length: r.Length, LengthInBytes: r.LengthInBytes == 1,
		Precision: r.Precision, Scale: r.Scale, Bits: r.Bits, Unsigned: r.Unsigned == 1,
		Single:    r.TypeName == "float4" || r.TypeName == "float",
		FixedChar: r.TypeName == "bpchar" || r.TypeName == "char",
		Charset:   r.Charset, CaseFolding: r.CaseFolding == 1,
		Nullable: r.Nullable == 1, HasDefault: r.HasDefault == 1, Default: r.Default,
		Generated: r.Generated == 1, IdentityAlways: r.IdentityAlways == 1,
	}
	if e.Dialect == "sqlite" { // which has neither 32-bit floats nor padded text
		c.Single, c.FixedChar, c.Untyped = false, false, true
		c.BaseType, _, _ = strings.Cut(c.BaseType, "(")
		c.BaseType = strings.TrimSpace(c.BaseType)
	}
	if !ok {
		c.Kind = 0 // value.KindAbsent: no value of it can be carried
	}
	return c
}

func readIndexes(ctx context.Context, db *engine.DB, schemaName string, all tables) error {
	type row struct {
		Table   string `db:"table_name"`
		Index   string `db:"index_name"`
		Primary int    `db:"is_primary"`
		Unique  int    `db:"is_unique"`
		Column  string `db:"column_name"`
	}
	rows, err := query[row](ctx, db, "indexes.sql", schemaName)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		first, n := rows[0], 0
		var columns []string
		for n < len(rows) && rows[n].Table == first.Table && rows[n].Index == first.Index {
			columns = append(columns, rows[n].Column)
			n++
		}
		rows = rows[n:]
		t := all[first.Table]
		if t == nil {
			continue
		}
		if c := t.Column(columns[0]); columns[0] != "" && c != nil {
			c.Indexed = true
		}
		switch {
		case first.Primary == 1:
			t.Key = columns
		case first.Unique == 1:
			t.Unique = append(t.Unique, schema.Unique{Name: first.Index, Columns: columns})
		}
	}
	return nil
}

func readReferences(ctx context.Context, db *engine.DB, schemaName string, all tables) error {
	names, err := query[string](ctx, db, "references.sql", schemaName)
	for _, name := range names {
		if t := all.find(name); t != nil { // a reference may spell the name in another case
			t.HasForeignKeys = true
		}
	}
	return err
}

func readTriggers(ctx context.Context, db *engine.DB, schemaName string, all tables) error {
	type row struct {
		Table   string `db:"table_name"`
		Trigger string `db:"trigger_name"`
	}
	rows, err := query[row](ctx, db, "triggers.sql", schemaName)
	for _, r := range rows {
		if t := all.find(r.Table); t != nil && !ours(r.Trigger) {
			t.Triggers = append(t.Triggers, r.Trigger)
		}
	}
	return err
}
