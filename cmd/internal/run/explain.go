package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/qual"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// Explanation is all that can be said of one request.
type Explanation struct {
	*Chain
	Owned *ownership.Place `json:"owner"` // by which copy; null: by none that was found

	Filters []FilterTrace `json:"filters"`          // on the request's form, in execution order
	Chosen  *ChosenBy     `json:"chosen,omitempty"` // the mapping that the request itself chooses

	Escalations []EscalationTrace `json:"escalations"` // on the request's form

	Pending []PendingOf `json:"-"`    // operations that were asked for and take in one of its copies
	Errors  []ErrorOf   `json:"-"`    // operations on it that could not be carried out
	Last    []LastOf    `json:"last"` // recorded conflicts, and what people did, oldest first
}

// ChosenBy is a mapping that the request's own distributed fields name.
type ChosenBy struct {
	Field   string `json:"field"` // that names it
	Mapping string `json:"mapping"`
	Problem string `json:"problem,omitempty"` // why there is none
}

// FilterTrace is what a filter makes of the request as it is now, were it modified now.
type FilterTrace struct {
	Name  string           `json:"name"`
	Order int              `json:"order"`
	On    definition.Event `json:"on"`
	Judged
	Skipped string        `json:"skipped,omitempty"` // why the filter would not run at all
	Matches bool          `json:"matches"`           // it would run, and run_if is true
	Actions []ActionTrace `json:"actions"`           // that it would take, be it by its else
}

// EscalationTrace is what an escalation makes of the request as it is now, were it to run now.
type EscalationTrace struct {
	Name string    `json:"name"`
	Next time.Time `json:"next,omitzero"` // when it runs
	Judged
	Skipped string        `json:"skipped,omitempty"` // why it does not run
	Matches bool          `json:"matches"`
	Actions []ActionTrace `json:"actions"` // that it would take
	next    string        // Next where it is scheduled
}

// When spells Next as clocks show it where the escalation is scheduled.
func (t *EscalationTrace) When() string { return t.next }

// Judged is what a run_if says of the request.
type Judged struct {
	RunIf   string      `json:"run_if"`
	Truth   string      `json:"truth"` // true, false, unknown; error
	Error   string      `json:"error,omitempty"`
	Because []Condition `json:"because,omitempty"` // conditions that kept it from being true
}

// Condition is a part of a run_if.
type Condition struct {
	Text   string   `json:"text"`
	Truth  string   `json:"truth"`
	Values []string `json:"values,omitempty"` // of the fields that it names, as 'Status' = New
}

// ActionTrace is what an action would come to.
type ActionTrace struct {
	Action  string `json:"action"` // transfer, return or delete
	Mapping string `json:"mapping,omitempty"`
	To      string `json:"to,omitempty"`  // server and form
	Not     string `json:"not,omitempty"` // why nothing would come of it
}

// PendingOf is a row of dso_pending that takes in a copy.
type PendingOf struct {
	Server string
	control.Pending
}

// ErrorOf is a row of dso_pending_error of a copy.
type ErrorOf struct {
	Server string // where it waits
	control.PendingError
}

// LastOf is a thing that was done to a copy.
type LastOf struct {
	At     time.Time `json:"at"`
	Server string    `json:"server"` // where it is recorded
	ID     string    `json:"id"`
	What   string    `json:"what"`   // kind of conflict, or what a person asked for
	Detail string    `json:"detail"` // how it was settled, or by whom
}

// lastKept bounds how many of the last operations are told.
const lastKept = 20

// Explain says all that the databases know of a request. Errors are those of ReadChain.
func Explain(ctx context.Context, doc *definition.Document, all []*Connection, server, form, id string) (*Explanation, error) {
	ch, err := readChain(ctx, all, ownership.Place{Server: server, Form: form, Request: id}, func(id int) bool {
		return schema.IsDistributed(id) || id == schema.Status || id == schema.ShortDescription
	})
	if err != nil {
		return nil, err
	}
	if err := ch.findCopies(ctx, doc); err != nil {
		return nil, err
	}
	e := &Explanation{Chain: ch, Filters: []FilterTrace{}, Escalations: []EscalationTrace{}, Last: []LastOf{}}
	if o := ch.Owner(); o != nil {
		p := o.Place()
		e.Owned = &p
	}
	for _, step := range []func(context.Context, *definition.Document) error{e.readFilters, e.readEscalations, e.readPending, e.readErrors, e.readLast} {
		if err := step(ctx, doc); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// whole reads all of a copy's fields; nil where the request is not there.
func (c *Copy) whole(ctx context.Context) (*schema.Form, []value.Value, error) {
	if c.row == nil {
		return nil, nil, nil
	}
	f := c.conn.Catalog.Form(c.Form)
	rows, err := statement.NewWriter(c.conn.DB).Lookup(ctx, c.conn.DB, f, [][]value.Value{c.key}, false)
	if err != nil {
		return nil, nil, err
	}
	return f, rows[0], nil
}

// scope is how qualifications on a server's forms are read.
func scope(doc *definition.Document, server string, f *schema.Form) qual.Scope {
	s := doc.Server(server)
	return qual.Scope{Form: f, CaseSensitive: s.CaseSensitive, Zone: s.Location(), Logical: doc.LogicalFields(server)}
}

// environment is a request that is modified now without a change.
func environment(c *Copy, f *schema.Form, row []value.Value) *qual.Env {
	env := &qual.Env{Fields: row, DB: row, TR: []value.Value{}}
	env.Keywords = qual.Keywords{Operation: "SET", Server: c.Server, Schema: c.Form, Now: time.Now()}
	if x := f.FieldByID(schema.LastModifiedBy); x != nil {
		env.Keywords.User = row[x.Index].Text()
	}
	return env
}

func (e *Explanation) readFilters(ctx context.Context, doc *definition.Document) error {
	c := e.Copies[0]
	f, row, err := c.whole(ctx)
	if err != nil || row == nil {
		return err
	}
	e.Chosen = chosenBy(doc, c)
	list := slices.DeleteFunc(slices.Clone(doc.Filters), func(x *definition.Filter) bool { return x.Server != c.Server || x.Form != c.Form })
	slices.SortStableFunc(list, func(a, b *definition.Filter) int { return a.Order - b.Order })
	for _, x := range list {
		sc := scope(doc, c.Server, f)
		sc.TRDB, sc.NullCompareAR = true, x.NullCompare == definition.NullAR
		t := FilterTrace{Name: x.Name, Order: x.Order, On: x.On, Judged: judge(x.RunIf.Value, sc, environment(c, f, row)), Actions: []ActionTrace{}}
		switch {
		case !x.Enabled:
			t.Skipped = "it is disabled"
		case !x.On.Has(definition.Modify):
			t.Skipped = fmt.Sprintf("it runs on %s, not when a user modifies the request", x.On)
		}
		if t.Skipped == "" && t.Truth != "error" {
			actions := x.Actions
			if t.Matches = t.Truth == qual.True.String(); !t.Matches {
				actions = x.Else
			}
			for _, a := range actions {
				t.Actions = append(t.Actions, e.action(doc, a))
			}
		}
		e.Filters = append(e.Filters, t)
	}
	return nil
}

func (e *Explanation) readEscalations(ctx context.Context, doc *definition.Document) error {
	c := e.Copies[0]
	f, row, err := c.whole(ctx)
	if err != nil || row == nil {
		return err
	}
	waiting, err := ReadEscalations(ctx, c.conn.DB, doc, c.Server)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Server, err)
	}
	for _, x := range doc.Escalations {
		if x.Server != c.Server || x.Form != c.Form {
			continue
		}
		env := &qual.Env{Fields: row, Keywords: mapping.EscalationKeywords(time.Now(), c.Server, c.Form)}
		t := EscalationTrace{Name: x.Name, Judged: judge(x.RunIf.Value, scope(doc, c.Server, f), env), Skipped: "it is disabled", Actions: []ActionTrace{}}
		for _, w := range waiting {
			if w.Name == x.Name {
				t.Skipped, t.Next, t.next = "", w.Next, w.Local(w.Next)
			}
		}
		if t.Matches = t.Skipped == "" && t.Truth == qual.True.String(); t.Matches {
			for _, a := range x.Actions {
				t.Actions = append(t.Actions, e.action(doc, a))
			}
		}
		e.Escalations = append(e.Escalations, t)
	}
	return nil
}

// judge evaluates a run_if.
func judge(runIf string, sc qual.Scope, env *qual.Env) Judged {
	t := Judged{RunIf: runIf}
	q, err := qual.Compile(runIf, sc)
	if err != nil {
		t.Truth, t.Error = "error", err.Error()
		return t
	}
	trace := q.Trace(env)
	t.Truth = trace.Truth.String()
	if trace.Err != nil {
		t.Truth, t.Error = "error", trace.Err.Error()
	}
	for _, d := range trace.Deciding() {
		c := Condition{Text: d.Text, Truth: d.Truth.String()}
		if d.Err != nil {
			c.Truth = "error"
		}
		if part, err := qual.Compile(d.Text, sc); err == nil {
			for _, x := range part.Fields() {
				c.Values = append(c.Values, fmt.Sprintf("'%s' = %s", x.Name, valueText(x, env.Fields[x.Index])))
			}
		}
		t.Because = append(t.Because, c)
	}
	return t
}

// valueText is a value within a sentence.
func valueText(f *schema.Field, v value.Value) string {
	switch {
	case !v.Known() || v.IsNull():
		return "$NULL$"
	case v.Kind() == value.KindText:
		return `"` + v.Text() + `"`
	}
	return shown(f, v)
}

// chosenBy is the mapping that the request chooses by To Mapping, else by To Server and To Form; nil where it
// leaves that to the filter.
func chosenBy(doc *definition.Document, c *Copy) *ChosenBy {
	fits := func(m *definition.Mapping) bool {
		return m.Enabled && m.From.Server == c.Server && m.From.Form == c.Form
	}
	if name := c.Value(schema.ToMapping); name != "" {
		by := &ChosenBy{Field: "To Mapping", Mapping: name}
		if m := doc.Mapping(name); m == nil || !fits(m) {
			by.Problem = fmt.Sprintf("no enabled mapping %q begins at this form", name)
		}
		return by
	}
	server, form := c.Value(schema.ToServer), c.Value(schema.ToForm)
	if server == "" || form == "" {
		return nil
	}
	by, own := &ChosenBy{Field: "To Server and To Form"}, doc.ServerNamed(c.Server, server)
	for _, byDefault := range []bool{true, false} {
		for _, m := range doc.Mappings {
			if by.Mapping == "" && fits(m) && m.To.Server == own && m.To.Form == form && m.Default == byDefault {
				by.Mapping = m.Name
			}
		}
	}
	if by.Mapping == "" {
		by.Problem = fmt.Sprintf("no enabled mapping leads from this form to form %q on %s", form, server)
	}
	return by
}

// action says what an action would come to.
func (e *Explanation) action(doc *definition.Document, a definition.Action) ActionTrace {
	c := e.Copies[0]
	switch {
	case a.Return != nil:
		t := ActionTrace{Action: "return"}
		switch {
		case c.state == nil || c.state.From.IsZero():
			t.Not = "it came from nowhere"
		case !c.Owns():
			t.Not = "this copy does not own the request"
		default:
			t.Mapping, t.To = c.state.From.Mapping, end(c.state.From.Server, c.state.From.Form)
		}
		return t
	case a.Delete != nil && a.Delete.Mapping == "":
		return ActionTrace{Action: "delete", To: end(a.Delete.Server, a.Delete.Form)}
	case a.Delete != nil:
		return toMapping(doc, "delete", a.Delete.Mapping)
	}
	name := a.Transfer.Mapping
	if e.Chosen != nil {
		if e.Chosen.Problem != "" {
			return ActionTrace{Action: "transfer", Mapping: e.Chosen.Mapping, Not: e.Chosen.Problem}
		}
		name = e.Chosen.Mapping
	}
	t := toMapping(doc, "transfer", name)
	if m := doc.Mapping(name); !c.Owns() && (m.TransferMode == definition.DataOwnership || m.TransferMode == definition.CopyDelete) {
		t.Not = "this copy does not own the request, so it cannot be given away"
	}
	return t
}

// toMapping is an action along a mapping; that it is there and enabled was checked with the definitions.
func toMapping(doc *definition.Document, action, name string) ActionTrace {
	m := doc.Mapping(name)
	return ActionTrace{Action: action, Mapping: name, To: end(m.To.Server, m.To.Form)}
}

func end(server, form string) string { return fmt.Sprintf("form %q on %s", form, server) }

// readPending finds the operations on a copy that were asked for, or wait for their hour or their target.
func (e *Explanation) readPending(ctx context.Context, doc *definition.Document) error {
	for _, c := range e.Copies {
		list, err := control.ListPending(ctx, c.conn.DB, control.PendingFilter{Form: c.Form, Request: c.Request, Status: []control.Status{control.Waiting, control.Retry}})
		if err != nil {
			return fmt.Errorf("%s: %w", c.Server, err)
		}
		for _, p := range list {
			e.Pending = append(e.Pending, PendingOf{c.Server, p})
		}
		if err := e.readJobs(ctx, doc, c); err != nil {
			return err
		}
	}
	return nil
}

// readJobs finds those that were asked for by a qualification which takes in a copy.
func (e *Explanation) readJobs(ctx context.Context, doc *definition.Document, c *Copy) error {
	list, err := control.ListPending(ctx, c.conn.DB, control.PendingFilter{Form: c.Form, Status: []control.Status{control.New, control.Running, control.Failed}})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Server, err)
	}
	if len(list) == 0 {
		return nil
	}
	f, row, err := c.whole(ctx)
	if err != nil || row == nil {
		return err
	}
	for _, p := range list {
		if p.Request == c.Request || p.Request == "" && takesIn(p.Qualification, scope(doc, c.Server, f), environment(c, f, row)) {
			e.Pending = append(e.Pending, PendingOf{c.Server, p})
		}
	}
	return nil
}

// takesIn reports whether a qualification selects a request; one that cannot be judged may.
func takesIn(text string, s qual.Scope, env *qual.Env) bool {
	q, err := qual.Compile(text, s)
	if err != nil {
		return true
	}
	t, err := q.Eval(env)
	return err != nil || t == qual.True
}

// readErrors finds the operations from each copy, wherever they wait.
func (e *Explanation) readErrors(ctx context.Context, _ *definition.Document) error {
	for _, conn := range e.conns {
		for _, c := range e.Copies {
			list, err := control.ListErrors(ctx, conn.DB, control.ErrorFilter{Source: c.Server, Form: c.Form, Request: c.Request})
			if err != nil {
				return fmt.Errorf("%s: %w", conn.Name, err)
			}
			for _, x := range list {
				e.Errors = append(e.Errors, ErrorOf{conn.Name, x})
			}
		}
	}
	return nil
}

// readLast finds what was recorded of the copies.
func (e *Explanation) readLast(ctx context.Context, _ *definition.Document) error {
	for _, conn := range e.conns {
		for _, c := range e.Copies {
			conflicts, err := control.ListConflicts(ctx, conn.DB, control.ConflictFilter{Source: c.Server, Form: c.Form, Request: c.Request})
			if err != nil {
				return fmt.Errorf("%s: %w", conn.Name, err)
			}
			for _, x := range conflicts {
				e.Last = append(e.Last, LastOf{x.Created, conn.Name, x.ID, x.Kind, fmt.Sprintf("from %s: %s, by %s", x.Source, x.Outcome, x.SettledBy)})
			}
			events, err := control.ListEvents(ctx, conn.DB, control.EventFilter{Form: c.Form, Request: c.Request})
			if err != nil {
				return fmt.Errorf("%s: %w", conn.Name, err)
			}
			for _, x := range events {
				if cmp.Or(x.Source, conn.Name) != c.Server {
					continue
				}
				e.Last = append(e.Last, LastOf{x.Created, conn.Name, x.ID, x.What, "by " + x.Who})
			}
		}
	}
	slices.SortStableFunc(e.Last, func(a, b LastOf) int { return a.At.Compare(b.At) })
	e.Last = e.Last[max(0, len(e.Last)-lastKept):]
	return nil
}
