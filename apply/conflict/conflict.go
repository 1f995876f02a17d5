// Package conflict names the kinds of conflict and settles each as its mapping says.
//
// A conflict is a target request that is not what the source believed it to be. Settle gets an
// operation that the guarded statement refused and the target's request as it stands, locked, and
// says what to do. It is pure: package apply carries the outcome out and records it (G5).
//
// Read Kind, Rules, then Settle.
package conflict

import (
	"fmt"
	"slices"
	"strings"

	"ardso/mapping"
	"ardso/mapping/definition"
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

// Rules are what a mapping says about conflicts.
type Rules struct {
	OnConflict definition.ConflictPolicy
	Duplicate  definition.DuplicateAction
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
	write := differing(op, cur)
	if len(write) == 0 {
		return Outcome{Do: Nothing}
	}
	o := Outcome{Kind: InsertExists, Detail: fields("differs in", write)}
	switch r.Duplicate {
	case definition.Overwrite:
		o.Do, o.Write, o.By = Update, write, "duplicate_request_id: overwrite"
		// Two sides that create the same request would swap copies for good without a word on who wins.
		if r.OnConflict == definition.TakeNewest && !op.Selected && sourceIsNewer(op, cur) == no {
			o.Do, o.Write, o.By = Nothing, nil, o.By+", on_conflict: newest"
		}
	case definition.CreateNew:
		o.Do, o.Write, o.By = InsertNew, known(op), "duplicate_request_id: create new"
	default:
		o.Do = Park
	}
	return o
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
	write := differing(op, cur)
	if len(write) == 0 {
		return Outcome{Do: Nothing}
	}
	if Stands(op, cur) {
		return Outcome{Do: Update, Write: changed(op)}
	}
	o := Outcome{Kind: UpdateDiffers, By: by, Detail: fields("was changed on the target in", strayed(op, cur))}
	switch r.OnConflict {
	case definition.TakeSource:
		o.Do, o.Write = Update, write
	case definition.TakeTarget:
		o.Do = Nothing
	case definition.TakeNewest:
		switch sourceIsNewer(op, cur) {
		case yes:
			o.Do, o.Write = Update, write
		case no:
			o.Do = Nothing
		default: // no time to compare (L-6)
			o.Do, o.By = Park, ""
			o.Detail += "; no Modified Date to compare"
		}
	case definition.MergeFields:
		return mergeFields(op, cur, o)
	default:
		o.Do, o.By = Park, ""
	}
	if o.Do == Update && len(o.Write) == 0 {
		o.Do = Nothing
	}
	return o
}

// mergeFields is a three-way merge against the before image. Last Modified By and Modified Date
// change with every edit, so on them the newer side wins instead of conflicting.
func mergeFields(op *mapping.Operation, cur *Current, o Outcome) Outcome {
	var write, both []Write
	newer := sourceIsNewer(op, cur)
	for _, f := range op.Fields {
		if !f.After.Known() || !f.Changes() {
			continue
		}
		c := cur.Field(f.Field)
		switch {
		case c.Equal(f.After):
		case c.Equal(f.Before):
			write = append(write, Write{f.Field, f.After})
		case f.Field == schema.LastModifiedBy || f.Field == schema.ModifiedDate:
			if newer != no {
				write = append(write, Write{f.Field, f.After})
			}
		default:
			both = append(both, Write{f.Field, f.After})
		}
	}
	if len(both) > 0 {
		o.Do, o.By = Park, ""
		o.Detail = fields("both sides changed", both)
		return o
	}
	o.Do, o.Write = Update, withCompanions(op, write)
	if len(write) == 0 {
		o.Do = Nothing
	}
	return o
}

func settleDelete(op *mapping.Operation, cur *Current, r Rules) Outcome {
	if cur == nil {
		return Outcome{Kind: DeleteMissing, Do: Nothing, By: "nothing to delete"}
	}
	if Stands(op, cur) {
		return Outcome{Do: Delete}
	}
	o := Outcome{Kind: DeleteDiffers, By: "on_conflict: " + r.OnConflict.String(), Detail: fields("was changed on the target in", strayed(op, cur))}
	switch r.OnConflict {
	case definition.TakeSource:
		o.Do = Delete
	case definition.TakeTarget:
		o.Do = Nothing
	case definition.TakeNewest:
		switch newerThan(op.CommitTime.UnixMicro(), op.Source, cur, op.Target) {
		case yes:
			o.Do = Delete
		case no:
			o.Do = Nothing
		default:
			o.Do, o.By = Park, ""
			o.Detail += "; no Modified Date to compare"
		}
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

// differing lists the fields whose value after op is not what the target has, and their companions;
// none where only companions differ.
func differing(op *mapping.Operation, cur *Current) []Write {
	var w []Write
	for _, f := range op.Fields {
		if !f.Companion && f.After.Known() && !cur.Field(f.Field).Equal(f.After) {
			w = append(w, Write{f.Field, f.After})
		}
	}
	return withCompanions(op, w)
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
func Stands(op *mapping.Operation, cur *Current) bool { return len(strayed(op, cur)) == 0 }

// strayed lists the fields in which the target's request is not op's before image.
func strayed(op *mapping.Operation, cur *Current) []Write {
	var w []Write
	for _, f := range op.Fields {
		if f.Before.Known() && !cur.Field(f.Field).Equal(f.Before) {
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
// does not carry it, the commit time stands for it (L-7: ties go by server name, the same on both
// sides).
func sourceIsNewer(op *mapping.Operation, cur *Current) answer {
	at := op.CommitTime.UnixMicro()
	if f := op.Field(schema.ModifiedDate); f != nil && f.After.Kind() == value.KindInstant {
		at = f.After.Int()
	}
	return newerThan(at, op.Source, cur, op.Target)
}

func newerThan(at int64, source string, cur *Current, target string) answer {
	there := cur.Field(schema.ModifiedDate)
	if there.Kind() != value.KindInstant {
		return unknown
	}
	if at > there.Int() || (at == there.Int() && source < target) {
		return yes
	}
	return no
}

func fields(text string, w []Write) string {
	ids := make([]string, len(w))
	for i, x := range w {
		ids[i] = fmt.Sprint(x.Field)
	}
	return text + " field " + strings.Join(ids, ", ")
}
