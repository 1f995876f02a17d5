// Package arfixture makes databases that look like AR System's, for tests: the data dictionary and the
// T and H tables of ar-database-reference, "DDL mapping", on every engine.
//
//	arfixture.Create(t, db, arfixture.Form{ID: 1001, Name: "Repair", Fields: []arfixture.Field{
//		{ID: 536870913, Name: "Serial", Type: schema.Character, MaxLength: 30},
//	}})
//
// The core fields 1 to 8 are there without being listed; listing one replaces it.
package arfixture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Form is a regular form.
type Form struct {
	ID     int    // schemaId
	Name   string // arschema.name
	Fields []Field
	Values []string // labels of field 7, numbered from 0; none = New, Assigned, Fixed, Rejected, Closed
	NextID int64    // 0 = 1
	Prefix string   // of Request IDs

	Kind         int    // schemaType; 0 = 1, regular. Others get no tables
	ResolvedID   int    // 0 = ID. A form with another number is an overlay and gets no tables
	ResolvedName string // "" = NULL
	NoTables     bool
	History      bool // also an H table

	Join *Join // not nil: a join form, Kind 2. It gets a view
}

// Join is what makes a form a join form. Of its fields those count that have a Part.
type Join struct {
	Primary, Secondary string // forms, made before this one
	Outer              bool
	// On lists what must be equal: numbers of a primary and a secondary field.
	On [][2]int
	// Qualification, if not "", is kept as it is in the place of On.
	Qualification string
	ByNumber      bool // the dictionary names the parts by number
}

// Field is a field of a form.
type Field struct {
	ID        int
	Name      string
	Type      schema.Type
	Option    int // fOption; 0 = 2, optional
	MaxLength int // of characters; 0 = unlimited
	Pattern   string
	Default   string
	Low, High string // limits of numbers; "" = none
	Values    []schema.EnumValue
	NoColumn  bool // the dictionary has the field and the table has no column

	Part string // of a join form: "primary" or "secondary"
	Real int    // field there; 0 = ID
}

// Dictionary is how a database spells AR System's names.
type Dictionary struct {
	Upper bool // T1001 and SCHEMAID, quoted; else what the engine makes of unquoted t1001 and schemaId
	Lean  bool // an old server: no columns that catalog can do without
	Rich  bool // further columns and tables, as real servers have them, most of which must not be empty
}

// rich are the further columns of a rich dictionary, by table: "name type", and the value that rows get.
// A table that is only here belongs to selections.
var rich = map[string][][2]string{
	"arschema": {{"timestamp integer NOT NULL", "1000"}, {"lastChanged varchar(254) NOT NULL", "'Demo'"}, {"numFields integer NOT NULL", "8"}},
	"field": {
		{"fbOption integer NOT NULL", "1"},
		{"createMode integer NOT NULL", "2"},
		{"owner varchar(254) NOT NULL", "'Demo'"},
		{"timestamp integer NOT NULL", "1000"},
		{"helpText varchar(254) NOT NULL", "'help'"},
		{"overlayProp integer", "0"},
	},
	"field_char": {{"lengthUnits integer NOT NULL", "1"}, {"qbeMatchOp integer NOT NULL", "1"}, {"charMenu varchar(254)", "'Menu'"}},
	"field_enum": {{"enumStyle integer NOT NULL", "1"}, {"maxEnum integer NOT NULL", "5"}},
}

// Create makes the dictionary and the tables of the forms.
func Create(t testing.TB, db *engine.DB, forms ...Form) { Dictionary{}.Create(t, db, forms...) }

// Create is the function Create with the names spelt so.
func (d Dictionary) Create(t testing.TB, db *engine.DB, forms ...Form) {
	t.Helper()
	b := &builder{Dictionary: d, db: db, text: textTypes(db), forms: map[string]Form{}}
	b.dictionary()
	for _, f := range forms {
		b.form(f)
	}
	// Tables first: on MySQL each would commit the rows before it.
	for _, batch := range append(batches(b.tables), batches(b.rows)...) {
		if err := b.run(t, batch); err != nil {
			t.Fatalf("create the fixture: %v\n%.500s", err, batch)
		}
	}
}

// builder collects statements.
type builder struct {
	Dictionary
	db     *engine.DB
	forms  map[string]Form
	text   func(n int) string
	tables []string
	rows   []string
}

// run executes statements in one transaction, which spares waiting for the disk after each.
func (b *builder) run(t testing.TB, batch string) error {
	tx, err := b.db.BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(batch); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// batches joins statements to pieces that every server takes as one packet; none for no statements.
func batches(statements []string) []string {
	var out []string
	var batch strings.Builder
	for _, s := range statements {
		if batch.Len()+len(s) > 1<<19 {
			out = append(out, batch.String())
			batch.Reset()
		}
		batch.WriteString(s + ";\n")
	}
	return append(out, batch.String())
}

// name spells an identifier.
func (b *builder) name(s string) string {
	switch {
	case b.Upper:
		return b.db.Engine.Quote(strings.ToUpper(s))
	case b.db.Engine.Dialect == "postgres":
		return b.db.Engine.Quote(strings.ToLower(s))
	}
	return b.db.Engine.Quote(s)
}

// table makes a table. Columns are "name type"; those after an empty one are left out of a lean dictionary.
func (b *builder) table(name string, key []string, columns ...string) {
	if b.Rich {
		for _, c := range rich[name] {
			columns = append(columns, c[0])
		}
	}
	var parts []string
	for _, c := range columns {
		if c == "" {
			if b.Lean {
				break
			}
			continue
		}
		column, definition, _ := strings.Cut(c, " ")
		parts = append(parts, b.name(column)+" "+definition)
	}
	for i := range key {
		key[i] = b.name(key[i])
	}
	b.tables = append(b.tables, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))%s", b.name(name), strings.Join(parts, ", "), strings.Join(key, ", "), b.suffix()))
}

// suffix is what MySQL and MariaDB need behind a table, so that text is four-byte UTF-8.
func (b *builder) suffix() string {
	if b.db.Engine.Dialect == "mysql" {
		return " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC"
	}
	return ""
}

func (b *builder) dictionary() {
	b.table("arschema", []string{"schemaId"}, "schemaId integer", "name varchar(254) NOT NULL", "schemaType integer NOT NULL",
		"nextId integer NOT NULL", "", "resolvedSchemaId integer", "resolvedName varchar(254)")
	b.table("field", []string{"schemaId", "fieldId"}, "schemaId integer", "fieldId integer", "fieldName varchar(254) NOT NULL",
		"fieldType integer NOT NULL", "datatype integer NOT NULL", "fOption integer NOT NULL", "", "defaultValue varchar(255)")
	b.table("field_char", []string{"schemaId", "fieldId"}, "schemaId integer", "fieldId integer", "maxLength integer NOT NULL", "", "pattern varchar(255)")
	for _, name := range []string{"field_int", "field_real", "field_dec"} {
		if !b.Lean {
			b.table(name, []string{"schemaId", "fieldId"}, "schemaId integer", "fieldId integer", "rangeLow varchar(40)", "rangeHigh varchar(40)")
		}
	}
	if b.Rich {
		b.table("field_enum", []string{"schemaId", "fieldId"}, "schemaId integer", "fieldId integer")
	}
	b.table("schema_join", []string{"schemaId"}, "schemaId integer", "memberA varchar(254) NOT NULL", "memberB varchar(254) NOT NULL",
		"joinOption integer NOT NULL", "queryShort varchar(255)", "queryLong text")
	b.table("join_mapping", []string{"schemaId", "fieldId"}, "schemaId integer", "fieldId integer", "schemaIndex integer NOT NULL", "realFieldId integer NOT NULL")
	b.table("field_enum_values", []string{"schemaId", "fieldId", "enumId"}, "schemaId integer", "fieldId integer", "enumId integer", "value varchar(254) NOT NULL")
}

// insert adds a row; columns are spelt as the dictionary spells them.
func (b *builder) insert(table string, columns []string, values ...any) {
	names := make([]string, len(columns))
	texts := make([]string, len(columns))
	for i, c := range columns {
		names[i] = b.name(c)
		switch v := values[i].(type) {
		case nil:
			texts[i] = "NULL"
		case string:
			texts[i] = b.quote(v)
		default:
			texts[i] = fmt.Sprint(v)
		}
	}
	if b.Rich {
		for _, c := range rich[table] {
			column, _, _ := strings.Cut(c[0], " ")
			names, texts = append(names, b.name(column)), append(texts, c[1])
		}
	}
	b.rows = append(b.rows, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", b.name(table), strings.Join(names, ", "), strings.Join(texts, ", ")))
}

func (b *builder) quote(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if b.db.Engine.Dialect == "mysql" {
		s = strings.ReplaceAll(s, `\`, `\\`)
	}
	return "'" + s + "'"
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (b *builder) form(f Form) {
	b.forms[f.Name] = f
	if f.Join != nil {
		f.Kind = 2
	}
	columns := []string{"schemaId", "name", "schemaType", "nextId"}
	values := []any{f.ID, f.Name, cmp.Or(f.Kind, 1), cmp.Or(f.NextID, 1)}
	if !b.Lean {
		columns = append(columns, "resolvedSchemaId", "resolvedName")
		values = append(values, cmp.Or(f.ResolvedID, f.ID), orNull(f.ResolvedName))
	}
	b.insert("arschema", columns, values...)
	overlay := f.ResolvedID != 0 && f.ResolvedID != f.ID
	fields := f.Fields
	if !overlay && f.Join == nil {
		fields = withCore(f)
	}
	for _, x := range fields {
		b.field(f, x)
	}
	if f.Join != nil {
		b.join(f)
	}
	if overlay || f.NoTables || f.Kind > 1 {
		return
	}
	b.dataTable(f, fields)
	if f.History {
		history := []string{"entryId " + b.idType()}
		for n := range labels(f) {
			history = append(history, fmt.Sprintf("U%d %s", n, b.text(254)), fmt.Sprintf("T%d integer", n))
		}
		b.table(fmt.Sprintf("H%d", f.ID), []string{"entryId"}, history...)
	}
}

// join fills the dictionary's rows of a join form, and makes its view.
func (b *builder) join(f Form) {
	j := f.Join
	on, tests := j.Qualification, make([]string, len(j.On))
	for i, pair := range j.On {
		if i > 0 {
			on = `1\` + on
		}
		on += fmt.Sprintf(`4\1\99\%d\1\%d\`, pair[0], pair[1])
		tests[i] = fmt.Sprintf("a.%s = b.%s", b.name(fmt.Sprintf("C%d", pair[0])), b.name(fmt.Sprintf("C%d", pair[1])))
	}
	member := func(name string) string {
		if j.ByNumber {
			return fmt.Sprint(b.forms[name].ID)
		}
		return name
	}
	kind, option := "JOIN", 0
	if j.Outer {
		kind, option = "LEFT JOIN", 1
	}
	b.insert("schema_join", []string{"schemaId", "memberA", "memberB", "joinOption", "queryShort"}, f.ID, member(j.Primary), member(j.Secondary), option, on)
	id := "a.%[1]s || '|' || COALESCE(b.%[1]s, '')"
	if b.db.Engine.Dialect == "mysql" {
		id = "CONCAT(a.%[1]s, '|', COALESCE(b.%[1]s, ''))"
	}
	columns := []string{
		fmt.Sprintf(id, b.name("C1")) + " AS " + b.name("C1"),
		"a." + b.name("C1") + " AS " + b.name("E0"), "b." + b.name("C1") + " AS " + b.name("E1"),
	}
	for _, x := range f.Fields {
		if x.Part == "" {
			continue
		}
		part, alias := 0, "a."
		if x.Part == "secondary" {
			part, alias = 1, "b."
		}
		b.insert("join_mapping", []string{"schemaId", "fieldId", "schemaIndex", "realFieldId"}, f.ID, x.ID, part, cmp.Or(x.Real, x.ID))
		columns = append(columns, alias+b.name(fmt.Sprintf("C%d", cmp.Or(x.Real, x.ID)))+" AS "+b.name(fmt.Sprintf("C%d", x.ID)))
	}
	if len(tests) > 0 {
		b.tables = append(b.tables, fmt.Sprintf("CREATE VIEW %s AS SELECT %s FROM %s a %s %s b ON %s", b.name(fmt.Sprintf("T%d", f.ID)),
			strings.Join(columns, ", "), b.name(fmt.Sprintf("T%d", b.forms[j.Primary].ID)), kind, b.name(fmt.Sprintf("T%d", b.forms[j.Secondary].ID)), strings.Join(tests, " AND ")))
	}
}

// withCore returns the fields with the core fields that are not among them, by number.
func withCore(f Form) []Field {
	values := make([]schema.EnumValue, 0, 5)
	for i, label := range labels(f) {
		values = append(values, schema.EnumValue{ID: int64(i), Label: label})
	}
	fields := slices.Clone(f.Fields)
	for _, core := range []Field{
		{ID: schema.RequestID, Name: "Request ID", Type: schema.Character, Option: 3, MaxLength: 15, Default: f.Prefix},
		{ID: schema.Submitter, Name: "Submitter", Type: schema.Character, Option: 1, MaxLength: 254},
		{ID: schema.CreateDate, Name: "Create Date", Type: schema.DateTime, Option: 3},
		{ID: schema.AssignedTo, Name: "Assigned To", Type: schema.Character, MaxLength: 254},
		{ID: schema.LastModifiedBy, Name: "Last Modified By", Type: schema.Character, Option: 3, MaxLength: 254},
		{ID: schema.ModifiedDate, Name: "Modified Date", Type: schema.DateTime, Option: 3},
		{ID: schema.Status, Name: "Status", Type: schema.Selection, Option: 1, Values: values},
		{ID: schema.ShortDescription, Name: "Short Description", Type: schema.Character, Option: 1, MaxLength: 254},
	} {
		if !slices.ContainsFunc(f.Fields, func(x Field) bool { return x.ID == core.ID }) {
			fields = append(fields, core)
		}
	}
	slices.SortFunc(fields, func(a, b Field) int { return a.ID - b.ID })
	return fields
}

func labels(f Form) []string {
	if f.Values != nil {
		return f.Values
	}
	return []string{"New", "Assigned", "Fixed", "Rejected", "Closed"}
}

// field fills the dictionary's rows of a field.
func (b *builder) field(f Form, x Field) {
	columns := []string{"schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption"}
	values := []any{f.ID, x.ID, x.Name, 1, int(x.Type), cmp.Or(x.Option, 2)}
	if !b.Lean {
		columns = append(columns, "defaultValue")
		values = append(values, orNull(x.Default))
	}
	b.insert("field", columns, values...)
	limits := map[schema.Type]string{schema.Integer: "field_int", schema.Real: "field_real", schema.Decimal: "field_dec"}
	switch {
	case x.Type == schema.Character && b.Lean:
		b.insert("field_char", []string{"schemaId", "fieldId", "maxLength"}, f.ID, x.ID, x.MaxLength)
	case x.Type == schema.Character:
		b.insert("field_char", []string{"schemaId", "fieldId", "maxLength", "pattern"}, f.ID, x.ID, x.MaxLength, orNull(x.Pattern))
	case limits[x.Type] != "" && !b.Lean && x.Low+x.High != "":
		b.insert(limits[x.Type], []string{"schemaId", "fieldId", "rangeLow", "rangeHigh"}, f.ID, x.ID, orNull(x.Low), orNull(x.High))
	}
	if b.Rich && len(x.Values) > 0 {
		b.insert("field_enum", []string{"schemaId", "fieldId"}, f.ID, x.ID)
	}
	for _, v := range x.Values {
		b.insert("field_enum_values", []string{"schemaId", "fieldId", "enumId", "value"}, f.ID, x.ID, v.ID, v.Label)
	}
}

func (b *builder) idType() string {
	switch b.db.Engine.Dialect {
	case "mysql":
		return "varchar(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
	}
	return "varchar(15) NOT NULL"
}

// dataTable makes the T table.
func (b *builder) dataTable(f Form, fields []Field) {
	var columns []string
	for _, x := range fields {
		if x.NoColumn || x.Option == 4 || x.ID == 15 {
			continue
		}
		name := fmt.Sprintf("C%d", x.ID)
		switch {
		case x.ID == schema.RequestID:
			columns = append(columns, name+" "+b.idType())
		case x.Type == schema.Currency:
			columns = append(columns, name+"V numeric(28,10)", name+"C "+b.text(3), name+"D bigint", name+"USD numeric(28,10)")
		case x.Type != schema.Attachment:
			columns = append(columns, name+" "+b.columnType(x)+b.check(name, x))
		}
	}
	table := fmt.Sprintf("T%d", f.ID)
	b.table(table, []string{"C1"}, columns...)
	if b.db.Engine.Dialect == "postgres" {
		b.tables = append(b.tables, "ALTER TABLE "+b.name(table)+" REPLICA IDENTITY FULL")
	}
}

// check is how AR System limits the length of citext, which has none of its own.
func (b *builder) check(name string, x Field) string {
	if x.MaxLength == 0 || b.columnType(x) != "citext" {
		return ""
	}
	return fmt.Sprintf(" CHECK (char_length(%s) <= %d)", b.name(name), x.MaxLength)
}

func (b *builder) columnType(x Field) string {
	switch x.Type {
	case schema.Character, schema.Diary:
		return b.text(x.MaxLength)
	case schema.Real:
		return "double precision"
	case schema.Decimal:
		return "numeric(28,10)"
	case schema.Bytes:
		return map[string]string{"postgres": "bytea", "mysql": "longblob", "sqlite": "blob"}[b.db.Engine.Dialect]
	}
	return "integer"
}

// textTypes returns the type of a column of at most n characters, 0 = any number.
func textTypes(db *engine.DB) func(n int) string {
	switch db.Engine.Dialect {
	case "mysql":
		return func(n int) string {
			switch {
			case n > 0 && n <= 255:
				return fmt.Sprintf("varchar(%d)", n)
			case n > 0 && n <= 4000:
				return "text"
			}
			return "longtext"
		}
	case "sqlite":
		return func(n int) string {
			if n == 0 {
				return "text"
			}
			return fmt.Sprintf("varchar(%d)", n)
		}
	}
	// A case-sensitive site has varchar and text; where the server comes without citext, so has ours.
	if _, err := db.Exec("CREATE EXTENSION IF NOT EXISTS citext"); err == nil {
		return func(int) string { return "citext" }
	}
	return func(n int) string {
		if n == 0 {
			return "text"
		}
		return fmt.Sprintf("varchar(%d)", n)
	}
}
