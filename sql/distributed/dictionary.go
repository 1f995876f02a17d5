package distributed

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"ardso/sql/schema"
)

//go:embed statement/*.sql
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"table": func(string) string { return "" }, "col": func(string, string) string { return "" },
	"has": func(string, string) bool { return false }, "quote": func(string) string { return "" }, "param": func(int) string { return "" },
}).ParseFS(files, "statement/*.sql"))

// setting is a column with the SQL of its value, type or condition.
type setting struct{ Name, Value string }

// literal is a text of ours in SQL: a name or a label, which holds no backslash.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func number(n int) string { return strconv.Itoa(n) }

// render makes a statement. Tables and columns of the dictionary are named as AR System does and come out
// as the database spells them; a missing one is an error.
func (s *State) render(file string, data any) (string, error) {
	e := s.db.Engine
	var missing error
	find := func(table, column string) *schema.Column {
		if t := s.catalog.DictionaryTable(table); t != nil {
			return t.Column(column)
		}
		return nil
	}
	t := template.Must(templates.Clone()).Funcs(template.FuncMap{
		"quote": e.Quote,
		"param": e.Placeholder,
		"has":   func(table, column string) bool { return find(table, column) != nil },
		"table": func(table string) string {
			t := s.catalog.DictionaryTable(table)
			if t == nil {
				missing = fmt.Errorf("the dictionary has no table %s", table)
				return ""
			}
			return e.Table(t.Schema, t.Name)
		},
		"col": func(table, column string) string {
			c := find(table, column)
			if c == nil {
				missing = fmt.Errorf("the dictionary's table %s has no column %s", table, column)
				return ""
			}
			return e.Quote(c.Name)
		},
	})
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, file, data); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return strings.TrimSpace(b.String()), missing
}

// query reads rows into dest.
func (s *State) query(ctx context.Context, dest any, file string, data any, args ...any) error {
	text, err := s.render(file, data)
	if err != nil {
		return err
	}
	return s.db.SelectContext(ctx, dest, text, args...)
}

// limitTables are the dictionary's tables of what fields have besides their row of field.
var limitTables = []string{
	"field_int", "field_real", "field_char", "field_diary", "field_dec", "field_date", "field_curr", "field_attach",
	"field_enum", "field_enum_values", "field_table", "field_column", "field_permissions", "field_dispprop",
}

// dictionaryTables are those of them that the database has, field last: what hangs on a field goes before it.
func (s *State) dictionaryTables() []*schema.Table {
	var list []*schema.Table
	for _, name := range append(slices.Clone(limitTables), "field") {
		if t := s.catalog.DictionaryTable(name); t != nil && t.Column("schemaId") != nil && t.Column("fieldId") != nil {
			list = append(list, t)
		}
	}
	return list
}

// enter returns the statements that make the dictionary's rows of a field.
func (s *State) enter(ctx context.Context, f Field, now time.Time) ([]string, error) {
	ids := []setting{{"schemaId", number(s.Form.ID)}, {"fieldId", number(f.ID)}}
	with := func(more ...setting) []setting { return append(slices.Clone(ids), more...) }
	model := cmp.Or(s.like(schema.ShortDescription), schema.RequestID)
	type row struct {
		table string
		model int // ID of the field whose row is the model
		set   []setting
	}
	rows := []row{{"field", model, with(
		setting{"fieldName", literal(f.Name)}, setting{"datatype", number(int(f.Type))}, setting{"fOption", "2"}, // optional
		setting{"defaultValue", ""}, setting{"helpText", ""}, setting{"timestamp", strconv.FormatInt(now.Unix(), 10)},
		setting{"resolvedFieldId", number(f.ID)},
	)}}
	switch f.Type {
	case schema.Character:
		rows = append(rows, row{"field_char", model, with(
			setting{"maxLength", number(f.Length)}, setting{"lengthUnits", "1"}, setting{"pattern", ""}, setting{"charMenu", ""},
		)})
	case schema.Integer:
		rows = append(rows, row{"field_int", model, with(setting{"rangeLow", literal("0")}, setting{"rangeHigh", literal("2147483647")})})
	case schema.Selection:
		rows = append(rows, row{"field_enum", schema.Status, with(setting{"enumStyle", "1"}, setting{"maxEnum", number(len(f.Values))})}) // 1: numbered in order
		for _, v := range f.Values {
			rows = append(rows, row{"field_enum_values", schema.Status, with(setting{"enumId", strconv.FormatInt(v.ID, 10)}, setting{"value", literal(v.Label)})})
		}
	}
	var statements []string
	for _, r := range rows {
		text, err := s.insert(ctx, r.table, r.model, r.set)
		if err != nil {
			return nil, err
		}
		if text != "" {
			statements = append(statements, text)
		}
	}
	return statements, nil
}

// like returns id where the form has such a field, else 0.
func (s *State) like(id int) int {
	if s.Form.FieldByID(id) == nil {
		return 0
	}
	return id
}

// insert makes a row of a dictionary table: set, and for columns that set does not name the values of a
// model row. The value "" stands for empty: NULL, or the empty text where there must be one. A table that
// the dictionary does not have is no matter, and neither is a column.
func (s *State) insert(ctx context.Context, table string, model int, set []setting) (string, error) {
	t := s.catalog.DictionaryTable(table)
	if t == nil {
		return "", nil
	}
	where, err := s.model(ctx, t, table, model)
	if err != nil {
		return "", err
	}
	if where == "" && table == "field" {
		return "", &ModelError{Server: s.db.Server, Form: s.Form.Name, Table: t.Name}
	}
	var columns []setting
	for _, c := range t.Columns {
		i := slices.IndexFunc(set, func(x setting) bool { return strings.EqualFold(x.Name, c.Name) })
		switch {
		case c.Generated || i < 0 && where == "":
		case i < 0:
			columns = append(columns, setting{c.Name, s.db.Engine.Quote(c.Name)})
		case set[i].Value == "" && c.Nullable:
			columns = append(columns, setting{c.Name, "NULL"})
		case set[i].Value == "":
			columns = append(columns, setting{c.Name, "''"})
		default:
			columns = append(columns, setting{c.Name, set[i].Value})
		}
	}
	return s.render("insert.sql", struct {
		Name, Model string
		Columns     []setting
	}{table, where, columns})
}

// model finds a row after which another can be made, as a condition; "" where the table has none.
func (s *State) model(ctx context.Context, t *schema.Table, table string, field int) (string, error) {
	key := []string{"schemaId", "fieldId"}
	if t.Column("enumId") != nil {
		key = append(key, "enumId")
	}
	var rows []struct {
		Key0 int64 `db:"key0"`
		Key1 int64 `db:"key1"`
		Key2 int64 `db:"key2"` // where there is one
	}
	err := s.query(ctx, &rows, "model.sql", struct {
		Name        string
		Key         []string
		Form, Field int
	}{table, key, s.Form.ID, field})
	if err != nil {
		return "", fmt.Errorf("%s: dictionary table %s: %w", s.db.Server, t.Name, err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	values := []int64{rows[0].Key0, rows[0].Key1, rows[0].Key2}
	parts := make([]string, len(key))
	for i, name := range key {
		parts[i] = fmt.Sprintf("%s = %d", s.db.Engine.Quote(t.Column(name).Name), values[i])
	}
	return strings.Join(parts, " AND "), nil
}

// erase returns the statements that delete the dictionary's rows of fields.
func (s *State) erase(fields []Field) ([]string, error) {
	forms := []int64{int64(s.Form.ID)}
	found := false
	ids := make([]string, len(fields))
	for i, f := range fields {
		ids[i] = number(f.ID)
		for _, r := range s.rows {
			if r.FieldID != f.ID {
				continue
			}
			if found = true; !slices.Contains(forms, r.SchemaID) {
				forms = append(forms, r.SchemaID)
			}
		}
	}
	if !found {
		return nil, nil
	}
	var statements []string
	for _, form := range forms {
		for _, t := range s.dictionaryTables() {
			text, err := s.render("delete.sql", struct {
				Name   string
				Form   int64
				Fields string
			}{t.Name, form, strings.Join(ids, ", ")})
			if err != nil {
				return nil, err
			}
			statements = append(statements, text)
		}
	}
	return statements, nil
}

// touch returns the statement that marks the form as changed, with more fields or less; none where the
// dictionary has no column for that.
func (s *State) touch(more int, now time.Time) ([]string, error) {
	t := s.catalog.DictionaryTable("arschema")
	var columns []setting
	add := func(name, value string) {
		if c := t.Column(name); c != nil {
			columns = append(columns, setting{c.Name, strings.ReplaceAll(value, "{column}", s.db.Engine.Quote(c.Name))})
		}
	}
	add("timestamp", strconv.FormatInt(now.Unix(), 10))
	add("lastChanged", literal(changedBy))
	add("numFields", fmt.Sprintf("{column} + %d", more))
	if len(columns) == 0 {
		return nil, nil
	}
	text, err := s.render("form.sql", struct {
		Form    int
		Columns []setting
	}{s.Form.ID, columns})
	return []string{text}, err
}

// changedBy is the user as whom ardso changes what belongs to AR System.
const changedBy = "Distributed Server"
