package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/distributed"
	"ardso/sql/guard"
	"ardso/sql/schema"
)

// Guard is a form and the triggers that keep users from editing what was given away.
type Guard struct {
	*guard.Guard
	server *Server
}

// Guard looks at a form. Errors are those of Catalog.Lookup.
func (c *Connection) Guard(ctx context.Context, form string, doc *definition.Document) (*Guard, error) {
	if err := c.readCatalog(ctx); err != nil {
		return nil, err
	}
	f, err := c.Catalog.Lookup(form)
	if err != nil {
		return nil, err
	}
	g, err := guard.Read(ctx, c.DB, f, guardRules(doc, c.Name, f.Name))
	if err != nil {
		return nil, err
	}
	return &Guard{Guard: g, server: &c.Server}, nil
}

// guardRules are what definitions tell the triggers of a form. Which mapping lets any user delete a copy is found as the
// decider finds it (mapping/chain.go, foreign).
func guardRules(doc *definition.Document, server, form string) guard.Rules {
	r := guard.Rules{Servers: ServerNames(doc)}
	here := func(e definition.End) bool { return e.Server == server && e.Form == form }
	for _, m := range doc.Mappings {
		switch free := m.AllowAnyUserToDelete; {
		case !m.Enabled:
			continue
		case here(m.From) && free:
			r.GaveFree = append(r.GaveFree, m.Name)
		case here(m.From):
			r.GaveBound = append(r.GaveBound, m.Name)
		}
		if m.Enabled && here(m.To) && m.AllowAnyUserToDelete {
			r.CameFree = append(r.CameFree, m.Name)
		}
	}
	return r
}

// InstallPlan plans what makes the form guarded; no steps where it is. Errors are those of control.Check, since the
// triggers look at the control tables, and of guard.Install.
func (g *Guard) InstallPlan(ctx context.Context) ([]guard.Step, error) {
	if err := control.Check(ctx, g.server.DB, g.server.Name); err != nil {
		return nil, err
	}
	return g.Install()
}

// GuardState is how a form stands.
type GuardState struct {
	Server string       `json:"server"`
	Form   string       `json:"form"`
	Table  string       `json:"table"`
	Status guard.Status `json:"status"`
	Why    string       `json:"why,omitempty"` // where it is outdated or disabled
}

// GuardStates tells how forms of a server stand: the one that is named, or all that definitions speak of and that
// have a Master Flag, and whatever else has triggers.
func (c *Connection) GuardStates(ctx context.Context, doc *definition.Document, form string) ([]GuardState, error) {
	if err := c.readCatalog(ctx); err != nil {
		return nil, err
	}
	forms, err := c.guardable(doc, form)
	if err != nil {
		return nil, err
	}
	var schemas []string
	for _, f := range forms {
		schemas = append(schemas, f.Table.Schema)
	}
	installed, err := guard.Installed(ctx, c.DB, schemas...)
	if err != nil {
		return nil, err
	}
	for _, t := range installed {
		if f := c.Catalog.FormForTable(t.Schema, t.Table); form == "" && t.Ours && f != nil && !slices.Contains(forms, f) {
			forms = append(forms, f)
		}
	}
	slices.SortFunc(forms, func(a, b *schema.Form) int { return strings.Compare(a.Name, b.Name) })
	list := make([]GuardState, len(forms))
	for i, f := range forms {
		status, why := guard.Of(c.DB, f, guardRules(doc, c.Name, f.Name), installed).State()
		list[i] = GuardState{Server: c.Name, Form: f.Name, Table: f.Table.Name, Status: status, Why: why}
	}
	return list, nil
}

// guardable lists the form that is named, or those of definitions that have a Master Flag.
func (c *Connection) guardable(doc *definition.Document, form string) ([]*schema.Form, error) {
	if form != "" {
		f, err := c.Catalog.Lookup(form)
		return []*schema.Form{f}, err
	}
	var forms []*schema.Form
	add := func(server, name string) {
		f := c.Catalog.Form(name)
		if server == c.Name && f != nil && f.FieldByID(schema.MasterFlag) != nil && !slices.Contains(forms, f) {
			forms = append(forms, f)
		}
	}
	for _, m := range doc.Mappings {
		add(m.From.Server, m.From.Form)
		add(m.To.Server, m.To.Form)
	}
	for _, f := range doc.Filters {
		add(f.Server, f.Form)
	}
	for _, e := range doc.Escalations {
		add(e.Server, e.Form)
	}
	return forms, nil
}

// GuardSteps shows steps as those of init are shown.
func GuardSteps(steps []guard.Step) []cdc.Step {
	list := make([]cdc.Step, len(steps))
	for i, s := range steps {
		list[i] = cdc.Step{What: s.What, SQL: s.SQL()}
	}
	return list
}

// guardsRemoved plans what drops all guards of a server: on SQLite the triggers could not do without the control
// tables, and users could write nothing any more.
func guardsRemoved(ctx context.Context, srv *Server) ([]cdc.Step, error) {
	installed, err := guard.Installed(ctx, srv.DB)
	return GuardSteps(guard.RemoveAll(srv.DB, installed)), err
}

// checkUnguarded returns a *FieldsGuardedError where triggers look at fields that are to go.
func (f *Fields) checkUnguarded(ctx context.Context, fields []distributed.Field) error {
	if !slices.ContainsFunc(fields, func(x distributed.Field) bool { return guard.IsProtected(x.ID) }) {
		return nil
	}
	g, err := guard.Read(ctx, f.server.DB, f.Form, guard.Rules{})
	if err != nil {
		return err
	}
	if status, _ := g.State(); status == guard.None {
		return nil
	}
	return &FieldsGuardedError{Server: f.server.Name, Form: f.Form.Name}
}

// FieldsGuardedError refuses to remove fields that the triggers of a guard look at.
type FieldsGuardedError struct{ Server, Form string }

func (e *FieldsGuardedError) Error() string {
	return fmt.Sprintf("%s: form %q: the triggers of its guard look at fields that would go", e.Server, e.Form)
}
func (e *FieldsGuardedError) Name() string { return "fields.guarded" }
func (e *FieldsGuardedError) Remedy() string {
	return fmt.Sprintf("run `ardso guard remove %q --server %s` first", e.Form, e.Server)
}
