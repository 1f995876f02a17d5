// Package conflict names the kinds of conflict and settles each as its mapping says.
//
// A conflict is a target request that is not what the source believed it to be. Settle gets an
// operation that the guarded statement refused and the target's request as it stands, locked, and
// says what to do. It is pure: package apply carries the outcome out and records it (G5).
//
// docs/conflicts.md says what each way to settle does, and which test shows it.
//
// Read Kind, Rules, then Settle, and Lost for what a settlement did away with.
package conflict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Kind is what was found. The names are PostgreSQL's where it has one (L-15).
type Kind string

const (
	None          Kind = ""                // no conflict: the target is already as it should be, or a first transfer
	InsertExists  Kind = "insert_exists"   // create meets an existing request
	UpdateMissing Kind = "update_missing"  // modify meets no request
	UpdateDiffers Kind = "update_differs"  // modify meets a request that is not its before image
	DeleteMissing Kind = "delete_missing"  // delete meets no request (ARERR 302)
	DeleteDiffers Kind = "delete_differs"  // delete meets a request that is not its before image
	UniqueTaken   Kind = "unique_taken"    // another request holds the value of a unique index (ARERR 382)
	Reference     Kind = "reference"       // a foreign key refuses the row
	ValueRefused  Kind = "value_refused"   // the database refused a value
	OwnedThere    Kind = "owned_there"     // the target's request cannot take ownership: it owns itself, or is another
	ForeignChange Kind = "foreign_change"  // someone who does not own the request has changed it
	SeveralMatch  Kind = "several_matches" // a matching qualification found more than one request
)

// Kinds are all that a conflict may be, in the order of docs/conflicts.md. What a database or a field cannot hold has
// the names of package schema's FitError besides ValueRefused.
var Kinds = []Kind{
	InsertExists, UpdateMissing, UpdateDiffers, DeleteMissing, DeleteDiffers, OwnedThere, UniqueTaken, Reference,
	ValueRefused, SeveralMatch, ForeignChange,
}

// IsConflict reports whether the name of a failure is a conflict's: something on the target, or about it, is not as
// the source believed. Others are mistakes of definitions or of the source's own request.
func IsConflict(name string) bool {
	if slices.Contains(Kinds, Kind(name)) {
		return true
	}
	switch name {
	case "value.too_long", "value.out_of_range", "value.precision", "value.character", "value.type", "value.pattern", "value.required":
		return true
	}
	return false
}

// Rules are what a mapping says about conflicts.
type Rules struct {
	OnConflict definition.ConflictPolicy
	Groups     []definition.CompiledGroup // of fields that are settled by themselves
	Duplicate  definition.DuplicateAction
	Sets       Sets
}

// Set is a field whose text is a set of entries, which is merged entry by entry.
type Set uint8

const (
	Diary     Set = iota + 1 // no entry is ever lost
	GroupList                // entries come and go
)

// Sets are a target form's fields that hold sets, by ID.
type Sets map[int]Set

// SetsOf finds a form's fields that hold sets.
func SetsOf(f *schema.Form) Sets {
	sets := make(Sets)
	for _, x := range f.Fields {
		switch {
		case x.Type == schema.Diary:
			sets[x.ID] = Diary
		case f.IsGroupList(x):
			sets[x.ID] = GroupList
		}
	}
	return sets
}

// same reports whether two values of a field mean the same.
func (s Sets) same(field int, a, b value.Value) bool {
	switch s[field] {
	case Diary:
		return request.SameDiary(a, b)
	case GroupList:
		return request.SameGroups(a, b)
	}
	return a.Equal(b)
}

// split tells diaries and other fields apart.
func (s Sets) split(list []mapping.FieldChange) (diaries, others []mapping.FieldChange) {
	for _, f := range list {
		if s[f.Field] == Diary {
			diaries = append(diaries, f)
		} else {
			others = append(others, f)
		}
	}
	return diaries, others
}

// Over is what a field holds once v is written over current: a diary keeps its entries.
func (s Sets) Over(field int, v, current value.Value) value.Value {
	if s[field] == Diary && v.Known() && current.Known() && current.Text() != "" {
		return request.UnionDiaries(v, current)
	}
	return v
}

// Doing is what is to be done with a refused operation.
type Doing uint8

const (
	Nothing   Doing = iota // the target stays as it is
	Insert                 // write Outcome.Write as a new request
	InsertNew              // as Insert, under a new Request ID
	Update                 // write Outcome.Write to the existing request
	Delete                 // delete the existing request
	Park                   // to dso_pending_error
)

func (d Doing) String() string {
	return [...]string{"nothing", "insert", "insert under a new Request ID", "update", "delete", "parked"}[min(int(d), 5)]
}

// Outcome is the settlement of one operation.
type Outcome struct {
	Kind   Kind
	Do     Doing
	By     string  // rule that settled it: "on_conflict: source"; "" where nothing had to be settled
	Write  []Write // fields to write, ascending by ID
	Reset  []int   // fields that get their defaults, where an existing request is overwritten as a whole
	Among  []int   // fields that were in conflict; nil: any may have been
	Detail string  // which fields differ, for people; names fields by ID and no values
}

// Write is a target field with the value to write.
type Write struct {
	Field int
	Value value.Value
}

// Current is the target's request as it stands.
type Current struct {
	// Field returns a field's value; value.Absent where the form has no such field.
	Field func(id int) value.Value
}

// Settle says what to do with op, which its statement refused. cur is nil where the target has no
// such request.
func Settle(op *mapping.Operation, cur *Current, r Rules) Outcome {
	switch op.Action {
	case mapping.Create:
		return settleCreate(op, cur, r)
	case mapping.Modify:
		return settleModify(op, cur, r)
	default:
		return settleDelete(op, cur, r)
	}
}

func settleCreate(op *mapping.Operation, cur *Current, r Rules) Outcome {
	if cur == nil {
		return Outcome{Do: Insert, Write: known(op)}
	}
	write := differing(op, cur, r.Sets)
	if len(write) == 0 {
		return Outcome{Do: Nothing}
	}
	o := Outcome{Kind: InsertExists, Do: Park, Detail: fields("differs in", write)}
	switch r.Duplicate {
	case definition.Overwrite:
		detail := o.Detail
		if o = Overwrite(op, cur); o.Do == Park {
			return o
		}
		o.Write, o.Detail = write, detail
		// Two sides that create the same request would swap copies for good without a word on who wins.
		if r.OnConflict == definition.TakeNewest && !op.Selected && sourceIsNewer(op, cur) == no {
			diaries, _ := r.Sets.split(op.Fields)
			o.Write = withCompanions(op, takes(diaries, cur, r.Sets))
			if o.Do, o.By = Nothing, o.By+", "+ByNewest; len(o.Write) > 0 {
				o.Do = Update
			}
		}
	case definition.CreateNew:
		o.Do, o.Write, o.By = InsertNew, known(op), "duplicate_request_id: create new"
	default:
		// A mere copy of this very request is brought up to date (dso-reference 29, choice 6), if it is not the newer one.
		if ours := op.Field(schema.MasterFlag); ours != nil && ours.After.Equal(value.Int(schema.MasterNo)) && !op.Late && cur.CameFrom(op) {
			o.Do, o.Write, o.By = Update, write, ByOwnCopy
		}
	}
	return o
}

// ByNewest ends the rule of a create that leaves the newer request as it is.
const ByNewest = "on_conflict: newest"

// ByOwnCopy is the rule of a create that meets the copy which an earlier transfer has made.
const ByOwnCopy = "data only: a copy of this request"

// ByOverwrite is the rule of a create that overwrites.
const ByOverwrite = "duplicate_request_id: overwrite"

// Overwrite is what comes of overwriting the target's request with op, but for the values to write. One that owns
// itself is not made a mere copy.
func Overwrite(op *mapping.Operation, cur *Current) Outcome {
	if ownsItself(op, cur) {
		return Outcome{Kind: OwnedThere, Do: Park, Detail: "the target's request owns itself and did not come from this one"}
	}
	return Outcome{Kind: InsertExists, Do: Update, By: ByOverwrite}
}

// ownsItself reports whether op would make a request that owns itself a mere copy. Where it came from this very
// request, it is one already (dso-reference 29, choice 31). A form without Master Flag knows no ownership.
func ownsItself(op *mapping.Operation, cur *Current) bool {
	ours, theirs := op.Field(schema.MasterFlag), cur.Field(schema.MasterFlag)
	if ours == nil || !ours.After.Equal(value.Int(schema.MasterNo)) || !theirs.Known() || theirs.Equal(ours.After) {
		return false
	}
	return !cur.CameFrom(op)
}

// CameFrom reports whether the target's request says of itself that it came from the request that op is about.
func (c *Current) CameFrom(op *mapping.Operation) bool {
	for id, want := range map[int]string{schema.FromServer: op.Source, schema.FromForm: op.Form, schema.FromRequestID: op.Request} {
		if !c.Field(id).Equal(value.Text(want)) {
			return false
		}
	}
	return true
}

func settleModify(op *mapping.Operation, cur *Current, r Rules) Outcome {
	by := "on_conflict: " + r.OnConflict.String()
	if cur == nil {
		o := Outcome{Kind: UpdateMissing, Do: Insert, Write: known(op), By: by}
		switch {
		case !Complete(op):
			// An insert needs every mapped value, and the log did not send them all (PD-4).
			o.Do, o.Write, o.By = Park, nil, ""
			o.Detail = "the log does not hold the whole request"
		case op.CreateIfMissing:
			o.Kind, o.By = None, ""
		case r.OnConflict == definition.ConflictError:
			o.Do, o.Write, o.By = Park, nil, ""
		case r.OnConflict == definition.TakeTarget:
			o.Do, o.Write = Nothing, nil
		}
		// Newest and merge create it again: the source's edit is certain, and nothing is there to lose.
		return o
	}
	if len(differing(op, cur, nil)) == 0 {
		return Outcome{Do: Nothing}
	}
	other := strayed(op.Fields, cur, r.Sets)
	if len(other) == 0 {
		return Outcome{Do: Update, Write: changed(op)}
	}
	o := Outcome{Kind: UpdateDiffers, By: by, Detail: fields("was changed on the target in", other)}
	s := &settling{op: op, cur: cur, sets: r.Sets}
	diaries, list := r.Sets.split(op.Fields)
	s.merge(diaries) // nothing is lost in them, so they are in no conflict
	switch {
	case len(r.Groups) > 0:
		o.By = "field_groups: " + s.groups(list, r)
	case len(strayed(list, cur, r.Sets)) == 0:
		s.add(takes(list, cur, nil))
		o.By = "diary: entries of both"
	default:
		s.settle(list, r.OnConflict)
	}
	if s.park {
		o.Do, o.By, o.Detail = Park, "", o.Detail+s.why
		return o
	}
	o.Write = withCompanions(op, s.write)
	if o.Do = Update; len(o.Write) == 0 {
		o.Do = Nothing
	}
	return o
}

// settling is a modify that meets a request which is not its before image.
type settling struct {
	op   *mapping.Operation
	cur  *Current
	sets Sets

	write []Write
	park  bool   // a person must decide
	why   string // to be added to the detail
}

// settle settles fields together.
func (s *settling) settle(list []mapping.FieldChange, p definition.ConflictPolicy) {
	newer := yes
	switch p {
	case definition.MergeFields:
		s.merge(list)
		return
	case definition.ConflictError:
		s.park = true
		return
	case definition.TakeTarget:
		newer = no
	case definition.TakeNewest:
		newer = sourceIsNewer(s.op, s.cur)
	}
	switch newer {
	case yes:
		s.add(takes(list, s.cur, nil))
	case unknown: // no time to compare (L-6)
		s.refuse("no Modified Date to compare")
	}
}

func (s *settling) add(w []Write) { s.write = append(s.write, w...) }

func (s *settling) refuse(why string) { s.park, s.why = true, s.why+"; "+why }

// merge is a three-way merge against the before image.
func (s *settling) merge(list []mapping.FieldChange) {
	var both []Write
	for _, f := range list {
		switch merged, ok := s.mergeField(f); {
		case !ok:
			both = append(both, Write{f.Field, f.After})
		case !merged.Equal(s.cur.Field(f.Field)):
			s.add([]Write{{f.Field, merged}})
		}
	}
	if len(both) > 0 {
		s.refuse(fields("both sides changed", both))
	}
}

// mergeField is what a field holds once the change is merged into it; false where both sides have changed it.
func (s *settling) mergeField(f mapping.FieldChange) (merged value.Value, ok bool) {
	c := s.cur.Field(f.Field)
	switch {
	case f.Companion || !f.After.Known() || !f.Changes() || c.Equal(f.After):
		return c, true
	case s.sets.same(f.Field, c, f.Before):
		return f.After, true
	case schema.IsStamp(f.Field): // both sides always have changed them
		if sourceIsNewer(s.op, s.cur) != no {
			return f.After, true
		}
		return c, true
	}
	switch s.sets[f.Field] {
	case Diary:
		return s.sets.Over(f.Field, f.After, c), c.Known()
	case GroupList:
		return request.MergeGroups(f.Before, f.After, c)
	}
	return c, false
}

// groups settles each field group of list by itself, the fields that are in none as one more, and names the ways in
// which conflicts were settled. There is a conflict in a group only if both sides have changed something in it; what the
// target alone has changed stays. Modified Date and Last Modified By are in no group: the newer ones stay.
func (s *settling) groups(list []mapping.FieldChange, r Rules) string {
	used := make(map[definition.ConflictPolicy]bool)
	for _, g := range grouped(list, r) {
		mine, theirs := g.changed(), strayed(g.fields, s.cur, s.sets)
		switch {
		case len(mine) == 0:
		case len(theirs) == 0, g.policy == definition.ConflictError && !s.overlap(g):
			s.add(takes(mine, s.cur, nil))
		case g.policy == definition.ConflictError:
			s.refuse(fields("both sides changed the group of", theirs))
		default:
			s.settle(g.fields, g.policy)
			used[g.policy] = true
		}
	}
	for _, f := range list {
		if schema.IsStamp(f.Field) {
			s.merge([]mapping.FieldChange{f})
		}
	}
	names := make([]string, 0, len(used))
	for p := range used {
		names = append(names, p.String())
	}
	if slices.Sort(names); len(names) == 0 {
		return "no group changed by both"
	}
	return strings.Join(names, ", ")
}

// overlap reports whether each side has changed something in the group that the other has not changed likewise.
func (s *settling) overlap(g group) bool {
	var mine, theirs bool
	for _, f := range g.fields {
		c := s.cur.Field(f.Field)
		if s.sets.same(f.Field, c, f.After) {
			continue
		}
		mine = mine || f.After.Known() && f.Changes()
		theirs = theirs || f.Before.Known() && !s.sets.same(f.Field, c, f.Before)
	}
	return mine && theirs
}

// group is the fields of an operation that are settled together.
type group struct {
	policy definition.ConflictPolicy
	fields []mapping.FieldChange
}

// grouped deals fields out to the groups of the mapping; those that are in none are the last group.
func grouped(list []mapping.FieldChange, r Rules) []group {
	groups := make([]group, 0, len(r.Groups)+1)
	in := make(map[int]int)
	for i, g := range r.Groups {
		groups = append(groups, group{policy: g.OnConflict})
		for _, id := range g.Fields {
			in[id] = i
		}
	}
	groups = append(groups, group{policy: r.OnConflict})
	for _, f := range list {
		if f.Companion || schema.IsStamp(f.Field) {
			continue
		}
		i, ok := in[f.Field]
		if !ok {
			i = len(groups) - 1
		}
		groups[i].fields = append(groups[i].fields, f)
	}
	return groups
}

// changed lists the fields of the group that the source has changed.
func (g *group) changed() (list []mapping.FieldChange) {
	for _, f := range g.fields {
		if f.After.Known() && f.Changes() {
			list = append(list, f)
		}
	}
	return list
}

func settleDelete(op *mapping.Operation, cur *Current, r Rules) Outcome {
	if cur == nil {
		return Outcome{Kind: DeleteMissing, Do: Nothing, By: "nothing to delete"}
	}
	other := strayed(op.Fields, cur, r.Sets)
	if len(other) == 0 {
		return Outcome{Do: Delete}
	}
	o := Outcome{Kind: DeleteDiffers, By: "on_conflict: " + r.OnConflict.String(), Detail: fields("was changed on the target in", other)}
	switch r.OnConflict {
	case definition.TakeSource:
		o.Do = Delete
	case definition.TakeTarget:
		o.Do = Nothing
	case definition.TakeNewest:
		// Where the delete was made nothing tells when that was, and the edit makes the request again, see
		// settleModify: so that both sides agree, an edit wins over a delete that did not know it.
		o.Do = Nothing
	default: // a delete and an edit cannot be merged
		o.Do, o.By = Park, ""
	}
	return o
}

// known lists the fields that op has values for.
func known(op *mapping.Operation) []Write {
	var w []Write
	for _, f := range op.Fields {
		if f.After.Known() {
			w = append(w, Write{f.Field, f.After})
		}
	}
	return w
}

// Complete reports whether op knows every field after the change.
func Complete(op *mapping.Operation) bool {
	for _, f := range op.Fields {
		if f.After.Kind() == value.KindUnchanged {
			return false
		}
	}
	return true
}

// changed lists the fields that op changes.
func changed(op *mapping.Operation) []Write {
	var w []Write
	for _, f := range op.Fields {
		if f.Writes() {
			w = append(w, Write{f.Field, f.After})
		}
	}
	return w
}

// differing lists the fields that op would write over what the target has, and their companions; none where only
// companions differ.
func differing(op *mapping.Operation, cur *Current, sets Sets) []Write {
	return withCompanions(op, takes(op.Fields, cur, sets))
}

// takes lists what is to be written so that the target has the source's values.
func takes(list []mapping.FieldChange, cur *Current, sets Sets) []Write {
	var w []Write
	for _, f := range list {
		if f.Companion || !f.After.Known() {
			continue
		}
		c := cur.Field(f.Field)
		if v := sets.Over(f.Field, f.After, c); !c.Equal(v) {
			w = append(w, Write{f.Field, v})
		}
	}
	return w
}

// withCompanions adds the companions to what is to be written, if anything is.
func withCompanions(op *mapping.Operation, w []Write) []Write {
	if len(w) == 0 {
		return nil
	}
	for _, f := range op.Fields {
		if f.Companion && f.After.Known() {
			w = append(w, Write{f.Field, f.After})
		}
	}
	slices.SortFunc(w, func(a, b Write) int { return a.Field - b.Field })
	return w
}

// Stands reports whether the target's request is op's before image.
func Stands(op *mapping.Operation, cur *Current) bool { return len(strayed(op.Fields, cur, nil)) == 0 }

// Holds reports whether the target's request holds all that op brings, whatever else is in its diaries.
func Holds(op *mapping.Operation, cur *Current, sets Sets) bool {
	list := op.Fields
	if op.Action == mapping.Modify {
		list = slices.DeleteFunc(slices.Clone(list), func(f mapping.FieldChange) bool { return !f.Changes() })
	}
	return len(takes(list, cur, sets)) == 0
}

// BringsAll reports whether the target holds all that op, a create, brings, once the outcome is carried out.
func BringsAll(op *mapping.Operation, cur *Current, o Outcome, sets Sets) bool {
	if cur == nil || o.Do == InsertNew {
		return true
	}
	for _, x := range takes(op.Fields, cur, sets) {
		if !slices.ContainsFunc(o.Write, func(y Write) bool { return y.Field == x.Field }) {
			return false
		}
	}
	return true
}

// strayed lists the fields in which the target's request is not the before image.
func strayed(list []mapping.FieldChange, cur *Current, sets Sets) []Write {
	var w []Write
	for _, f := range list {
		if f.Before.Known() && !sets.same(f.Field, cur.Field(f.Field), f.Before) {
			w = append(w, Write{f.Field, f.Before})
		}
	}
	return w
}

type answer uint8

const (
	unknown answer = iota
	yes
	no
)

// sourceIsNewer compares Modified Date of op with that of the target's request; where the mapping
// does not carry it, the commit time stands for it (L-7: ties go by the names of server and form, the same on both
// sides).
func sourceIsNewer(op *mapping.Operation, cur *Current) answer {
	at := op.CommitTime.UnixMicro()
	if f := op.Field(schema.ModifiedDate); f != nil && f.After.Kind() == value.KindInstant {
		at = f.After.Int()
	}
	there := cur.Field(schema.ModifiedDate)
	if there.Kind() != value.KindInstant {
		return unknown
	}
	byName := cmp.Or(strings.Compare(op.Source, op.Target), strings.Compare(op.Form, op.TargetForm)) < 0
	if at > there.Int() || at == there.Int() && byName {
		return yes
	}
	return no
}

// Loss is a value that a settlement did away with.
type Loss struct {
	Field int         `json:"id"`
	Side  string      `json:"side"` // "source" or "target"
	Value value.Value `json:"value"`
}

// Lost lists what o did away with, in order of fields: values that the target had on its own and that were
// overwritten or deleted, and values of the source that were not taken. What was parked is not lost.
func Lost(op *mapping.Operation, cur *Current, o Outcome, sets Sets) []Loss {
	var lost []Loss
	add := func(side string, field int, v value.Value) {
		lost = append(lost, Loss{Field: field, Side: side, Value: v})
	}
	switch {
	case o.Kind == OwnedThere: // the source goes on owning its request
	case o.Do == Delete && cur != nil:
		for _, w := range strayed(op.Fields, cur, sets) {
			add("target", w.Field, cur.Field(w.Field))
		}
	case o.Do == Update || o.Do == Nothing:
		for _, f := range op.Fields {
			if f.Companion || o.Among != nil && !slices.Contains(o.Among, f.Field) {
				continue
			}
			c := value.Absent
			if cur != nil {
				c = cur.Field(f.Field)
			}
			i := slices.IndexFunc(o.Write, func(w Write) bool { return w.Field == f.Field })
			switch {
			case i >= 0 && overwrites(f, c) && !sets.has(f, c, o.Write[i].Value):
				add("target", f.Field, c)
			case i < 0 && f.After.Known() && f.Changes() && !c.Equal(f.After) && !sets.has(f, f.After, c):
				add("source", f.Field, f.After)
			}
		}
		for _, id := range o.Reset {
			if c := cur.Field(id); c.Known() && !c.IsNull() {
				add("target", id, c)
			}
		}
		slices.SortStableFunc(lost, func(a, b Loss) int { return a.Field - b.Field })
	}
	return lost
}

// overwrites reports whether to write a field is to overwrite what the target had on its own: not the value from
// before the change, nor nothing.
func overwrites(f mapping.FieldChange, c value.Value) bool {
	if f.Before.Known() {
		return !c.Equal(f.Before)
	}
	return c.Known() && !c.IsNull()
}

// has reports whether a field that holds end has all that v changed in it.
func (s Sets) has(f mapping.FieldChange, v, end value.Value) bool {
	switch s[f.Field] {
	case Diary:
		return end.Known() && request.SameDiary(end, request.UnionDiaries(end, v))
	case GroupList:
		merged, ok := request.MergeGroups(f.Before, v, end)
		return ok && request.SameGroups(merged, end)
	}
	return false
}

func fields(text string, w []Write) string {
	ids := make([]string, len(w))
	for i, x := range w {
		ids[i] = fmt.Sprint(x.Field)
	}
	return text + " field " + strings.Join(ids, ", ")
}
