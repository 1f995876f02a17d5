package definition

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"ardso/mapping/qual"
	"ardso/sql/schema"
)

// Catalog is what Check asks about the forms of one server. *catalog.Catalog is one.
type Catalog interface {
	// Lookup returns a form, or says why not.
	Lookup(name string) (*schema.Form, error)
	// Names lists the forms that Lookup finds.
	Names() []string
}

// Check compiles a document that Parse accepted against the forms of its servers, by server name.
// Only servers that definitions refer to are asked.
//
// The error is an ErrorList with every problem; there is no Compiled then. What is allowed but
// worth a look is in Compiled.Warnings.
func Check(d *Document, catalogs map[string]Catalog) (*Compiled, error) {
	c := &checker{
		complaints: complaints{sources: d.sources},
		warnings:   complaints{sources: d.sources, list: slices.Clone(d.Warnings)},
		doc:        d, catalogs: catalogs, absent: map[string]bool{},
	}
	out := &Compiled{Document: d}
	for _, m := range d.Mappings {
		if x := c.mapping(m); x != nil {
			out.Mappings = append(out.Mappings, x)
		}
	}
	for _, f := range d.Filters {
		if x := c.filter(f); x != nil && f.Enabled {
			out.Filters = append(out.Filters, x)
		}
	}
	for _, e := range d.Escalations {
		if x := c.escalation(e); x != nil && e.Enabled {
			out.Escalations = append(out.Escalations, x)
		}
	}
	c.twoDefaults()
	c.pairs(out.Mappings)
	c.oneOrder(out)
	if err := c.sorted().err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.Filters, func(a, b *CompiledFilter) int { return cmp.Compare(a.Order, b.Order) })
	out.Warnings = c.warnings.sorted()
	return out, nil
}

type checker struct {
	complaints
	warnings complaints
	doc      *Document
	catalogs map[string]Catalog
	absent   map[string]bool // servers whose missing catalog was complained of

	// owner is the server that the definition which is looked at belongs to: its logical names count.
	owner string
}

// form finds a form, or complains and returns nil.
func (c *checker) form(server, name string, serverAt, formAt Pos) *schema.Form {
	cat := c.catalogs[server]
	if cat == nil {
		if !c.absent[server] {
			c.absent[server] = true
			c.add(serverAt, "no_catalog", "make the server reachable: definitions are checked against its forms", "the forms of server %s are not known", server)
		}
		return nil
	}
	f, err := cat.Lookup(name)
	if err == nil {
		return f
	}
	var known interface{ Name() string }
	if errors.As(err, &known) && known.Name() != "catalog.unknown_form" {
		advice := ""
		if r, ok := known.(interface{ Remedy() string }); ok {
			advice = r.Remedy()
		}
		c.add(formAt, "unusable_form", advice, "%v", err)
		return nil
	}
	c.add(formAt, "unknown_form", nearest(name, cat.Names()), "server %s has no form %q", server, name)
	return nil
}

// scope is how qualifications and expressions on a server's forms are read.
func (c *checker) scope(server string) qual.Scope {
	s := c.doc.Server(server)
	return qual.Scope{CaseSensitive: s.CaseSensitive, Zone: s.Location(), Logical: c.doc.LogicalFields(c.owner)}
}

func (c *checker) mapping(m *Mapping) *CompiledMapping {
	c.owner = m.From.Server
	from := c.form(m.From.Server, m.From.Form, m.From.PosOf("server"), m.From.PosOf("form"))
	to := c.form(m.To.Server, m.To.Form, m.To.PosOf("server"), m.To.PosOf("form"))
	if from == nil || to == nil {
		return nil
	}
	c.shadowed(from)
	c.shadowed(to)
	x := &CompiledMapping{Mapping: m, FromForm: from, ToForm: to}
	if !m.MatchingQualification.IsZero() {
		x.Match = c.match(m, from, to)
	}
	x.Lines = c.custom(m.Fields, from, to, m.From.Server)
	x.Lines = c.auto(x)
	x.Returns = c.returns(x)
	x.Groups = c.fieldGroups(x)
	c.newest(x)
	c.ownership(x)
	c.joins(x)
	c.lengths(x)
	c.keyFilled(x)
	c.requiredFilled(x)
	return x
}

// field finds a field by ID or name, or complains and returns nil.
func (c *checker) field(t Text, f *schema.Form) *schema.Field {
	name := c.doc.fieldName(c.owner, f, t.Value)
	if x := findField(f, name); x != nil {
		return x
	}
	if reason, ok := f.Unsupported[name]; ok {
		c.add(t.Pos, "unsupported_field", "leave it out", "field %q of form %q on %s cannot be carried: %s", name, f.Name, f.Server, reason)
		return nil
	}
	meant := ""
	if own, _ := unmark(t.Value); own != name {
		meant = fmt.Sprintf(", which %q stands for", own)
	}
	c.add(t.Pos, "unknown_field", nearest(name, append(fieldNames(f), sortedKeys(c.doc.LogicalFields(c.owner))...)), "form %q on %s has no field %q%s", f.Name, f.Server, name, meant)
	return nil
}

// shadowed warns of logical names of fields that a form has fields of.
func (c *checker) shadowed(f *schema.Form) {
	for _, l := range c.doc.LogicalMappings {
		if l.Kind == LogicalField && l.Server == c.owner && f.FieldByName(l.Logical) != nil {
			c.warnings.add(l.PosOf("logical"), "logical_name_taken", "choose another logical name",
				"form %q on %s has a field %q of its own, which goes before the logical name", f.Name, f.Server, l.Logical)
		}
	}
}

// findField looks a field up by its whole name, else by ID.
func findField(f *schema.Form, ref string) *schema.Field {
	if x := f.FieldByName(ref); x != nil {
		return x
	}
	if id, err := strconv.Atoi(ref); err == nil {
		return f.FieldByID(id)
	}
	return nil
}

func fieldNames(f *schema.Form) []string {
	names := make([]string, len(f.Fields))
	for i, x := range f.Fields {
		names[i] = x.Name
	}
	return names
}

// custom compiles the written lines of a field map, from the form that expressions are over to the
// form whose fields they fill.
func (c *checker) custom(as []Assignment, from, to *schema.Form, server string) []Line {
	var lines []Line
	for _, a := range as {
		target := c.field(a.Target, to)
		if target == nil {
			continue
		}
		switch {
		case schema.IsDistributed(target.ID):
			c.add(a.Target.Pos, "distributed_field", "leave it out", "only ardso writes the distributed field %q (%d)", target.Name, target.ID)
			continue
		case target.Column.Generated:
			c.add(a.Target.Pos, "generated_field", "leave it out", "the database itself computes field %q", target.Name)
			continue
		case slices.ContainsFunc(lines, func(l Line) bool { return l.Target == target }):
			c.add(a.Target.Pos, "duplicate_name", "write one line for each target field", "field %q is filled twice", target.Name)
			continue
		}
		scope := c.scope(server)
		scope.Form, scope.Target = from, target
		x, err := qual.CompileValue(a.Value.Value, scope)
		if err != nil {
			c.qualErrors(a.Value, "bad_expression", err)
			continue
		}
		c.qualWarnings(a.Value, x.Warnings())
		if t := x.Type(); t != 0 && !compatible(t, target.Type) {
			c.add(a.Value.Pos, "type_clash", "write an expression of that type, such as with CONVERT",
				"field %q is %s, the expression gives %s", target.Name, target.Type, t)
			continue
		}
		if f := x.Field(); f != nil {
			lines = append(lines, Line{Target: target, Source: f})
			continue
		}
		lines = append(lines, Line{Target: target, Expr: x})
	}
	return lines
}

// auto adds to the written lines what Match finds, and sorts them by target field.
func (c *checker) auto(x *CompiledMapping) []Line {
	lines := x.Lines
	if x.Mapping.Match != Custom {
		excluded := c.excluded(x)
		for _, target := range x.ToForm.Fields {
			source := c.partner(x, target)
			if source == nil || schema.IsDistributed(target.ID) || schema.IsDistributed(source.ID) || target.Column.Generated ||
				excluded[source] || excluded[target] || slices.ContainsFunc(x.Lines, func(l Line) bool { return l.Target == target }) ||
				c.written(x.Mapping, x.ToForm, target) {
				continue
			}
			if !compatible(source.Type, target.Type) {
				c.add(x.Mapping.Pos, "type_clash", fmt.Sprintf("exclude it, or map it under fields: {%s: …}", target.Name),
					"mapping %q: field %q (%d) on %s is %s, field %q (%d) on %s is %s", x.Name,
					source.Name, source.ID, x.From.Server, source.Type, target.Name, target.ID, x.To.Server, target.Type)
				continue
			}
			lines = append(lines, Line{Target: target, Source: source})
		}
		c.notCarried(x)
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.Target.ID, b.Target.ID) })
	return lines
}

// written reports whether the mapping has a line of its own for a field, be it a faulty one: then the
// automatic match has no say.
func (c *checker) written(m *Mapping, to *schema.Form, target *schema.Field) bool {
	return slices.ContainsFunc(m.Fields, func(a Assignment) bool { return c.doc.FieldNamed(c.owner, to, a.Target.Value) == target })
}

// partner is the source field that Match gives a target field.
func (c *checker) partner(x *CompiledMapping, target *schema.Field) *schema.Field {
	if x.Mapping.Match == LikeNames {
		return x.FromForm.FieldByName(target.Name)
	}
	return x.FromForm.FieldByID(target.ID)
}

// excluded finds the fields that Match leaves alone: a reference may mean either form's field.
func (c *checker) excluded(x *CompiledMapping) map[*schema.Field]bool {
	set := map[*schema.Field]bool{}
	for _, t := range x.Exclude {
		source, target := c.doc.FieldNamed(c.owner, x.FromForm, t.Value), c.doc.FieldNamed(c.owner, x.ToForm, t.Value)
		_, known := x.FromForm.Unsupported[c.doc.fieldName(c.owner, x.FromForm, t.Value)]
		_, knownThere := x.ToForm.Unsupported[c.doc.fieldName(c.owner, x.ToForm, t.Value)]
		if source == nil && target == nil && !known && !knownThere {
			c.add(t.Pos, "unknown_field", nearest(t.Value, fieldNames(x.FromForm)), "neither form %q on %s nor form %q on %s has a field %q",
				x.FromForm.Name, x.From.Server, x.ToForm.Name, x.To.Server, t.Value)
		}
		if source != nil {
			set[source] = true
		}
		if target != nil {
			set[target] = true
		}
	}
	return set
}

// notCarried warns of fields that both forms have and that cannot be carried.
func (c *checker) notCarried(x *CompiledMapping) {
	for _, name := range sortedKeys(x.FromForm.Unsupported) {
		_, there := x.ToForm.Unsupported[name]
		if !there && x.ToForm.FieldByName(name) == nil || slices.ContainsFunc(x.Exclude, func(t Text) bool { return c.doc.fieldName(c.owner, x.FromForm, t.Value) == name }) {
			continue
		}
		c.warnings.add(x.Mapping.Pos, "unsupported_field", "name it under exclude if that is as you want it",
			"mapping %q: field %q is not carried: %s", x.Name, name, x.FromForm.Unsupported[name])
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// match compiles a matching qualification.
func (c *checker) match(m *Mapping, from, to *schema.Form) *qual.Qualification {
	scope := c.scope(m.To.Server)
	scope.Form, scope.Current = to, from
	q, err := qual.Compile(m.MatchingQualification.Value, scope)
	if err != nil {
		c.qualErrors(m.MatchingQualification, "bad_qualification", err)
		return nil
	}
	c.qualWarnings(m.MatchingQualification, q.Warnings())
	if len(q.Fields()) == 0 {
		c.add(m.MatchingQualification.Pos, "bad_qualification", "compare a target field with a source field: 'Serial' = $Serial$",
			"the matching qualification names no field of the target")
	}
	return q
}

// qualErrors turns the offsets of a text's errors into places of the file.
func (c *checker) qualErrors(t Text, kind string, err error) {
	list, ok := errors.AsType[qual.ErrorList](err)
	if !ok {
		c.add(t.Pos, kind, "", "%v", err)
		return
	}
	for _, e := range list {
		c.add(t.At(e.Offset), kind, e.Hint, "%s", e.Msg)
	}
}

func (c *checker) qualWarnings(t Text, list qual.ErrorList) {
	for _, e := range list {
		c.warnings.add(t.At(e.Offset), "qualification", e.Hint, "%s", e.Msg)
	}
}

func (c *checker) filter(f *Filter) *CompiledFilter {
	c.owner = f.Server
	form := c.form(f.Server, f.Form, f.PosOf("server"), f.PosOf("form"))
	if form == nil {
		return nil
	}
	c.shadowed(form)
	x := &CompiledFilter{Filter: f, Form: form, PoolFields: c.poolFields(slices.Concat(f.Actions, f.Else), form)}
	scope := c.scope(f.Server)
	scope.Form, scope.TRDB, scope.NullCompareAR = form, true, f.NullCompare == NullAR
	q, err := qual.Compile(f.RunIf.Value, scope)
	if err != nil {
		c.qualErrors(f.RunIf, "bad_qualification", err)
	} else {
		c.qualWarnings(f.RunIf, q.Warnings())
		x.RunIf = q
	}
	x.Named = c.named(f.Server, form, slices.Concat(f.Actions, f.Else))
	c.joinFilter(x)
	return x
}

func (c *checker) escalation(e *Escalation) *CompiledEscalation {
	c.owner = e.Server
	form := c.form(e.Server, e.Form, e.PosOf("server"), e.PosOf("form"))
	if form == nil {
		return nil
	}
	c.shadowed(form)
	x := &CompiledEscalation{
		Escalation: e, Form: form, When: e.When(c.doc.Server(e.Server)),
		PoolFields: c.poolFields(slices.Concat(e.Actions, e.Else), form),
	}
	scope := c.scope(e.Server)
	scope.Form = form
	q, err := qual.Compile(e.RunIf.Value, scope)
	if err != nil {
		c.qualErrors(e.RunIf, "bad_qualification", err)
	} else {
		c.qualWarnings(e.RunIf, q.Warnings())
		x.RunIf = q
	}
	x.Named = c.named(e.Server, form, slices.Concat(e.Actions, e.Else))
	for _, a := range e.Else {
		if named := x.Named[a.Delete]; named != nil && (len(named.RequestID.Fields()) > 0 || named.RequestID.HasExternal()) {
			c.add(a.Delete.RequestID.Pos, "no_request", "write an expression without fields: under else no request was found",
				"escalation %q names a field of form %q where no request was found", e.Name, form.Name)
		}
	}
	c.joinActions(fmt.Sprintf("escalation %q", e.Name), form, slices.Concat(e.Actions, e.Else), x.Named)
	return x
}

// named compiles the deletes among a rule's actions that name their request by themselves.
func (c *checker) named(server string, form *schema.Form, actions []Action) map[*Deletion]*NamedDelete {
	all := map[*Deletion]*NamedDelete{}
	for _, a := range actions {
		if a.Delete != nil && a.Delete.Mapping == "" {
			all[a.Delete] = c.namedDelete(a.Delete, server, form)
		}
	}
	return all
}

// namedDelete compiles a delete of the request that server, form and request_id name.
func (c *checker) namedDelete(d *Deletion, server string, form *schema.Form) *NamedDelete {
	to := c.form(d.Server, d.Form, d.PosOf("server"), d.PosOf("form"))
	if to == nil {
		return nil
	}
	scope := c.scope(server)
	scope.Form = form
	if len(to.Key) == 1 {
		scope.Target = to.Key[0]
	}
	x, err := qual.CompileValue(d.RequestID.Value, scope)
	if err != nil {
		c.qualErrors(d.RequestID, "bad_expression", err)
		return nil
	}
	c.qualWarnings(d.RequestID, x.Warnings())
	return &NamedDelete{Form: to, RequestID: x}
}

// twoDefaults warns where two mappings between the same forms are default: the first counts.
func (c *checker) twoDefaults() {
	type way struct{ from, fromForm, to, toForm string }
	first := map[way]string{}
	for _, m := range c.doc.Mappings {
		w := way{m.From.Server, m.From.Form, m.To.Server, m.To.Form}
		switch before, ok := first[w]; {
		case !m.Default || !m.Enabled:
		case ok:
			c.warnings.add(m.PosOf("default"), "two_defaults", "make one of them the default", "mapping %q is never the default: %q comes first", m.Name, before)
		default:
			first[w] = m.Name
		}
	}
}

// keyFilled complains where the target's request cannot be found or made.
func (c *checker) keyFilled(x *CompiledMapping) {
	if x.DuplicateRequestID == CreateNew && !makesIDs(x.ToForm) {
		c.add(x.PosOf("duplicate_request_id"), "no_new_ids", "write error or overwrite: only forms of an ar catalog make Request IDs",
			"mapping %q: form %q on %s cannot make Request IDs", x.Name, x.ToForm.Name, x.To.Server)
	}
	for _, k := range x.ToForm.Key {
		switch {
		case x.fills(k) || c.written(x.Mapping, x.ToForm, k):
		case x.MatchingQualification.IsZero():
			c.add(x.Mapping.Pos, "key_not_filled", fmt.Sprintf("map it under fields: {%s: …}, or write matching_qualification", k.Name),
				"mapping %q does not fill %q (%d), by which requests of form %q on %s are found", x.Name, k.Name, k.ID, x.ToForm.Name, x.To.Server)
		case !makesIDs(x.ToForm):
			c.add(x.Mapping.Pos, "key_not_filled", fmt.Sprintf("map it under fields: {%s: …}", k.Name),
				"mapping %q does not fill %q (%d), and form %q on %s cannot make Request IDs", x.Name, k.Name, k.ID, x.ToForm.Name, x.To.Server)
		}
	}
}

// makesIDs reports whether a new Request ID can be made for a form.
func makesIDs(f *schema.Form) bool { return f.NextID != nil && len(f.Key) == 1 }

// fills reports whether a line fills the target field.
func (m *CompiledMapping) fills(f *schema.Field) bool {
	return slices.ContainsFunc(m.Lines, func(l Line) bool { return l.Target == f })
}

// requiredFilled complains of required target fields that stay empty: an error where the mapping
// insists or the database does, else a warning. Submitter, Status and Short Description of an AR
// System form always insist; the fields that a server writes itself, ardso fills in its stead.
func (c *checker) requiredFilled(x *CompiledMapping) {
	for _, f := range x.ToForm.Fields {
		col := f.Column
		if x.fills(f) || c.written(x.Mapping, x.ToForm, f) || x.ToForm.IsKey(f) || impliedByPair(x.ToForm, f) || schema.IsDistributed(f.ID) ||
			col.HasDefault || col.Generated || col.IdentityAlways {
			continue
		}
		ar := x.ToForm.ID != 0
		if ar && (f.ID == schema.CreateDate || f.ID == schema.LastModifiedBy || f.ID == schema.ModifiedDate) {
			continue
		}
		core := ar && (f.ID == schema.Submitter || f.ID == schema.Status || f.ID == schema.ShortDescription)
		if !f.Required && !core && col.Nullable {
			continue
		}
		list := &c.complaints
		if !core && !x.RequireRequiredFields && col.Nullable {
			list = &c.warnings
		}
		list.add(x.Mapping.Pos, "required_not_filled", fmt.Sprintf("map it under fields: {%s: …}", f.Name),
			"mapping %q does not fill the required field %q (%d) of form %q on %s", x.Name, f.Name, f.ID, x.ToForm.Name, x.To.Server)
	}
}

// lengths warns where a source value may be too large for the target; values are checked when they
// come.
func (c *checker) lengths(x *CompiledMapping) {
	for _, l := range x.Lines {
		if l.Source == nil {
			continue
		}
		if why := mayNotFit(l.Source, l.Target); why != "" {
			c.warnings.add(x.Mapping.Pos, "may_not_fit", "values that do not fit go to dso_pending_error; make the target field larger, or shorten the value under fields",
				"mapping %q: field %q (%d) on %s may not fit %q (%d) on %s: %s", x.Name, l.Source.Name, l.Source.ID, x.From.Server,
				l.Target.Name, l.Target.ID, x.To.Server, why)
		}
	}
}
