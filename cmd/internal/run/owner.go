package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"ardso/apply"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// OwnerChange is what a person wants changed in one copy of a request: one of Master, the fields of From,
// ClearFrom and ClearTo, or Clear.
type OwnerChange struct {
	Master *bool // the Master Flag

	// Where the copy came from; nil: as it is.
	FromServer, FromForm, FromRequest, FromMapping, FromPool *string

	ClearFrom bool // it came from nowhere
	ClearTo   bool // it went nowhere
	Clear     bool // it leaves ownership: it belongs to no chain, and owns itself

	// Force goes on where a server of the chain cannot be asked, and where the chain loses its owner.
	Force bool
}

// OwnerStep is what is changed in one copy, in one transaction on its server.
type OwnerStep struct {
	Server  string            `json:"server"`
	Form    string            `json:"form"`
	Request string            `json:"request"`
	Set     map[string]string `json:"set"` // distributed fields by name; "" = NULL
	Owner   bool              `json:"owner"`
	Epoch   int64             `json:"epoch,omitempty"` // in dso_owner; 0 = nothing is written there

	copy  *Copy
	set   map[int]value.Value
	state *ownership.State // nil: dso_owner is left alone
}

// LetGo reports whether the step ends that the request is not distributed.
func (s *OwnerStep) LetGo() bool {
	return s.copy.stored != nil && s.copy.stored.Fault != "" && s.state != nil && s.state.Fault == ""
}

// epochLeap is how far the epoch of a new owner that a person names lies above all others. Hand-overs that are
// under way while the epochs are read, and their next ones, make copies of the epochs that follow. The other copies' new
// epoch lies two below it, one below being that of who has handed over.
const epochLeap = 1000

// PlanOwner works out what a change of the chain's first copy needs, in the order in which it must be done; no
// steps where all is so already.
//
// For a new owner the others come first: should only some of the steps be carried out, the request has no
// owner for a while. Then nobody's edits travel, and each is recorded as a foreign change; with two owners both
// would travel, against each other. The same command again does what is left. All get epochs above those that
// were there: so a hand-over that was decided on before is void for its giver (its write-back names an old
// epoch) and taken by no copy that is there (which has a higher one).
func (ch *Chain) PlanOwner(doc *definition.Document, w OwnerChange) ([]*OwnerStep, error) {
	c := ch.Copies[0]
	if err := ch.mayChange(w); err != nil {
		return nil, err
	}
	switch {
	case w.Master != nil && *w.Master:
		return ch.letGo(ch.planMaster(c)), nil
	case w.Master != nil:
		return ch.steps(c.step(map[int]value.Value{schema.MasterFlag: value.Int(schema.MasterNo)}, func(s *ownership.State) { s.Owner = false })), nil
	case w.Clear:
		return ch.steps(c.step(nulls(schema.MasterFlag, schema.CurrentForm, schema.CurrentServer, schema.FromMapping, schema.FromRequestID,
			schema.ToRequestID, schema.FromForm, schema.FromServer, schema.FromPool), func(s *ownership.State) { *s = ownership.State{Owner: true} })), nil
	case w.ClearFrom || w.ClearTo:
		return ch.steps(c.planClear(w)), nil
	}
	step, err := ch.planFrom(doc, c, w)
	if err != nil {
		return nil, err
	}
	return ch.steps(step), nil
}

// mayChange refuses what cannot be changed for certain.
func (ch *Chain) mayChange(w OwnerChange) error {
	c := ch.Copies[0]
	switch {
	case !c.Exists:
		return &UnknownRequestError{Server: c.Server, Form: c.Form, Request: c.Request}
	case c.form.FieldByID(schema.MasterFlag) == nil:
		return &NoFieldsError{Server: c.Server, Form: c.Form}
	case ch.ID == "" && c.field(schema.MasterFlag).IsNull():
		return &NotUnderOwnershipError{Place: c.Place()}
	case w.Force:
		return nil
	case w.Master != nil && *w.Master && len(ch.Unreachable) > 0:
		return &OwnerUnreachableError{Place: c.Place(), Servers: ch.Unreachable}
	case w.Clear && ch.Owner() == c && slices.ContainsFunc(ch.Copies[1:], func(x *Copy) bool { return x.Exists }):
		return &LeavesNoOwnerError{Place: c.Place()}
	}
	return nil
}

// letGo adds what lets a request go on that is not distributed until it is repaired: whatever a person sets right,
// it is in the person's hands then. `ardso verify` finds what is still wrong.
func (ch *Chain) letGo(all []*OwnerStep) []*OwnerStep {
	for _, c := range ch.Copies {
		if c.stored != nil && c.stored.Fault != "" && !slices.ContainsFunc(all, func(s *OwnerStep) bool { return s.copy == c }) {
			all = append(all, c.step(nil, func(*ownership.State) {}))
		}
	}
	return all
}

// steps leaves out those that would change nothing, and adds those that let the request go.
func (ch *Chain) steps(all ...*OwnerStep) []*OwnerStep {
	return ch.letGo(slices.DeleteFunc(all, func(s *OwnerStep) bool {
		c := s.copy
		for id, v := range s.set {
			if !c.field(id).Equal(v) {
				return false
			}
		}
		return s.state == nil || c.stored != nil && sameState(s.state, c.stored)
	}))
}

// sameState compares all but what fields held.
func sameState(a, b *ownership.State) bool {
	return a.Chain == b.Chain && a.At() == b.At() && a.Owner == b.Owner && a.From == b.From && a.To == b.To && a.Deleted == b.Deleted && a.Fault == b.Fault
}

// step writes fields of a copy, as far as its form has them, and its row of dso_owner if it has one.
func (c *Copy) step(set map[int]value.Value, change func(*ownership.State)) *OwnerStep {
	s := &OwnerStep{Server: c.Server, Form: c.Form, Request: c.Request, copy: c, set: map[int]value.Value{}, Set: map[string]string{}}
	if c.row != nil {
		for id, v := range set {
			if f := c.form.FieldByID(id); f != nil {
				s.set[id], s.Set[f.Name] = v, shown(f, v)
			}
		}
	}
	if c.state != nil {
		n := c.state.Clone()
		n.Fault = "" // a repair lets the request go
		change(&n)
		s.state, s.Owner, s.Epoch = &n, n.Owner, n.At()
	}
	return s
}

func nulls(ids ...int) map[int]value.Value {
	set := make(map[int]value.Value, len(ids))
	for _, id := range ids {
		set[id] = value.Null
	}
	return set
}

// planMaster makes c the one owner.
func (ch *Chain) planMaster(c *Copy) []*OwnerStep {
	var top int64
	settled := c.Owns() && (c.state == nil || c.state.Owner && c.state.To.IsZero())
	for _, x := range ch.Copies {
		top = max(top, x.Epoch())
		if x != c && (x.Owns() || x.state != nil && x.state.Owner && !x.state.Deleted || x.Epoch() >= c.Epoch()) {
			settled = false
		}
	}
	if settled {
		return nil
	}
	var all []*OwnerStep
	for _, x := range ch.Copies[1:] {
		if x.state == nil && x.row == nil || x.state != nil && x.state.Deleted {
			continue
		}
		all = append(all, ch.disown(x, c, top+epochLeap-2))
	}
	c.inChain(ch.ID)
	return append(all, c.step(map[int]value.Value{
		schema.MasterFlag: value.Int(schema.MasterYes), schema.CurrentForm: value.Text(c.Form), schema.CurrentServer: value.Text(c.Server),
	}, func(s *ownership.State) {
		// Without Fields all that it holds counts as its own, of its new epoch: where it goes next it replaces
		// what is there.
		s.Epoch, s.Owner, s.Deleted, s.To, s.Fields = top+epochLeap, true, false, ownership.Place{}, nil
	}))
}

// inChain gives a copy whose server does not know its chain yet what dso_owner is to say.
func (c *Copy) inChain(chain string) {
	if chain != "" && (c.state == nil || c.state.Chain == "") {
		c.state = &ownership.State{Chain: chain, Owner: c.Owns()}
	}
}

// disown takes the ownership from x, which c gets.
func (ch *Chain) disown(x, c *Copy, epoch int64) *OwnerStep {
	x.inChain(ch.ID)
	return x.step(map[int]value.Value{
		schema.MasterFlag: value.Int(schema.MasterNo), schema.CurrentForm: value.Text(c.Form), schema.CurrentServer: value.Text(c.Server),
	}, func(s *ownership.State) {
		s.Epoch, s.Owner, s.Deleted = epoch, false, !x.Exists && x.Problem == ""
		// A change that comes late at a neighbour still finds the owner.
		to := c.Place()
		switch {
		case c.state != nil && c.state.From.Server == x.Server && c.state.From.Form == x.Form && c.state.From.Request == x.Request:
			to.Mapping = c.state.From.Mapping
		case s.From.Server == c.Server && s.From.Form == c.Form && s.From.Request == c.Request:
			to.Mapping = s.From.Mapping
		default:
			return
		}
		s.To = to
	})
}

func (c *Copy) planClear(w OwnerChange) *OwnerStep {
	set := map[int]value.Value{}
	if w.ClearFrom {
		maps.Copy(set, nulls(schema.FromMapping, schema.FromRequestID, schema.FromForm, schema.FromServer, schema.FromPool))
	}
	if w.ClearTo {
		maps.Copy(set, nulls(schema.ToRequestID))
	}
	return c.step(set, func(s *ownership.State) {
		if w.ClearFrom {
			s.From = ownership.Place{}
		}
		if w.ClearTo {
			s.To = ownership.Place{}
		}
	})
}

// planFrom sets where a copy came from, if that makes sense as a whole.
func (ch *Chain) planFrom(doc *definition.Document, c *Copy, w OwnerChange) (*OwnerStep, error) {
	from := ownership.Place{
		Server: c.Value(schema.FromServer), Form: c.Value(schema.FromForm),
		Request: c.Value(schema.FromRequestID), Mapping: c.Value(schema.FromMapping),
	}
	if c.state != nil && !c.state.From.IsZero() {
		from = c.state.From
	}
	for _, x := range []struct {
		to   *string
		from *string
	}{{&from.Server, w.FromServer}, {&from.Form, w.FromForm}, {&from.Request, w.FromRequest}, {&from.Mapping, w.FromMapping}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	if reason := badPlace(doc, c, from); reason != "" {
		return nil, &BadPlaceError{Place: c.Place(), Reason: reason}
	}
	set := map[int]value.Value{
		schema.FromServer: value.Text(from.Server), schema.FromForm: value.Text(from.Form),
		schema.FromRequestID: value.Text(from.Request), schema.FromMapping: value.Text(from.Mapping),
	}
	if w.FromPool != nil {
		set[schema.FromPool] = value.Null
		if *w.FromPool != "" {
			set[schema.FromPool] = value.Text(*w.FromPool)
		}
	}
	return c.step(set, func(s *ownership.State) { s.From = from }), nil
}

// badPlace says why changes of c cannot go back to where it is to have come from; "" if they can.
func badPlace(doc *definition.Document, c *Copy, from ownership.Place) string {
	m := doc.Mapping(from.Mapping)
	switch {
	case from.Server == "" || from.Form == "" || from.Request == "" || from.Mapping == "":
		return fmt.Sprintf("server %q, form %q, request %q, mapping %q: all four are needed", from.Server, from.Form, from.Request, from.Mapping)
	case doc.Server(from.Server) == nil:
		return fmt.Sprintf("server %q is not in the definitions", from.Server)
	case m == nil:
		return fmt.Sprintf("mapping %q is not in the definitions", from.Mapping)
	case m.From.Server != from.Server || m.From.Form != from.Form || m.To.Server != c.Server || m.To.Form != c.Form:
		return fmt.Sprintf("mapping %q leads from form %q on %s to form %q on %s, not from form %q on %s to form %q on %s",
			m.Name, m.From.Form, m.From.Server, m.To.Form, m.To.Server, from.Form, from.Server, c.Form, c.Server)
	}
	return ""
}

// Who names the person that asks, for dso_event.
func Who() string {
	who := "unknown"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		who += "@" + host
	}
	return who
}

// maxAttempts bounds how often a step is tried again where the database says that it may do better.
const maxAttempts = 20

// Apply carries the step out in one transaction, with its record in dso_event: what and who. It is safe while
// `ardso run` runs, which takes it for its own write-back. It fails with *OwnerChangedError where the copy is no
// longer as the plan found it.
func (s *OwnerStep) Apply(ctx context.Context, what, who string) error {
	return repair(ctx, s.copy.conn.DB, func(tx *statement.Tx) error { return s.carryOut(ctx, tx, what, who) })
}

// repair runs do in a transaction that is marked as a write-back of a server on itself: its own reader takes it for
// that, and filters do not run.
func repair(ctx context.Context, db *engine.DB, do func(*statement.Tx) error) error {
	if err := control.PrepareRepair(ctx, db); err != nil {
		return fmt.Errorf("%s: %w", db.Server, err)
	}
	return within(ctx, db, func(tx *statement.Tx) error {
		mark, err := control.BeginRepair(ctx, tx, db.Server)
		if err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		return control.CloseMark(ctx, tx, mark)
	})
}

// within runs do in a transaction, and again where the database says that it may do better.
func within(ctx context.Context, db *engine.DB, do func(*statement.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := attemptOf(ctx, db, do)
		_, fenced := errors.AsType[*control.FencedError](err)
		if err == nil || attempt == maxAttempts || !fenced && db.Engine.Class(err) != engine.Transient {
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * 20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func attemptOf(ctx context.Context, db *engine.DB, do func(*statement.Tx) error) error {
	tx, err := statement.Begin(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing; after an error, the error itself matters
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *OwnerStep) carryOut(ctx context.Context, tx *statement.Tx, what, who string) error {
	before, err := s.lock(ctx, tx)
	if err != nil {
		return err
	}
	if err := s.write(ctx, tx); err != nil {
		return err
	}
	_, err = control.InsertEvent(ctx, tx, control.Event{
		What: what, Who: who, Form: s.Form, Request: s.Request,
		Before: eventImage(s.copy.form, before, s.copy.stored), After: eventImage(s.copy.form, s.set, s.state),
	})
	if err != nil {
		return err
	}
	return s.goOn(ctx, tx, who)
}

// goOn has the owner's copy of a request that was held sent along its chain, for the others have not heard of what was
// done to it meanwhile.
func (s *OwnerStep) goOn(ctx context.Context, tx *statement.Tx, who string) error {
	c := s.copy
	if c.stored == nil || c.stored.Fault == "" || s.state.Fault != "" || !s.Owner || c.row == nil {
		return nil
	}
	where, err := WhereRequest(c.form, c.Request)
	if err != nil {
		return err
	}
	_, err = control.InsertPending(ctx, tx, control.Pending{Type: jobFollow, Form: c.Form, Qualification: where, RowsTotal: -1, CreatedBy: who})
	return err
}

// RetryHeld has what waits for the repair of a request's ownership tried again, on all servers that can be asked.
func (ch *Chain) RetryHeld(ctx context.Context) error {
	for _, conn := range ch.conns {
		rows, err := control.ListErrors(ctx, conn.DB, control.ErrorFilter{Error: mapping.OwnershipFault, Status: []control.ErrorStatus{control.ErrorHeld}})
		if err != nil {
			return fmt.Errorf("%s: %w", conn.Name, err)
		}
		for _, r := range rows {
			if !slices.ContainsFunc(ch.Copies, func(c *Copy) bool { return c.Server == r.Source && c.Form == r.Form && c.Request == r.Request }) {
				continue
			}
			if err := control.SetErrorStatus(ctx, conn.DB, r.ID, control.ErrorRetry); err != nil && !errors.As(err, new(*control.NotFoundError)) {
				return fmt.Errorf("%s: %w", conn.Name, err)
			}
		}
	}
	return nil
}

// lock locks the request, then its row of dso_owner, as ardso's threads do, and makes sure that both are as
// the plan found them. It returns what the fields to be written held.
func (s *OwnerStep) lock(ctx context.Context, tx *statement.Tx) (map[int]value.Value, error) {
	c := s.copy
	before := make(map[int]value.Value, len(s.set))
	if c.form != nil {
		rows, err := statement.NewWriter(c.conn.DB).Lookup(ctx, tx, c.form, [][]value.Value{c.key}, true)
		if err != nil {
			return nil, err
		}
		if (rows[0] == nil) != (c.row == nil) {
			return nil, &OwnerChangedError{Place: c.Place()}
		}
		for id := range s.set {
			before[id] = rows[0][c.form.FieldByID(id).Index]
			if !before[id].Equal(c.field(id)) {
				return nil, &OwnerChangedError{Place: c.Place()}
			}
		}
	}
	o, err := control.LockOwner(ctx, tx, control.OwnerKey{Form: c.Form, Request: c.Request})
	if err != nil {
		return nil, err
	}
	if (o == nil) != (c.stored == nil) {
		return nil, &OwnerChangedError{Place: c.Place()}
	}
	if o == nil {
		return before, nil
	}
	now, err := apply.StateOf(o)
	if err == nil && !sameState(&now, c.stored) {
		err = &OwnerChangedError{Place: c.Place()}
	}
	return before, err
}

func (s *OwnerStep) write(ctx context.Context, tx *statement.Tx) error {
	c := s.copy
	if len(s.set) > 0 {
		var set statement.UpdateSet
		row := statement.UpdateRow{Key: c.key}
		for _, id := range slices.Sorted(maps.Keys(s.set)) {
			set.Set = append(set.Set, c.form.FieldByID(id))
			row.Set = append(row.Set, s.set[id])
		}
		refused, err := statement.NewWriter(c.conn.DB).Update(ctx, tx, c.form, set, []statement.UpdateRow{row})
		if err == nil && len(refused) > 0 {
			err = &OwnerChangedError{Place: c.Place()}
		}
		if err != nil {
			return err
		}
	}
	if s.state == nil {
		return nil
	}
	return control.WriteOwner(ctx, tx, apply.OwnerOf(control.OwnerKey{Form: c.Form, Request: c.Request}, s.state))
}

// eventImage is what dso_event keeps: fields by ID, and the row of dso_owner without what its fields held.
func eventImage(form *schema.Form, fields map[int]value.Value, state *ownership.State) string {
	image := struct {
		Fields map[string]string `json:"fields"`
		Owner  *ownership.State  `json:"owner,omitempty"`
	}{Fields: map[string]string{}}
	for id, v := range fields {
		image.Fields[strconv.Itoa(id)] = shown(form.FieldByID(id), v)
	}
	if state != nil {
		n := state.Clone()
		n.Fields = nil
		image.Owner = &n
	}
	text, err := json.Marshal(image)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(text)
}

func placeText(p ownership.Place) string {
	return fmt.Sprintf("request %q of form %q on %s", p.Request, p.Form, p.Server)
}

// NoFieldsError is a form without the distributed fields that ownership needs.
type NoFieldsError struct{ Server, Form string }

func (e *NoFieldsError) Error() string {
	return fmt.Sprintf("%s: form %q has no field Master Flag (303): its requests cannot be under ownership", e.Server, e.Form)
}
func (e *NoFieldsError) Name() string { return "owner.no_fields" }
func (e *NoFieldsError) Remedy() string {
	return fmt.Sprintf("`ardso fields add %q --server %s --group basic` adds what ownership needs", e.Form, e.Server)
}

// NotUnderOwnershipError is a request that was never handed over.
type NotUnderOwnershipError struct{ ownership.Place }

func (e *NotUnderOwnershipError) Error() string {
	return placeText(e.Place) + " is not under ownership: it was never handed over, so it owns itself"
}
func (e *NotUnderOwnershipError) Name() string { return "owner.none" }
func (e *NotUnderOwnershipError) Remedy() string {
	return "nothing is to be repaired here; `ardso transfer` along a mapping of data + ownership hands it over"
}

// OwnerUnreachableError refuses to name an owner where not every server can be asked whether it has a copy.
type OwnerUnreachableError struct {
	ownership.Place
	Servers []Unreachable
}

func (e *OwnerUnreachableError) Error() string {
	text := "make " + placeText(e.Place) + " the owner: not every server can be asked"
	for _, s := range e.Servers {
		text += ": " + s.Server + ": " + s.Reason
	}
	return text
}
func (e *OwnerUnreachableError) Name() string { return "owner.unreachable" }
func (e *OwnerUnreachableError) Remedy() string {
	return "make them reachable; or add --force, and run the same command again once they are, since a copy there may own the request, too"
}

// LeavesNoOwnerError refuses to take the owner out of a chain that has other copies.
type LeavesNoOwnerError struct{ ownership.Place }

func (e *LeavesNoOwnerError) Error() string {
	return placeText(e.Place) + " owns the request, which has other copies: without it they would have no owner"
}
func (e *LeavesNoOwnerError) Name() string { return "owner.leaves_none" }
func (e *LeavesNoOwnerError) Remedy() string {
	return "make another copy the owner first with `ardso owner set --master yes`, or add --force"
}

// BadPlaceError is a place that a copy cannot have come from.
type BadPlaceError struct {
	ownership.Place
	Reason string
}

func (e *BadPlaceError) Error() string {
	return "set where " + placeText(e.Place) + " came from: " + e.Reason
}
func (e *BadPlaceError) Name() string { return "owner.bad_place" }
func (e *BadPlaceError) Remedy() string {
	return "name the copy and the mapping that brought the request from there, with --from-server, --from-form, --from-request and --from-mapping"
}

// OwnerChangedError is a copy that ardso or somebody else has changed since the plan was made.
type OwnerChangedError struct{ ownership.Place }

func (e *OwnerChangedError) Error() string {
	return placeText(e.Place) + " was changed at this very moment: its ownership is no longer as it was"
}
func (e *OwnerChangedError) Name() string { return "owner.changed" }
func (e *OwnerChangedError) Remedy() string {
	return "look again with `ardso owner show`; then run the same command again if it is still needed"
}
