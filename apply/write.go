package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"ardso/apply/batch"
	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/qual"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// writing is one target transaction of one thread.
type writing struct {
	t    *Target
	tx   *statement.Tx
	pool string

	// What becomes true with the commit.
	written, conflicts, parked int64
	refused                    int64         // hand-overs
	held, freed                []control.Key // held: parked here, or to be looked at again when their turn comes
	results                    []Result
}

// commitError is a failed commit: whether the transaction is in is not known.
type commitError struct {
	err error
	w   *writing // what is true if it is in
}

func (e *commitError) Error() string { return "commit: " + e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// transact runs do in a transaction that begins with checkpoint c, and counts what it did once it is
// committed.
func (th *Thread) transact(ctx context.Context, c control.Checkpoint, do func(*writing) error) (err error) {
	tx, err := statement.Begin(ctx, th.target.DB)
	if err != nil {
		return err
	}
	// A rollback of a committed transaction does nothing; after an error, the error itself matters.
	defer func() { _ = tx.Rollback() }()
	w := &writing{t: th.target, tx: tx, pool: c.Pool}
	if err := control.Advance(ctx, tx, c); err != nil {
		return err
	}
	if err := do(w); err != nil {
		return err
	}
	if err := control.CloseMark(ctx, tx, c); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{err, w}
	}
	w.count()
	return nil
}

func (w *writing) count() {
	for _, k := range w.freed {
		w.t.held.remove(k)
	}
	for _, k := range w.held {
		w.t.held.add(k)
	}
	c := &w.t.Counters
	c.Transactions.Add(1)
	c.Written.Add(w.written)
	c.Conflicts.Add(w.conflicts)
	c.Parked.Add(w.parked)
	for _, r := range w.results {
		w.t.Tell(r)
	}
}

// write carries out folded operations.
func (w *writing) write(ctx context.Context, ops []*mapping.Operation) error {
	ops, err := w.hold(ctx, ops)
	for err == nil && len(ops) > 0 {
		some, rest := leading(ops)
		ops = rest
		if mannerOf(some[0]) == apart {
			err = w.planned(ctx, some)
		} else {
			err = w.inRounds(ctx, some)
		}
	}
	return err
}

// planned carries out operations that look at the target's requests only.
func (w *writing) planned(ctx context.Context, ops []*mapping.Operation) error {
	for _, g := range batch.Plan(ops, func(form string) bool { return w.t.serial[form] }) {
		if err := w.group(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// hold lets operations on requests that are held back join their row (G3), and returns the others.
// Operations of a request that this very batch parks are held when their turn comes, see park. So are those that follow
// a hand-over: if it is taken, it takes the place of what waits, and they are later than what it brings.
func (w *writing) hold(ctx context.Context, ops []*mapping.Operation) ([]*mapping.Operation, error) {
	keys := make([]control.Key, len(ops))
	for i, op := range ops {
		keys[i] = heldKey(op)
	}
	suspects := w.t.held.suspects(keys)
	if len(suspects) == 0 {
		return ops, nil
	}
	rows, err := control.Held(ctx, w.tx, w.t.Source, suspects...)
	if err != nil {
		return nil, err
	}
	byKey := make(map[control.Key]*control.PendingError, len(rows))
	for i := range rows {
		byKey[rows[i].Key()] = &rows[i]
	}
	for _, k := range suspects {
		if byKey[k] == nil { // a person removed it
			w.freed = append(w.freed, k)
		}
	}
	free := ops[:0:0]
	for _, op := range ops {
		key := heldKey(op)
		row := byKey[key]
		if row != nil && op.Offer != nil {
			w.held = append(w.held, key)
			delete(byKey, key)
			row = nil
		}
		if row == nil || op.Home != nil { // it is settled with the source
			free = append(free, op)
			continue
		}
		passed, err := w.passOver(ctx, row, op)
		if err != nil {
			return nil, err
		}
		if passed {
			delete(byKey, key)
			free = append(free, op)
			continue
		}
		if err := w.join(ctx, row, op); err != nil {
			return nil, err
		}
	}
	return free, nil
}

// passOver takes row away where op supersedes what waits in it, and reports whether it did.
func (w *writing) passOver(ctx context.Context, row *control.PendingError, op *mapping.Operation) (bool, error) {
	if ok, err := supersedes(op, row); !ok {
		return false, err
	}
	if err := control.DeleteError(ctx, w.tx, row.ID); err != nil {
		return false, err
	}
	w.free(row.Key())
	return true, nil
}

// free notes that nothing waits for a request any more.
func (w *writing) free(key control.Key) {
	w.freed = append(w.freed, key)
	w.held = slices.DeleteFunc(w.held, func(k control.Key) bool { return k == key })
}

// supersedes reports whether op brings the whole request, so that what waits in row for the same request
// need no longer be carried out: current state from a transfer always does, and a create, or a modify that may
// create its request, does where that was missing. An operation that changes the key leaves a request under the
// old one behind, so it is never passed over.
func supersedes(op *mapping.Operation, row *control.PendingError) (bool, error) {
	creates := op.Action == mapping.Create || op.CreateIfMissing && op.Action == mapping.Modify
	whole := op.Selected && op.Action == mapping.Create || creates && row.Error == string(conflict.UpdateMissing) && conflict.Complete(op)
	if !whole || op.Failure != nil || op.ChangesKey() {
		return false, nil
	}
	waiting, err := decode(row.Operation)
	return err == nil && !slices.ContainsFunc(waiting, (*mapping.Operation).ChangesKey), err
}

func heldKey(op *mapping.Operation) control.Key {
	return control.Key{Mapping: op.Mapping, TargetForm: op.TargetForm, Request: op.Request}
}

// join adds op to the operations that wait in row.
func (w *writing) join(ctx context.Context, row *control.PendingError, op *mapping.Operation) error {
	waiting, err := decode(row.Operation)
	if err != nil {
		return err
	}
	text, err := encode(batch.Queue(waiting, op))
	if err != nil {
		return err
	}
	row.Operation = text
	if err := control.Join(ctx, w.tx, row.ID, text); err != nil {
		return err
	}
	if op.Along != nil && op.TellSource { // the request says that it waits, or that all is well
		w.tell(op, "", &mapping.Failure{Kind: row.Error, Reason: row.Reason, Fix: row.Remedy})
	}
	return w.holdRenamed(ctx, op)
}

// BehindRename is the error of a row that holds back a request until the operation that gave it its
// Request ID is carried out.
const BehindRename = "request.behind_rename"

// holdRenamed holds back what follows under the new Request ID of an operation that waits (G3).
func (w *writing) holdRenamed(ctx context.Context, op *mapping.Operation) error {
	if op.Renamed == "" {
		return nil
	}
	after := *op
	after.Request, after.Renamed = op.Renamed, ""
	rows, err := control.Held(ctx, w.tx, w.t.Source, heldKey(&after))
	if err != nil || len(rows) > 0 { // it is held back already
		return err
	}
	_, err = control.Park(ctx, w.tx, control.PendingError{
		Source: op.Source, Mapping: op.Mapping, Form: op.Form, Request: op.Renamed, TargetForm: op.TargetForm,
		Pool: w.pool, Action: mapping.Modify.String(), Error: BehindRename, Operation: "[]",
		Reason: fmt.Sprintf("request %q was %q before, and the operation that renames it waits", op.Renamed, op.Request),
		Remedy: fmt.Sprintf("see to request %q; this one goes on by itself then", op.Request),
	})
	w.held = append(w.held, heldKey(&after))
	return err
}

// freeRenamed lets go on what waited for op, which is carried out now.
func (w *writing) freeRenamed(ctx context.Context, op *mapping.Operation) error {
	if op.Renamed == "" {
		return nil
	}
	after := *op
	after.Request = op.Renamed
	rows, err := control.Held(ctx, w.tx, w.t.Source, heldKey(&after))
	if err != nil || len(rows) == 0 || rows[0].Error != BehindRename {
		return err
	}
	return control.SetErrorStatus(ctx, w.tx, rows[0].ID, control.ErrorRetry)
}

// The operation column holds the waiting operations in log order, folded as far as they can be.
func encode(ops []*mapping.Operation) (string, error) {
	b, err := json.Marshal(ops)
	return string(b), err
}

func decode(text string) (ops []*mapping.Operation, err error) {
	if err := json.Unmarshal([]byte(text), &ops); err != nil {
		return nil, fmt.Errorf("read operation of dso_pending_error: %w", err)
	}
	return ops, nil
}

// group writes one group set-based; what the statement refuses goes one by one. Where the statement
// as a whole fails for one row's sake, all rows do.
func (w *writing) group(ctx context.Context, g *batch.Group) error {
	if f := w.t.forms[g.Form]; g.Single || w.anyHeld(g.Ops) || f != nil && (f.Join != nil || !hasAll(f, g.Ops[0])) {
		return w.each(ctx, g.Ops)
	}
	var refused []int
	err := w.within(ctx, func() (err error) {
		refused, err = w.statement(ctx, g)
		return err
	})
	switch {
	case err != nil && w.passes(err):
		return err
	case err != nil:
		return w.each(ctx, g.Ops)
	}
	w.written += int64(len(g.Ops) - len(refused))
	for i, op := range g.Ops {
		if op.TellSource && !slices.Contains(refused, i) {
			w.tell(op, request.IDOf(w.t.forms[g.Form], op.TargetKey()), nil)
		}
	}
	for _, i := range refused {
		if err := w.one(ctx, g.Ops[i]); err != nil {
			return err
		}
	}
	return nil
}

// hasAll reports whether the form has the fields of op, and so of its group.
func hasAll(form *schema.Form, op *mapping.Operation) bool {
	whole, gone := op.WithoutGone(form)
	return whole == op && gone == 0
}

func (w *writing) each(ctx context.Context, ops []*mapping.Operation) error {
	for _, op := range ops {
		if err := w.one(ctx, op); err != nil {
			return err
		}
	}
	return nil
}

// anyHeld reports whether this transaction has parked a request of ops.
func (w *writing) anyHeld(ops []*mapping.Operation) bool {
	if len(w.held) == 0 {
		return false
	}
	for _, op := range ops {
		for _, k := range w.held {
			if k == heldKey(op) {
				return true
			}
		}
	}
	return false
}

// savepoint is the name of the one savepoint; they are not nested.
const savepoint = "ardso"

// within runs f under a savepoint, so that its failure leaves the rest of the transaction alone.
func (w *writing) within(ctx context.Context, f func() error) error {
	if err := w.tx.Savepoint(ctx, savepoint); err != nil {
		return err
	}
	if err := f(); err != nil {
		if w.passes(err) {
			return err // the transaction is lost anyway
		}
		return errors.Join(err, w.tx.RollbackTo(ctx, savepoint))
	}
	return w.tx.Release(ctx, savepoint)
}

// passes reports errors that concern the whole transaction, not a row.
func (w *writing) passes(err error) bool {
	var fenced *control.FencedError
	if errors.As(err, &fenced) || errors.Is(err, context.Canceled) {
		return true
	}
	switch w.t.DB.Engine.Class(err) {
	case engine.Transient, engine.Denied:
		return true
	}
	return false
}

func (w *writing) statement(ctx context.Context, g *batch.Group) ([]int, error) {
	form := w.t.forms[g.Form]
	if form == nil {
		return nil, fmt.Errorf("form %q is not in the definitions", g.Form)
	}
	set, guard := fieldsOf(form, g.Set), fieldsOf(form, g.Guard)
	if g.Action == mapping.Create {
		rows := make([][]value.Value, len(g.Ops))
		for i, op := range g.Ops {
			rows[i] = values(op, g.Set, false)
		}
		return w.t.writer.Insert(ctx, w.tx, form, set, rows)
	}
	rows := make([]statement.UpdateRow, len(g.Ops))
	for i, op := range g.Ops {
		rows[i] = statement.UpdateRow{Key: op.TargetKey(), Set: values(op, g.Set, false), Guard: values(op, g.Guard, true)}
	}
	if g.Action == mapping.Delete {
		return w.t.writer.Delete(ctx, w.tx, form, guard, rows)
	}
	return w.t.writer.Update(ctx, w.tx, form, statement.UpdateSet{Set: set, Guard: guard}, rows)
}

func fieldsOf(form *schema.Form, ids []int) []*schema.Field {
	fields := make([]*schema.Field, len(ids))
	for i, id := range ids {
		fields[i] = form.FieldByID(id)
	}
	return fields
}

// values picks the before or after values of fields, which are ascending, as op.Fields is.
func values(op *mapping.Operation, ids []int, before bool) []value.Value {
	v := make([]value.Value, 0, len(ids))
	j := 0
	for i := range op.Fields {
		if j < len(ids) && op.Fields[i].Field == ids[j] {
			if before {
				v = append(v, op.Fields[i].Before)
			} else {
				v = append(v, op.Fields[i].After)
			}
			j++
		}
	}
	return v
}

// one carries out a single operation: reads the target's request under a lock, settles, writes.
func (w *writing) one(ctx context.Context, op *mapping.Operation) error {
	switch form := w.t.forms[op.TargetForm]; {
	case op.Home != nil:
		return w.home(ctx, op, form)
	case op.Offer != nil && form != nil:
		return w.handOver(ctx, op, form)
	}
	if w.anyHeld([]*mapping.Operation{op}) {
		rows, err := control.Held(ctx, w.tx, w.t.Source, heldKey(op))
		if err != nil {
			return err
		}
		if len(rows) == 1 {
			passed, err := w.passOver(ctx, &rows[0], op)
			if err != nil {
				return err
			}
			if !passed {
				return w.join(ctx, &rows[0], op)
			}
		}
	}
	form := w.t.forms[op.TargetForm]
	if op.Failure != nil {
		cur, err := w.look(ctx, op, form, op.Failure)
		if err != nil {
			return err
		}
		return w.park(ctx, op, op.Failure, cur)
	}
	if form == nil {
		return w.park(ctx, op, formGone(op), nil)
	}
	if op.Along != nil {
		return w.along(ctx, op, form)
	}
	op, gone := op.WithoutGone(form)
	if gone != 0 {
		return w.park(ctx, op, w.refusal(op, schema.MissingField(form, gone)), nil)
	}
	if form.Join != nil {
		return w.joined(ctx, op, form)
	}
	for range 3 { // a request that others insert or delete meanwhile is looked at again
		key, current, failure, err := w.find(ctx, op, form)
		if err != nil {
			return err
		}
		if failure != nil {
			return w.park(ctx, op, failure, nil)
		}
		outcome := w.overwritten(op, form, current, conflict.Settle(op, current, w.rules(op)))
		made, done, err := w.carryOut(ctx, op, form, key, current, outcome)
		if err == nil && done && op.TellSource && w.isTaken(op, outcome) && (op.Image == nil || conflict.BringsAll(op, current, outcome, w.t.sets[form.Name])) {
			w.tell(op, request.IDOf(form, made), nil)
		}
		if err != nil || done {
			return err
		}
	}
	return w.park(ctx, op, unsteady(op), nil)
}

func unsteady(op *mapping.Operation) *mapping.Failure {
	return &mapping.Failure{
		Kind:   "target.unsteady",
		Reason: fmt.Sprintf("request %q: others keep changing the target's request of form %q", op.Request, op.TargetForm),
		Fix:    "retry the operation when the request is left alone",
	}
}

// overwritten completes the outcome of a create that overwrites an existing request, where the mapping wants that as a
// whole: what the mapping does not carry gets its default.
func (w *writing) overwritten(op *mapping.Operation, form *schema.Form, cur *conflict.Current, o conflict.Outcome) conflict.Outcome {
	if !w.overwritesAll(op) || op.Action != mapping.Create || cur == nil || w.rules(op).Duplicate != definition.Overwrite {
		return o
	}
	reset, strays := w.unmapped(op, form, cur)
	switch {
	case o.By == conflict.ByOverwrite:
		o.Reset, o.By = reset, o.By+allFields
	case o.Do == conflict.Nothing && o.By == "" && strays: // what the mapping carries agrees
		if o = conflict.Overwrite(op, cur); o.Do == conflict.Update {
			o.Write, o.Reset, o.By = withoutKey(form, w.over(op, cur, written(op))), reset, o.By+allFields
		}
	}
	return o
}

// allFields is added to the rule where an overwritten request is replaced as a whole.
const allFields = ", all fields"

// overwritesAll reports whether the mapping replaces requests that are there as a whole.
func (w *writing) overwritesAll(op *mapping.Operation) bool {
	m := w.t.mappings[op.Mapping]
	return m != nil && m.OverwriteStyle == definition.AllFields
}

// unmapped lists the form's fields that op does not carry, and tells whether the request holds something in one of them
// that a default cannot have brought.
func (w *writing) unmapped(op *mapping.Operation, form *schema.Form, cur *conflict.Current) (fields []int, strays bool) {
	for _, f := range form.Fields {
		c := f.Column
		if op.Field(f.ID) != nil || form.IsKey(f) || schema.IsDistributed(f.ID) || c.Generated || c.IdentityAlways {
			continue
		}
		fields = append(fields, f.ID)
		strays = strays || !c.HasDefault && !cur.Field(f.ID).IsNull()
	}
	return fields, strays
}

// isTaken reports whether the target holds what op brought: then the source may be told so.
func (w *writing) isTaken(op *mapping.Operation, o conflict.Outcome) bool {
	return !slices.Contains(w.held, heldKey(op)) && (o.Do != conflict.Nothing || o.Kind == conflict.None)
}

func formGone(op *mapping.Operation) *mapping.Failure {
	return &mapping.Failure{
		Kind:   "definition.missing",
		Reason: fmt.Sprintf("no mapping of the definitions leads to form %q on %s any more", op.TargetForm, op.Target),
		Fix:    "bring the mapping back and retry the operation, or remove it",
	}
}

func (w *writing) rules(op *mapping.Operation) conflict.Rules {
	r := conflict.Rules{Sets: w.t.sets[op.TargetForm]}
	m := w.t.mappings[op.Mapping]
	if m == nil {
		return r
	}
	r.OnConflict, r.Groups, r.Duplicate = m.OnConflict, m.Groups, m.DuplicateRequestID
	if op.Duplicate != nil {
		r.Duplicate = *op.Duplicate
	}
	if op.Late {
		r.OnConflict, r.Groups, r.Duplicate = definition.ConflictError, nil, definition.Error
	}
	return r
}

// carryOut does what the outcome says. made is the key of the request then; done is false where the request has
// changed under it.
func (w *writing) carryOut(ctx context.Context, op *mapping.Operation, form *schema.Form, key []value.Value, current *conflict.Current, o conflict.Outcome) (made []value.Value, done bool, err error) {
	if o.Do == conflict.Park {
		return key, true, w.park(ctx, op, conflictFailure(op, o), current)
	}
	made, accepted := key, true
	if o.Do != conflict.Nothing {
		err = w.within(ctx, func() error {
			made, accepted, err = w.perform(ctx, op, form, key, o)
			return err
		})
	}
	if err != nil {
		if w.passes(err) {
			return key, false, err
		}
		f := w.refusal(op, err)
		if f.Kind == string(conflict.UniqueTaken) { // of two requests, the one that stands in the way tells more
			if current, err = w.holder(ctx, op, form, key, o.Write); err != nil {
				return key, false, err
			}
		}
		return key, true, w.park(ctx, op, f, current)
	}
	if !accepted {
		return key, false, nil
	}
	if o.Do != conflict.Nothing {
		w.written++
	}
	if o.By != "" && !(o.Kind == conflict.DeleteMissing && op.Quiet) {
		w.conflicts++
		return made, true, w.record(ctx, op, current, o)
	}
	return made, true, nil
}

// perform writes one request. made is its key, which a new request may have got here.
func (w *writing) perform(ctx context.Context, op *mapping.Operation, form *schema.Form, key []value.Value, o conflict.Outcome) (made []value.Value, accepted bool, err error) {
	var refused []int
	switch o.Do {
	case conflict.Delete:
		refused, err = w.t.writer.Delete(ctx, w.tx, form, nil, []statement.UpdateRow{{Key: key}})
	case conflict.Update:
		fields, vals, ferr := fits(form, o.Write)
		if ferr != nil {
			return key, false, ferr
		}
		refused, err = w.t.writer.Update(ctx, w.tx, form, statement.UpdateSet{Set: fields, Reset: fieldsOf(form, o.Reset)}, []statement.UpdateRow{{Key: key, Set: vals}})
	default:
		fields, vals, ferr := fits(form, withCreateDate(op, form, w.withOrigin(op, form, o.Write)))
		if ferr != nil {
			return key, false, ferr
		}
		if o.Do == conflict.InsertNew || missingKey(form, fields, vals) {
			if fields, vals, err = w.newKey(ctx, form, fields, vals); err != nil {
				return key, false, err
			}
			key = vals[:1]
		}
		refused, err = w.t.writer.Insert(ctx, w.tx, form, fields, [][]value.Value{vals})
	}
	return key, err == nil && len(refused) == 0, err
}

// withCreateDate fills Create Date of an AR System form where the mapping does not carry it and a modify
// creates the request: operations that create bring it themselves (ar-database-reference 12, row 32).
func withCreateDate(op *mapping.Operation, form *schema.Form, write []conflict.Write) []conflict.Write {
	created := form.FieldByID(schema.CreateDate)
	if form.ID == 0 || created == nil || slices.ContainsFunc(write, func(x conflict.Write) bool { return x.Field == schema.CreateDate }) {
		return write
	}
	return append(slices.Clone(write), conflict.Write{Field: created.ID, Value: value.Instant(op.CommitTime.Unix() * 1_000_000)})
}

// withOrigin adds to a request that a modify creates where it came from and who owns it: creates bring that
// themselves.
func (w *writing) withOrigin(op *mapping.Operation, form *schema.Form, write []conflict.Write) []conflict.Write {
	m := w.t.mappings[op.Mapping]
	if m == nil || op.Action != mapping.Modify || op.Alone() {
		return write
	}
	origin := sorted(mapping.Origin(m, op))
	if m.ToForm.Join != nil {
		origin = ofPart(m.ToForm, form, origin)
	}
	return overlay(form, write, origin)
}

// fits checks values again: operations may have waited since they were decided on.
func fits(form *schema.Form, write []conflict.Write) ([]*schema.Field, []value.Value, error) {
	fields := make([]*schema.Field, 0, len(write))
	vals := make([]value.Value, 0, len(write))
	for _, x := range write {
		f := form.FieldByID(x.Field)
		if f == nil {
			return nil, nil, schema.MissingField(form, x.Field)
		}
		if _, err := f.Fits(x.Value); err != nil {
			return nil, nil, err
		}
		fields = append(fields, f)
		vals = append(vals, x.Value)
	}
	return fields, vals, nil
}

func missingKey(form *schema.Form, fields []*schema.Field, vals []value.Value) bool {
	n := 0
	for i, f := range fields {
		if form.IsKey(f) && !vals[i].IsNull() {
			n++
		}
	}
	return n < len(form.Key)
}

// newKey puts a new Request ID, first of all, in the place of the one given, as AR System makes them, from nextId in
// this very transaction.
func (w *writing) newKey(ctx context.Context, form *schema.Form, fields []*schema.Field, vals []value.Value) ([]*schema.Field, []value.Value, error) {
	if form.NextID == nil || len(form.Key) != 1 {
		return nil, nil, &noNewIDError{form: form.Name}
	}
	n, err := w.t.writer.NextID(ctx, w.tx, form, 1)
	if err != nil {
		return nil, nil, err
	}
	outF := []*schema.Field{form.Key[0]}
	outV := []value.Value{value.Text(form.NextID.Format(n))}
	for i, f := range fields {
		if f != form.Key[0] {
			outF = append(outF, f)
			outV = append(outV, vals[i])
		}
	}
	return outF, outV, nil
}

type noNewIDError struct{ form string }

func (e *noNewIDError) Error() string {
	return fmt.Sprintf("form %q has no rule for new Request IDs", e.form)
}
func (e *noNewIDError) Name() string { return "request.no_new_id" }
func (e *noNewIDError) Remedy() string {
	return "map the Request ID, or choose another duplicate_request_id"
}

// find reads, under a lock, the target's request that op is about. key is the key to write by.
// failure: a matching qualification that found several.
func (w *writing) find(ctx context.Context, op *mapping.Operation, form *schema.Form) (key []value.Value, cur *conflict.Current, failure *mapping.Failure, err error) {
	var row []value.Value
	key = op.TargetKey()
	if op.Match != "" {
		rows, err := w.match(ctx, op, form)
		var bad *matchError
		switch {
		case errors.As(err, &bad):
			return nil, nil, &mapping.Failure{Kind: "match.error", Reason: err.Error(), Fix: "correct the matching qualification, then retry the operation"}, nil
		case err != nil:
			return nil, nil, nil, err
		case len(rows) > 1:
			return nil, nil, &mapping.Failure{
				Kind:   string(conflict.SeveralMatch),
				Reason: fmt.Sprintf("mapping %q, request %q: %d requests of form %q match %s", op.Mapping, op.Request, len(rows), form.Name, op.Match),
				Fix:    "make the matching qualification narrower, or correct the target's requests; then retry the operation",
			}, nil
		case len(rows) == 0:
			cur, err := w.unmatched(ctx, op, form, key)
			return key, cur, nil, err
		}
		row = rows[0]
		for i, k := range form.Key {
			key[i] = row[k.Index]
		}
	} else {
		rows, err := w.t.writer.Lookup(ctx, w.tx, form, [][]value.Value{key}, true)
		if err != nil {
			return nil, nil, nil, err
		}
		if row = rows[0]; row == nil {
			return key, nil, nil, nil
		}
	}
	if op.Match != "" {
		return key, foundRow(op, form, row), nil, nil
	}
	return key, currentRow(form, row), nil, nil
}

// foundRow is a request that was found by other means than its Request ID and keeps its own (choice 29 of
// dso-reference 29): what the operation says of the key is taken as agreeing.
func foundRow(op *mapping.Operation, form *schema.Form, row []value.Value) *conflict.Current {
	cur := currentRow(form, row)
	return &conflict.Current{Field: func(id int) value.Value {
		if f := form.FieldByID(id); f != nil && form.IsKey(f) {
			if c := op.Field(id); c != nil && c.After.Known() {
				return c.After
			} else if c != nil {
				return c.Before
			}
		}
		return cur.Field(id)
	}}
}

// look reads what the target has of a request that a conflict keeps from being written, for the record; nil if it is
// not to be found, or f is no conflict.
func (w *writing) look(ctx context.Context, op *mapping.Operation, form *schema.Form, f *mapping.Failure) (*conflict.Current, error) {
	if form == nil || !conflict.IsConflict(f.Kind) {
		return nil, nil
	}
	return w.forRecord(ctx, func() (cur *conflict.Current, err error) {
		_, cur, _, err = w.find(ctx, op, form)
		return cur, err
	})
}

// forRecord reads an image for the record. What cannot be read is left out of it: it is parked anyway.
func (w *writing) forRecord(ctx context.Context, read func() (*conflict.Current, error)) (cur *conflict.Current, err error) {
	err = w.within(ctx, func() error {
		cur, err = read()
		return err
	})
	if err != nil && !w.passes(err) {
		return nil, nil
	}
	return cur, err
}

// holder finds the request that holds a value of a unique index which a write of op's request at key has failed for;
// nil if it is not to be found.
func (w *writing) holder(ctx context.Context, op *mapping.Operation, form *schema.Form, key []value.Value, write []conflict.Write) (*conflict.Current, error) {
	return w.forRecord(ctx, func() (*conflict.Current, error) { return w.findHolder(ctx, op, form, key, write) })
}

func (w *writing) findHolder(ctx context.Context, op *mapping.Operation, form *schema.Form, key []value.Value, write []conflict.Write) (*conflict.Current, error) {
	for _, u := range form.Table.Unique {
		where, ok := taken(op, form, u, write)
		if !ok {
			continue
		}
		rows, err := w.t.writer.Find(ctx, w.tx, form, where, 2)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !slices.EqualFunc(form.Key, key, func(k *schema.Field, v value.Value) bool { return row[k.Index].Equal(v) }) {
				return currentRow(form, row), nil
			}
		}
	}
	return nil, nil
}

// taken is the condition that finds who holds the values of a unique index that are written; false where not all of
// its columns are fields with a value.
func taken(op *mapping.Operation, form *schema.Form, u schema.Unique, write []conflict.Write) (schema.Condition, bool) {
	where := schema.Condition{Op: schema.And}
	for _, name := range u.Columns {
		i := slices.IndexFunc(form.Fields, func(f *schema.Field) bool { return f.Column.Name == name })
		if i < 0 {
			return where, false
		}
		f, v := form.Fields[i], value.Absent
		if c := op.Field(f.ID); c != nil {
			v = c.After
		}
		for _, x := range write {
			if x.Field == f.ID {
				v = x.Value
			}
		}
		stored, err := f.Stored(v)
		if err != nil || !stored.Known() || stored.IsNull() {
			return where, false
		}
		where.Parts = append(where.Parts, schema.Condition{Op: schema.Equal, Column: f.Column, Values: []value.Value{stored}})
	}
	return where, len(where.Parts) > 0
}

// unmatched looks for a request that the qualification does not find, or no longer finds, under the
// operation's own Request ID. A create would collide with it. A modify or delete means it only where it is
// as the source knew it: Request IDs of both sides may have nothing to do with each other.
func (w *writing) unmatched(ctx context.Context, op *mapping.Operation, form *schema.Form, key []value.Value) (*conflict.Current, error) {
	if len(key) == 0 || slices.ContainsFunc(key, func(v value.Value) bool { return !v.Known() || v.IsNull() }) {
		return nil, nil
	}
	rows, err := w.t.writer.Lookup(ctx, w.tx, form, [][]value.Value{key}, true)
	if err != nil || rows[0] == nil {
		return nil, err
	}
	cur := &conflict.Current{Field: func(id int) value.Value {
		if f := form.FieldByID(id); f != nil {
			return rows[0][f.Index]
		}
		return value.Absent
	}}
	if op.Action != mapping.Create && !conflict.Stands(op, cur) {
		return nil, nil
	}
	return cur, nil
}

// matchError is a matching qualification that cannot be judged.
type matchError struct{ err error }

func (e *matchError) Error() string { return e.err.Error() }
func (e *matchError) Unwrap() error { return e.err }

// maxMatches bounds the candidates that a pre-filter may bring.
const maxMatches = 10_000

// park puts op into dso_pending_error with both images.
func (w *writing) park(ctx context.Context, op *mapping.Operation, f *mapping.Failure, cur *conflict.Current) error {
	parked := *op
	parked.Failure = f
	text, err := encode([]*mapping.Operation{&parked})
	if err != nil {
		return err
	}
	_, err = control.Park(ctx, w.tx, control.PendingError{
		Source: op.Source, Mapping: op.Mapping, Form: op.Form, Request: op.Request, TargetForm: op.TargetForm,
		Pool: w.pool, Action: op.Action.String(), Error: f.Kind, Reason: f.Reason, Remedy: f.Fix, Operation: text,
	})
	if err != nil {
		return err
	}
	w.parked++
	w.held = append(w.held, heldKey(op))
	if op.TellSource {
		w.tell(op, "", f)
	}
	if err := w.holdRenamed(ctx, op); err != nil {
		return err
	}
	if !conflict.IsConflict(f.Kind) || op.Home != nil { // what concerns the source itself has no second image
		return nil
	}
	return w.record(ctx, op, cur, conflict.Outcome{Kind: conflict.Kind(f.Kind), Do: conflict.Park, By: "parked", Detail: f.Reason})
}

func conflictFailure(op *mapping.Operation, o conflict.Outcome) *mapping.Failure {
	reason := fmt.Sprintf("mapping %q, request %q of form %q on %s: %s", op.Mapping, op.Request, op.TargetForm, op.Target, o.Kind)
	if o.Detail != "" {
		reason += ": " + o.Detail
	}
	return &mapping.Failure{Kind: string(o.Kind), Reason: reason, Fix: remedies[o.Kind]}
}

var remedies = map[conflict.Kind]string{
	conflict.InsertExists:  "delete or correct the target's request, or set duplicate_request_id to overwrite or create new; then retry",
	conflict.UpdateMissing: "transfer the request (`ardso transfer`), or set on_conflict to source; then retry, or remove the operation",
	conflict.UpdateDiffers: "compare both images, correct one side, or set on_conflict to source, target, newest or merge; then retry, or remove the operation",
	conflict.DeleteDiffers: "look at what was changed on the target; delete it there by hand or set on_conflict to source, then retry; or remove the operation to keep it",
	conflict.OwnedThere:    "see which of the two is right: correct the target's request, or let the mapping make independent copies or new Request IDs; then retry",
	conflict.UniqueTaken:   "free the value on the other request, or change it on this one; then retry",
	conflict.Reference:     "transfer the request that it refers to first; then retry",
	conflict.ValueRefused:  "correct the value, or the target's column; then retry",
}

// refusal names what the database refused about one row.
func (w *writing) refusal(op *mapping.Operation, err error) *mapping.Failure {
	kind := conflict.ValueRefused
	switch w.t.DB.Engine.Class(err) {
	case engine.UniqueTaken:
		kind = conflict.UniqueTaken
	case engine.Reference:
		kind = conflict.Reference
	}
	f := &mapping.Failure{Kind: string(kind), Fix: remedies[kind]}
	var named interface {
		error
		Name() string
		Remedy() string
	}
	if errors.As(err, &named) {
		f.Kind, f.Fix = named.Name(), named.Remedy()
	}
	f.Reason = fmt.Sprintf("mapping %q, request %q of form %q on %s: %s", op.Mapping, op.Request, op.TargetForm, op.Target, err)
	return f
}

// Recorded is an operation as dso_conflict keeps it: its fields, and beside them what was lost when it was settled.
type Recorded struct {
	*mapping.Operation
	Lost []conflict.Loss `json:"lost,omitempty"`
}

// record writes a conflict with both images and what was lost (G5).
func (w *writing) record(ctx context.Context, op *mapping.Operation, cur *conflict.Current, o conflict.Outcome) error {
	lost := conflict.Lost(op, cur, o, w.t.sets[op.TargetForm])
	source, err := json.Marshal(Recorded{op, lost})
	if err != nil {
		return err
	}
	target := []byte("null")
	if cur != nil {
		image := make(map[int]value.Value, len(op.Fields))
		for _, f := range op.Fields {
			image[f.Field] = cur.Field(f.Field)
		}
		for _, id := range o.Reset {
			image[id] = cur.Field(id)
		}
		if target, err = json.Marshal(image); err != nil {
			return err
		}
	}
	_, err = control.InsertConflict(ctx, w.tx, control.Conflict{
		Source: op.Source, Mapping: op.Mapping, Form: op.Form, Request: op.Request, TargetForm: op.TargetForm,
		Kind: string(o.Kind), SettledBy: o.By, Outcome: o.Do.String(), SourceImage: string(source), TargetImage: string(target),
	})
	return err
}

// retry tries the operations that wait in a row of dso_pending_error again, in order. What fails
// again is parked again, and what comes after it with it.
func (w *writing) retry(ctx context.Context, id string) error {
	found, err := control.GetError(ctx, w.tx, id)
	var none *control.NotFoundError
	if errors.As(err, &none) {
		return nil // a person removed it
	}
	if err != nil {
		return err
	}
	rows, err := control.Held(ctx, w.tx, w.t.Source, found.Key())
	if err != nil || len(rows) == 0 || rows[0].Status != control.ErrorRetry {
		return err
	}
	ops, err := decode(rows[0].Operation)
	if err != nil {
		return err
	}
	for i, op := range ops {
		parked := w.parked
		op.Failure = w.recheck(op)
		if err := w.one(ctx, op); err != nil {
			return err
		}
		if w.parked > parked {
			if len(ops) > i+1 {
				again, err := control.Held(ctx, w.tx, w.t.Source, found.Key())
				if err != nil || len(again) == 0 {
					return err
				}
				for _, later := range ops[i+1:] {
					if err := w.join(ctx, &again[0], later); err != nil {
						return err
					}
				}
			}
			return nil
		}
		if err := w.freeRenamed(ctx, op); err != nil {
			return err
		}
	}
	w.freed = append(w.freed, found.Key())
	return control.DeleteError(ctx, w.tx, rows[0].ID)
}

// recheck judges a stored failure by the definitions as they are now.
func (w *writing) recheck(op *mapping.Operation) *mapping.Failure {
	switch {
	case op.Home != nil && op.Home.Kind == mapping.NotTaken:
		return op.Failure // there is nothing else to carry out
	case op.Along != nil || op.Home != nil: // their values are checked where they are written
		return nil
	}
	m := w.t.mappings[op.Mapping]
	if m == nil {
		if op.Mapping == "" {
			return nil
		}
		return formGone(op)
	}
	for _, f := range op.Fields {
		if op.Failure != nil && f.After.Kind() == value.KindUnchanged && op.Action != mapping.Delete {
			return op.Failure // the value is still not known
		}
	}
	return mapping.CheckValues(op, m)
}

// match finds the target's requests that the operation's matching qualification names, locked.
func (w *writing) match(ctx context.Context, op *mapping.Operation, form *schema.Form) ([][]value.Value, error) {
	return w.t.match(ctx, w.tx, op, form)
}

func (t *Target) match(ctx context.Context, db sqlx.QueryerContext, op *mapping.Operation, form *schema.Form) ([][]value.Value, error) {
	q, err := t.matches.compile(op.Match, form, t.caseSensitive)
	if err != nil {
		return nil, &matchError{err}
	}
	candidates, err := t.writer.Find(ctx, db, form, q.Prefilter(), maxMatches)
	if err != nil {
		return nil, err
	}
	if len(candidates) >= maxMatches {
		return nil, &matchError{fmt.Errorf("matching qualification %s: more than %d candidates; index or narrow it", op.Match, maxMatches)}
	}
	var hits [][]value.Value
	for _, row := range candidates {
		truth, err := q.Eval(&qual.Env{Fields: row})
		if err != nil {
			return nil, &matchError{err}
		}
		if truth == qual.True {
			hits = append(hits, row)
		}
	}
	return hits, nil
}
