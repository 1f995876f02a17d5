package distributed

import (
	"context"
	"errors"
	"fmt"

	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// State is a form and what it has of the distributed fields.
type State struct {
	Form   *schema.Form
	Fields []Field // of all groups, ascending by ID

	db      *engine.DB
	catalog *catalog.Catalog
	rows    []entry // of an ar form: what the dictionary has under these IDs
}

// Field is a distributed field and what a form has of it.
type Field struct {
	schema.DistributedField
	ColumnName string // of the form's table, be it there or not

	// Has is the form's field of this ID; nil: it has none.
	Has *schema.Field
	// Column is the column of that name, or of the field that the form has; nil: there is none.
	Column *schema.Column
}

// entry is a row of AR System's table field.
type entry struct {
	SchemaID int64  `db:"schema_id"`
	FieldID  int    `db:"field_id"`
	Name     string `db:"name"`
	DataType int    `db:"datatype"`
	Option   int    `db:"f_option"`
}

// displayOnly is the fOption of a field that has no column.
const displayOnly = 4

// Read looks at a form. Errors are those of Catalog.Lookup, and *KindError for a form that has no table
// of its own.
func Read(ctx context.Context, db *engine.DB, c *catalog.Catalog, name string) (*State, error) {
	s := &State{db: db, catalog: c}
	var err error
	if s.Form, err = c.Lookup(name); err != nil {
		return nil, errors.Join(s.kind(ctx, name), err)
	}
	if s.Form.Join != nil {
		return nil, &KindError{Server: db.Server, Form: name, Kind: 2}
	}
	if s.ar() {
		if err := s.query(ctx, &s.rows, "existing.sql", s.Form.ID); err != nil {
			return nil, fmt.Errorf("%s: fields of form %q: %w", db.Server, name, err)
		}
	}
	for _, d := range schema.FieldsOf(schema.Advanced) {
		f := Field{DistributedField: d, ColumnName: s.columnName(d), Has: s.Form.FieldByID(d.ID)}
		f.Length = d.LengthOn(s.Form)
		if f.Column = s.Form.Table.Column(f.ColumnName); f.Has != nil {
			f.Column = f.Has.Column
		}
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

// kind returns a *KindError where the dictionary has a form of that name that is not a regular one.
func (s *State) kind(ctx context.Context, name string) error {
	if s.catalog.DictionaryTable("arschema") == nil {
		return nil
	}
	var kinds []int
	if err := s.query(ctx, &kinds, "kind.sql", nil, name); err != nil {
		return fmt.Errorf("%s: look for form %q: %w", s.db.Server, name, err)
	}
	if len(kinds) == 0 {
		return nil
	}
	return &KindError{Server: s.db.Server, Form: name, Kind: kinds[0]}
}

// ar reports whether the form is of a dictionary.
func (s *State) ar() bool { return s.Form.ID != 0 }

// columnName spells the column of an ar form as its other columns are spelt.
func (s *State) columnName(d schema.DistributedField) string {
	if !s.ar() {
		return d.ColumnName()
	}
	return fmt.Sprintf("%.1s%d", s.Form.Key[0].Column.Name, d.ID)
}

// entry is the dictionary's row of a field; the last one is what counts, an overlay's. nil: none.
func (s *State) entry(id int) (found *entry) {
	for i := range s.rows {
		if s.rows[i].FieldID == id {
			found = &s.rows[i]
		}
	}
	return found
}

// Missing lists the fields of group g and those below it that the form does not have.
func (s *State) Missing(g schema.FieldGroup) []Field {
	var list []Field
	for _, f := range s.Fields {
		if f.Group <= g && f.Has == nil {
			list = append(list, f)
		}
	}
	return list
}

// Present lists the fields of group g and those above it of which the form has anything: what is left of
// a removal that was cut off too.
func (s *State) Present(g schema.FieldGroup) []Field {
	var list []Field
	for _, f := range s.Fields {
		left := s.ar() && (f.Column != nil || s.entry(f.ID) != nil)
		if f.Group >= g && (f.Has != nil || left) {
			list = append(list, f)
		}
	}
	return list
}

// Check returns why the form cannot have a field; nil where it has it or it can be added.
func (s *State) Check(f Field) error {
	e := s.entry(f.ID)
	switch {
	case e != nil && e.Option == displayOnly:
		return s.taken(f, fmt.Sprintf("field ID %d", f.ID), fmt.Sprintf("the display-only field %q", e.Name))
	case e != nil && !s.is(f, schema.Type(e.DataType)):
		return s.taken(f, fmt.Sprintf("field ID %d", f.ID), fmt.Sprintf("the %s field %q", schema.Type(e.DataType), e.Name))
	case f.Has != nil && !s.is(f, f.Has.Type):
		return s.taken(f, fmt.Sprintf("field ID %d", f.ID), fmt.Sprintf("the %s field %q", f.Has.Type, f.Has.Name))
	case f.Has != nil:
		return nil
	}
	if x := s.Form.FieldByName(f.Name); x != nil && e == nil {
		return s.taken(f, fmt.Sprintf("the name %q", f.Name), fmt.Sprintf("field %d", x.ID))
	}
	if f.Column == nil {
		return nil
	}
	for _, x := range s.Form.Fields {
		if x.Column == f.Column { // the definitions declare it under another ID
			return s.taken(f, "column "+f.Column.Name, fmt.Sprintf("field %q (%d)", x.Name, x.ID))
		}
	}
	return s.checkColumn(f)
}

// is reports whether a field of a type can serve as f. Definitions may declare a selection by its ID alone,
// and then it is an integer.
func (s *State) is(f Field, t schema.Type) bool {
	return t == f.Type || !s.ar() && f.Type == schema.Selection && t == schema.Integer
}

func (s *State) taken(f Field, what, by string) error {
	return &TakenError{Server: s.db.Server, Form: s.Form.Name, ID: f.ID, Field: f.Name, What: what, By: by}
}

// unlimitedLength is what a column must hold at least to count as one without a limit: MySQL's TEXT.
const unlimitedLength = 65535

// checkColumn refuses a column that is there already and cannot hold the field.
func (s *State) checkColumn(f Field) error {
	c, need := f.Column, f.Length
	if need == 0 {
		need = unlimitedLength
	}
	reason := ""
	switch {
	case c.Generated:
		reason = "the database computes it"
	case !c.Nullable && !c.HasDefault:
		reason = "it must not be empty"
	case !catalog.Holds(f.Type, c.Kind):
		reason = "it cannot hold values of type " + f.Type.String()
	case f.Type == schema.Character && c.Length > 0 && c.Length < need:
		reason = fmt.Sprintf("it holds %d characters, and the field has up to %d", c.Length, need)
	default:
		return nil
	}
	return &ColumnError{Server: s.db.Server, Form: s.Form.Name, Field: f.Name, Table: s.Form.Table.Name, Column: c.Name, DataType: c.DataType, Reason: reason}
}
