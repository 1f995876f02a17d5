// Package batch turns operations in log order into few set-based writes: it folds the operations on
// one request into one, and groups what is left by form, action and exact column set (PD-2).
//
// It decides nothing about conflicts and touches no database. Read Fold, then Plan.
package batch

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"ardso/mapping"
	"ardso/mapping/ownership"
	"ardso/sql/value"
)

// Fold joins ops, given in log order, into at most one operation per request and mapping between two
// key changes, in order of first appearance. A folded operation has the before image of its first
// part and the after image, position and commit time of its last. A create and a later delete leave
// nothing; a modify whose parts cancel out leaves nothing. ops is not modified.
//
// An operation that changes the key, that has to do with ownership (Alone), that failed, that finds its request by a qualification, or whose
// before image is not what the part before it made, is never folded, and nothing is folded across a
// key change.
// Rule: docs/ARCHITECTURE.md, "Batches".
func Fold(ops []*mapping.Operation) []*mapping.Operation {
	type slot struct{ op *mapping.Operation }
	out := make([]*slot, 0, len(ops))
	open := make(map[string]*slot, len(ops))
	for _, op := range ops {
		if op.ChangesKey() || op.Alone() {
			clear(open)
			out = append(out, &slot{op: op})
			continue
		}
		k := foldKey(op)
		s := open[k]
		if s == nil || !foldable(s.op, op) {
			s = &slot{op: op}
			out = append(out, s)
			open[k] = s
			continue
		}
		s.op = join(s.op, op)
		if s.op == nil {
			delete(open, k)
		}
	}
	folded := make([]*mapping.Operation, 0, len(out))
	for _, s := range out {
		if s.op != nil && !Empty(s.op) {
			folded = append(folded, s.op)
		}
	}
	return folded
}

// JoinUpdates joins two updates of one request along its ownership chain, each of which has only the fields that it
// changed: of each field the first before value and the last after value.
func JoinUpdates(a, b *mapping.Operation) *mapping.Operation {
	j := *b
	along := *b.Along
	along.Versions = make(map[int]ownership.Version, len(a.Along.Versions)+len(b.Along.Versions))
	maps.Copy(along.Versions, a.Along.Versions)
	maps.Copy(along.Versions, b.Along.Versions)
	j.Along = &along
	// Servers that only one of them passed are left out: what returns there changes nothing (G1, G6).
	j.Path = slices.DeleteFunc(slices.Clone(b.Path), func(server string) bool { return !slices.Contains(a.Path, server) })
	j.Fields = slices.Clone(a.Fields)
	for _, f := range b.Fields {
		if i := slices.IndexFunc(j.Fields, func(x mapping.FieldChange) bool { return x.Field == f.Field }); i >= 0 {
			f.Before = j.Fields[i].Before
			j.Fields[i] = f
		} else {
			j.Fields = append(j.Fields, f)
		}
	}
	slices.SortFunc(j.Fields, func(x, y mapping.FieldChange) int { return x.Field - y.Field })
	return &j
}

// Empty reports whether op would write nothing: a modify that changes no field.
func Empty(op *mapping.Operation) bool {
	if op.Action != mapping.Modify || op.Failure != nil || op.CreateIfMissing || op.Alone() {
		return false
	}
	for _, f := range op.Fields {
		if f.Changes() {
			return false
		}
	}
	return true
}

// Queue adds a later operation to those of the same request that are held back, in log order, and
// folds it into the last of them where it can. A failure of the earlier part goes with it: the
// joined operation is judged anew when it is tried again.
func Queue(held []*mapping.Operation, then *mapping.Operation) []*mapping.Operation {
	if len(held) > 0 {
		last := *held[len(held)-1]
		failure := last.Failure
		last.Failure = nil
		if !last.ChangesKey() && !then.ChangesKey() && !last.Alone() && !then.Alone() && foldKey(&last) == foldKey(then) && queueable(last, *then) {
			rest := held[: len(held)-1 : len(held)-1]
			if j := join(&last, then); j != nil {
				j.Failure = failure
				return append(rest, j)
			}
			return rest
		}
		if last.Failure = failure; areUpdates(&last, then) {
			j := JoinUpdates(&last, then)
			j.Failure = failure
			return append(held[:len(held)-1:len(held)-1], j)
		}
	}
	return append(held, then)
}

// areUpdates reports whether both are edits that follow the same chain, the later of which can be carried out.
func areUpdates(a, b *mapping.Operation) bool {
	return a.Along != nil && b.Along != nil && a.Home == nil && b.Home == nil && a.Along.Chain == b.Along.Chain &&
		a.Action == mapping.Modify && b.Action == mapping.Modify && b.Failure == nil
}

// queueable is foldable for operations that wait: two may find their request by the same qualification.
func queueable(a, b mapping.Operation) bool {
	if a.Match == b.Match {
		a.Match, b.Match = "", ""
	}
	return foldable(&a, &b)
}

func foldKey(op *mapping.Operation) string {
	return op.Mapping + "\x00" + op.Target + "\x00" + op.TargetForm + "\x00" + op.Form + "\x00" + op.Request
}

func foldable(a, b *mapping.Operation) bool {
	if a.Failure != nil || b.Failure != nil || a.Match != "" || b.Match != "" || a.Selected || b.Selected {
		return false
	}
	if !follows(a, b) {
		return false
	}
	switch b.Action {
	case mapping.Create:
		return a.Action == mapping.Delete
	case mapping.Modify:
		return a.Action == mapping.Create || a.Action == mapping.Modify
	case mapping.Delete:
		return a.Action == mapping.Create || a.Action == mapping.Modify
	}
	return false
}

// follows reports whether b speaks of a's fields, companions aside, and its before image is a's after
// image. Where it is not, the request was changed in between by what gave no operation, such as a merge
// from this very target: b must then meet what the target has with its own before image, not with that
// of a. Companions differ: only a create brings Create Date, and a delete brings none at all.
func follows(a, b *mapping.Operation) bool {
	i, k := own(a.Fields, 0), own(b.Fields, 0)
	for i < len(a.Fields) && k < len(b.Fields) {
		after, before := a.Fields[i].After, b.Fields[k].Before
		if a.Fields[i].Field != b.Fields[k].Field || after.Known() && before.Known() && !after.Equal(before) {
			return false
		}
		i, k = own(a.Fields, i+1), own(b.Fields, k+1)
	}
	return i == len(a.Fields) && k == len(b.Fields)
}

// own returns the place of the first field from i on that is no companion.
func own(fields []mapping.FieldChange, i int) int {
	for i < len(fields) && fields[i].Companion {
		i++
	}
	return i
}

// join assumes foldable(a, b). It returns nil for create + delete.
func join(a, b *mapping.Operation) *mapping.Operation {
	if a.Action == mapping.Create && b.Action == mapping.Delete {
		return nil
	}
	j := *b
	j.Fields = joinFields(a, b)
	j.CreateIfMissing = a.CreateIfMissing || b.CreateIfMissing
	j.Late = a.Late || b.Late
	switch a.Action {
	case mapping.Create: // create + modify
		j.Action = mapping.Create
	case mapping.Delete: // delete + create: the request was replaced; one that is missing would have been created
		j.Action, j.CreateIfMissing = mapping.Modify, true
	}
	return &j
}

// joinFields gives the fields of both: of a's companions that b lacks those that b, unless it deletes,
// leaves as they are.
func joinFields(a, b *mapping.Operation) []mapping.FieldChange {
	out := make([]mapping.FieldChange, 0, max(len(a.Fields), len(b.Fields)))
	i := 0
	companions := func() {
		for ; i < len(a.Fields) && a.Fields[i].Companion && b.Field(a.Fields[i].Field) == nil; i++ {
			if b.Action != mapping.Delete {
				out = append(out, a.Fields[i])
			}
		}
	}
	for _, f := range b.Fields {
		companions()
		if i < len(a.Fields) && a.Fields[i].Field == f.Field {
			if f.After.Kind() == value.KindUnchanged { // the log did not send it: the earlier part knows it
				f.After = a.Fields[i].After
			}
			f.Before = a.Fields[i].Before
			i++
		}
		out = append(out, f)
	}
	companions()
	return out
}

// Group is a set of operations that one statement shape can write.
type Group struct {
	Form   string // target form
	Action mapping.Action
	Set    []int // field IDs to write, ascending; of a delete none
	Guard  []int // field IDs whose before value must still stand, ascending; of a create none
	Ops    []*mapping.Operation
	// Single: the operations must be looked at one by one: they find their request by a qualification,
	// failed already, or have nothing to write unless the request is missing.
	Single bool
}

// Plan groups folded operations. Groups are to be carried out in the order given. Operations on the
// same request of a form never change places; on a form that serial reports (unique indexes beside
// the key, or foreign keys) no operations change places at all.
func Plan(ops []*mapping.Operation, serial func(form string) bool) []*Group {
	var groups []*Group
	open := make(map[string]*Group) // by shape; those that may still grow
	rows := make(map[string]*Group) // by form and key: where a request was last written
	var last *Group                 // last group of a serial form
	for _, op := range ops {
		if op.ChangesKey() || op.Match != "" || op.Alone() {
			clear(open)
			clear(rows)
			last = nil
			g := newGroup(op)
			g.Single = g.Single || op.Match != "" || op.Alone()
			groups = append(groups, g)
			continue
		}
		shape, row := shapeKey(op), rowKey(op)
		if serial(op.TargetForm) {
			if last == nil || shapeOf(last) != shape || rows[row] == last {
				last = newGroup(op)
				groups = append(groups, last)
			} else {
				last.Ops = append(last.Ops, op)
			}
			rows[row] = last
			continue
		}
		g := open[shape]
		if rows[row] != nil {
			// The request is written by an earlier group: start all over, so that this operation comes
			// after it. One statement must not write a request twice.
			clear(open)
			clear(rows)
			g = nil
		}
		if g == nil {
			g = newGroup(op)
			groups = append(groups, g)
			open[shape] = g
		} else {
			g.Ops = append(g.Ops, op)
		}
		rows[row] = g
	}
	return groups
}

func newGroup(op *mapping.Operation) *Group {
	g := &Group{Form: op.TargetForm, Action: op.Action, Ops: []*mapping.Operation{op}}
	for _, f := range op.Fields {
		if writes(op, f) {
			g.Set = append(g.Set, f.Field)
		}
		if guards(op, f) {
			g.Guard = append(g.Guard, f.Field)
		}
	}
	g.Single = op.Failure != nil || (op.Action == mapping.Modify && !slices.ContainsFunc(op.Fields, mapping.FieldChange.Changes))
	return g
}

func writes(op *mapping.Operation, f mapping.FieldChange) bool {
	switch op.Action {
	case mapping.Create:
		return f.After.Known()
	case mapping.Modify:
		return f.Writes()
	}
	return false
}

func guards(op *mapping.Operation, f mapping.FieldChange) bool {
	return op.Action != mapping.Create && f.Before.Known()
}

func shapeOf(g *Group) string { return shapeKey(g.Ops[0]) }

// shapeKey is equal for operations that share a group.
func shapeKey(op *mapping.Operation) string {
	var b strings.Builder
	b.WriteString(op.TargetForm)
	b.WriteByte(0)
	b.WriteByte('0' + byte(op.Action))
	if op.Failure != nil {
		b.WriteByte('1')
	}
	for _, f := range op.Fields {
		w, g := writes(op, f), guards(op, f)
		if w || g {
			b.WriteByte(0)
			b.WriteString(strconv.Itoa(f.Field))
			if w {
				b.WriteByte('w')
			}
			if g {
				b.WriteByte('g')
			}
		}
	}
	return b.String()
}

func rowKey(op *mapping.Operation) string {
	var b strings.Builder
	b.WriteString(op.TargetForm)
	for _, v := range op.TargetKey() {
		b.WriteByte(0)
		b.WriteString(v.SQL())
	}
	return b.String()
}
