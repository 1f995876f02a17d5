// Package catalog reads what forms a server has: from AR System's data dictionary ("ar"), or from
// declared tables of any database ("plain"). What it returns is plain data of package schema.
//
// A load costs a handful of queries whatever the number of forms: five for the physical tables of a
// schema, seven more for the dictionary. A catalog does not change once it is loaded; who must know of
// later changes loads another one.
//
// What it leaves to others: the YAML of the definitions with its places (package definition), and
// whether a form suits what is to be done with it, such as replica identity (ardso check).
//
// Read Load, Spec and Catalog, then plain.go or ar.go.
package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Kinds of a catalog.
const (
	AR    = "ar"    // forms come from arschema, field and so on
	Plain = "plain" // forms are declared
)

// Spec says what a server's catalog is.
type Spec struct {
	Kind string // AR or Plain
	// Forms declares the forms of a plain catalog. In an ar catalog it only sets how a form is read:
	// Name and KeepEmptyStrings.
	Forms []FormSpec
}

// FormSpec declares a form.
type FormSpec struct {
	Name      string
	Table     string   // "table" or "schema.table"; "" = Name
	RequestID []string // columns that name a request, in key order; none = the primary key
	Fields    []FieldSpec
	// KeepEmptyStrings: the empty string is a value of its own, not an empty field.
	KeepEmptyStrings bool
	NextID           *schema.NextID // how new Request IDs are made; nil = they cannot be
	// Join, if not nil, declares a join form; of the others only Name and Fields count then.
	Join *JoinSpec
}

// FieldSpec says of a column what the database cannot. Columns that no FieldSpec names are fields
// named after them. A column that is named as schema.DistributedField.ColumnName says is that
// distributed field, in all that its FieldSpec does not say otherwise; one with another ID is none.
type FieldSpec struct {
	Column    string
	Name      string      // "" = the column's
	ID        int         // 0 = schema.NamedFieldID of the column
	Type      schema.Type // 0 = by the column's type
	Values    []schema.EnumValue
	Required  bool
	MaxLength int // 0 = the column's
	Pattern   string
}

// Catalog is the forms of one server.
type Catalog struct {
	Server string // logical name
	Kind   string // AR or Plain

	forms    map[string]*schema.Form
	byTable  map[[2]string]*schema.Form
	problems map[string]error // forms that are there but cannot be used
	counter  *Counter
	// dictionary is the physical tables of an ar catalog's schema.
	dictionary tables
}

// Counter tells where an ar catalog counts Request IDs: one row per form, whose number is the next
// request's. Names are as the database spells them.
type Counter struct {
	Table  *schema.Table // arschema
	FormID string        // column with Form.ID
	NextID string        // column with the number
}

// Load reads the catalog of db. Of a plain catalog it returns all that is wrong with the declared
// forms, joined: *UnknownTableError, *UnknownColumnError, *NoKeyError, *DuplicateError, *TypeError,
// *UnsupportedError. An ar catalog loads even where some of its forms cannot be used, since nobody may
// need those; Lookup gives the reason. A *DictionaryError says that there is no usable dictionary.
func Load(ctx context.Context, db *engine.DB, spec Spec) (*Catalog, error) {
	c := &Catalog{
		Server:   db.Server,
		Kind:     spec.Kind,
		forms:    map[string]*schema.Form{},
		byTable:  map[[2]string]*schema.Form{},
		problems: map[string]error{},
	}
	var err error
	switch spec.Kind {
	case AR:
		err = c.loadAR(ctx, db, spec.Forms)
	case Plain:
		err = c.loadPlain(ctx, db, spec.Forms)
	default:
		err = fmt.Errorf("catalog %q is none of ar, plain", spec.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("read the catalog of %s: %w", db.Server, err)
	}
	return c, nil
}

// Restore makes the catalog of a server that does not answer out of forms that it had: those of Form, Lookup, Forms,
// Names and FormForTable; no counter and no dictionary.
func Restore(server, kind string, forms []*schema.Form) *Catalog {
	c := &Catalog{Server: server, Kind: kind, forms: map[string]*schema.Form{}, byTable: map[[2]string]*schema.Form{}, problems: map[string]error{}}
	for _, f := range forms {
		c.forms[f.Name] = f
		if f.Join == nil { // the table of a join form is only a name
			c.byTable[[2]string{f.Table.Schema, f.Table.Name}] = f
		}
	}
	return c
}

// Form returns nil where there is no such form or it cannot be used. Names are case-sensitive.
func (c *Catalog) Form(name string) *schema.Form { return c.forms[name] }

// Lookup is Form with the reason why not: *UnknownFormError, or what is wrong with the form.
func (c *Catalog) Lookup(name string) (*schema.Form, error) {
	if f, ok := c.forms[name]; ok {
		return f, nil
	}
	if err, ok := c.problems[name]; ok {
		return nil, err
	}
	return nil, &UnknownFormError{Server: c.Server, Form: name, Nearest: nearest(name, c.Names())}
}

// Forms returns all usable forms by name.
func (c *Catalog) Forms() []*schema.Form {
	all := make([]*schema.Form, 0, len(c.forms))
	for _, name := range c.Names() {
		all = append(all, c.forms[name])
	}
	return all
}

// Names returns the names of all usable forms, in order.
func (c *Catalog) Names() []string {
	names := make([]string, 0, len(c.forms))
	for name := range c.forms {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// FormForTable returns the form that a table holds, nil for any other table. The schema and the table
// are spelt as the database does; an empty schema is not looked up.
func (c *Catalog) FormForTable(schemaName, table string) *schema.Form {
	return c.byTable[[2]string{schemaName, table}]
}

// Counter tells where Request IDs are counted; nil in a plain catalog.
func (c *Catalog) Counter() *Counter { return c.counter }

// DictionaryTable returns a table of AR System's dictionary, such as field_char, however the database
// spells it; nil where it has none, and in a plain catalog.
func (c *Catalog) DictionaryTable(name string) *schema.Table { return c.dictionary.find(name) }

// add files a form under its name and table.
func (c *Catalog) add(f *schema.Form) {
	f.Server = c.Server
	c.forms[f.Name] = f
	c.byTable[[2]string{f.Table.Schema, f.Table.Name}] = f
}

// remove takes back what add did.
func (c *Catalog) remove(name string) {
	if f := c.forms[name]; f != nil {
		delete(c.byTable, [2]string{f.Table.Schema, f.Table.Name})
		delete(c.forms, name)
	}
}

// finish orders the fields, numbers them and sets the key.
func finish(f *schema.Form, key []*schema.Field) {
	slices.SortFunc(f.Fields, func(a, b *schema.Field) int { return a.ID - b.ID })
	for i, x := range f.Fields {
		x.Index = i
	}
	f.Key = key
}

// splitTable takes "schema.table" apart, where no table has that whole name.
func splitTable(name string) (schemaName, table string) {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}
