package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// follow sends a change of a request under ownership along its chain, or has a foreign change seen to. What a
// return changes here is such a change, too: where updates wait for it, it is the first that this copy's own
// source hears of them.
func (d *Decider) follow(ops []*Operation, e *event, fm *form) []*Operation {
	e.key = ownership.Key{Form: fm.Name, Request: e.id}
	if t := d.owners.state(e.key); t != nil {
		if e.state = t.State; !t.isNewer {
			e.was = t.before()
		}
	}
	if open := d.owners.open[e.key]; open != nil {
		open.touched = true
		e.open = open
	}
	if e.state.Deleted && !(e.merge && e.after == nil) { // made anew: the chain was that of the request before
		e.former, e.state = e.state.Chain, ownership.State{Epoch: e.state.Epoch}
	}
	givenAway := e.was != nil && e.state.IsAlive() && !e.state.Owner
	if e.kind == cdc.Insert && !e.merge && givenAway {
		return d.putBack(ops, e, fm)
	}
	if e.before == nil || e.kind == cdc.Selected {
		return ops
	}
	c := ownership.Change{Merged: e.merge, WasOwner: owns(fm.master, e.before), Path: e.path}
	if v := e.before[fm.master.Index]; v.IsNull() && e.open == nil && givenAway {
		c.WasOwner = false // somebody has emptied it who did not own the request
	}
	if c.IsForeign() {
		e.foreign = true
		if op := d.foreign(e, fm); op != nil {
			e.stays = e.state.Chain != ""
			ops = append(ops, op)
		}
		return ops
	}
	var open *ownership.HandOver
	chain := e.state.Chain
	if e.open != nil {
		open, chain = &e.open.HandOver, e.open.chain
	}
	if chain == "" {
		return ops
	}
	if e.after == nil && e.merge && e.tx.Mark.WriteBack && e.open != nil {
		return d.movedMeanwhile(ops, e, fm, chain)
	}
	if e.after == nil && !e.merge {
		ops = append(ops, d.home(e, fm, "", &Home{Kind: Gone, Chain: chain, Epoch: e.state.At()}))
		d.deleted(e.key, e.state, chain)
	}
	for _, w := range ownership.Ways(c, &e.state, open, d.rules) {
		if op := d.along(e, fm, chain, w); op != nil {
			ops = append(ops, op)
		}
	}
	return ops
}

// movedMeanwhile takes note that copy + delete has deleted a request of which it could not know yet that it had just been
// given away. That ends the hand-over; whom ownership was given to keeps the request, so the delete goes nowhere.
func (d *Decider) movedMeanwhile(ops []*Operation, e *event, fm *form, chain string) []*Operation {
	if e.state.Deleted {
		if e.state.Chain == chain { // the tombstone came with the delete
			return ops
		}
		e.state = ownership.State{Epoch: e.state.Epoch} // that was of the request before
	}
	gone := d.home(e, fm, "", &Home{Kind: Gone, Chain: chain, Epoch: e.state.At()})
	d.deleted(e.key, e.state, chain)
	return append(ops, gone)
}

// putBack judges a request that a user has made under the Request ID of a copy which was given away and is no more: with
// the Master Flag No it is that copy again; else another request, and the copy's chain ends here.
func (d *Decider) putBack(ops []*Operation, e *event, fm *form) []*Operation {
	if !owns(fm.master, e.after) {
		e.foreign, e.stays = true, true
		return append(ops, d.foreign(e, fm))
	}
	ops = append(ops, d.home(e, fm, "", &Home{Kind: Gone, Chain: e.state.Chain, Epoch: e.state.At()}))
	d.deleted(e.key, e.state, e.state.Chain)
	e.former, e.state = e.state.Chain, ownership.State{Epoch: e.state.Epoch}
	return ops
}

// along makes the operation that takes a change to one copy of the chain; nil where nothing goes there.
func (d *Decider) along(e *event, fm *form, chain string, w ownership.Way) *Operation {
	m, failure := d.way(fm, w)
	if m == nil {
		return d.stuck(e, fm, w, failure)
	}
	if failure = d.fault(e, fm); failure != nil {
		return d.stuck(e, fm, w, failure)
	}
	when := definition.Immediately
	if w.Direction == ownership.Down && e.after != nil {
		if when, failure = d.whenToUpdate(m, e, fm); failure != nil {
			return d.stuck(e, fm, w, failure)
		}
		if when == definition.NoUpdate || when == definition.OnReturn {
			return nil
		}
	}
	op := m.operation(d, e)
	op.Action, op.Renamed = Modify, ""
	if e.after == nil {
		op.Action = Delete
	}
	op.Along = &Along{Direction: w.Direction, Chain: chain, Epoch: e.state.At()}
	m.fill(op, e)
	if e.failure != nil {
		op.Failure = e.failure
	}
	op.Along.Versions = m.versions(e)
	if e.kind == cdc.Selected {
		op.Along.Was = make(map[int]string)
		for _, l := range m.lines {
			if l.source != nil {
				op.Along.Was[l.target.ID] = e.state.Fields[l.source.ID].Hash
			}
		}
	}
	if op.Action == Modify && op.Failure == nil {
		op.Fields = slices.DeleteFunc(op.Fields, func(f FieldChange) bool { return !f.Companion && (!f.After.Known() || !f.Changes()) })
		if !slices.ContainsFunc(op.Fields, FieldChange.Changes) {
			return nil // nothing that the mapping carries has changed
		}
	}
	op = d.address(op, m, w.To.Request)
	if f := fm.FieldByID(schema.UpdateStatus); f != nil && w.Direction == ownership.Down && e.after != nil {
		success, _ := f.Number("Success")
		op.TellSource, op.Along.Told = true, e.after[f.Index].Equal(value.Int(success))
	}
	if when == definition.Immediately || op.Failure != nil {
		return op
	}
	wait := d.home(e, fm, op.Mapping, &Home{Kind: Waits, To: w.To, Update: op})
	wait.Home.Due = d.nextMark(when, e.tx.CommitTime)
	return wait
}

// nextMark is the next full hour, or midnight in the server's zone (dso-reference 29, choice 15).
func (d *Decider) nextMark(when definition.WhenToUpdate, now time.Time) time.Time {
	if when == definition.Hourly {
		return now.Truncate(time.Hour).Add(time.Hour)
	}
	zone := d.zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, day := now.In(zone).Date()
	return time.Date(y, m, day+1, 0, 0, 0, 0, zone)
}

// address names the request that op goes to by its Request ID, not by what the mapping makes of the source's.
func (d *Decider) address(op *Operation, m *plan, id string) *Operation {
	key, err := request.ParseID(m.ToForm, id)
	if err != nil {
		m.fail(op, err)
		return op
	}
	op.Match = ""
	op.Fields = slices.DeleteFunc(op.Fields, func(f FieldChange) bool { return slices.Contains(op.Key, f.Field) })
	for i, k := range op.Key {
		op.Fields = append(op.Fields, FieldChange{Field: k, Before: key[i], After: key[i]})
	}
	slices.SortFunc(op.Fields, func(a, b FieldChange) int { return a.Field - b.Field })
	return op
}

// versions gives, by target field, the version of the value that the request has after the event: of several
// source fields the latest.
func (p *plan) versions(e *event) map[int]ownership.Version {
	if e.after == nil {
		return nil
	}
	of := func(f *schema.Field) ownership.Version {
		return e.state.ChangedAt(f.ID, HashOf(e.after[f.Index])).Read(e.tx.Order)
	}
	out := make(map[int]ownership.Version, len(p.lines))
	for _, l := range p.lines {
		switch {
		case l.source != nil:
			out[l.target.ID] = of(l.source)
		case l.expr != nil:
			for _, f := range l.expr.Fields() {
				if v := of(f); v.Compare(out[l.target.ID]) > 0 {
					out[l.target.ID] = v
				}
			}
		}
	}
	return out
}

// way finds the mapping along which a change goes to another copy of the chain.
func (d *Decider) way(fm *form, w ownership.Way) (*plan, *Failure) {
	if w.Direction == ownership.Up {
		if m := d.mappings[w.To.Mapping]; m != nil && m.FromForm == fm.Form {
			return m, nil
		}
		// Ownership went back along a mapping that leads here: a return.
		if m := d.returns[w.To.Mapping]; m != nil && m.FromForm == fm.Form {
			return m, nil
		}
	} else if m := d.returns[w.To.Mapping]; m != nil && m.FromForm == fm.Form {
		return m, nil
	}
	return nil, mismatch(d.server, fm.Name, w.To)
}

// Names of failures.
const (
	mappingDiffers  = "ownership.mapping_differs"
	notOwner        = "ownership.not_owner"
	nowhereToReturn = "ownership.nowhere_to_return"
)

// mismatch is ARERR 3113.
func mismatch(server, form string, to ownership.Place) *Failure {
	return &Failure{
		Kind:   mappingDiffers,
		Reason: fmt.Sprintf("form %q on %s: the request's copy on %s is reached by mapping %q, which is missing, disabled or no longer joins these forms (ARERR 3113)", form, server, to.Server, to.Mapping),
		Fix:    "bring the mapping back as it was when the request was transferred; then retry the operation",
	}
}

// newReturn is the way back of a mapping that hands ownership over: from its To form to its From form.
func newReturn(m *definition.CompiledMapping) *plan {
	back := *m.Mapping
	back.From, back.To = m.To, m.From
	back.MatchingQualification = definition.Text{}
	return newPlan(&definition.CompiledMapping{Mapping: &back, FromForm: m.ToForm, ToForm: m.FromForm, Lines: m.Returns})
}

// chainOf names the chain that begins with this event's transfer. One transaction may give a request away, delete it,
// and make it anew: then its former chain tells the two apart. A select that was cut off comes to the request again, at
// another place in the log: its job tells that it is the same transfer.
func (d *Decider) chainOf(e *event, fm *form) string {
	begun := string(e.tx.Position)
	if e.tx.Selection != nil {
		begun = e.tx.Selection.Job
	}
	at := sha256.Sum256([]byte(begun + e.former))
	return originOf(d.server, fm.Name, e.id) + hex.EncodeToString(at[:8])
}

func originOf(server, form, id string) string {
	sum := sha256.Sum256([]byte(server + "\x00" + form + "\x00" + id))
	return hex.EncodeToString(sum[:8])
}

// BeginsAt reports whether a chain begins with this request: its server knows the chain's name only once
// the first hand-over is written back, and ownership may have come back before.
func BeginsAt(chain, server, form, id string) bool {
	return strings.HasPrefix(chain, originOf(server, form, id))
}

// handOver makes op, a transfer or return of the request as it is now, one that hands ownership over.
func (d *Decider) handOver(op *Operation, m *plan, e *event, fm *form, back bool) *Operation {
	chain := e.state.Chain
	if chain == "" {
		chain = d.chainOf(e, fm)
	}
	op.Selected = e.kind == cdc.Selected
	op.Offer = &ownership.Offer{
		Chain: chain, Epoch: e.state.At(), Return: back, Former: e.former,
		From:    ownership.Place{Server: d.server, Form: fm.Name, Request: e.id, Mapping: m.Name},
		Changed: m.versions(e),
	}
	if op.Failure != nil {
		return op
	}
	e.open = &openHandOver{
		HandOver: ownership.HandOver{To: ownership.Place{Server: op.Target, Form: op.TargetForm, Request: request.IDOf(m.ToForm, op.TargetKey()), Mapping: m.Name}, Epoch: e.state.At()},
		chain:    chain,
	}
	d.owners.open[e.key] = e.open
	e.gave = m.Name
	return op
}

// transferOwnership decides on a transfer that takes the request away from here: data + ownership, or
// copy + delete.
func (d *Decider) transferOwnership(m *plan, e *event, fm *form) *Operation {
	to := m.goesTo()
	if e.gave != "" && e.gave != m.Name {
		return d.second(e, fm, to)
	}
	if e.open != nil || e.foreign {
		return nil // it has been given away, or the change is not the owner's
	}
	if !owns(fm.master, e.after) {
		if e.merge || e.byEscalation() {
			return nil // a change that follows the chain, or a copy that was left behind
		}
		return d.failed(e, fm, to, &Failure{
			Kind:   notOwner,
			Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: it does not own itself, so it cannot be given away (ARERR 3116)", m.Name, e.id, fm.Name, d.server),
			Fix:    "transfer it from the server that owns it: `ardso explain` tells which; if none does, see `ardso owner`",
		})
	}
	if f := d.fault(e, fm); f != nil {
		return d.failed(e, fm, to, f)
	}
	op := m.operation(d, e)
	op.Action, op.Renamed = Create, ""
	m.fill(op, e)
	if e.failure != nil {
		op.Failure = e.failure
	}
	if m.TransferMode == definition.CopyDelete {
		op.TellSource, op.Image = true, image(fm, e.after, nil)
	} else {
		d.handOver(op, m, e, fm, false)
	}
	if op.Failure != nil {
		return d.failed(e, fm, to, op.Failure)
	}
	e.gave = m.Name
	return op
}

// second refuses to give a request away that the same change gives away, or moves, already.
func (d *Decider) second(e *event, fm *form, to ownership.Place) *Operation {
	op := d.failed(e, fm, to, &Failure{
		Kind:   notOwner,
		Reason: fmt.Sprintf("mapping %q, request %q of form %q on %s: the same change gives it away along mapping %q already (ARERR 3116)", to.Mapping, e.id, fm.Name, d.server, e.gave),
		Fix:    "let the filters of one change name one mapping that hands ownership over, or deletes the source; the others may be data only",
	})
	op.Home.Epoch = 0 // which is that of what goes on
	return op
}

// giveBack decides on a return.
func (d *Decider) giveBack(e *event, fm *form) *Operation {
	if from := e.state.From; e.gave != "" && e.gave != from.Mapping && !from.IsZero() {
		op := d.second(e, fm, from)
		op.Home.Return = true
		return op
	}
	if fm.master == nil || e.after == nil || e.open != nil || e.foreign {
		return nil
	}
	from := e.state.From
	switch {
	case !owns(fm.master, e.after):
		return nil // it was returned already
	case from.IsZero():
		return d.notReturned(e, fm, ownership.Place{Server: d.server, Form: fm.Name, Request: e.id}, &Failure{
			Kind:   nowhereToReturn,
			Reason: fmt.Sprintf("request %q of form %q on %s: it came from nowhere, so it cannot be returned", e.id, fm.Name, d.server),
			Fix:    "narrow the run_if of the filter to requests that came from elsewhere: 'From Server' != $NULL$",
		})
	}
	m := d.returns[from.Mapping]
	if m == nil || m.FromForm != fm.Form || m.To.Server != from.Server || m.ToForm.Name != from.Form {
		return d.notReturned(e, fm, from, mismatch(d.server, fm.Name, from))
	}
	if f := d.fault(e, fm); f != nil {
		return d.notReturned(e, fm, from, f)
	}
	op := m.operation(d, e)
	op.Action, op.Renamed = Create, ""
	d.choosePool(op, e, m.returnPool, ByReturn, fm)
	op.Offer = &ownership.Offer{Return: true} // what is not carried back need not be checked
	m.fill(op, e)
	if e.failure != nil {
		op.Failure = e.failure
	}
	d.address(op, m, from.Request)
	if op.Failure != nil {
		return d.notReturned(e, fm, from, op.Failure)
	}
	return d.handOver(op, m, e, fm, true)
}

// home starts an operation on the source itself.
func (d *Decider) home(e *event, fm *form, mapping string, h *Home) *Operation {
	return &Operation{
		Mapping: mapping, Action: Modify, Home: h, Pool: HomePool,
		Source: d.server, Form: fm.Name, Request: e.id, Target: d.server, TargetForm: fm.Name,
		Position: e.tx.Position, CommitTime: e.tx.CommitTime, Path: []string{d.server},
	}
}

// goesTo is where a transfer along the mapping goes, its request not being known yet.
func (p *plan) goesTo() ownership.Place {
	return ownership.Place{Server: p.To.Server, Form: p.ToForm.Name, Mapping: p.Name}
}

// HomePool is the pool of what is written on the source itself.
const HomePool = "home"

// failed is an ownership operation that is not begun: the failure is kept on the source, where it can be asked
// for again.
func (d *Decider) failed(e *event, fm *form, to ownership.Place, f *Failure) *Operation {
	op := d.home(e, fm, to.Mapping, &Home{Kind: NotTaken, Epoch: e.state.At(), Chain: e.state.Chain, Former: e.former, To: to})
	op.Failure = f
	return op
}

// notReturned is failed for a return.
func (d *Decider) notReturned(e *event, fm *form, to ownership.Place, f *Failure) *Operation {
	op := d.failed(e, fm, to, f)
	op.Home.Return = true
	return op
}

// stuck is failed for a change that does not find its way along the chain: no ownership was to go with it.
func (d *Decider) stuck(e *event, fm *form, w ownership.Way, f *Failure) *Operation {
	op := d.failed(e, fm, w.To, f)
	if e.after == nil { // the request can tell nothing any more
		op.Action, op.Along = Delete, &Along{Direction: w.Direction, Chain: e.state.Chain, Epoch: op.Home.Epoch}
	}
	op.Home.Epoch, op.Home.Direction = 0, w.Direction
	return op
}

// OwnershipFault is the failure of what waits until the ownership of its request is repaired.
const OwnershipFault = "ownership.fault"

// fault is why nothing of the request is distributed; nil where it is (dso-reference 29, choice 48).
func (d *Decider) fault(e *event, fm *form) *Failure {
	if e.state.Fault == "" {
		return nil
	}
	return FaultFailure(ownership.Place{Server: d.server, Form: fm.Name, Request: e.id}, e.state.Fault)
}

// FaultFailure says of a copy of a request that it is not distributed because of a fault in its ownership.
func FaultFailure(p ownership.Place, fault string) *Failure {
	return &Failure{
		Kind:   OwnershipFault,
		Reason: fmt.Sprintf("request %q of form %q on %s is not distributed: its ownership is at fault (%s)", p.Request, p.Form, p.Server, fault),
		Fix:    "see `ardso owner show`, and repair it with `ardso owner set`; what waits for that goes on by itself then",
	}
}

// followSelected sends a request as it is along its ownership chain, whichever way: versions tell what is news to
// the other copies.
func (d *Decider) followSelected(ops []*Operation, e *event, fm *form) []*Operation {
	if e.state.Chain == "" {
		return ops
	}
	var open *ownership.HandOver
	if e.open != nil {
		open = &e.open.HandOver
	}
	for _, w := range ownership.Ways(ownership.Change{Merged: true, Path: e.path}, &e.state, open, d.rules) {
		if op := d.along(e, fm, e.state.Chain, w); op != nil {
			ops = append(ops, op)
		}
	}
	return ops
}

// foreign has an edit by someone who does not own the request recorded, or undone; nil where it is allowed.
func (d *Decider) foreign(e *event, fm *form) *Operation {
	name := e.state.To.Mapping
	m := d.mappings[name]
	if m == nil {
		name = e.state.From.Mapping
		if m = d.returns[name]; m == nil {
			name = ""
		}
	}
	if e.kind == cdc.Delete && (m != nil && m.AllowAnyUserToDelete || m == nil && d.freeToDelete(e, fm)) {
		return nil
	}
	// Where the ownership is at fault it is not for ardso to say whose edit is undone.
	revert := m != nil && m.OnForeignChange == definition.Revert && e.state.Fault == ""
	op := d.home(e, fm, name, &Home{Kind: Foreign, To: e.state.To, Revert: revert})
	switch e.kind {
	case cdc.Insert:
		op.Action = Create
	case cdc.Update:
		op.Action = Modify
	case cdc.Delete:
		op.Action = Delete
	}
	if f := fm.FieldByID(schema.LastModifiedBy); f != nil && e.after != nil && e.after[f.Index].Known() {
		op.Home.Who = e.after[f.Index].SQL()
	}
	for _, k := range fm.Key {
		op.Key = append(op.Key, k.ID)
	}
	op.Fields = image(fm, e.before, e.after)
	return op
}

// freeToDelete reports whether the mapping that brought a copy without ownership, by From Mapping, lets any user delete it.
func (d *Decider) freeToDelete(e *event, fm *form) bool {
	f := fm.FieldByID(schema.FromMapping)
	if f == nil || !e.before[f.Index].Known() || e.before[f.Index].IsNull() {
		return false
	}
	m := d.doc.Mapping(e.before[f.Index].SQL())
	return m != nil && m.Enabled && m.AllowAnyUserToDelete && m.To.Server == d.server && m.To.Form == fm.Name
}

// image lists what a request held, and what it holds after a change: all fields where before or after is nil, else
// the key and those that changed.
func image(fm *form, before, after request.Image) []FieldChange {
	var list []FieldChange
	for i, f := range fm.Fields {
		c := FieldChange{Field: f.ID}
		if before != nil {
			c.Before = before[i]
		}
		if after != nil {
			c.After = after[i]
		}
		if after == nil || fm.IsKey(f) || c.Changes() {
			list = append(list, c)
		}
	}
	return list
}
