package definition

import (
	"fmt"
	"slices"
	"strings"

	"ardso/sql/schema"
)

// fieldGroups compiles the mapping's field groups.
func (c *checker) fieldGroups(x *CompiledMapping) []CompiledGroup {
	var groups []CompiledGroup
	grouped := map[*schema.Field]bool{}
	for _, g := range x.FieldGroups {
		compiled := CompiledGroup{OnConflict: g.OnConflict}
		for _, t := range g.Fields {
			f := c.field(t, x.ToForm)
			switch {
			case f == nil:
				continue
			case schema.IsDistributed(f.ID):
				c.add(t.Pos, "distributed_field", "leave it out", "only ardso writes the distributed field %q (%d)", f.Name, f.ID)
				continue
			case schema.IsStamp(f.ID):
				c.warnings.add(t.Pos, "unused", "leave it out", "field %q (%d) changes with every other: where there are field groups the newer one stays", f.Name, f.ID)
			case f.Type == schema.Diary:
				c.warnings.add(t.Pos, "unused", "leave it out", "field %q (%d) is a diary, which always keeps the entries of both sides", f.Name, f.ID)
			case grouped[f]:
				c.add(t.Pos, "duplicate_value", "write it once, in one field group", "field %q (%d) stands in field groups twice", f.Name, f.ID)
				continue
			case !x.fills(f) && !c.written(x.Mapping, x.ToForm, f):
				c.warnings.add(t.Pos, "unused", "leave it out, or map it under fields", "mapping %q does not fill field %q (%d) of its field groups", x.Name, f.Name, f.ID)
			}
			grouped[f] = true
			compiled.Fields = append(compiled.Fields, f.ID)
		}
		slices.Sort(compiled.Fields)
		if len(compiled.Fields) > 0 {
			groups = append(groups, compiled)
		}
	}
	if len(x.FieldGroups) > 0 && x.TransferMode == DataOwnership {
		c.warnings.add(x.PosOf("field_groups"), "unused", "leave them out: of two owners' values the later one stays",
			"field_groups are for copies that are not under ownership, which mapping %q does not make", x.Name)
	}
	return groups
}

// policyOf is the group that a target field is in, -1 if it is in none, and how a conflict in it is settled.
func (m *CompiledMapping) policyOf(field int) (group int, p ConflictPolicy) {
	for i, g := range m.Groups {
		if slices.Contains(g.Fields, field) {
			return i, g.OnConflict
		}
	}
	return -1, m.OnConflict
}

// keeps reports whether the mapping keeps a copy that its From form's requests go on to change.
func (m *CompiledMapping) keeps() bool {
	return m.Enabled && (m.TransferMode == DataOnly || m.TransferMode == IndependentCopy)
}

// newest warns where the newest wins and nothing says when a request was changed.
func (c *checker) newest(x *CompiledMapping) {
	if !x.uses(TakeNewest) || x.ToForm.FieldByID(schema.ModifiedDate) != nil {
		return
	}
	at := x.PosOf("on_conflict")
	if x.OnConflict != TakeNewest {
		at = x.PosOf("field_groups")
	}
	c.warnings.add(at, "no_modified_date", fmt.Sprintf("say which field is Modified Date, field ID %d, or settle conflicts otherwise", schema.ModifiedDate),
		"mapping %q lets the newest win, and form %q on %s has no Modified Date: conflicts go to dso_pending_error", x.Name, x.ToForm.Name, x.To.Server)
}

// pairs warns where two mappings keep two forms in step both ways, and do not settle a conflict alike: then both copies
// can end up different, and nothing tells.
func (c *checker) pairs(all []*CompiledMapping) {
	for i, a := range all {
		for _, b := range all[:i] {
			if a.keeps() && b.keeps() && a.From.Server == b.To.Server && a.To.Server == b.From.Server && a.FromForm == b.ToForm && a.ToForm == b.FromForm {
				c.pair(a, b)
			}
		}
	}
}

// pair checks one pair of mappings; it complains of a, the later one.
func (c *checker) pair(a, b *CompiledMapping) {
	key := "on_conflict"
	if len(a.Groups)+len(b.Groups) > 0 {
		key = "field_groups"
	}
	warn := func(key, advice, format string, args ...any) {
		c.warnings.add(a.PosOf(key), "sides_disagree", advice, "mappings %q and %q lead both ways: "+format, append([]any{a.Name, b.Name}, args...)...)
	}
	both := bothWays(a, b)
	for i, f := range both {
		same := func(g fieldBothWays) bool { return g.here == f.here && g.there == f.there }
		if !agree(f.here, f.there) && slices.IndexFunc(both, same) == i {
			var names []string
			for _, g := range both[i:] {
				if same(g) {
					names = append(names, g.name)
				}
			}
			warn(key, "write newest or merge on both, or source on one and target on the other",
				"the first settles a conflict by %s, the second by %s, so that the copies can differ for good in %s", f.here, f.there, few(names))
		}
	}
	if one, other, torn := torn(both); torn {
		warn(key, "put the same fields together on both",
			"one settles %s and %s together, the other each by itself, so that the copies can differ for good", one, other)
	}
	switch newest := a.uses(TakeNewest) && b.uses(TakeNewest); {
	case newest && len(a.Groups)+len(b.Groups) > 0:
		warn(key, "let the newest win as on_conflict of both, without field groups, or settle the group by source and target",
			"Modified Date does not tell when the fields of one group were changed, so that it is not always the same side that wins")
	case newest && !(a.carries(schema.ModifiedDate) && b.carries(schema.ModifiedDate)):
		warn(key, "carry Modified Date on both", "the newest wins, and Modified Date (%d) is not carried, so that each side compares other times", schema.ModifiedDate)
	}
	if a.DuplicateRequestID == Overwrite && b.DuplicateRequestID == Overwrite && !(a.OnConflict == TakeNewest && b.OnConflict == TakeNewest) {
		warn("duplicate_request_id", "write error on one of them, or on_conflict: newest on both",
			"where both sides create a request of one Request ID at once, each copy is overwritten with the other")
	}
}

// fieldBothWays is a field that a pair of mappings keeps in step.
type fieldBothWays struct {
	name              string // on the later mapping's target
	group, groupThere int
	here, there       ConflictPolicy
}

func bothWays(a, b *CompiledMapping) (list []fieldBothWays) {
	for _, l := range a.Lines {
		if l.Source == nil || schema.IsStamp(l.Target.ID) || l.Target.Type == schema.Diary || a.ToForm.IsKey(l.Target) || !b.brings(l.Source, l.Target) {
			continue
		}
		f := fieldBothWays{name: fmt.Sprintf("%q", l.Target.Name)}
		f.group, f.here = a.policyOf(l.Target.ID)
		f.groupThere, f.there = b.policyOf(l.Source.ID)
		list = append(list, f)
	}
	return list
}

// torn finds two fields that stand together on one side and apart on the other, where a group is taken as a whole.
func torn(both []fieldBothWays) (one, other string, found bool) {
	for i, f := range both {
		for _, g := range both[:i] {
			whole := f.here != MergeFields && f.here != ConflictError && f.there != ConflictError
			if whole && agree(f.here, f.there) && (f.group == g.group) != (f.groupThere == g.groupThere) {
				return g.name, f.name, true
			}
		}
	}
	return "", "", false
}

// agree reports whether two ways to settle a conflict give the same winner on both sides, or tell: what goes to
// dso_pending_error differs for no longer than a person lets it.
func agree(here, there ConflictPolicy) bool {
	if here == ConflictError || there == ConflictError {
		return true
	}
	return here == TakeSource && there == TakeTarget || here == TakeTarget && there == TakeSource || here == there && (here == TakeNewest || here == MergeFields)
}

// brings reports whether the mapping copies a field as it is.
func (m *CompiledMapping) brings(target, source *schema.Field) bool {
	return slices.ContainsFunc(m.Lines, func(l Line) bool { return l.Target == target && l.Source == source })
}

// carries reports whether the field of that ID goes to that of the same ID.
func (m *CompiledMapping) carries(id int) bool {
	return slices.ContainsFunc(m.Lines, func(l Line) bool { return l.Target.ID == id && l.Source != nil && l.Source.ID == id })
}

// uses reports whether some conflicts are settled by p.
func (m *CompiledMapping) uses(p ConflictPolicy) bool {
	return m.OnConflict == p || slices.ContainsFunc(m.Groups, func(g CompiledGroup) bool { return g.OnConflict == p })
}

// few names the first three of a list.
func few(list []string) string {
	if len(list) > 3 {
		return strings.Join(list[:3], ", ") + " and others"
	}
	return strings.Join(list, ", ")
}
