package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// JoinSpec declares a join form of a plain catalog. Fields of its FormSpec name fields of the parts as columns:
// "Primary.Status".
type JoinSpec struct {
	Primary, Secondary string // forms of the same catalog
	// On lists what must be equal: a field of the primary and one of the secondary form.
	On    [][2]string
	Outer bool
}

// JoinError is a join form that cannot be used.
type JoinError struct {
	Server, Form, Reason, Fix string
}

func (e *JoinError) Error() string {
	return fmt.Sprintf("join form %q on %s: %s", e.Form, e.Server, e.Reason)
}
func (e *JoinError) Name() string   { return "catalog.join" }
func (e *JoinError) Remedy() string { return e.Fix }

// Sides of a plain join form's field references.
var sides = [2]string{schema.Primary: "Primary.", schema.Secondary: "Secondary."}

// joining is a join form in the making.
type joining struct {
	c    *Catalog
	form *schema.Form
}

func (c *Catalog) joining(name string, id int) *joining {
	return &joining{c: c, form: &schema.Form{
		Name: name, ID: id, Server: c.Server, Unsupported: map[string]string{}, Join: &schema.Join{}, Table: &schema.Table{Name: name, Transactional: true},
	}}
}

func (x *joining) wrong(fix, format string, args ...any) error {
	return &JoinError{Server: x.c.Server, Form: x.form.Name, Reason: fmt.Sprintf(format, args...), Fix: fix}
}

// part sets a part of the form.
func (x *joining) part(n int, name string) error {
	f, err := x.c.Lookup(name)
	what := []string{"primary", "secondary"}[n]
	if err != nil {
		return x.wrong("let the "+what+" form be one that ardso can use", "its %s form: %s", what, err)
	}
	if f.Join != nil {
		return x.wrong("join the forms that hold the data, or map that join form and the other part each by itself",
			"its %s form %q is a join form itself, and joins of joins are not supported", what, name)
	}
	for _, k := range f.Key {
		isText := k.Type == schema.Character && k.Column.Kind == value.KindText
		if isNumber := k.Type == schema.Integer && k.Column.Kind == value.KindInt; !isText && !isNumber {
			return x.wrong("let the part's Request ID be a text or a whole number",
				"the Request ID of its %s form %q holds field %q, which is %s in a column of %s", what, name, k.Name, k.Type, k.Column.DataType)
		}
	}
	x.form.Join.Parts[n] = f
	return nil
}

// on adds an equality.
func (x *joining) on(pair [2]*schema.Field) error {
	a, b := pair[schema.Primary], pair[schema.Secondary]
	same := func(k value.Kind) value.Kind {
		if k == value.KindDecimal {
			return value.KindInt // they are equal by number
		}
		return k
	}
	if same(a.Column.Kind) != same(b.Column.Kind) || a.Column.Kind == value.KindReal {
		return x.wrong("compare fields whose columns are of one kind, and no floating-point numbers",
			"field %q of the primary form is in a column of %s, field %q of the secondary form in one of %s", a.Name, a.Column.DataType, b.Name, b.Column.DataType)
	}
	x.form.Join.On = append(x.form.Join.On, pair)
	return nil
}

// field adds a field of a part as f says: its column is the part's.
func (x *joining) field(f *schema.Field, from schema.JoinField) {
	c := schema.Column{DataType: "text", BaseType: "text", Kind: value.KindText}
	if from.Field != nil {
		c = *from.Field.Column
		c.Nullable = c.Nullable || x.form.Join.Outer && from.Part == schema.Secondary
	}
	c.Name, c.Ordinal = fmt.Sprintf("C%d", f.ID), len(x.form.Fields)
	f.Column = &c
	x.form.Fields = append(x.form.Fields, f)
	x.form.Join.From = append(x.form.Join.From, from)
	x.form.Table.Columns = append(x.form.Table.Columns, &c)
}

// requestID is the field of both parts' IDs.
func requestID(name string) *schema.Field {
	return &schema.Field{ID: schema.RequestID, Name: name, Type: schema.Character, System: true}
}

// finish orders the fields and files the form.
func (x *joining) finish() error {
	f, j := x.form, x.form.Join
	if j.Parts[0].EmptyIsNull != j.Parts[1].EmptyIsNull {
		return x.wrong("write the same keep_empty_strings for both", "one of its parts keeps empty strings, the other does not")
	}
	f.EmptyIsNull = j.Parts[0].EmptyIsNull
	from := make(map[*schema.Field]schema.JoinField, len(f.Fields))
	for i, y := range f.Fields {
		from[y] = j.From[i]
	}
	id := f.FieldByID(schema.RequestID)
	finish(f, []*schema.Field{id})
	for i, y := range f.Fields {
		j.From[i] = from[y]
	}
	f.Table.Key = []string{id.Column.Name}
	j.Pair = schema.NewPair(f)
	x.c.forms[f.Name] = f
	return nil
}

// declareJoin makes a join form of a plain catalog. What is wrong with it is kept for who asks for the form.
func (c *Catalog) declareJoin(spec FormSpec) {
	x := c.joining(spec.Name, 0)
	if err := x.declared(spec); err != nil {
		c.problems[spec.Name] = err
	}
}

func (x *joining) declared(spec FormSpec) error {
	if x.c.forms[spec.Name] != nil || x.c.problems[spec.Name] != nil {
		return &DuplicateError{Server: x.c.Server, Form: spec.Name, What: "form name", Value: spec.Name}
	}
	j := x.form.Join
	j.Outer = spec.Join.Outer
	for n, name := range []string{spec.Join.Primary, spec.Join.Secondary} {
		if err := x.part(n, name); err != nil {
			return err
		}
	}
	for _, pair := range spec.Join.On {
		var fields [2]*schema.Field
		for n, name := range pair {
			if fields[n] = j.Parts[n].FieldByName(name); fields[n] == nil {
				return x.noField(n, name)
			}
		}
		if err := x.on(fields); err != nil {
			return err
		}
	}
	x.field(requestID("Request ID"), schema.JoinField{})
	if err := x.listed(spec.Fields); err != nil {
		return err
	}
	x.others()
	return x.finish()
}

func (x *joining) noField(part int, name string) error {
	var names []string
	for _, f := range x.form.Join.Parts[part].Fields {
		names = append(names, f.Name)
	}
	return x.wrong("correct the name; names are case-sensitive", "form %q has no field %q%s", x.form.Join.Parts[part].Name, name, didYouMean(nearest(name, names)))
}

// listed makes the fields that the declaration lists.
func (x *joining) listed(specs []FieldSpec) error {
	for _, spec := range specs {
		n := slices.IndexFunc(sides[:], func(side string) bool { return strings.HasPrefix(spec.Column, side) })
		if n < 0 {
			return x.wrong("write Primary.Name or Secondary.Name", "column %q names no part", spec.Column)
		}
		name := strings.TrimPrefix(spec.Column, sides[n])
		of := x.form.Join.Parts[n].FieldByName(name)
		if of == nil {
			return x.noField(n, name)
		}
		if spec.Type != 0 && spec.Type != of.Type {
			return x.wrong("leave type out", "field %q is %s in form %q", spec.Column, of.Type, x.form.Join.Parts[n].Name)
		}
		f := x.copyOf(n, of)
		f.Name, f.ID = cmp.Or(spec.Name, f.Name), cmp.Or(spec.ID, f.ID)
		f.Required, f.Pattern, f.MaxLength = f.Required || spec.Required, cmp.Or(spec.Pattern, f.Pattern), cmp.Or(spec.MaxLength, f.MaxLength)
		if spec.Values != nil {
			f.Values = spec.Values
		}
		switch {
		case x.form.FieldByName(f.Name) != nil:
			return &DuplicateError{Server: x.c.Server, Form: x.form.Name, What: "field name", Value: f.Name}
		case x.form.FieldByID(f.ID) != nil:
			return &DuplicateError{Server: x.c.Server, Form: x.form.Name, What: "field ID", Value: fmt.Sprint(f.ID)}
		}
		x.field(f, schema.JoinField{Part: n, Field: of})
	}
	return nil
}

// others makes fields of those that are not listed, the primary form's first. They keep name and ID where these
// are free.
func (x *joining) others() {
	for n, part := range x.form.Join.Parts {
		for _, of := range part.Fields {
			if !slices.Contains(x.form.Join.From, schema.JoinField{Part: n, Field: of}) {
				x.field(x.copyOf(n, of), schema.JoinField{Part: n, Field: of})
			}
		}
	}
}

// copyOf is a part's field as one of the join form.
func (x *joining) copyOf(part int, of *schema.Field) *schema.Field {
	f := *of
	if x.form.FieldByName(f.Name) != nil {
		f.Name = sides[part] + f.Name
	}
	isTaken := func(id int) bool { return x.form.FieldByID(id) != nil }
	if isTaken(f.ID) {
		f.ID = schema.NamedFieldID(f.Name, isTaken)
	}
	return &f
}

// loadJoins makes a form of each join form in AR System's dictionary.
func (c *Catalog) loadJoins(ctx context.Context, db *engine.DB, d *dictionary, fields map[int64][]fieldRow) error {
	list := groups(slices.DeleteFunc(slices.Clone(d.forms), func(r formRow) bool { return r.Type != typeJoin }))
	if len(list) == 0 {
		return nil
	}
	joins, err := readJoins(ctx, db, c.dictionary)
	if err != nil && db.Engine.Class(err) == engine.Transient {
		return err
	}
	if err != nil { // how the dictionary describes joins differs between releases: regular forms do not hang on it
		for _, g := range list {
			if c.forms[g.name] == nil && c.problems[g.name] == nil {
				c.problems[g.name] = err
			}
		}
		return nil
	}
	names := map[string]string{} // by number
	for _, g := range groups(d.forms) {
		for _, r := range g.rows {
			names[fmt.Sprint(r.SchemaID)] = g.name
		}
	}
	for _, g := range list {
		a := &arForm{server: c.Server, d: d, group: g}
		x := c.joining(g.name, int(g.id))
		x.form.Table.Name = fmt.Sprintf("T%d", g.id)
		err := x.ofDictionary(a, joins, names, a.merge(fields))
		if c.forms[g.name] != nil && c.forms[g.name] != x.form || c.problems[g.name] != nil {
			c.remove(g.name)
			err = &DuplicateError{Server: c.Server, Form: g.name, What: "form name", Value: g.name}
		}
		if err != nil {
			c.problems[g.name] = err
		}
	}
	return nil
}

func (x *joining) ofDictionary(a *arForm, joins *joinRows, names map[string]string, merged map[int64]fieldRow) error {
	j := x.form.Join
	id := a.group.id
	row, ok := joins.forms[id]
	if !ok {
		return x.wrong("let the user of ardso read schema_join", "the dictionary does not say which forms it joins")
	}
	j.Outer = row.Option == optionOuter
	for n, member := range []string{row.Primary, row.Secondary} {
		if err := x.part(n, cmp.Or(names[strings.TrimSpace(member)], member)); err != nil {
			return err
		}
	}
	pairs, err := parseJoinQualification(row.qualification())
	if err != nil {
		return x.wrong("join the forms by the equality of fields only", "its qualification %q: %s", row.qualification(), err)
	}
	for _, pair := range pairs {
		var fields [2]*schema.Field
		for n, id := range pair {
			if fields[n] = j.Parts[n].FieldByID(id); fields[n] == nil {
				return x.wrong("join the forms by fields that ardso can carry", "form %q has no field %d that its qualification could compare", j.Parts[n].Name, id)
			}
		}
		if err := x.on(fields); err != nil {
			return err
		}
	}
	name := "Request ID"
	if r, ok := merged[schema.RequestID]; ok {
		name = r.Name
	}
	x.field(requestID(name), schema.JoinField{})
	for _, r := range merged {
		if r.FieldID == schema.RequestID {
			continue
		}
		m, ok := joins.fields[fieldKey{id, r.FieldID}]
		if !ok || m.Part < 0 || m.Part > 1 {
			x.form.Unsupported[r.Name] = "the dictionary does not say which form it comes from"
			continue
		}
		part := j.Parts[m.Part]
		of := part.FieldByID(int(m.RealField))
		switch {
		case r.FieldID == statusHistory:
			x.form.Unsupported[r.Name] = reasonHistory
		case of == nil:
			x.form.Unsupported[r.Name] = fmt.Sprintf("form %q has no field %d that can be carried", part.Name, m.RealField)
		case of.Type != schema.Type(r.DataType):
			x.form.Unsupported[r.Name] = fmt.Sprintf("the field is %s, and that of form %q is %s", schema.Type(r.DataType), part.Name, of.Type)
		default:
			f := a.field(r, of.Column)
			f.Required = f.Required || of.Required
			x.field(f, schema.JoinField{Part: m.Part, Field: of})
		}
	}
	return x.finish()
}
