package apply

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"ardso/apply/batch"
	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// home writes on the source itself: a write-back, or the answer to a foreign change.
func (w *writing) home(ctx context.Context, op *mapping.Operation, form *schema.Form) error {
	if form == nil {
		return w.park(ctx, op, formGone(op), nil)
	}
	key, err := request.ParseID(form, op.Request)
	if err != nil {
		return w.park(ctx, op, w.refusal(op, err), nil)
	}
	err = w.within(ctx, func() error {
		rows, err := w.t.writer.Lookup(ctx, w.tx, form, [][]value.Value{key}, true)
		if err != nil {
			return err
		}
		c := &copyOf{form: form, key: key}
		if rows[0] != nil {
			c.row = currentRow(form, rows[0])
		}
		if err := w.loadState(ctx, c); err != nil {
			return err
		}
		switch op.Home.Kind {
		case mapping.HandedOver:
			return w.handedOver(ctx, op, c)
		case mapping.NotTaken:
			return w.notTaken(ctx, op, c)
		case mapping.Written:
			return w.writeStatus(ctx, op, c)
		case mapping.Moved:
			return w.moved(ctx, op, c)
		case mapping.Gone:
			return w.bury(ctx, op, c)
		case mapping.Waits:
			return w.wait(ctx, op, c)
		case mapping.Updated:
			return w.updated(ctx, op, c)
		}
		return w.foreign(ctx, op, c)
	})
	if err != nil && !w.passes(err) {
		return w.park(ctx, op, w.refusal(op, err), nil)
	}
	return err
}

// mayWriteBack reports whether a hand-over's write-back still means this copy.
func (w *writing) mayWriteBack(op *mapping.Operation, c *copyOf) (ownership.State, bool) {
	var s ownership.State
	if c.state != nil {
		s = c.state.Clone()
	}
	switch s.Chain {
	case "":
	case op.Home.Chain:
		if c.isAnew() {
			return s, false
		}
	case op.Home.Former: // a user has made the request anew: neither state nor Master Flag are this one's
		return ownership.State{Epoch: op.Home.Epoch}, c.row != nil
	default: // it belongs to a request of that ID that is gone, whose epochs tell nothing of this one's
		return s, false
	}
	return s, c.row != nil && ownership.WriteBack(&s, c.owns(), op.Home.Epoch, w.t.Ownership)
}

// handedOver takes ownership away from the giver, now that the target has it.
func (w *writing) handedOver(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	s, ok := w.mayWriteBack(op, c)
	if !ok {
		return nil
	}
	set, err := w.handedOverTo(ctx, op, c, &s)
	if err == nil {
		err = w.saveState(ctx, c, &s)
	}
	if err == nil {
		err = w.forgive(ctx, op)
	}
	if err != nil {
		return err
	}
	return w.put(ctx, op, c, false, overlay(c.form, nil, set))
}

// handedOverTo moves the giver's state on and returns its distributed fields then.
func (w *writing) handedOverTo(ctx context.Context, op *mapping.Operation, c *copyOf, s *ownership.State) ([]conflict.Write, error) {
	h, form := op.Home, w.t.forms[op.TargetForm]
	s.Chain = h.Chain
	*s = s.WrittenBack(h.To, c.hashes(nil))
	set := map[int]value.Value{
		schema.MasterFlag:    value.Int(schema.MasterNo),
		schema.CurrentForm:   value.Text(h.To.Form),
		schema.CurrentServer: value.Text(h.To.Server),
	}
	if !h.Return {
		set[schema.TransferStatus] = status(form, schema.TransferStatus, "Success")
		set[schema.ToRequestID] = value.Text(h.To.Request)
		return sorted(set), nil
	}
	set[schema.UpdateStatus] = status(form, schema.UpdateStatus, "Success")
	// The return has brought all that waited.
	return sorted(set), control.DropUpdate(ctx, w.tx, op.Form, op.Request, op.Mapping, h.To.Server)
}

// forgive removes the failure of an earlier attempt to give the request away, now that one has succeeded.
func (w *writing) forgive(ctx context.Context, op *mapping.Operation) error {
	if len(w.t.held.suspects([]control.Key{heldKey(op)})) == 0 {
		return nil
	}
	rows, err := control.Held(ctx, w.tx, w.t.Source, heldKey(op))
	if err != nil || len(rows) == 0 {
		return err
	}
	waiting, err := decode(rows[0].Operation)
	if err != nil || len(waiting) == 0 || waiting[0].Home == nil || waiting[0].Home.Kind != mapping.NotTaken {
		return err
	}
	w.freed = append(w.freed, rows[0].Key())
	return control.DeleteError(ctx, w.tx, rows[0].ID)
}

// notTaken keeps the failure of a hand-over on the giver, which goes on owning the request; or that of an update.
func (w *writing) notTaken(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if op.Home.Pending != "" {
		return w.timedOut(ctx, op, c)
	}
	if op.Failure.Kind == CopyNotFound {
		return w.notMoved(ctx, op, c)
	}
	s, ok := w.mayWriteBack(op, c)
	switch {
	case op.Home.Direction == ownership.Down && c.row != nil:
		if err := w.putStatus(ctx, op, c, labelOf(op.Failure)); err != nil {
			return err
		}
	case ok:
		id := schema.TransferStatus
		if op.Home.Return {
			id = schema.UpdateStatus
		}
		set := map[int]value.Value{id: status(c.form, id, labelOf(op.Failure))}
		if op.Home.Begun {
			s.Chain = op.Home.Chain
			s = s.NotTaken(c.hashes(nil))
			if err := w.saveState(ctx, c, &s); err != nil { // its record ends the hand-over in the log
				return err
			}
			set[schema.MasterFlag] = value.Int(schema.MasterYes) // tells that dso_owner speaks of it
		}
		if err := w.put(ctx, op, c, false, overlay(c.form, nil, sorted(set))); err != nil {
			return err
		}
	}
	if op.Failure.Kind != TargetAway && op.Failure.Kind != PoolPolls {
		return w.park(ctx, op, op.Failure, nil)
	}
	if !ok {
		return nil // it has gone on since
	}
	h := control.Pending{
		Type: control.TransferAgain, Mapping: op.Mapping, Form: op.Form, Request: op.Request, Target: op.Home.To.Server,
		Pool: op.Home.WaitsFor, Until: op.Home.Until, Error: op.Failure.Kind, Reason: op.Failure.Reason, Remedy: op.Failure.Fix,
	}
	if op.Home.Return {
		h.Type = control.ReturnAgain
	}
	return control.WaitHandOver(ctx, w.tx, h)
}

// timedOut gives up a hand-over that has waited for its target for as long as it may, unless a person has removed it, or it
// was asked for again.
func (w *writing) timedOut(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if err := control.DeletePending(ctx, w.tx, op.Home.Pending); err != nil {
		if errors.As(err, new(*control.NotFoundError)) {
			return nil
		}
		return err
	}
	if c.row != nil && c.owns() {
		id := schema.TransferStatus
		if op.Home.Return {
			id = schema.UpdateStatus
		}
		set := map[int]value.Value{id: status(c.form, id, labelOf(op.Failure))}
		if err := w.put(ctx, op, c, false, overlay(c.form, nil, sorted(set))); err != nil {
			return err
		}
	}
	return w.park(ctx, op, op.Failure, nil)
}

// labelOf is what the status fields say of a failure (dso-reference 9.3).
func labelOf(f *mapping.Failure) string {
	switch {
	case f != nil && f.Kind == TargetAway:
		return "Retry"
	case f != nil && f.Kind == PoolPolls:
		return "" // nothing has come of it yet
	case f != nil && f.Kind == RetryTimeout:
		return "Timeout"
	}
	return "Failure"
}

// status is the number of a label of one of the status fields.
func status(form *schema.Form, id int, label string) value.Value {
	if f := form.FieldByID(id); f != nil {
		if n, ok := f.Number(label); ok {
			return value.Int(n)
		}
	}
	return value.Null
}

// writeStatus keeps on the source what became of a transfer without ownership.
func (w *writing) writeStatus(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if c.row == nil {
		return nil
	}
	set := map[int]value.Value{
		schema.TransferStatus: status(c.form, schema.TransferStatus, "Success"),
		schema.ToRequestID:    value.Text(op.Home.To.Request),
	}
	if op.Home.Failed {
		set = map[int]value.Value{schema.TransferStatus: status(c.form, schema.TransferStatus, labelOf(op.Failure))}
	}
	write := slices.DeleteFunc(overlay(c.form, nil, sorted(set)), func(x conflict.Write) bool {
		return c.row.Field(x.Field).Equal(x.Value)
	})
	return w.put(ctx, op, c, false, write)
}

// moved deletes the source of a copy + delete, unless it was given away, or changed, after it was copied: then it is not
// for this copy to delete it, or the copy is stale. The source stays.
func (w *writing) moved(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if c.row == nil {
		return nil
	}
	if why := w.stays(op, c); why != "" {
		return w.settled(ctx, op, c.row, conflict.Outcome{Kind: conflict.DeleteDiffers, Do: conflict.Nothing, By: "copy + delete: " + why})
	}
	if c.state != nil {
		if err := w.tombstone(ctx, c, c.state.At()); err != nil {
			return err
		}
	}
	if err := w.forgive(ctx, op); err != nil {
		return err
	}
	_, accepted, err := w.perform(ctx, op, c.form, c.key, conflict.Outcome{Do: conflict.Delete})
	if err == nil && accepted {
		w.written++
	}
	return err
}

// stays says why the source of a copy + delete is not deleted; "" where it is.
func (w *writing) stays(op *mapping.Operation, c *copyOf) string {
	switch isChained := !c.isUnchained(); {
	case !c.owns(), isChained && !c.state.Owner, w.t.IsOpen(op.Form, op.Request):
		return "the source was given away"
	case isChained && c.state.Fault != "":
		return "the source's ownership is at fault"
	}
	for _, f := range op.Fields {
		if f.Before.Known() && !schema.IsDistributed(f.Field) && !c.row.Field(f.Field).Equal(f.Before) {
			return "the source was changed"
		}
	}
	return ""
}

// notMoved keeps on the source of a copy + delete, which stays, that its copy was not found.
func (w *writing) notMoved(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if c.row == nil || !c.owns() || w.t.IsOpen(op.Form, op.Request) { // it was deleted, or given away
		return nil
	}
	set := map[int]value.Value{schema.TransferStatus: status(c.form, schema.TransferStatus, labelOf(op.Failure))}
	if err := w.put(ctx, op, c, false, overlay(c.form, nil, sorted(set))); err != nil {
		return err
	}
	return w.park(ctx, op, op.Failure, nil)
}

// wait lets an update wait for its hour; it joins one that waits already.
func (w *writing) wait(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	u := op.Home.Update
	row, err := control.LockUpdate(ctx, w.tx, op.Form, op.Request, op.Mapping, u.Target)
	if err != nil {
		return err
	}
	if row != nil {
		earlier, err := decode(row.Operation)
		if err != nil {
			return err
		}
		if len(earlier) == 1 {
			u = batch.JoinUpdates(earlier[0], u)
		}
	}
	text, err := encode([]*mapping.Operation{u})
	if err != nil {
		return err
	}
	err = control.WaitUpdate(ctx, w.tx, control.Pending{
		Mapping: op.Mapping, Form: op.Form, Request: op.Request, Target: u.Target, Operation: text, Due: op.Home.Due,
	})
	if err != nil || c.row == nil {
		return err
	}
	return w.putStatus(ctx, op, c, "Waiting")
}

// updated takes an update that waited, and has been carried out, from the queue; or it tells of one how it went.
func (w *writing) updated(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	switch {
	case op.Home.Pending != "":
		err := control.DeletePending(ctx, w.tx, op.Home.Pending)
		if errors.As(err, new(*control.NotFoundError)) {
			err = nil
		}
		return err
	case op.Home.Failed && c.row != nil:
		return w.putStatus(ctx, op, c, labelOf(op.Failure))
	}
	next, err := control.LockUpdate(ctx, w.tx, op.Form, op.Request, op.Mapping, op.Home.To.Server)
	if err != nil || next != nil || c.row == nil { // the next one waits already
		return err
	}
	return w.putStatus(ctx, op, c, "Success")
}

// putStatus writes Update Status, where the form has it and it says otherwise.
func (w *writing) putStatus(ctx context.Context, op *mapping.Operation, c *copyOf, label string) error {
	x := conflict.Write{Field: schema.UpdateStatus, Value: status(c.form, schema.UpdateStatus, label)}
	if c.form.FieldByID(x.Field) == nil || c.row.Field(x.Field).Equal(x.Value) {
		return nil
	}
	return w.put(ctx, op, c, false, []conflict.Write{x})
}

// bury leaves a tombstone for a request that its owner has deleted. If it was made anew meanwhile, that is another
// request, which owns itself: a write-back that did not know gives it free again.
func (w *writing) bury(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	switch {
	case c.isUnchained():
		s := ownership.Begin(op.Home.Chain)
		s.Epoch = c.epoch()
		c.state = &s
	case c.state.Chain != op.Home.Chain, c.state.At() > op.Home.Epoch:
		return nil
	}
	if err := w.tombstone(ctx, c, c.state.At()); err != nil || c.row == nil || c.owns() {
		return err
	}
	return w.put(ctx, op, c, false, overlay(c.form, nil, sorted(map[int]value.Value{
		schema.MasterFlag:     value.Int(schema.MasterYes),
		schema.TransferStatus: value.Null,
		schema.CurrentForm:    value.Null,
		schema.CurrentServer:  value.Null,
		schema.ToRequestID:    value.Null,
	})))
}

// tombstone keeps in dso_owner that the owner of an epoch has deleted the request, so that what comes for it late
// is void.
func (w *writing) tombstone(ctx context.Context, c *copyOf, epoch int64) error {
	s := c.state.Tombstone(epoch)
	return w.saveState(ctx, c, &s)
}

// foreign records an edit by someone who does not own the request, and undoes it if it is to be: what ardso or an owner
// has set since then stays.
func (w *writing) foreign(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	o := conflict.Outcome{Kind: conflict.ForeignChange, By: "on_foreign_change: report"}
	var write []conflict.Write
	if op.Home.Revert {
		o.By = "on_foreign_change: revert"
		write = undo(op, c)
		if err := w.keepReplaced(ctx, op, c); err != nil {
			return err
		}
	} else if c.state != nil && c.state.Fault == "" && c.isAnew() && emptiesFlag(op) {
		// It stands, but does not make the copy an owner.
		write = slices.DeleteFunc(undo(op, c), func(x conflict.Write) bool { return !schema.IsDistributed(x.Field) })
	}
	if len(write) > 0 {
		isNew := c.row == nil
		o.Do, o.Write = conflict.Update, write
		if isNew {
			o.Do = conflict.Insert
		}
		if err := w.put(ctx, op, c, isNew, write); err != nil {
			return err
		}
	}
	if err := w.disregard(ctx, op, c); err != nil {
		return err
	}
	return w.settled(ctx, op, c.row, o)
}

// undo lists what undoes a foreign change. Others may have followed before ardso sees to this one: then what is there is
// theirs, and what they found there was not an owner's.
func undo(op *mapping.Operation, c *copyOf) (write []conflict.Write) {
	switch {
	case op.Action == mapping.Create, c.isAnew() && !emptiesFlag(op):
		return nil
	case c.row == nil && (op.Action == mapping.Modify || c.state != nil && c.state.Deleted):
		return nil
	}
	for _, f := range op.Fields {
		if !f.Before.Known() || op.Action == mapping.Modify && !f.Changes() {
			continue
		}
		last, known := c.last(f.Field)
		origin := f.Before
		if known && last.Value != "" && mapping.HashOf(f.Before) != last.Hash {
			var v value.Value
			if json.Unmarshal([]byte(last.Value), &v) == nil && mapping.HashOf(v) == last.Hash {
				origin = v
			}
		}
		if c.row == nil {
			write = append(write, conflict.Write{Field: f.Field, Value: origin})
			continue
		}
		current := c.row.Field(f.Field)
		isLast := known && mapping.HashOf(current) == last.Hash
		undone := current.Equal(f.After)
		switch {
		case current.Equal(origin):
			undone = false
		case known && c.state.Owner: // ownership has come back: only what the return did not bring, and nobody has edited since
			undone = undone && isLast && last.Version == ownership.Version{}
		case known:
			undone = !isLast && (undone || mapping.HashOf(origin) == last.Hash)
		}
		if undone {
			write = append(write, conflict.Write{Field: f.Field, Value: origin})
		}
	}
	return write
}

// keepReplaced keeps in dso_owner what a foreign edit has replaced where the copy is gone by now: the change that deleted it
// is undone next, and found the values of that edit.
func (w *writing) keepReplaced(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if op.Action != mapping.Modify || c.row != nil && (!c.isAnew() || emptiesFlag(op)) {
		return nil
	}
	var s *ownership.State
	for _, f := range op.Fields {
		last, known := c.last(f.Field)
		if !known || c.state.Owner || !f.Before.Known() || !f.Changes() || last.Value != "" || mapping.HashOf(f.Before) != last.Hash {
			continue
		}
		text, err := json.Marshal(f.Before)
		if err != nil {
			return err
		}
		if s == nil {
			clone := c.state.Clone()
			s = &clone
		}
		last.Value = string(text)
		s.Fields[f.Field] = last
	}
	if s == nil {
		return nil
	}
	return w.saveState(ctx, c, s)
}

// last is what ardso or an owner set a field of the copy to last, if that is known.
func (c *copyOf) last(field int) (ownership.Field, bool) {
	if c.state == nil || !c.state.IsAlive() {
		return ownership.Field{}, false
	}
	f, known := c.state.Fields[field]
	return f, known
}

// emptiesFlag: the change left the request without a Master Flag, as REPLACE does: some logs show that as an edit.
func emptiesFlag(op *mapping.Operation) bool {
	f := op.Field(schema.MasterFlag)
	return op.Action == mapping.Modify && f != nil && f.Changes() && f.After.IsNull()
}

// disregard keeps in dso_owner that values which stand after a foreign change are nobody's: older than all that
// an owner has set or sets, so that they prevail neither over updates nor when ownership comes here.
func (w *writing) disregard(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	if op.Home.Revert || c.row == nil || c.isUnchained() || c.owns() {
		return nil
	}
	s := c.state.Clone()
	if s.Fields == nil {
		s.Fields = make(map[int]ownership.Field)
	}
	for _, f := range op.Fields {
		if _, known := s.Fields[f.Field]; known {
			continue // IsForeign tells
		}
		if f.Changes() && f.After.Known() && !schema.IsDistributed(f.Field) && c.row.Field(f.Field).Equal(f.After) {
			s.Fields[f.Field] = ownership.Field{Hash: mapping.HashOf(f.After)}
		}
	}
	return w.saveState(ctx, c, &s)
}

// HomeOf makes what is to be written on the source out of what became of an operation on its target.
func HomeOf(r Result) *mapping.Operation {
	op := r.Op
	h := &mapping.Home{Kind: mapping.Written, To: r.To, Failed: r.Failure != nil}
	home := &mapping.Operation{
		Mapping: op.Mapping, Action: mapping.Modify, Home: h, Pool: mapping.HomePool,
		Source: op.Source, Form: op.Form, Request: op.Request, Target: op.Source, TargetForm: op.Form,
		Position: op.Position, CommitTime: op.CommitTime, Path: []string{op.Source}, Failure: r.Failure,
	}
	switch {
	case op.Offer != nil:
		h.Kind, h.Begun, h.Epoch, h.Return = mapping.HandedOver, true, op.Offer.Epoch, op.Offer.Return
		h.Chain, h.Former = op.Offer.Chain, op.Offer.Former
		if r.Failure != nil {
			h.Kind = mapping.NotTaken
			h.To = ownership.Place{Server: op.Target, Form: op.TargetForm, Mapping: op.Mapping}
			if r.Failure.Kind == PoolPolls {
				h.WaitsFor = op.Pool
			}
		}
	case op.Along != nil:
		h.Kind = mapping.Updated
	case op.Image != nil && r.Failure != nil && r.Failure.Kind == CopyNotFound:
		h.Kind, h.To = mapping.NotTaken, ownership.Place{Server: op.Target, Form: op.TargetForm, Mapping: op.Mapping}
	case op.Image != nil && r.Failure == nil:
		h.Kind, home.Action, home.Fields = mapping.Moved, mapping.Delete, op.Image
	}
	return home
}

// UpdatedOf takes an update that waited from the queue of its source, once it is carried out or has failed; id is that
// of its row in dso_pending.
func UpdatedOf(op *mapping.Operation, id string) *mapping.Operation {
	home := HomeOf(Result{Op: op, To: ownership.Place{Server: op.Target, Form: op.TargetForm, Mapping: op.Mapping}})
	home.Home.Kind, home.Home.Pending = mapping.Updated, id
	return home
}
