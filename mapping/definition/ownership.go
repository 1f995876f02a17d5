package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ardso/sql/schema"
)

// returns compiles the field map back: return_fields, and unless match is custom what the map there copies
// as it is. The source's key stays: its request is found by From Request ID.
func (c *checker) returns(x *CompiledMapping) []Line {
	lines := c.custom(x.ReturnFields, x.ToForm, x.FromForm, x.To.Server)
	if x.TransferMode == DataOwnership && x.Mapping.Match != Custom {
		excluded := map[*schema.Field]bool{}
		for _, t := range x.ReturnExclude {
			source, target := c.doc.FieldNamed(c.owner, x.FromForm, t.Value), c.doc.FieldNamed(c.owner, x.ToForm, t.Value)
			if source == nil && target == nil {
				c.add(t.Pos, "unknown_field", nearest(t.Value, fieldNames(x.FromForm)), "neither form %q on %s nor form %q on %s has a field %q",
					x.FromForm.Name, x.From.Server, x.ToForm.Name, x.To.Server, t.Value)
			}
			excluded[source], excluded[target] = true, true
		}
		for _, l := range x.Lines {
			back := l.Source
			if back == nil || excluded[back] || excluded[l.Target] || back.Column.Generated || !compatible(l.Target.Type, back.Type) ||
				slices.ContainsFunc(x.ReturnFields, func(a Assignment) bool { return c.doc.FieldNamed(c.owner, x.FromForm, a.Target.Value) == back }) ||
				slices.ContainsFunc(lines, func(y Line) bool { return y.Target == back }) {
				continue
			}
			lines = append(lines, Line{Target: back, Source: l.Target})
		}
	}
	lines = slices.DeleteFunc(lines, func(l Line) bool { return x.FromForm.IsKey(l.Target) })
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.Target.ID, b.Target.ID) })
	return lines
}

// ownership complains where a mapping that hands ownership over cannot, and warns of settings that are
// for such mappings only.
func (c *checker) ownership(x *CompiledMapping) {
	m := x.Mapping
	if m.TransferMode != DataOwnership {
		for _, key := range []string{"return_fields", "return_exclude", "when_to_update"} {
			if m.Has(key) && (key != "when_to_update" || m.WhenToUpdate != NoUpdate) {
				c.warnings.add(m.PosOf(key), "unused", "leave it out, or write transfer_mode: data + ownership",
					"%s is for updates and returns, which mapping %q does not make", key, m.Name)
			}
		}
		return
	}
	if m.From.Server == m.To.Server { // a change goes to no server that it has passed, so the copies would not hear of each other
		c.add(m.PosOf("transfer_mode"), "same_server", "hand it over to another server; on the same one write data only, independent copy or copy + delete",
			"mapping %q hands ownership over between two forms on %s", m.Name, m.From.Server)
	}
	for _, f := range []*schema.Form{x.FromForm, x.ToForm} {
		if missing := missingBasic(f); missing != nil {
			c.add(m.PosOf("transfer_mode"), "no_distributed_fields", fmt.Sprintf("run `ardso fields add --server %s --group basic %q`", f.Server, f.Name),
				"mapping %q hands ownership over, and form %q on %s lacks the distributed fields %s", m.Name, f.Name, f.Server, strings.Join(missing, ", "))
		}
	}
	if !m.Has("when_to_update") || m.WhenToUpdate == NoUpdate || len(x.Returns) > 0 {
		return
	}
	c.warnings.add(m.PosOf("when_to_update"), "nothing_returned", "write return_fields",
		"mapping %q updates its source, and no field of it goes back", m.Name)
}

// missingBasic names the fields of the basic group that a form lacks.
func missingBasic(f *schema.Form) (missing []string) {
	for _, d := range schema.FieldsOf(schema.Basic) {
		if f.FieldByID(d.ID) == nil {
			missing = append(missing, fmt.Sprintf("%q (%d)", d.Name, d.ID))
		}
	}
	return missing
}
