package catalog

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"text/template"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

//go:embed dictionary/*.sql
var dictionaryFiles embed.FS

var dictionaryQueries = template.Must(template.New("").Funcs(template.FuncMap{
	"table": func() string { return "" }, "col": func(string) string { return "" }, "opt": func(string) string { return "" },
}).ParseFS(dictionaryFiles, "dictionary/*.sql"))

// dictionary is the content of AR System's data dictionary that we need.
type dictionary struct {
	forms      []formRow
	fields     []fieldRow
	characters map[fieldKey]characterRow
	ranges     map[fieldKey]rangeRow
	labels     map[fieldKey][]schema.EnumValue
}

// fieldKey names a field as the dictionary does, overlays by their own form number.
type fieldKey struct {
	SchemaID int64 `db:"schema_id"`
	FieldID  int64 `db:"field_id"`
}

type formRow struct {
	SchemaID     int64          `db:"schema_id"`
	Type         int64          `db:"schema_type"`
	ResolvedID   int64          `db:"resolved_id"` // 0 = SchemaID
	Name         string         `db:"name"`
	ResolvedName sql.NullString `db:"resolved_name"`
	NextID       sql.NullInt64  `db:"next_id"`
}

// Types of forms (arschema.schemaType).
const (
	typeRegular = 1
	typeJoin    = 2
)

type fieldRow struct {
	fieldKey
	Name     string         `db:"name"`
	DataType int64          `db:"datatype"`
	Option   int64          `db:"f_option"`
	Default  sql.NullString `db:"default_value"`
}

type characterRow struct {
	fieldKey
	MaxLength   sql.NullInt64  `db:"max_length"`
	LengthUnits sql.NullInt64  `db:"length_units"`
	Pattern     sql.NullString `db:"pattern"`
}

type rangeRow struct {
	fieldKey
	Low  sql.NullString `db:"low"`
	High sql.NullString `db:"high"`
}

// joinRows are what the dictionary says of join forms.
type joinRows struct {
	forms  map[int64]joinRow
	fields map[fieldKey]joinFieldRow
}

type joinRow struct {
	SchemaID  int64          `db:"schema_id"`
	Primary   string         `db:"primary_form"` // name or number
	Secondary string         `db:"secondary_form"`
	Option    int64          `db:"join_option"`
	Short     sql.NullString `db:"query_short"`
	Long      sql.NullString `db:"query_long"` // where it does not fit into Short
}

// optionOuter is the join option of an outer join.
const optionOuter = 1

func (r joinRow) qualification() string { return cmp.Or(r.Long.String, r.Short.String) }

type joinFieldRow struct {
	fieldKey
	Part      int   `db:"part"`
	RealField int64 `db:"real_field"`
}

func readJoins(ctx context.Context, db *engine.DB, ts tables) (*joinRows, error) {
	j := &joinRows{forms: map[int64]joinRow{}, fields: map[fieldKey]joinFieldRow{}}
	forms, err := readDictionaryTable[joinRow](ctx, db, ts, "schema_join", "joins.sql", false)
	if err != nil {
		return nil, err
	}
	for _, r := range forms {
		j.forms[r.SchemaID] = r
	}
	fields, err := readDictionaryTable[joinFieldRow](ctx, db, ts, "join_mapping", "joinfields.sql", false)
	for _, r := range fields {
		j.fields[r.fieldKey] = r
	}
	return j, err
}

// readDictionary reads the whole dictionary. Only arschema and field must be there.
func readDictionary(ctx context.Context, db *engine.DB, ts tables) (*dictionary, error) {
	d := &dictionary{characters: map[fieldKey]characterRow{}, ranges: map[fieldKey]rangeRow{}, labels: map[fieldKey][]schema.EnumValue{}}
	var err error
	if d.forms, err = readDictionaryTable[formRow](ctx, db, ts, "arschema", "forms.sql", true); err != nil {
		return nil, err
	}
	if d.fields, err = readDictionaryTable[fieldRow](ctx, db, ts, "field", "fields.sql", true); err != nil {
		return nil, err
	}
	characters, err := readDictionaryTable[characterRow](ctx, db, ts, "field_char", "characters.sql", false)
	if err != nil {
		return nil, err
	}
	for _, r := range characters {
		d.characters[r.fieldKey] = r
	}
	for _, table := range []string{"field_int", "field_real", "field_dec"} {
		ranges, err := readDictionaryTable[rangeRow](ctx, db, ts, table, "ranges.sql", false)
		if err != nil {
			return nil, err
		}
		for _, r := range ranges {
			d.ranges[r.fieldKey] = r
		}
	}
	type labelRow struct {
		fieldKey
		EnumID int64  `db:"enum_id"`
		Label  string `db:"label"`
	}
	labels, err := readDictionaryTable[labelRow](ctx, db, ts, "field_enum_values", "labels.sql", false)
	for _, r := range labels {
		d.labels[r.fieldKey] = append(d.labels[r.fieldKey], schema.EnumValue{ID: r.EnumID, Label: r.Label})
	}
	return d, err
}

// readDictionaryTable runs a query file on a dictionary table, whose name and columns may be spelt in
// either case. A column that opt names may be missing, in servers of other versions, and then counts
// as NULL. A missing table has no rows, or is a *DictionaryError if it is needed.
func readDictionaryTable[T any](ctx context.Context, db *engine.DB, ts tables, name, file string, needed bool) ([]T, error) {
	bad := func(reason string) error {
		return &DictionaryError{Server: db.Server, Schema: db.Schema, Reason: reason}
	}
	t := ts.find(name)
	if t == nil {
		if needed {
			return nil, bad("there is no table " + name)
		}
		return nil, nil
	}
	missing := ""
	column := func(absent func(string) string) func(string) string {
		return func(name string) string {
			if c := t.Column(name); c != nil {
				return db.Engine.Quote(c.Name)
			}
			return absent(name)
		}
	}
	queries := template.Must(dictionaryQueries.Clone()).Funcs(template.FuncMap{
		"table": func() string { return db.Engine.Table(t.Schema, t.Name) },
		"col":   column(func(name string) string { missing = name; return "NULL" }),
		"opt":   column(func(string) string { return "NULL" }),
	})
	var text bytes.Buffer
	if err := queries.ExecuteTemplate(&text, file, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if missing != "" {
		return nil, bad(fmt.Sprintf("table %s has no column %s", t.Name, missing))
	}
	var rows []T
	if err := db.SelectContext(ctx, &rows, text.String()); err != nil {
		return nil, fmt.Errorf("dictionary table %s: %w", t.Name, err)
	}
	return rows, nil
}

// displayName is the name that users see: resolvedName, else the name without the mark of an overlay
// or a custom form (ar-database-reference, "What we choose", row 29).
func (r formRow) displayName() string {
	if r.ResolvedName.String != "" {
		return r.ResolvedName.String
	}
	return plainName(r.Name)
}

func plainName(name string) string {
	for _, mark := range []string{"__o", "__c"} {
		if base, ok := strings.CutSuffix(name, mark); ok && base != "" {
			return base
		}
	}
	return name
}

// table is the number of the form's tables: an overlay shares those of its base.
func (r formRow) table() int64 {
	if r.ResolvedID != 0 {
		return r.ResolvedID
	}
	return r.SchemaID
}
