package run

import (
	"context"
	"slices"

	"ardso/mapping/definition"
)

// Changed is what other definitions would make of a request.
type Changed struct {
	// Changes are those of the mappings, filters and escalations of the request's form, by either definitions.
	Changes []definition.Change `json:"changes"`
	// Verdicts are the filters and escalations that would do something else with the request.
	Verdicts []Verdict `json:"verdicts"`
}

// Verdict is a filter or escalation by both definitions; nil: it is not there.
type Verdict struct {
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	Before *Doings `json:"before"`
	After  *Doings `json:"after"`
}

// Doings are what a filter or escalation would do with the request.
type Doings struct {
	Skipped string        `json:"skipped,omitempty"` // why it would not run
	Truth   string        `json:"truth"`             // of its run_if
	Actions []ActionTrace `json:"actions"`           // that it would take
}

// With says what other definitions, which may have their own idea of the request's server but know it, would make of
// the request that e explains by doc.
func (e *Explanation) With(ctx context.Context, doc, after *definition.Document) (*Changed, error) {
	c := e.Copies[0]
	out := &Changed{Changes: []definition.Change{}, Verdicts: []Verdict{}}
	for _, x := range definition.Diff(doc, after).Changes {
		if concerns(doc, x, c) || concerns(after, x, c) {
			out.Changes = append(out.Changes, x)
		}
	}
	now := &Explanation{Chain: e.Chain}
	if after.Server(c.Server) != nil {
		if err := now.readFilters(ctx, after); err != nil {
			return nil, err
		}
		if err := now.readEscalations(ctx, after); err != nil {
			return nil, err
		}
	}
	before, later := e.verdicts(), now.verdicts()
	for _, v := range before {
		if i := slices.IndexFunc(later, v.isOf); i >= 0 {
			v.After = later[i].Before
		}
		if v.After == nil || !v.Before.equal(v.After) {
			out.Verdicts = append(out.Verdicts, v)
		}
	}
	for _, v := range later {
		if !slices.ContainsFunc(before, v.isOf) {
			v.Before, v.After = nil, v.Before
			out.Verdicts = append(out.Verdicts, v)
		}
	}
	return out, nil
}

// concerns reports whether a definition of doc has to do with a copy's form.
func concerns(doc *definition.Document, x definition.Change, c *Copy) bool {
	is := func(e definition.End) bool { return e.Server == c.Server && e.Form == c.Form }
	switch x.Kind {
	case "mapping":
		m := doc.Mapping(x.Name)
		return m != nil && (is(m.From) || is(m.To))
	case "filter":
		return slices.ContainsFunc(doc.Filters, func(f *definition.Filter) bool {
			return f.Name == x.Name && is(definition.End{Server: f.Server, Form: f.Form})
		})
	case "escalation":
		return slices.ContainsFunc(doc.Escalations, func(s *definition.Escalation) bool {
			return s.Name == x.Name && is(definition.End{Server: s.Server, Form: s.Form})
		})
	}
	return false
}

// verdicts are what the explained filters and escalations would do, as Before.
func (e *Explanation) verdicts() (all []Verdict) {
	for _, f := range e.Filters {
		all = append(all, Verdict{Kind: "filter", Name: f.Name, Before: &Doings{f.Skipped, f.Truth, f.Actions}})
	}
	for _, x := range e.Escalations {
		all = append(all, Verdict{Kind: "escalation", Name: x.Name, Before: &Doings{x.Skipped, x.Truth, x.Actions}})
	}
	return all
}

func (v Verdict) isOf(o Verdict) bool { return v.Kind == o.Kind && v.Name == o.Name }

func (d *Doings) equal(o *Doings) bool {
	return d.Skipped == o.Skipped && d.Truth == o.Truth && slices.Equal(d.Actions, o.Actions)
}
