package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"ardso/apply"
	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// writeBackLayout marks the checkpoint of the thread that tells a source what became of its operations. It
// has no position: what it does may be done again.
const writeBackLayout = "write-back"

// writeBack tells a source, in its own database, what became of its operations on their targets, and keeps
// the reader's position before hand-overs that are open.
type writeBack struct {
	s      *source
	home   *apply.Target // the source itself
	thread *apply.Thread
	ctx    context.Context // of the thread

	mu     sync.Mutex
	holds  map[ownership.Key]*entry
	untold map[*mapping.Operation]*entry
}

// openWriteBack makes the thread, where anything can have to be written back.
func (s *source) openWriteBack(ctx context.Context) error {
	if !s.decider.WritesBack() {
		return nil
	}
	db, name := s.server.DB, s.server.Name
	row := control.Checkpoint{Source: name, Pool: mapping.HomePool, Layout: writeBackLayout}
	if err := control.Prepare(ctx, db, name, s.epoch, row); err != nil {
		return err
	}
	to := apply.NewTarget(db, name, s.epoch, s.sys.Compiled, s.log)
	if err := to.LoadHeld(ctx); err != nil {
		return err
	}
	all, err := control.LoadCheckpoints(ctx, db, name)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Layout == writeBackLayout {
			row = c
		}
	}
	s.back = &writeBack{s: s, home: to, thread: to.NewThread(row), holds: make(map[ownership.Key]*entry), untold: make(map[*mapping.Operation]*entry)}
	to.IsOpen = s.back.isOpen
	return control.PruneOwners(ctx, db, ownersAge)
}

// tell writes back what became of an operation. Targets' threads call it once it is durable there.
func (b *writeBack) tell(r apply.Result) {
	if b == nil { // what former definitions have put aside: by the present ones nothing is written back
		return
	}
	b.mu.Lock()
	e := b.untold[r.Op]
	delete(b.untold, r.Op)
	b.mu.Unlock()
	b.send(r, e)
}

// send hands the write-back to the thread; e, if not nil, waits for it.
func (b *writeBack) send(r apply.Result, e *entry) {
	home := apply.HomeOf(r)
	if home.Home.Kind == mapping.NotTaken && home.Home.Begun {
		home.Home.Until = b.s.handOverUntil(r)
	}
	done := func() {}
	if e != nil {
		done = e.finish
	}
	// What cannot be sent because all ends is told by the next run, which reads the operation again.
	_ = b.thread.Send(b.ctx, apply.Work{Ops: []*mapping.Operation{home}, Path: home.Path, Free: func() {}, Done: done})
}

// handOverUntil is when a hand-over that waits for its target, or its pool, is given up; zero: never.
func (s *source) handOverUntil(r apply.Result) (until time.Time) {
	first := s.opt.Now() // attempt
	if p := s.sys.Document.Pool(r.Op.Pool); r.Failure.Kind == apply.PoolPolls && p != nil {
		first = nextTime(p, first)
	}
	if m := s.sys.Compiled.Mapping(r.Op.Mapping); m != nil && m.MaxTimeToRetry != definition.NoLimit {
		until = first.Add(m.MaxTimeToRetry)
	}
	if r.Op.RetryFor != nil {
		until = first.Add(*r.Op.RetryFor)
	}
	return until
}

// hold keeps the position before a hand-over until it is closed.
func (b *writeBack) hold(op *mapping.Operation, e *entry) {
	key := ownership.Key{Form: op.Form, Request: op.Request}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.holds[key] != e { // one transaction may give a request away twice, and make it anew in between
		e.hold()
	}
	b.holds[key] = e
}

// isOpen reports whether a hand-over of the request is open.
func (b *writeBack) isOpen(form, request string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.holds[ownership.Key{Form: form, Request: request}] != nil
}

// closed lets the position pass hand-overs that the log has closed.
func (b *writeBack) closed(list []mapping.Closed) {
	for _, c := range list {
		b.mu.Lock()
		e := b.holds[c.Key]
		delete(b.holds, c.Key)
		b.mu.Unlock()
		if e != nil {
			e.release(c.Touched)
		}
	}
}

// expect keeps the position before an operation until its source has been told.
func (b *writeBack) expect(op *mapping.Operation, e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.untold[op] = e
}

// movedBy lists the operations whose source is deleted once they are durable.
func movedBy(ops []*mapping.Operation) (moved []*mapping.Operation) {
	for _, op := range ops {
		if op.Image != nil {
			moved = append(moved, op)
		}
	}
	return moved
}

// settle says that operations are durable: of those that were expected to be told and were not, there is
// nothing to tell, because they wait among the errors.
func (b *writeBack) settle(ops []*mapping.Operation) {
	if b == nil {
		return
	}
	for _, op := range ops {
		b.mu.Lock()
		e := b.untold[op]
		delete(b.untold, op)
		b.mu.Unlock()
		if e != nil {
			e.finish()
		}
	}
}

// settleOne is settle for one operation; b may be nil.
func (b *writeBack) settleOne(op *mapping.Operation) {
	if b != nil && op.Image != nil {
		b.settle([]*mapping.Operation{op})
	}
}

// again tells the source of an operation that a former process has carried out, perhaps without telling.
func (b *writeBack) again(ctx context.Context, t *target, op *mapping.Operation) error {
	r, ok, err := t.AskAgain(ctx, op)
	switch {
	case err != nil:
		return fmt.Errorf("%s: ask what became of request %q: %w", t.DB.Server, op.Request, err)
	case ok:
		b.tell(r)
	default:
		b.settle([]*mapping.Operation{op})
	}
	return nil
}

// decide is Decider.Decide with what it must know of ownership.
func (s *source) decide(ctx context.Context, tx *cdc.Transaction) ([]*mapping.Operation, error) {
	if at := tx.Position; at != "" {
		tx.Order = s.reader.Order(at)
	} else {
		tx.Order = s.reader.Order(tx.Ahead)
	}
	if keys := s.decider.Unknown(tx); len(keys) > 0 {
		rowKeys := make([]control.OwnerKey, len(keys))
		for i, k := range keys {
			rowKeys[i] = control.OwnerKey(k)
		}
		rows, err := control.ReadOwners(ctx, s.server.DB, rowKeys...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.server.Name, err)
		}
		states := make(map[ownership.Key]string, len(rows))
		newer := make(map[ownership.Key]bool)
		for _, o := range rows {
			// A PostgreSQL slot may bring what is older than a position that was set anew.
			newer[ownership.Key(o.OwnerKey)] = o.AtReader == control.AsNow && s.server.DB.Engine.Dialect == "postgres"
			if states[ownership.Key(o.OwnerKey)], err = atReader(&o); err != nil {
				return nil, fmt.Errorf("%s: %w", s.server.Name, err)
			}
		}
		for _, k := range keys {
			if err := s.decider.Know(k, states[k], newer[k]); err != nil {
				return nil, err
			}
		}
	}
	ops, err := s.decider.Decide(tx)
	for _, x := range s.decider.Duplicates() {
		s.log.Debug("duplicate operation, carried out once", "filter", x.Filter, "mapping", x.Mapping, "request", x.Request)
	}
	if s.back != nil {
		s.back.closed(s.decider.Closed())
	}
	return ops, err
}

// atReader is the state that a row of dso_owner held at the reader's position, as the decider reads it.
func atReader(o *control.Owner) (string, error) {
	if o.AtReader != control.AsNow {
		return o.AtReader, nil
	}
	now, err := apply.StateOf(o)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(now)
	return string(text), err
}

// savePosition stores how far the log is carried out, and what dso_owner held there.
func (s *source) savePosition(ctx context.Context, p cdc.Position) error {
	upTo := func(at cdc.Position) bool { return s.reader.Covers(p, at) }
	states := make(map[string]string)
	for k, text := range s.decider.Changed(upTo) {
		states[control.OwnerKey(k).ID()] = text
	}
	if err := control.SavePositionWith(ctx, s.server.DB, s.epoch, string(p), states); err != nil {
		return err
	}
	s.decider.Settle(upTo)
	return nil
}

// askAgain takes up a retry that its thread cannot carry out by itself: of a hand-over that was not taken, or a
// change that did not find its way along the chain, the request as it is now is transferred, returned or sent along,
// for what was decided then may no longer be its owner's. What waits for a repair of the request's ownership goes on
// waiting until that is done.
func (s *source) askAgain(ctx context.Context, t *target, r control.PendingError) (bool, error) {
	if r.Error == mapping.OwnershipFault {
		owners, err := control.ReadOwners(ctx, s.server.DB, control.OwnerKey{Form: r.Form, Request: r.Request})
		if err != nil || len(owners) > 0 && owners[0].Fault != "" {
			return true, err
		}
	}
	if t.DB != s.server.DB {
		return false, nil
	}
	ops, err := ReadOperations(r.Operation)
	if err != nil || len(ops) == 0 || ops[0].Home == nil || ops[0].Home.Kind != mapping.NotTaken {
		return false, err
	}
	m := s.sys.Compiled.Mapping(r.Mapping)
	kind, along, form := jobTransfer, r.Mapping, (*schema.Form)(nil)
	switch h := ops[0].Home; {
	case h.Asked != "", h.Direction == 0 && !h.Return && r.Mapping == "": // so it stands in rows of before
		kind, along, form = jobChoose, h.Asked, homeForm(s.server.Name, s.sys.Compiled, r.Form)
	case h.Direction != 0 && ops[0].Action == mapping.Delete: // see deleteAgain
	case h.Direction != 0:
		kind, form = jobFollow, t.Form(r.Form)
	case m != nil && h.Return && m.To.Server == s.server.Name:
		kind, form = jobReturn, m.ToForm
	case m != nil && m.From.Server == s.server.Name:
		form = m.FromForm
	}
	if form == nil {
		return false, nil
	}
	where, err := WhereRequest(form, r.Request)
	if err != nil {
		return false, err
	}
	return true, control.AskAgain(ctx, s.server.DB, r.ID, control.Pending{
		Type: kind, Mapping: along, Form: form.Name, Qualification: where, RowsTotal: -1, CreatedBy: "retry of " + r.ID,
	})
}

// deleteAgain is the delete along a chain that did not find its way then, and where it goes; nil if that is not what
// the row holds, or if the way is missing still.
func (s *source) deleteAgain(r control.PendingError) (op *mapping.Operation, th *apply.Thread, err error) {
	ops, err := ReadOperations(r.Operation)
	if err != nil || len(ops) == 0 || ops[0].Home == nil || ops[0].Home.Direction == 0 || ops[0].Action != mapping.Delete {
		return nil, nil, err
	}
	to := ops[0].Home.To
	t := s.targets[to.Server]
	if t == nil || t.Form(to.Form) == nil {
		return nil, nil, nil
	}
	op = &mapping.Operation{
		Mapping: to.Mapping, Action: mapping.Delete, Along: ops[0].Along, Source: r.Source, Form: r.Form, Request: r.Request,
		Target: to.Server, TargetForm: to.Form, Position: ops[0].Position, CommitTime: ops[0].CommitTime, Path: ops[0].Path,
	}
	key, err := request.ParseID(t.Form(to.Form), to.Request)
	if err != nil {
		return nil, nil, err
	}
	for i, k := range t.Form(to.Form).Key {
		op.Key = append(op.Key, k.ID)
		op.Fields = append(op.Fields, mapping.FieldChange{Field: k.ID, Before: key[i]})
	}
	at, ok := t.layout.place(op, false)
	if !ok {
		return nil, nil, nil
	}
	return op, t.threads[at], nil
}

// WhereRequest is the qualification that selects one request.
func WhereRequest(form *schema.Form, id string) (string, error) {
	key, err := request.ParseID(form, id)
	if err != nil {
		return "", err
	}
	tests := make([]string, len(key))
	for i, k := range form.Key {
		tests[i] = fmt.Sprintf("'%s' = %s", strings.ReplaceAll(k.Name, "'", "''"), literal(key[i]))
	}
	return strings.Join(tests, " AND "), nil
}

// literal writes a key's value as a qualification does.
func literal(v value.Value) string {
	switch v.Kind() {
	case value.KindInt, value.KindDecimal:
		return v.SQL()
	}
	return `"` + strings.ReplaceAll(v.SQL(), `"`, `""`) + `"`
}
