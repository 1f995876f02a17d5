package definition

import (
	"fmt"
	"slices"
	"strings"

	"ardso/sql/schema"
)

// JoinType says whether primary requests without a secondary one are requests of a join form.
type JoinType int

const (
	Inner JoinType = iota // they are not
	Outer                 // they are
)

var joinTypes = names[JoinType]{"inner", "outer"}

func (k JoinType) String() string                { return joinTypes.text(k) }
func (k JoinType) MarshalText() ([]byte, error)  { return joinTypes.marshal(k) }
func (k *JoinType) UnmarshalText(b []byte) error { return joinTypes.unmarshal(b, k) }

// Join makes a form of a plain catalog a join form.
type Join struct {
	Place
	Primary   string   `json:"primary"` // forms of the same server
	Secondary string   `json:"secondary"`
	On        Text     `json:"on"`
	Type      JoinType `json:"type"` // default inner

	// Pairs are the fields that On compares: one of the primary and one of the secondary form.
	Pairs [][2]string `json:"-"`
}

var joinObject = object[Join]{
	what:  "a join",
	doc:   "What makes a form a join form: its requests are pairs of requests of two other forms.",
	place: func(j *Join) *Place { return &j.Place },
	keys: []key[Join]{
		must(is("primary", name(maxForm), func(j *Join) *string { return &j.Primary }, "The primary form, of the same server.")),
		must(is("secondary", name(maxForm), func(j *Join) *string { return &j.Secondary }, "The secondary form, of the same server.")),
		must(is("on", expression, func(j *Join) *Text { return &j.On }, "What pairs have in common: 'Primary.Field' = 'Secondary.Field', several joined by AND.")),
		is("type", oneOf(joinTypes), func(j *Join) *JoinType { return &j.Type }, "outer: primary requests without a secondary one are in it, too; default: inner."),
	},
}

// joinForm checks what a join form declares, and reads its condition.
func (n namer) joinForm(s *Server, f *Form) {
	for _, k := range []string{"table", "request_id", "keep_empty_strings"} {
		if f.Has(k) {
			n.add(f.PosOf(k), "contradiction", "leave it out: its parts say that", "form %q is a join form and has %s", f.Name, k)
		}
	}
	for _, part := range []struct{ key, name string }{{"primary", f.Join.Primary}, {"secondary", f.Join.Secondary}} {
		n.knownForm(s.Name, part.name, f.Join.PosOf(part.key))
	}
	for _, x := range f.Fields {
		if x.Name == "" {
			x.Name = strings.TrimPrefix(strings.TrimPrefix(x.Column, "Primary."), "Secondary.")
		}
	}
	if f.Join.On.IsZero() {
		return
	}
	pairs, at, found := parseOn(f.Join.On.Value)
	if found != "" {
		n.add(f.Join.On.At(at), "bad_join", "write 'Primary.Field' = 'Secondary.Field', several joined by AND", "the condition of join form %q: %s", f.Name, found)
	}
	f.Join.Pairs = pairs
}

// parseOn reads equalities of a primary and a secondary field that are joined by AND. found says what is wrong at
// the offset at; "" = nothing.
func parseOn(text string) (pairs [][2]string, at int, found string) {
	rest := text
	blanks := func() {
		rest = strings.TrimLeft(rest, " \t\r\n")
		at = len(text) - len(rest)
	}
	field := func(pair *[2]string) string {
		blanks()
		if !strings.HasPrefix(rest, "'") {
			return "a field is expected"
		}
		var name strings.Builder
		i := 1
		for ; ; i++ {
			switch {
			case i == len(rest):
				return "the quote of the field is not closed"
			case rest[i] != '\'':
				name.WriteByte(rest[i])
				continue
			case strings.HasPrefix(rest[i:], "''"):
				name.WriteByte('\'')
				i++
				continue
			}
			break
		}
		for n, side := range []string{"Primary.", "Secondary."} {
			if of, ok := strings.CutPrefix(name.String(), side); ok && of != "" {
				if pair[n] != "" {
					return "two fields of one form are compared"
				}
				pair[n] = of
				rest = rest[i+1:]
				return ""
			}
		}
		return fmt.Sprintf("field %q names no part", name.String())
	}
	for {
		var pair [2]string
		if found = field(&pair); found != "" {
			return nil, at, found
		}
		blanks()
		if !strings.HasPrefix(rest, "=") {
			return nil, at, "only = is understood here"
		}
		rest = rest[1:]
		if found = field(&pair); found != "" {
			return nil, at, found
		}
		pairs = append(pairs, pair)
		blanks()
		switch {
		case rest == "":
			return pairs, at, ""
		case strings.HasPrefix(rest, "&&"):
			rest = rest[2:]
		case len(rest) > 3 && strings.EqualFold(rest[:3], "AND") && strings.ContainsRune(" \t\r\n'", rune(rest[3])):
			rest = rest[3:]
		default:
			return nil, at, "only AND is understood here"
		}
	}
}

// joins complains of what a mapping cannot do with join forms.
func (c *checker) joins(x *CompiledMapping) {
	m := x.Mapping
	for _, f := range []*schema.Form{x.FromForm, x.ToForm} {
		if f.Join == nil {
			continue
		}
		if m.TransferMode == DataOwnership || m.TransferMode == CopyDelete {
			c.add(m.PosOf("transfer_mode"), "join_mode", "write data only or independent copy, or map the forms that it joins",
				"mapping %q: %s is not possible with join form %q on %s, whose requests are of two forms", m.Name, m.TransferMode, f.Name, f.Server)
		}
	}
	if f := x.FromForm; f.Join != nil {
		for _, id := range []int{
			schema.ToMapping, schema.ToForm, schema.ToServer, schema.WhenToUpdate, schema.TransferMode, schema.DuplicateRequestIDAction,
			schema.MaxTimeToRetry, schema.EnforcePatternMatching, schema.RequireRequiredFields, schema.MatchingQualification,
		} {
			if y := f.FieldByID(id); y != nil {
				c.warnings.add(m.PosOf("from"), "unused", "let the mapping say it, or take the field out of the join form",
					"field %q (%d) of join form %q on %s: what requests of join forms choose for themselves is not heeded", y.Name, id, f.Name, f.Server)
			}
		}
	}
	if x.ToForm.Join != nil {
		if m.OverwriteStyle == AllFields {
			c.add(m.PosOf("overwrite_style"), "join_mode", "leave it out: the mapped fields of both parts are overwritten",
				"mapping %q: all fields of requests of join form %q on %s would be those of its parts, which others are joined with", m.Name, x.ToForm.Name, x.To.Server)
		}
		for _, g := range x.Groups {
			if parts := partsOf(x.ToForm, g.Fields); len(parts) > 1 {
				c.add(m.PosOf("field_groups"), "join_mode", "write a group for each part", "mapping %q: a group has fields of both parts of join form %q on %s, which are settled one by one", m.Name, x.ToForm.Name, x.To.Server)
			}
		}
		c.partsFilled(x)
	}
}

// partsOf lists the parts of a join form that fields are of.
func partsOf(form *schema.Form, ids []int) map[int]bool {
	parts := make(map[int]bool)
	for _, id := range ids {
		if f := form.FieldByID(id); f != nil && form.Join.From[f.Index].Field != nil {
			parts[form.Join.From[f.Index].Part] = true
		}
	}
	return parts
}

// impliedByPair reports a field of a join form that its Request ID fills: a part's own, or one that is equal to one
// of the other part.
func impliedByPair(form *schema.Form, f *schema.Field) bool {
	if form.Join == nil {
		return false
	}
	from := form.Join.From[f.Index]
	return from.Field != nil && (form.Join.Parts[from.Part].IsKey(from.Field) ||
		slices.ContainsFunc(form.Join.On, func(on [2]*schema.Field) bool { return on[from.Part] == from.Field }))
}

// partsFilled warns of required fields of the parts of a join form that nothing fills: new requests of that part
// are refused.
func (c *checker) partsFilled(x *CompiledMapping) {
	j := x.ToForm.Join
	for n, part := range j.Parts {
		for _, f := range part.Fields {
			col := f.Column
			ar := part.ID != 0
			core := ar && (f.ID == schema.Submitter || f.ID == schema.Status || f.ID == schema.ShortDescription)
			system := ar && (f.ID == schema.CreateDate || f.ID == schema.LastModifiedBy || f.ID == schema.ModifiedDate)
			needed := core || f.Required && x.RequireRequiredFields || !col.Nullable
			if !needed || system || part.IsKey(f) || schema.IsDistributed(f.ID) || col.HasDefault || col.Generated || col.IdentityAlways ||
				slices.ContainsFunc(j.On, func(on [2]*schema.Field) bool { return on[n] == f }) ||
				slices.Contains(j.From, schema.JoinField{Part: n, Field: f}) {
				continue
			}
			c.warnings.add(x.Mapping.Pos, "required_not_filled", "take the field into the join form and map it, or transfer requests of that form by a mapping of its own first",
				"mapping %q cannot create requests of form %q on %s: join form %q lacks the required field %q (%d)", x.Name, part.Name, x.To.Server, x.ToForm.Name, f.Name, f.ID)
		}
	}
}

// joinFilter complains of what a filter cannot do with join forms.
func (c *checker) joinFilter(x *CompiledFilter) {
	if x.Form.Join != nil && x.RunIf != nil && x.RunIf.UsesBefore() {
		c.add(x.Filter.RunIf.Pos, "join_before", "compare what the request holds now: 'Field'",
			"filter %q: TR. and DB. values are of one transaction, and changes of both parts of a request of join form %q are told together", x.Name, x.Form.Name)
	}
	c.joinActions(fmt.Sprintf("filter %q", x.Name), x.Form, slices.Concat(x.Actions, x.Else), x.Named)
}

// joinActions complains of what a rule's actions cannot do with join forms.
func (c *checker) joinActions(rule string, form *schema.Form, actions []Action, named map[*Deletion]*NamedDelete) {
	for _, a := range actions {
		switch {
		case a.Return != nil && form.Join != nil:
			c.add(a.Return.Pos, "join_mode", "return the requests of the forms that it joins", "%s: requests of join form %q are never under ownership", rule, form.Name)
		case a.Delete != nil && named[a.Delete] != nil && named[a.Delete].Form.Join != nil:
			c.joinDelete(a.Delete, named[a.Delete].Form)
		case a.Delete != nil && a.Delete.Mapping != "":
			if m := c.doc.Mapping(a.Delete.Mapping); m != nil {
				if cat := c.catalogs[m.To.Server]; cat != nil {
					if f, err := cat.Lookup(m.To.Form); err == nil && f.Join != nil {
						c.joinDelete(a.Delete, f)
					}
				}
			}
		}
	}
}

func (c *checker) joinDelete(d *Deletion, f *schema.Form) {
	c.add(d.Pos, "join_delete", "delete the requests of the forms that it joins, by filters on those",
		"requests of join form %q on %s cannot be deleted: that would take requests of its parts that others may be joined with", f.Name, f.Server)
}
