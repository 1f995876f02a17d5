package definition

import (
	"slices"

	"ardso/mapping/qual"
	"ardso/mapping/schedule"
	"ardso/sql/schema"
)

// Compiled is what Check makes of a document: definitions joined with the forms they speak of. It
// is not modified after Check and may be read by any number of goroutines.
type Compiled struct {
	Document    *Document
	Mappings    []*CompiledMapping    // in document order, disabled ones included
	Filters     []*CompiledFilter     // in execution order, enabled ones only
	Escalations []*CompiledEscalation // in document order, enabled ones only
	Warnings    ErrorList             // what is allowed but worth a look
}

// Mapping returns nil where no mapping has that name.
func (c *Compiled) Mapping(name string) *CompiledMapping {
	for _, m := range c.Mappings {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Escalation returns nil where no enabled escalation has that name.
func (c *Compiled) Escalation(name string) *CompiledEscalation {
	for _, e := range c.Escalations {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Use is an action where an enabled filter or escalation has it.
type Use struct {
	Action
	Server string       // that the rule is on, and the form there
	Form   *schema.Form // instead of its name
	Named  *NamedDelete // of a delete that names its request by itself
	// PoolField is the field by which requests name the action's pool; nil: the action itself does.
	PoolField *schema.Field
}

// Uses lists all actions, be they under else: those of filters in execution order, then those of escalations.
func (c *Compiled) Uses() (all []Use) {
	for _, f := range c.Filters {
		for _, a := range slices.Concat(f.Actions, f.Else) {
			all = append(all, Use{Action: a, Server: f.Server, Form: f.Form, Named: f.Named[a.Delete], PoolField: f.PoolFields[a.pool()]})
		}
	}
	for _, e := range c.Escalations {
		for _, a := range slices.Concat(e.Actions, e.Else) {
			all = append(all, Use{Action: a, Server: e.Server, Form: e.Form, Named: e.Named[a.Delete], PoolField: e.PoolFields[a.pool()]})
		}
	}
	return all
}

// CompiledMapping is a mapping with its forms and field map.
type CompiledMapping struct {
	*Mapping
	FromForm *schema.Form
	ToForm   *schema.Form
	Lines    []Line // ascending by target field ID, one per target field
	Returns  []Line // the field map back, for updates and returns; likewise
	// Match finds the request to write on the target: 'F' is a field of ToForm, $F$ one of FromForm.
	// nil: requests are found by key.
	Match *qual.Qualification
	// Groups are the mapping's field groups; a field is in one of them at most.
	Groups []CompiledGroup
}

// CompiledGroup is a field group with its fields' IDs, ascending.
type CompiledGroup struct {
	Fields     []int
	OnConflict ConflictPolicy
}

// NeedsBefore reports whether a conflict in a field can be settled only by what the field held before. The source's
// values are taken without.
func (m *CompiledMapping) NeedsBefore(field int) bool {
	for _, g := range m.Groups {
		if slices.Contains(g.Fields, field) {
			return g.OnConflict != TakeSource
		}
	}
	return m.OnConflict != TakeSource
}

// Line fills one target field: from Source as it is, or from Expr. Exactly one of the two is set.
type Line struct {
	Target *schema.Field
	Source *schema.Field
	Expr   *qual.Expression
}

// CompiledFilter is a filter with its form and its Run If.
type CompiledFilter struct {
	*Filter
	Form  *schema.Form        // instead of Filter.Form, its name
	RunIf *qual.Qualification // never nil; where the filter has none it is always true
	// Named is, for each delete action that names its request by itself, what it refers to.
	Named map[*Deletion]*NamedDelete
	// PoolFields are the fields by which requests name pools, by the text of the action, such as $Site$.
	PoolFields map[string]*schema.Field
}

// CompiledEscalation is an escalation with its form, its schedule and its Run If.
type CompiledEscalation struct {
	*Escalation
	Form  *schema.Form // instead of Escalation.Form, its name
	When  *schedule.Schedule
	RunIf *qual.Qualification // never nil; where the escalation has none it is always true
	Named map[*Deletion]*NamedDelete
	// PoolFields are as in CompiledFilter.
	PoolFields map[string]*schema.Field
}

// NamedDelete is what a delete action with server, form and request_id refers to.
type NamedDelete struct {
	Form      *schema.Form
	RequestID *qual.Expression // over the form of the filter or escalation
}
