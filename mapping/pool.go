package mapping

import (
	"slices"

	"ardso/mapping/definition"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// choosePools gives mappings and deletes the rules by which their operations find their pools.
func (d *Decider) choosePools(defs *definition.Compiled) {
	for _, m := range d.mappings {
		m.pool, m.poolBy = defs.TransferPool(m.FromForm, m.ToForm), ByTransfer
		d.form(m.FromForm).asks(m.pool)
	}
	for _, m := range d.returns {
		m.pool, m.poolBy = defs.UpdatePool(m.FromForm, m.ToForm), ByUpdate
		m.returnPool = defs.ReturnPool(m.FromForm, m.ToForm)
		d.form(m.FromForm).asks(m.pool)
		d.form(m.FromForm).asks(m.returnPool)
	}
	for _, u := range defs.Uses() {
		if u.Server == d.server && u.Named != nil {
			d.namedPools[u.Delete] = defs.TransferPool(u.Form, u.Named.Form)
			d.form(u.Form).asks(d.namedPools[u.Delete])
		}
	}
}

// asks has the values of a rule's field kept.
func (fm *form) asks(r definition.PoolRule) {
	if r.Field != nil && !slices.Contains(fm.poolFields, r.Field) {
		fm.poolFields = append(fm.poolFields, r.Field)
	}
}

// KeepPoolField has operations on a form's requests keep what a field names, if the form has it: an earlier layout of
// threads chose pools by it. It is not called any more once Decide was.
func (d *Decider) KeepPoolField(form string, field int) {
	for _, fm := range d.forms {
		if f := fm.FieldByID(field); fm.Name == form && f != nil {
			fm.asks(definition.PoolRule{Field: f})
		}
	}
}

// HasField reports false where definitions know the form, and it has no such field.
func (d *Decider) HasField(form string, field int) bool {
	for _, fm := range d.forms {
		if fm.Name == form {
			return fm.FieldByID(field) != nil
		}
	}
	return true // without definitions there are no operations
}

// choosePool says which pool runs op. A request that names none that runs goes to the rule's own.
func (d *Decider) choosePool(op *Operation, e *event, r definition.PoolRule, by PoolChoice, fm *form) {
	op.Pool, op.PoolBy, op.PoolFields = r.Name, by, nil
	if len(fm.poolFields) > 0 {
		op.PoolFields = make(map[int]string, len(fm.poolFields))
		for _, f := range fm.poolFields {
			op.PoolFields[f.ID] = nameIn(f, e.current())
		}
	}
	if r.Field != nil {
		if name := op.PoolFields[r.Field.ID]; d.doc.CanChoose(name) {
			op.Pool = name
		}
	}
}

// nameIn is the name that a field holds: of a selection the label; "" = none, and where there is no request.
func nameIn(f *schema.Field, im request.Image) string {
	if im == nil {
		return ""
	}
	if v := im[f.Index]; f.Type == schema.Selection && v.Kind() == value.KindInt {
		label, _ := f.Label(v.Int())
		return label
	}
	return filled(f, im)
}
