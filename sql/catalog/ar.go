package catalog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Options of a field (field.fOption).
const (
	optionRequired     = 1
	optionSystem       = 3
	optionForcedSystem = 5
)

// defaultIDLength is the length of field 1 where the dictionary gives none.
const defaultIDLength = 15

// loadAR makes a form of each regular and each join form in the dictionary.
func (c *Catalog) loadAR(ctx context.Context, db *engine.DB, specs []FormSpec) error {
	ts, err := readTables(ctx, db, db.Schema)
	if err != nil {
		return err
	}
	d, err := readDictionary(ctx, db, ts)
	if err != nil {
		return err
	}
	c.dictionary = ts
	arschema := ts.find("arschema")
	if next, id := arschema.Column("nextId"), arschema.Column("schemaId"); next != nil {
		c.counter = &Counter{Table: arschema, FormID: id.Name, NextID: next.Name}
	}
	physical := map[string]*schema.Table{} // by lower-case name: T1001 or t1001
	for _, name := range ts.names() {
		physical[strings.ToLower(name)] = ts[name]
	}
	fields := map[int64][]fieldRow{} // by the form number of the row
	for _, r := range d.fields {
		fields[r.SchemaID] = append(fields[r.SchemaID], r)
	}
	for _, g := range groups(slices.DeleteFunc(slices.Clone(d.forms), func(r formRow) bool { return r.Type != typeRegular })) {
		a := &arForm{server: c.Server, d: d, group: g, table: physical[fmt.Sprintf("t%d", g.id)]}
		form, err := a.form(fields)
		switch {
		case c.forms[g.name] != nil || c.problems[g.name] != nil:
			// Nothing tells which of the two is meant.
			c.remove(g.name)
			err = &DuplicateError{Server: c.Server, Form: g.name, What: "form name", Value: g.name}
			fallthrough
		case err != nil:
			c.problems[g.name] = err
		default:
			c.add(form)
		}
	}
	c.settings(specs)
	if err := c.loadJoins(ctx, db, d, fields); err != nil {
		return err
	}
	for _, spec := range specs {
		if f, err := c.Lookup(spec.Name); err != nil {
			return err
		} else if f.Join != nil {
			return &JoinError{Server: c.Server, Form: f.Name, Reason: "keep_empty_strings is of its parts", Fix: "write it for the parts"}
		}
	}
	return nil
}

// settings applies what the definitions say of forms of the dictionary.
func (c *Catalog) settings(specs []FormSpec) {
	for _, spec := range specs {
		if f := c.forms[spec.Name]; f != nil {
			f.EmptyIsNull = !spec.KeepEmptyStrings
		}
	}
}

// group is the rows of arschema that share one set of tables: a form, and its overlay if it has one.
type group struct {
	id   int64 // the number of the tables
	name string
	rows []formRow // the base first, then overlays: later rows win
}

func groups(rows []formRow) []group {
	byTable := map[int64][]formRow{}
	for _, r := range rows {
		byTable[r.table()] = append(byTable[r.table()], r)
	}
	var out []group
	for _, id := range slices.Sorted(maps.Keys(byTable)) {
		g := group{id: id, rows: byTable[id]}
		slices.SortFunc(g.rows, func(a, b formRow) int {
			return cmp.Or(-cmp.Compare(btoi(a.SchemaID == id), btoi(b.SchemaID == id)), cmp.Compare(a.SchemaID, b.SchemaID))
		})
		for _, r := range g.rows {
			if g.name == "" || r.ResolvedName.String != "" {
				g.name = r.displayName()
			}
		}
		out = append(out, g)
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// arForm is a form in the making.
type arForm struct {
	server string
	d      *dictionary
	group  group
	table  *schema.Table // nil: the database has none
}

func (a *arForm) form(fields map[int64][]fieldRow) (*schema.Form, error) {
	if a.table == nil {
		return nil, &UnknownTableError{Server: a.server, Form: a.group.name, Table: fmt.Sprintf("T%d", a.group.id)}
	}
	form := &schema.Form{
		Name: a.group.name, ID: int(a.group.id), Table: a.table,
		EmptyIsNull: true, Unsupported: map[string]string{},
	}
	merged := a.merge(fields)
	columns := make(map[string]*schema.Column, len(a.table.Columns))
	for _, col := range a.table.Columns {
		columns[strings.ToLower(col.Name)] = col
	}
	for _, id := range slices.Sorted(maps.Keys(merged)) {
		r := merged[id]
		if reason := a.unsupported(r, columns); reason != "" {
			form.Unsupported[r.Name] = reason
			continue
		}
		form.Fields = append(form.Fields, a.field(r, columns[columnName(id)]))
	}
	key := form.FieldByID(schema.RequestID)
	if key == nil || !unique(a.table, key.Column.Name) {
		return nil, &NoKeyError{Server: a.server, Form: form.Name, Table: a.table.Name, Columns: []string{"C1"}}
	}
	finish(form, []*schema.Field{key})
	form.NextID = a.nextID(merged[schema.RequestID], key)
	return form, nil
}

// unique is isKey for C1, which a server may have declared without NOT NULL, but never leaves empty.
func unique(t *schema.Table, column string) bool {
	return isKey(t, []string{column}) || slices.ContainsFunc(t.Unique, func(u schema.Unique) bool {
		return sameSet(u.Columns, []string{column})
	})
}

// merge returns the fields by number. What an overlay says of a field wins over the base.
func (a *arForm) merge(fields map[int64][]fieldRow) map[int64]fieldRow {
	merged := map[int64]fieldRow{}
	for _, row := range a.group.rows {
		for _, r := range fields[row.SchemaID] {
			merged[r.FieldID] = r
		}
	}
	return merged
}

func columnName(fieldID int64) string { return "c" + strconv.FormatInt(fieldID, 10) }

// unsupported says why a stored field cannot be carried; "" = it can.
func (a *arForm) unsupported(r fieldRow, columns map[string]*schema.Column) string {
	t := schema.Type(r.DataType)
	if r.FieldID == statusHistory {
		return reasonHistory
	}
	if reason := reasons[t]; reason != "" {
		return reason
	}
	if kindsOf[t] == nil {
		return fmt.Sprintf("fields of data type %d are not known", r.DataType)
	}
	col := columns[columnName(r.FieldID)]
	if col == nil {
		return fmt.Sprintf("table %s has no column C%d", a.table.Name, r.FieldID)
	}
	if !Holds(t, col.Kind) {
		return fmt.Sprintf("the field is %s, and its column %s is %s", t, col.Name, col.DataType)
	}
	return ""
}

func (a *arForm) field(r fieldRow, col *schema.Column) *schema.Field {
	f := &schema.Field{
		ID: int(r.FieldID), Name: r.Name, Type: schema.Type(r.DataType), Column: col,
		Required: r.Option == optionRequired,
		System:   r.Option == optionSystem || r.Option == optionForcedSystem,
	}
	if chars, ok := limits(a, a.d.characters, r); ok && f.Type == schema.Character {
		f.MaxLength = int(chars.MaxLength.Int64)
		// Where the dictionary has no unit the limit counts characters: the column guards the rest.
		f.LengthInBytes = chars.LengthUnits.Valid && chars.LengthUnits.Int64 == 0
		f.Pattern = chars.Pattern.String
	}
	if numbers, ok := limits(a, a.d.ranges, r); ok {
		f.Min, f.Max = numbers.Low.String, numbers.High.String
	}
	if labels, ok := limits(a, a.d.labels, r); ok && f.Type == schema.Selection {
		f.Values = labels
	}
	return f
}

// limits finds what the dictionary says of a field beside its row: under the overlay's number, else
// under the base's.
func limits[T any](a *arForm, of map[fieldKey]T, r fieldRow) (T, bool) {
	if found, ok := of[r.fieldKey]; ok {
		return found, true
	}
	for _, row := range slices.Backward(a.group.rows) {
		if found, ok := of[fieldKey{row.SchemaID, r.FieldID}]; ok {
			return found, true
		}
	}
	var none T
	return none, false
}

// nextID returns how Request IDs are made: the prefix is the default value of field 1
// (ar-database-reference, "Request IDs"). nil where the dictionary counts none.
func (a *arForm) nextID(r fieldRow, key *schema.Field) *schema.NextID {
	if !a.group.rows[0].NextID.Valid {
		return nil
	}
	return &schema.NextID{Prefix: defaultText(r.Default.String), Length: cmp.Or(key.MaxLength, defaultIDLength)}
}

// defaultText reads a default value, plain or in the stored form "4\2\HD" (type, length, text).
func defaultText(s string) string {
	rest, ok := strings.CutPrefix(s, `4\`)
	if !ok {
		return s
	}
	digits, text, ok := strings.Cut(rest, `\`)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n > len(text) || n < 0 {
		return s
	}
	return text[:n]
}
