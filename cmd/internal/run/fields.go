package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ardso/cdc/trigger"
	"ardso/mapping/definition"
	"ardso/mapping/qual"
	"ardso/sql/distributed"
	"ardso/sql/schema"
	"ardso/sql/triggerlog"
)

// Fields are the distributed fields of a form, and what adds and removes them.
type Fields struct {
	*distributed.State
	server *Server
}

// Fields reads the catalog and looks at a form. Errors are those of distributed.Read.
func (c *Connection) Fields(ctx context.Context, form string) (*Fields, error) {
	if err := c.readCatalog(ctx); err != nil {
		return nil, err
	}
	return c.Server.Fields(ctx, form)
}

// Fields looks at a form. Errors are those of distributed.Read.
func (srv *Server) Fields(ctx context.Context, form string) (*Fields, error) {
	state, err := distributed.Read(ctx, srv.DB, srv.Catalog, form)
	if err != nil {
		return nil, err
	}
	return &Fields{State: state, server: srv}, nil
}

// AddPlan plans what gives the form group g and those below it; no steps where it has them. Errors are
// those of State.Add and of trigger.Alter.
func (f *Fields) AddPlan(ctx context.Context, g schema.FieldGroup) ([]distributed.Step, error) {
	plan, err := f.Add(ctx, g, time.Now())
	if err != nil {
		return nil, err
	}
	return f.withLog(ctx, plan)
}

// RemovePlan plans what takes group g and those above it from the form. fields are those that go. Errors are
// those of State.Remove and of trigger.Alter, and *FieldsGuardedError.
func (f *Fields) RemovePlan(ctx context.Context, g schema.FieldGroup) (steps []distributed.Step, fields []distributed.Field, err error) {
	plan, err := f.Remove(g, time.Now())
	if err != nil {
		return nil, nil, err
	}
	if err := f.checkUnguarded(ctx, plan.Fields); err != nil {
		return nil, nil, err
	}
	steps, err = f.withLog(ctx, plan)
	return steps, plan.Fields, err
}

// withLog adds to a plan what keeps an SQLite log whole.
func (f *Fields) withLog(ctx context.Context, plan distributed.Plan) ([]distributed.Step, error) {
	steps := plan.Steps
	if f.server.DB.Engine.Dialect != "sqlite" || len(plan.Added)+len(plan.Dropped) == 0 {
		return steps, nil
	}
	added := make([]triggerlog.Column, len(plan.Added))
	for i, c := range plan.Added {
		added[i] = triggerlog.Column{Name: c.Name, Type: c.Type}
	}
	table := f.Form.Table.Name
	before, after, err := trigger.Alter(ctx, f.server.DB, table, added, plan.Dropped)
	if err != nil || after == "" {
		return steps, err
	}
	steps = slices.Insert(steps, 0, distributed.Step{What: "drop the triggers that log table " + table, Statements: []string{before}, Alters: true})
	return append(steps, distributed.Step{What: "create triggers that log table " + table + " with its new columns", Statements: []string{after}, Alters: true}), nil
}

// CheckUnused returns an *FieldsInUseError where definitions name one of a form's fields.
func (s *System) CheckUnused(server string, form *schema.Form, fields []distributed.Field) error {
	u := &fieldUses{doc: s.Document, server: server, form: form, ids: map[int]bool{}}
	for _, f := range fields {
		u.ids[f.ID] = true
	}
	u.declaration(s.Document.Server(server), fields)
	for _, m := range s.Compiled.Mappings {
		u.mapping(m)
	}
	for _, f := range s.Document.Filters {
		if f.Server == server && f.Form == form.Name {
			u.rule(fmt.Sprintf("filter %q", f.Name), f.RunIf, slices.Concat(f.Actions, f.Else), true)
		}
	}
	for _, f := range s.Compiled.Filters {
		if f.Server == server && f.Form.Name == form.Name {
			u.names(fmt.Sprintf("filter %q: pool", f.Name), slices.Collect(maps.Values(f.PoolFields))...)
		}
	}
	for _, e := range s.Document.Escalations {
		if e.Server == server && e.Form == form.Name {
			u.rule(fmt.Sprintf("escalation %q", e.Name), e.RunIf, slices.Concat(e.Actions, e.Else), false)
		}
	}
	if len(u.found) == 0 {
		return nil
	}
	return &FieldsInUseError{Server: server, Form: form.Name, Uses: u.found}
}

// fieldUses collects where definitions name fields of one form.
type fieldUses struct {
	doc    *definition.Document
	server string
	form   *schema.Form
	ids    map[int]bool
	found  []string
}

// names notes the fields among those that a place of the definitions names.
func (u *fieldUses) names(where string, fields ...*schema.Field) {
	for _, f := range fields {
		if f != nil && u.ids[f.ID] {
			u.found = append(u.found, fmt.Sprintf("%s names %q", where, f.Name))
		}
	}
}

func (u *fieldUses) declaration(def *definition.Server, fields []distributed.Field) {
	for _, form := range def.Forms {
		for _, x := range form.Fields {
			if form.Name == u.form.Name && slices.ContainsFunc(fields, func(f distributed.Field) bool {
				return x.ID == f.ID || f.Column != nil && strings.EqualFold(x.Column, f.Column.Name)
			}) {
				u.found = append(u.found, fmt.Sprintf("form %q declares column %s", form.Name, x.Column))
			}
		}
	}
}

func (u *fieldUses) mapping(m *definition.CompiledMapping) {
	where := fmt.Sprintf("mapping %q: ", m.Name)
	from := m.From.Server == u.server && m.FromForm.Name == u.form.Name
	to := m.To.Server == u.server && m.ToForm.Name == u.form.Name
	if from {
		u.lines(where+"fields", m.Lines)
	}
	if to {
		u.lines(where+"return_fields", m.Returns)
	}
	if m.Match != nil && to {
		u.names(where+"matching_qualification", m.Match.Fields()...)
	}
	if m.Match != nil && from {
		u.names(where+"matching_qualification", m.Match.CurrentFields()...)
	}
	if !from && !to {
		return
	}
	for _, t := range m.Exclude {
		u.names(where+"exclude", u.doc.FieldNamed(m.From.Server, u.form, t.Value))
	}
	if m.TransferMode == definition.DataOwnership && slices.ContainsFunc(schema.FieldsOf(schema.Basic), func(f schema.DistributedField) bool { return u.ids[f.ID] }) {
		u.found = append(u.found, where+"transfer_mode: data + ownership needs the basic fields")
	}
}

func (u *fieldUses) lines(where string, lines []definition.Line) {
	for _, l := range lines {
		u.names(where, l.Source)
		if l.Expr != nil {
			u.names(where, l.Expr.Fields()...)
		}
	}
}

// rule looks at a filter or escalation of the form. What does not compile was refused when the definitions
// were read.
func (u *fieldUses) rule(where string, runIf definition.Text, actions []definition.Action, trdb bool) {
	logical := u.doc.LogicalFields(u.server)
	if q, err := qual.Compile(runIf.Value, qual.Scope{Form: u.form, TRDB: trdb, Logical: logical}); err == nil {
		u.names(where+": run_if", q.Fields()...)
	}
	for _, a := range actions {
		if a.Delete == nil || a.Delete.Mapping != "" {
			continue
		}
		if x, err := qual.CompileValue(a.Delete.RequestID.Value, qual.Scope{Form: u.form, Logical: logical}); err == nil {
			u.names(where+": request_id", x.Fields()...)
		}
	}
}

// FieldsInUseError refuses to remove fields that definitions name.
type FieldsInUseError struct {
	Server, Form string
	Uses         []string // places
}

func (e *FieldsInUseError) Error() string {
	return fmt.Sprintf("%s: form %q: definitions use fields that would go: %s", e.Server, e.Form, strings.Join(e.Uses, "; "))
}
func (e *FieldsInUseError) Name() string { return "fields.in_use" }
func (e *FieldsInUseError) Remedy() string {
	return "change the definitions first, and let `ardso run` take them up"
}
