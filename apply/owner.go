package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Result is what became of an operation whose source is to be told: a hand-over, or a transfer that the source
// keeps a status of.
type Result struct {
	Op      *mapping.Operation
	To      ownership.Place  // the copy on the target
	Failure *mapping.Failure // nil: it is carried out
}

// tell has the source told once the transaction is committed. What the target alone needs is not kept until then: a
// large transaction has many.
func (w *writing) tell(op *mapping.Operation, id string, f *mapping.Failure) {
	if op.Image == nil {
		small := *op
		small.Fields = nil
		if op.Offer != nil {
			offer := *op.Offer
			offer.Changed = nil
			small.Offer = &offer
		}
		op = &small
	}
	w.results = append(w.results, Result{
		Op: op, Failure: f,
		To: ownership.Place{Server: op.Target, Form: op.TargetForm, Request: id, Mapping: op.Mapping},
	})
}

// copyOf is the target's copy of a request, locked.
type copyOf struct {
	form  *schema.Form
	key   []value.Value
	row   *conflict.Current // nil: there is none
	state *ownership.State  // nil: it is not under ownership
}

func (c *copyOf) id() string { return request.IDOf(c.form, c.key) }

func (c *copyOf) ownerPlace(server string) ownership.Place {
	return ownership.Place{Server: server, Form: c.form.Name, Request: c.id()}
}

func (c *copyOf) ownerKey() control.OwnerKey {
	return control.OwnerKey{Form: c.form.Name, Request: c.id()}
}

// join gives the request that a chain begins with its state, which dso_owner does not hold before its first
// hand-over is written back, and tells of a request that its owner has deleted, whether dso_owner says so yet or
// not: one that a chain began with and that is not there was.
func (c *copyOf) join(chain, server string) {
	switch {
	case c.isUnchained() && !c.isTombOf(chain) && mapping.BeginsAt(chain, server, c.form.Name, c.id()):
		s := ownership.Begin(chain)
		s.Epoch, s.Deleted = c.epoch(), c.row == nil
		c.state = &s
	case c.row == nil && c.state != nil && c.state.Owner:
		c.state.Deleted = true
	}
}

// isTombOf: the request of this chain was deleted by its owner; what is there now was made anew.
func (c *copyOf) isTombOf(chain string) bool {
	return c.state != nil && c.state.Deleted && c.state.Chain == chain
}

// isAnew: the copy that was given away is no more, deleted by someone who does not own it; what is there was made anew
// under its Request ID, for it has no Master Flag.
func (c *copyOf) isAnew() bool {
	return c.row != nil && c.state != nil && c.state.IsAlive() && !c.state.Owner && c.row.Field(schema.MasterFlag).IsNull()
}

// isUnchained: the request is in no chain yet, as far as its own server knows.
func (c *copyOf) isUnchained() bool { return c.state == nil || c.state.Chain == "" || c.state.Deleted }

func (c *copyOf) epoch() int64 {
	if c.state == nil {
		return 1
	}
	return c.state.At()
}

// owns reads the copy's Master Flag.
func (c *copyOf) owns() bool {
	if c.row == nil {
		return false
	}
	v := c.row.Field(schema.MasterFlag)
	return !v.Known() || v.IsNull() || v.Int() != schema.MasterNo
}

// text reads one of the copy's distributed fields; "" where it has none.
func (c *copyOf) text(id int) string {
	if c.row == nil {
		return ""
	}
	return c.row.Field(id).SQL()
}

// copy finds and locks the target's copy: the request first, then its row of dso_owner.
func (w *writing) copy(ctx context.Context, op *mapping.Operation, form *schema.Form) (*copyOf, *mapping.Failure, error) {
	key, row, failure, err := w.find(ctx, op, form)
	if err != nil || failure != nil {
		return nil, failure, err
	}
	c := &copyOf{form: form, key: key, row: row}
	return c, nil, w.loadState(ctx, c)
}

// taker finds and locks the copy that a hand-over goes to. A transfer goes to the one that its chain has here already,
// whatever key or qualification would find (dso-reference 29, choice 7); a return names it.
func (w *writing) taker(ctx context.Context, op *mapping.Operation, form *schema.Form) (*copyOf, *mapping.Failure, error) {
	if op.Offer.Return {
		return w.copy(ctx, op, form)
	}
	rows, err := w.ofChain(ctx, form, op.Offer.Chain)
	if err != nil {
		return nil, nil, err
	}
	// One that has taken this very offer tells so, also if it was deleted since.
	if i := slices.IndexFunc(rows, func(o control.Owner) bool { return o.Epoch > op.Offer.Epoch }); i > 0 {
		rows = rows[i:]
	}
	if len(rows) > 0 {
		c, err := w.copyAt(ctx, op, form, rows[0].Request)
		if err != nil || c.state != nil && c.state.Chain == op.Offer.Chain {
			return c, nil, err
		}
	}
	return w.copy(ctx, op, form)
}

// ofChain reads the rows of dso_owner that the chain has for a form here, those of deleted requests last and the highest
// epoch first: as a rule there is one.
func (w *writing) ofChain(ctx context.Context, form *schema.Form, chain string) ([]control.Owner, error) {
	rows, err := control.OwnersOfChain(ctx, w.tx, chain)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(o control.Owner) bool { return o.Form != form.Name })
	slices.SortFunc(rows, func(a, b control.Owner) int {
		if a.Deleted != b.Deleted {
			if a.Deleted {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.Epoch, a.Epoch)
	})
	return rows, nil
}

// copyAt is copy for one that is known by its Request ID, whatever op says of that.
func (w *writing) copyAt(ctx context.Context, op *mapping.Operation, form *schema.Form, id string) (*copyOf, error) {
	key, err := request.ParseID(form, id)
	if err != nil {
		return nil, err
	}
	found, err := w.t.writer.Lookup(ctx, w.tx, form, [][]value.Value{key}, true)
	if err != nil {
		return nil, err
	}
	c := &copyOf{form: form, key: key}
	if found[0] != nil {
		c.row = foundRow(op, form, found[0])
	}
	return c, w.loadState(ctx, c)
}

func (w *writing) loadState(ctx context.Context, c *copyOf) error {
	c.state = nil
	o, err := control.LockOwner(ctx, w.tx, c.ownerKey())
	if err != nil || o == nil {
		return err
	}
	s, err := StateOf(o)
	c.state = &s
	return err
}

// OwnerOf is the row of dso_owner that holds a state.
func OwnerOf(k control.OwnerKey, s *ownership.State) control.Owner {
	return control.Owner{
		OwnerKey: k, Chain: s.Chain, Epoch: s.Epoch, Owns: s.Owner, Deleted: s.Deleted,
		From: control.OwnerPlace(s.From), To: control.OwnerPlace(s.To), Fields: s.FieldsText(), Fault: s.Fault,
	}
}

// StateOf reads the state that a row of dso_owner holds.
func StateOf(o *control.Owner) (ownership.State, error) {
	fields, err := ownership.ParseFields(o.Fields)
	return ownership.State{
		Chain: o.Chain, Epoch: o.Epoch, Owner: o.Owns, Deleted: o.Deleted,
		From: ownership.Place(o.From), To: ownership.Place(o.To), Fields: fields, Fault: o.Fault,
	}, err
}

func (w *writing) saveState(ctx context.Context, c *copyOf, s *ownership.State) error {
	return control.WriteOwner(ctx, w.tx, OwnerOf(c.ownerKey(), s))
}

// handOver takes a request with its ownership, or has the source told why not. It is never parked here:
// the source goes on owning the request then, and asks again if it wants to.
func (w *writing) handOver(ctx context.Context, op *mapping.Operation, form *schema.Form) error {
	failure := op.Failure
	if failure == nil {
		err := w.within(ctx, func() (err error) {
			failure, err = w.take(ctx, op, form)
			return err
		})
		switch {
		case err != nil && w.passes(err):
			return err
		case err != nil:
			failure = w.refusal(op, err)
		}
	}
	if failure == nil {
		return nil
	}
	w.refused++
	w.tell(op, "", failure)
	if failure.Kind == string(conflict.OwnedThere) { // recorded where it was found
		return nil
	}
	return w.recordNotTaken(ctx, op, form, failure)
}

// recordNotTaken records the conflict that kept the target from taking ownership, if it was one. The giver keeps the
// failure among its errors.
func (w *writing) recordNotTaken(ctx context.Context, op *mapping.Operation, form *schema.Form, f *mapping.Failure) error {
	if !conflict.IsConflict(f.Kind) {
		return nil
	}
	key := op.TargetKey()
	cur, err := w.forRecord(ctx, func() (*conflict.Current, error) {
		c, _, err := w.taker(ctx, op, form)
		if err != nil || c == nil {
			return nil, err
		}
		key = c.key
		return c.row, nil
	})
	if err == nil && f.Kind == string(conflict.UniqueTaken) {
		cur, err = w.holder(ctx, op, form, key, nil)
	}
	if err != nil {
		return err
	}
	return w.settled(ctx, op, cur, conflict.Outcome{Kind: conflict.Kind(f.Kind), Do: conflict.Park, By: "ownership: not taken"})
}

// take is handOver within a savepoint.
func (w *writing) take(ctx context.Context, op *mapping.Operation, form *schema.Form) (*mapping.Failure, error) {
	c, failure, err := w.taker(ctx, op, form)
	if err != nil || failure != nil {
		return failure, err
	}
	c.join(op.Offer.Chain, op.Target)
	if c.state != nil && c.state.Fault != "" {
		return mapping.FaultFailure(c.ownerPlace(op.Target), c.state.Fault), nil
	}
	if c.isAnew() {
		return w.taken(ctx, op, c, "its copy was deleted there, and another request was made under that ID")
	}
	var write []conflict.Write
	var kept, reset []int
	isNew := c.row == nil
	switch ownership.Accept(c.state, c.owns(), op.Offer) {
	case ownership.Have:
		if op.Selected && c.row != nil {
			if err := w.mergeAgain(ctx, op, c); err != nil {
				return nil, err
			}
		}
		w.tell(op, c.id(), nil)
		return nil, nil
	case ownership.Refuse:
		return w.taken(ctx, op, c, "it owns itself there, under another ownership chain")
	}
	switch {
	case isNew:
		if f := w.lacks(op, form); f != nil {
			return f, nil
		}
		write = withKey(form, withCreateDate(op, form, written(op)), c.key)
	case c.state != nil && c.state.Chain == op.Offer.Chain:
		write, kept = w.mergeOffer(op, c)
	case w.isCopyOf(op, c):
		write = w.differing(op, c.row)
	default:
		o := conflict.Outcome{Kind: conflict.InsertExists}
		switch w.rules(op).Duplicate {
		case definition.Overwrite:
			write = w.differing(op, c.row)
			o.Do, o.By, o.Write = conflict.Update, conflict.ByOverwrite, write
			if w.overwritesAll(op) {
				reset, _ = w.unmapped(op, form, c.row)
				o.By, o.Reset = o.By+allFields, reset
			}
			err = w.settled(ctx, op, c.row, o)
		case definition.CreateNew:
			o.Do, o.By = conflict.InsertNew, "duplicate_request_id: create new"
			if err = w.settled(ctx, op, c.row, o); err != nil {
				break
			}
			isNew, write = true, withCreateDate(op, form, written(op))
			if c.key, err = w.nextKey(ctx, form); err == nil {
				write = withKey(form, write, c.key)
				c.row, c.state = nil, nil
			}
		default:
			return w.taken(ctx, op, c, "a request of that ID is there already")
		}
	}
	if err != nil {
		return nil, err
	}
	if isNew && slices.ContainsFunc(c.key, func(v value.Value) bool { return !v.Known() || v.IsNull() }) {
		if c.key, err = w.nextKey(ctx, form); err != nil {
			return nil, err
		}
		write = withKey(form, write, c.key)
	}
	state := ownership.Accepted(c.state, op.Offer, c.hashes(write), func(id int) bool { return !slices.Contains(kept, id) })
	if err := w.saveState(ctx, c, &state); err != nil {
		return nil, err
	}
	if err := w.put(ctx, op, c, isNew, overlay(form, write, distributed(op, c, &state)), reset...); err != nil {
		return nil, err
	}
	if err := w.unhold(ctx, op); err != nil {
		return nil, err
	}
	w.tell(op, c.id(), nil)
	return nil, nil
}

// lacks refuses a return to where the request is no longer, if what it does not carry back must have a value.
func (w *writing) lacks(op *mapping.Operation, form *schema.Form) *mapping.Failure {
	if m := w.t.mappings[op.Mapping]; m != nil && op.Offer.Return {
		return mapping.CheckRequired(op, form, m.RequireRequiredFields, true)
	}
	return nil
}

// taken refuses a hand-over because of what is there, and records it with both images (G5).
func (w *writing) taken(ctx context.Context, op *mapping.Operation, c *copyOf, why string) (*mapping.Failure, error) {
	f := &mapping.Failure{
		Kind:   string(conflict.OwnedThere),
		Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: request %q of form %q on %s cannot take it over: %s", op.Mapping, op.Request, op.Form, op.Source, c.id(), c.form.Name, op.Target, why),
		Fix:    "see to the request there, or set duplicate_request_id; then retry",
	}
	return f, w.settled(ctx, op, c.row, conflict.Outcome{Kind: conflict.OwnedThere, Do: conflict.Nothing, By: "ownership"})
}

// settled records a conflict that was settled.
func (w *writing) settled(ctx context.Context, op *mapping.Operation, cur *conflict.Current, o conflict.Outcome) error {
	w.conflicts++
	return w.record(ctx, op, cur, o)
}

// isCopyOf reports whether the target's request came from this very source, without ownership or in an
// earlier chain: then it is the same request (dso-reference 29, choices 6 and 7).
func (w *writing) isCopyOf(op *mapping.Operation, c *copyOf) bool {
	return !c.owns() && c.row != nil && c.row.CameFrom(op)
}

// mergeOffer merges what a hand-over brings into a copy of the same chain, field by field: the copy keeps what the
// giver does not know yet. Diaries have the entries of both.
func (w *writing) mergeOffer(op *mapping.Operation, c *copyOf) (write []conflict.Write, kept []int) {
	sets := w.t.sets[c.form.Name]
	for _, x := range written(op) {
		f, current := op.Field(x.Field), c.row.Field(x.Field)
		joined := sets.Over(x.Field, x.Value, current)
		switch {
		case f.Companion, current.Equal(x.Value):
		case sets[x.Field] == conflict.Diary && !joined.Equal(current):
			write = append(write, conflict.Write{Field: x.Field, Value: joined})
		case sets[x.Field] != conflict.Diary && c.state.Takes(op.Offer, x.Field, mapping.HashOf(current), w.t.Ownership):
			write = append(write, x)
		default:
			kept = append(kept, x.Field)
		}
	}
	if len(kept) > 0 { // an edit is on its way to the giver and belongs to this copy
		w.t.Log.Debug("hand-over keeps what the copy holds", "form", c.form.Name, "request", c.id(), "fields", len(kept))
	}
	return companions(op, write), kept
}

// mergeAgain merges a request that was handed over before. A select that was cut off reads it again, and its owner may
// have edited it since: no hand-over was known to be open then, so that the edit was not forwarded.
func (w *writing) mergeAgain(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	s := c.state.Clone()
	var write []conflict.Write
	var both []int
	for _, x := range written(op) {
		current, hash := c.row.Field(x.Field), mapping.HashOf(x.Value)
		if op.Field(x.Field).Companion || slices.Contains(op.Key, x.Field) || current.Equal(x.Value) || c.state.Fields[x.Field].Hash == hash {
			continue // the giver has not edited it
		}
		version := op.Offer.Changed[x.Field]
		if sets := w.t.sets[c.form.Name]; sets[x.Field] == conflict.Diary {
			var more []conflict.Write
			s, more = mergeDiary(s, sets, x, current, version)
			write = append(write, more...)
			continue
		}
		if c.state.Fields[x.Field].Hash != mapping.HashOf(current) {
			both = append(both, x.Field)
		}
		if s.Side(x.Field, mapping.HashOf(current), version) == ownership.Down {
			s = s.Merged(x.Field, hash, version)
			write = append(write, x)
		}
	}
	return w.putMerged(ctx, op, c, &s, write, both)
}

// mergeDiary adds to the diary of a copy, which holds current, the entries of a value that has come along its chain.
func mergeDiary(s ownership.State, sets conflict.Sets, x conflict.Write, current value.Value, v ownership.Version) (ownership.State, []conflict.Write) {
	joined := sets.Over(x.Field, x.Value, current)
	if joined.Equal(current) {
		return s, nil
	}
	if at := s.ChangedAt(x.Field, mapping.HashOf(current)); at.Compare(v) > 0 {
		v = at
	}
	return s.Merged(x.Field, mapping.HashOf(joined), v), []conflict.Write{{Field: x.Field, Value: joined}}
}

// putMerged writes what was merged into a copy, with its state then; both are the fields that both sides had changed.
func (w *writing) putMerged(ctx context.Context, op *mapping.Operation, c *copyOf, s *ownership.State, write []conflict.Write, both []int) error {
	if len(both) > 0 {
		o := conflict.Outcome{Kind: conflict.UpdateDiffers, Do: conflict.Update, By: "ownership: the later version", Write: write, Among: both}
		if len(write) == 0 {
			o.Do = conflict.Nothing
		}
		if err := w.settled(ctx, op, c.row, o); err != nil {
			return err
		}
	}
	if len(write) == 0 {
		return nil
	}
	if err := w.saveState(ctx, c, s); err != nil {
		return err
	}
	return w.put(ctx, op, c, false, companions(op, write))
}

// written lists what op brings, its key included.
func written(op *mapping.Operation) []conflict.Write {
	var list []conflict.Write
	for _, f := range op.Fields {
		if f.After.Known() {
			list = append(list, conflict.Write{Field: f.Field, Value: f.After})
		}
	}
	return list
}

// differing lists what op brings and the target does not hold, companions with it.
func (w *writing) differing(op *mapping.Operation, cur *conflict.Current) []conflict.Write {
	list := slices.DeleteFunc(w.over(op, cur, written(op)), func(x conflict.Write) bool {
		return op.Field(x.Field).Companion || cur.Field(x.Field).Equal(x.Value)
	})
	return companions(op, list)
}

// over is write as it is written over what the target holds: diaries keep their entries.
func (w *writing) over(op *mapping.Operation, cur *conflict.Current, write []conflict.Write) []conflict.Write {
	for i, x := range write {
		write[i].Value = w.t.sets[op.TargetForm].Over(x.Field, x.Value, cur.Field(x.Field))
	}
	return write
}

// companions adds them to what is written, if anything is.
func companions(op *mapping.Operation, write []conflict.Write) []conflict.Write {
	if len(write) == 0 {
		return nil
	}
	for _, f := range op.Fields {
		if f.Companion && f.After.Known() && (op.Action == mapping.Modify || f.Field != schema.CreateDate) {
			write = append(write, conflict.Write{Field: f.Field, Value: f.After})
		}
	}
	return write
}

// hashes names what the copy's fields hold once write is written: all but the distributed ones and the key.
func (c *copyOf) hashes(write []conflict.Write) map[int]string {
	out := make(map[int]string, len(c.form.Fields))
	for _, f := range c.form.Fields {
		if schema.IsDistributed(f.ID) || c.form.IsKey(f) {
			continue
		}
		if i := slices.IndexFunc(write, func(x conflict.Write) bool { return x.Field == f.ID }); i >= 0 {
			out[f.ID] = mapping.HashOf(write[i].Value)
		} else if c.row != nil {
			out[f.ID] = mapping.HashOf(c.row.Field(f.ID))
		} else {
			out[f.ID] = mapping.HashOf(value.Null)
		}
	}
	return out
}

// distributed gives the distributed fields of a copy that has taken ownership
// (dso-reference, "Field state after a successful transfer").
func distributed(op *mapping.Operation, c *copyOf, s *ownership.State) []conflict.Write {
	set := map[int]value.Value{
		schema.MasterFlag:    value.Int(schema.MasterYes),
		schema.CurrentForm:   value.Text(c.form.Name),
		schema.CurrentServer: value.Text(op.Target),
	}
	if !op.Offer.Return {
		set[schema.FromMapping] = value.Text(s.From.Mapping)
		set[schema.FromRequestID] = value.Text(s.From.Request)
		set[schema.FromForm] = value.Text(s.From.Form)
		set[schema.FromServer] = value.Text(s.From.Server)
		set[schema.FromPool] = value.Text(op.Pool)
		set[schema.MappingHistory] = value.Text(appendLine(c.text(schema.MappingHistory), mapping.HistoryLine(op.CommitTime, s.From)))
	}
	return sorted(set)
}

// maxHistory bounds Mapping History (dso-reference 29, choice 27).
const maxHistory = 200

func appendLine(history, line string) string {
	lines := strings.Split(strings.TrimRight(history, "\n"), "\n")
	if history == "" {
		lines = nil
	}
	lines = append(lines, line)
	return strings.Join(lines[max(0, len(lines)-maxHistory):], "\n")
}

func sorted(set map[int]value.Value) []conflict.Write {
	var list []conflict.Write
	for id, v := range set {
		list = append(list, conflict.Write{Field: id, Value: v})
	}
	slices.SortFunc(list, func(a, b conflict.Write) int { return a.Field - b.Field })
	return list
}

// overlay adds what the form has of the distributed fields to write.
func overlay(form *schema.Form, write, more []conflict.Write) []conflict.Write {
	out := slices.Clone(write)
	for _, x := range more {
		if form.FieldByID(x.Field) == nil {
			continue
		}
		if i := slices.IndexFunc(out, func(y conflict.Write) bool { return y.Field == x.Field }); i >= 0 {
			out[i] = x
		} else {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b conflict.Write) int { return a.Field - b.Field })
	return out
}

// nextKey makes a new Request ID.
func (w *writing) nextKey(ctx context.Context, form *schema.Form) ([]value.Value, error) {
	if form.NextID == nil || len(form.Key) != 1 {
		return nil, &noNewIDError{form: form.Name}
	}
	n, err := w.t.writer.NextID(ctx, w.tx, form, 1)
	if err != nil {
		return nil, err
	}
	return []value.Value{value.Text(form.NextID.Format(n))}, nil
}

// withKey puts key in the place of what write says of it.
func withKey(form *schema.Form, write []conflict.Write, key []value.Value) []conflict.Write {
	var more []conflict.Write
	for i, k := range form.Key {
		more = append(more, conflict.Write{Field: k.ID, Value: key[i]})
	}
	return overlay(form, write, more)
}

func withoutKey(form *schema.Form, write []conflict.Write) []conflict.Write {
	return slices.DeleteFunc(slices.Clone(write), func(x conflict.Write) bool {
		f := form.FieldByID(x.Field)
		return f != nil && form.IsKey(f)
	})
}

// put inserts or updates the copy, which is locked; fields in reset get their defaults.
func (w *writing) put(ctx context.Context, op *mapping.Operation, c *copyOf, isNew bool, write []conflict.Write, reset ...int) error {
	doing := conflict.Update
	if isNew {
		doing = conflict.Insert
	} else {
		write = withoutKey(c.form, write)
	}
	if len(write) == 0 {
		return nil
	}
	_, accepted, err := w.perform(ctx, op, c.form, c.key, conflict.Outcome{Do: doing, Write: write, Reset: reset})
	if err == nil && !accepted {
		err = &unsteadyError{form: c.form.Name, request: c.id()}
	}
	if err == nil {
		w.written++
	}
	return err
}

// unsteadyError is a request that came to be, or went, under a transaction that had found it otherwise.
type unsteadyError struct{ form, request string }

func (e *unsteadyError) Error() string {
	return fmt.Sprintf("request %q of form %q was made or deleted at this very moment", e.request, e.form)
}
func (e *unsteadyError) Name() string   { return "target.unsteady" }
func (e *unsteadyError) Remedy() string { return "retry" }

// unhold removes what waits for a request that a hand-over has brought as a whole.
func (w *writing) unhold(ctx context.Context, op *mapping.Operation) error {
	if !w.anyHeld([]*mapping.Operation{op}) && len(w.t.held.suspects([]control.Key{heldKey(op)})) == 0 {
		return nil
	}
	rows, err := control.Held(ctx, w.tx, w.t.Source, heldKey(op))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := control.DeleteError(ctx, w.tx, r.ID); err != nil {
			return err
		}
		w.free(r.Key())
	}
	return nil
}

// along merges a change that follows an ownership chain into the target's copy, field by field.
func (w *writing) along(ctx context.Context, op *mapping.Operation, form *schema.Form) error {
	if op.Failure != nil {
		return w.park(ctx, op, op.Failure, nil)
	}
	c, failure, err := w.chainCopy(ctx, op, form)
	if err != nil {
		return err
	}
	if failure != nil {
		return w.park(ctx, op, failure, nil)
	}
	if c == nil || c.row == nil {
		if c != nil && op.Action == mapping.Delete && c.state != nil && c.state.IsAlive() && !c.state.Owner && c.state.At() <= op.Along.Epoch {
			// Deleted by someone who does not own the request: that is not to be undone any more.
			if err := w.tombstone(ctx, c, op.Along.Epoch); err != nil {
				return err
			}
		}
		return w.gone(ctx, op)
	}
	if op.Action == mapping.Delete {
		return w.alongDelete(ctx, op, c)
	}
	err = w.within(ctx, func() error { return w.mergeAlong(ctx, op, c) })
	if err != nil && !w.passes(err) {
		return w.park(ctx, op, w.refusal(op, err), c.row)
	}
	if err == nil {
		w.tellUpdated(op, c)
	}
	return err
}

// tellUpdated has the source told of an update that was carried out, where it does not say so already.
func (w *writing) tellUpdated(op *mapping.Operation, c *copyOf) {
	if op.TellSource && !op.Along.Told {
		w.tell(op, c.id(), nil)
	}
}

// chainCopy finds the target's copy of op's chain: the one that op names, or, where that was not known when op
// was decided on, the one that the chain has here; nil if there is none.
func (w *writing) chainCopy(ctx context.Context, op *mapping.Operation, form *schema.Form) (*copyOf, *mapping.Failure, error) {
	c, failure, err := w.copy(ctx, op, form)
	if err != nil || failure != nil {
		return nil, failure, err
	}
	c.join(op.Along.Chain, op.Target)
	if c.isTombOf(op.Along.Chain) || c.isAnew() && c.state.Chain == op.Along.Chain {
		return nil, nil, nil
	}
	if c.state != nil && c.state.Chain == op.Along.Chain {
		return c, nil, nil
	}
	rows, err := w.ofChain(ctx, form, op.Along.Chain)
	if err != nil || len(rows) == 0 || rows[0].Deleted {
		return nil, nil, err
	}
	c, err = w.copyAt(ctx, op, form, rows[0].Request)
	if err != nil || c.row == nil || c.state == nil || c.state.Chain != op.Along.Chain {
		return nil, nil, err
	}
	return c, nil, nil
}

func currentRow(form *schema.Form, row []value.Value) *conflict.Current {
	return &conflict.Current{Field: func(id int) value.Value {
		if f := form.FieldByID(id); f != nil {
			return row[f.Index]
		}
		return value.Absent
	}}
}

// gone records a change for a copy that is no longer there: it was deleted meanwhile.
func (w *writing) gone(ctx context.Context, op *mapping.Operation) error {
	kind := conflict.UpdateMissing
	if op.Action == mapping.Delete {
		if op.Quiet {
			return nil
		}
		kind = conflict.DeleteMissing
	}
	return w.settled(ctx, op, nil, conflict.Outcome{Kind: kind, Do: conflict.Nothing, By: "ownership: the copy is gone"})
}

// mergeAlong is along for a modify, within a savepoint.
func (w *writing) mergeAlong(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	write, s, both := mergeFields(op, c, w.t.sets[c.form.Name])
	return w.putMerged(ctx, op, c, &s, write, both)
}

// mergeFields merges a change into a copy: what is to be written, the copy's state then, and the fields that both
// sides have changed. Diaries have the entries of both, whoever wrote last.
func mergeFields(op *mapping.Operation, c *copyOf, sets conflict.Sets) (write []conflict.Write, s ownership.State, both []int) {
	s = c.state.Clone()
	for _, f := range op.Fields {
		if f.Companion || !f.Changes() || !f.After.Known() {
			continue
		}
		current, version := c.row.Field(f.Field), op.Along.Versions[f.Field]
		held := s.Fields[f.Field]
		if sets[f.Field] == conflict.Diary && !current.Equal(f.Before) {
			var more []conflict.Write
			s, more = mergeDiary(s, sets, conflict.Write{Field: f.Field, Value: f.After}, current, version)
			write = append(write, more...)
			continue
		}
		o := ownership.Merge(s.Side(f.Field, mapping.HashOf(current), version), value.Value.Equal, f.Before, f.After, current)
		if o.Write {
			s = s.Merged(f.Field, mapping.HashOf(f.After), version)
			write = append(write, conflict.Write{Field: f.Field, Value: f.After})
		}
		// A request that follows its chain as it is brings nothing of what was before: then what a user has set
		// here, and is replaced, is what both sides have changed.
		if h := mapping.HashOf(current); o.Conflict && (f.Before.Known() || o.Write && held.Hash != h && op.Along.Was[f.Field] != h) {
			both = append(both, f.Field)
		}
	}
	for _, f := range op.Fields { // which are written as well, and by nobody else
		if len(write) == 0 || !f.Companion || !f.After.Known() || f.Field == schema.CreateDate && op.Action != mapping.Modify {
			continue
		}
		s = s.Merged(f.Field, mapping.HashOf(f.After), s.ChangedAt(f.Field, mapping.HashOf(c.row.Field(f.Field))))
	}
	return write, s, both
}

// alongDelete deletes the copy of a request that its owner has deleted. One that has been given ownership
// meanwhile stays if it has been edited since.
func (w *writing) alongDelete(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if !c.state.Deletes(op.Along.Epoch, c.hashes(nil)) {
		return w.settled(ctx, op, c.row, conflict.Outcome{Kind: conflict.DeleteDiffers, Do: conflict.Nothing, By: "ownership: edited by a later owner"})
	}
	return w.within(ctx, func() error {
		if err := w.tombstone(ctx, c, op.Along.Epoch); err != nil {
			return err
		}
		if !conflict.Stands(op, c.row) {
			if err := w.settled(ctx, op, c.row, conflict.Outcome{Kind: conflict.DeleteDiffers, Do: conflict.Delete, By: "ownership: deleted by its owner"}); err != nil {
				return err
			}
		}
		_, accepted, err := w.perform(ctx, op, c.form, c.key, conflict.Outcome{Do: conflict.Delete})
		if err == nil && accepted {
			w.written++
		}
		return err
	})
}
