package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// loadPlain makes a form of each declared table.
func (c *Catalog) loadPlain(ctx context.Context, db *engine.DB, specs []FormSpec) error {
	bySchema := map[string]tables{}
	read := func(name string) (tables, error) {
		if ts, ok := bySchema[name]; ok {
			return ts, nil
		}
		ts, err := readTables(ctx, db, name)
		bySchema[name] = ts
		return ts, err
	}
	var problems []error
	for _, spec := range specs {
		if spec.Join != nil {
			continue
		}
		table, err := findTable(db, spec, read)
		if err == nil {
			err = c.declare(spec, table)
		}
		var own interface{ Remedy() string }
		if err != nil && !errors.As(err, &own) {
			return err // of the database, not of the declaration
		}
		problems = append(problems, err)
	}
	for _, spec := range specs {
		if spec.Join != nil {
			c.declareJoin(spec)
		}
	}
	return errors.Join(problems...)
}

// findTable resolves the table of a form: in the default schema, else as schema.table.
func findTable(db *engine.DB, spec FormSpec, read func(string) (tables, error)) (*schema.Table, error) {
	name := cmp.Or(spec.Table, spec.Name)
	home, err := read(db.Schema)
	if err != nil {
		return nil, err
	}
	if t := home.find(name); t != nil {
		return t, nil
	}
	unknown := &UnknownTableError{Server: db.Server, Form: spec.Name, Table: name, Nearest: nearest(name, home.names())}
	schemaName, table := splitTable(name)
	if schemaName == "" {
		return nil, unknown
	}
	other, err := read(schemaName)
	if err != nil {
		return nil, err
	}
	if t := other.find(table); t != nil {
		return t, nil
	}
	if near := nearest(table, other.names()); near != "" {
		unknown.Nearest = schemaName + "." + near
	}
	return nil, unknown
}

// declare makes the form of one table, or returns all that is wrong with it, joined.
func (c *Catalog) declare(spec FormSpec, t *schema.Table) error {
	form := &schema.Form{
		Name: spec.Name, Table: t, EmptyIsNull: !spec.KeepEmptyStrings,
		NextID: spec.NextID, Unsupported: map[string]string{},
	}
	p := &plainForm{server: c.Server, spec: spec, table: t, form: form, names: map[string]bool{}, ids: map[int]bool{}, fields: map[*schema.Column]*schema.Field{}}
	if _, taken := c.forms[spec.Name]; taken {
		p.duplicate("form name", spec.Name)
	}
	if f := c.FormForTable(t.Schema, t.Name); f != nil {
		p.duplicate("table", t.Name)
	}
	p.declared()
	p.rest()
	for _, f := range p.fields {
		form.Fields = append(form.Fields, f)
	}
	key := p.key()
	if err := errors.Join(p.problems...); err != nil {
		return err
	}
	finish(form, key)
	c.add(form)
	return nil
}

// plainForm is a form in the making.
type plainForm struct {
	server   string
	spec     FormSpec
	table    *schema.Table
	form     *schema.Form
	names    map[string]bool
	ids      map[int]bool
	fields   map[*schema.Column]*schema.Field
	problems []error
}

func (p *plainForm) problem(err error) { p.problems = append(p.problems, err) }

func (p *plainForm) duplicate(what, taken string) {
	p.problem(&DuplicateError{Server: p.server, Form: p.spec.Name, What: what, Value: taken})
}

// column finds a column that the declaration names.
func (p *plainForm) column(name string) *schema.Column {
	col := p.table.Column(name)
	if col == nil {
		var names []string
		for _, c := range p.table.Columns {
			names = append(names, c.Name)
		}
		p.problem(&UnknownColumnError{Server: p.server, Form: p.spec.Name, Table: p.table.Name, Column: name, Nearest: nearest(name, names)})
	}
	return col
}

// declared makes the fields that the declaration lists.
func (p *plainForm) declared() {
	for _, spec := range p.spec.Fields {
		col := p.column(spec.Column)
		if col == nil {
			continue
		}
		if p.fields[col] != nil {
			p.duplicate("column", col.Name)
			continue
		}
		p.field(spec, col)
	}
}

// rest makes fields of the columns that the declaration leaves out, and numbers all that have no ID.
func (p *plainForm) rest() {
	for _, col := range p.table.Columns {
		if p.fields[col] != nil {
			continue
		}
		if _, ok := typeOf(col.Kind); !ok {
			p.form.Unsupported[col.Name] = "columns of type " + col.DataType + " are not carried"
			continue
		}
		p.field(FieldSpec{Column: col.Name}, col)
	}
	for _, col := range p.table.Columns {
		if f := p.fields[col]; f != nil && f.ID == 0 {
			f.ID = schema.NamedFieldID(col.Name, func(id int) bool { return p.ids[id] })
			p.ids[f.ID] = true
		}
	}
}

// field makes the field of a column, of what spec says, else of the column.
func (p *plainForm) field(spec FieldSpec, col *schema.Column) {
	f := &schema.Field{
		ID: spec.ID, Name: cmp.Or(spec.Name, col.Name), Type: spec.Type, Column: col,
		Required: spec.Required, Pattern: spec.Pattern,
		MaxLength: cmp.Or(spec.MaxLength, col.Length), LengthInBytes: spec.MaxLength == 0 && col.LengthInBytes,
		Values: slices.SortedFunc(slices.Values(spec.Values), func(a, b schema.EnumValue) int { return cmp.Compare(a.ID, b.ID) }),
	}
	if d, ok := schema.DistributedFieldByColumn(col.Name); ok && (spec.ID == 0 || spec.ID == d.ID) {
		p.distributed(f, spec, d)
	}
	ok := Holds(f.Type, col.Kind)
	if f.Type == 0 {
		f.Type, ok = typeOf(col.Kind)
	}
	switch {
	case !ok:
		p.problem(&TypeError{Server: p.server, Form: p.spec.Name, Field: f.Name, Type: f.Type, Column: col.Name, DataType: col.DataType})
	case p.names[f.Name]:
		p.duplicate("field name", f.Name)
	case f.ID != 0 && p.ids[f.ID]:
		p.duplicate("field ID", fmt.Sprint(f.ID))
	}
	p.fields[col], p.names[f.Name], p.ids[f.ID] = f, true, true
}

// distributed fills in what a column's name says of a distributed field and the declaration does not say
// otherwise.
func (p *plainForm) distributed(f *schema.Field, spec FieldSpec, d schema.DistributedField) {
	f.ID, f.Name, f.Type = d.ID, cmp.Or(spec.Name, d.Name), cmp.Or(spec.Type, d.Type)
	if n := d.LengthOn(p.form); n > 0 && spec.MaxLength == 0 {
		f.MaxLength, f.LengthInBytes = n, false
	}
	if len(spec.Values) == 0 && f.Type == schema.Selection {
		f.Values = slices.Clone(d.Values)
	}
}

// key resolves the columns that name a request.
func (p *plainForm) key() []*schema.Field {
	columns := p.spec.RequestID
	if len(columns) == 0 {
		columns = p.table.Key
	}
	names := make([]string, 0, len(columns))
	var fields []*schema.Field
	for _, name := range columns {
		col := p.column(name)
		if col == nil {
			return nil
		}
		f := p.fields[col]
		if f == nil {
			p.problem(&UnsupportedError{Server: p.server, Form: p.form.Name, Field: name, Reason: p.form.Unsupported[col.Name]})
			return nil
		}
		names = append(names, col.Name)
		fields = append(fields, f)
	}
	if !isKey(p.table, names) {
		p.problem(&NoKeyError{Server: p.server, Form: p.form.Name, Table: p.table.Name, Columns: p.spec.RequestID})
		return nil
	}
	return fields
}

// isKey reports whether the database lets at most one row have given values of the columns. A unique
// index lets any number of rows be NULL, so its columns must not be.
func isKey(t *schema.Table, columns []string) bool {
	if len(columns) == 0 {
		return false
	}
	if sameSet(t.Key, columns) {
		return true
	}
	return slices.ContainsFunc(t.Unique, func(u schema.Unique) bool {
		return sameSet(u.Columns, columns) && !slices.ContainsFunc(columns, func(name string) bool { return t.Column(name).Nullable })
	})
}

// sameSet compares without regard to order and case.
func sameSet(a, b []string) bool {
	fold := func(names []string) string {
		low := make([]string, len(names))
		for i, n := range names {
			low[i] = strings.ToLower(n)
		}
		slices.Sort(low)
		return strings.Join(low, "\x00")
	}
	return len(a) == len(b) && fold(a) == fold(b)
}
