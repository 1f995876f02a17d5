package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ardso/apply"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// ByHand does what a person asks for with rows of dso_pending, dso_pending_error and dso_conflict. Each row is settled
// in one transaction, with its record in dso_event, under the locks that threads take: it is safe while
// `ardso run` runs. Close it.
type ByHand struct {
	What string // the command, for dso_event: "errors retry"
	With string // its flags, if they matter: " --take source"
	Who  string

	doc    *definition.Document
	opened []*Connection // others than those that rows are on
}

// NewByHand makes it for a command.
func NewByHand(doc *definition.Document, what, with string) *ByHand {
	return &ByHand{What: what, With: with, Who: Who(), doc: doc}
}

// Close closes what was opened beside the servers that rows are on.
func (h *ByHand) Close() error { return CloseAll(h.opened) }

// Peer opens another server of the definitions; the error says why it cannot be asked.
func (h *ByHand) Peer(ctx context.Context, name string) (*Connection, error) {
	if c := connectionOf(h.opened, name); c != nil {
		return c, c.usable(ctx)
	}
	list, err := Connect(ctx, h.doc, name)
	if err != nil {
		return nil, err
	}
	h.opened = append(h.opened, list...)
	return list[0], list[0].usable(ctx)
}

// TargetOf is the server that the operations of a row of dso_pending_error are for: mostly the one that it is on. What has
// waited for its target for too long is on its source.
func (h *ByHand) TargetOf(ctx context.Context, conn *Connection, ops []*mapping.Operation) (*Connection, error) {
	if len(ops) == 0 || ops[0].Home != nil || ops[0].Target == conn.Name {
		return conn, nil
	}
	return h.Peer(ctx, ops[0].Target)
}

// Deed is what was done with a row.
type Deed struct {
	Server  string `json:"server"`
	ID      string `json:"id"`
	Source  string `json:"source"` // of the request
	Form    string `json:"form"`
	Request string `json:"request,omitempty"`
	Result  string `json:"result"`
	Note    string `json:"note,omitempty"`
}

// image is what dso_event keeps of a row.
type image struct {
	Status     string            `json:"status,omitempty"`
	Error      string            `json:"error,omitempty"`
	Operations json.RawMessage   `json:"operations,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"` // of the request, by ID
}

func operationsText(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// record writes down a deed; a source's own request is named without the source.
func (h *ByHand) record(ctx context.Context, tx control.Handle, d *Deed, before, after image) error {
	var texts [2]string
	for i, x := range []image{before, after} {
		text, err := json.Marshal(x)
		if err != nil {
			return err
		}
		texts[i] = string(text)
	}
	e := control.Event{What: h.What + " " + d.ID + h.With, Who: h.Who, Form: d.Form, Request: d.Request, Before: texts[0], After: texts[1]}
	if d.Source != d.Server {
		e.Source = d.Source
	}
	_, err := control.InsertEvent(ctx, tx, e)
	return err
}

// RetryPending has what a row of dso_pending holds tried now: what waits for its target or its hour by the process
// that reads the server, a job that has failed as a new one.
func (h *ByHand) RetryPending(ctx context.Context, conn *Connection, id string) (Deed, error) {
	p, err := control.GetPending(ctx, conn.DB, id)
	if err != nil {
		return Deed{}, err
	}
	d := pendingDeed(conn, &p)
	if p.Type == control.Escalation {
		return d, &EscalationError{Escalation: p.Mapping}
	}
	again := p // the job in its place, if there is to be one
	if isHandOver(&p) {
		if again.Qualification, err = conn.whereRequest(ctx, p.Form, p.Request); err != nil {
			return d, err
		}
		again.Request, again.Target, again.RowsTotal = "", "", 1
	}
	err = within(ctx, conn.DB, func(tx *statement.Tx) error {
		p, err := lockPending(ctx, tx, id)
		if err != nil {
			return err
		}
		asNew := p.Status == control.Failed || p.Status == control.Cancelled
		if isHandOver(p) { // where its target is away the job would only come back
			away, err := control.LoadAway(ctx, tx)
			if err != nil {
				return err
			}
			asNew = !slices.ContainsFunc(away, func(a control.Away) bool { return a.Target == p.Target })
		}
		switch {
		case asNew:
			again.ID, again.Status, again.Error, again.Reason, again.Remedy = "", control.New, "", "", ""
			again.CreatedBy = h.Who
			if again.ID, err = control.InsertPending(ctx, tx, again); err == nil {
				err = control.DeletePending(ctx, tx, id)
			}
			d.Result, d.Note = "asked for again", "it is "+again.ID+" now"
		case p.Status == control.Retry || p.Status == control.Waiting:
			err = control.AskPending(ctx, tx, id)
			d.Result = "to be tried now"
		default:
			return &NoRetryError{ID: id, Status: p.Status}
		}
		if err != nil {
			return err
		}
		return h.record(ctx, tx, &d, image{Status: string(p.Status), Error: p.Error}, image{Status: d.Result})
	})
	return d, err
}

// RemovePending gives up what a row of dso_pending holds, and with an operation the later ones of its request, which
// build on it. The request says Canceled. A job that has not ended is cancelled; what it has done so far stays.
func (h *ByHand) RemovePending(ctx context.Context, conn *Connection, id string) (Deed, error) {
	p, err := control.GetPending(ctx, conn.DB, id)
	if err != nil {
		return Deed{}, err
	}
	d := pendingDeed(conn, &p)
	if p.Type == control.Escalation && p.Status == control.Waiting {
		return d, &EscalationError{Escalation: p.Mapping}
	}
	if p.Request == "" {
		err := within(ctx, conn.DB, func(tx *statement.Tx) error { return h.removeJob(ctx, tx, &d) })
		return d, err
	}
	ids, err := withLater(ctx, conn, &p)
	if err != nil {
		return d, err
	}
	c, err := conn.statusOf(ctx, p.Form, p.Request)
	if err != nil {
		return d, err
	}
	err = repair(ctx, conn.DB, func(tx *statement.Tx) error {
		if err := c.lock(ctx, tx); err != nil {
			return err
		}
		rows, err := control.LockPending(ctx, tx, ids...)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(x control.Pending) bool { return x.ID == id })
		if i < 0 {
			return &control.NotFoundError{ID: id}
		}
		var gone []string
		for j := range rows {
			if rows[j].Attempted != "" || rows[j].Status == control.Running {
				return &MayBeDoneError{ID: id, Request: p.Request, Target: p.Target, Update: p.Type == jobUpdate}
			}
			gone = append(gone, rows[j].ID)
		}
		d.Result, d.Note = "removed", ""
		if n := len(gone) - 1; n > 0 {
			d.Note = fmt.Sprintf("with %d later rows of the request, which build on it: %s", n, strings.Join(slices.Delete(slices.Clone(gone), i, i+1), ", "))
		}
		field, err := fieldOf(&rows[i])
		if err != nil {
			return err
		}
		before, after, err := c.cancel(ctx, tx, field)
		if err != nil {
			return err
		}
		before.Status, before.Operations = string(rows[i].Status), operationsText(rows[i].Operation)
		after.Status = d.Result
		if err := h.record(ctx, tx, &d, before, after); err != nil {
			return err
		}
		return control.DropAsides(ctx, tx, gone...)
	})
	return d, err
}

func (h *ByHand) removeJob(ctx context.Context, tx *statement.Tx, d *Deed) error {
	p, err := lockPending(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	d.Result, d.Note = "removed", ""
	if p.Status == control.New || p.Status == control.Running {
		d.Result, d.Note = "cancelled", fmt.Sprintf("%d requests were done", p.RowsDone)
		err = control.SetStatus(ctx, tx, d.ID, control.Cancelled, nil)
	} else {
		err = control.DeletePending(ctx, tx, d.ID)
	}
	if err != nil {
		return err
	}
	return h.record(ctx, tx, d, image{Status: string(p.Status), Error: p.Error}, image{Status: d.Result})
}

func pendingDeed(conn *Connection, p *control.Pending) Deed {
	return Deed{Server: conn.Name, ID: p.ID, Source: conn.Name, Form: p.Form, Request: p.Request}
}

func isHandOver(p *control.Pending) bool {
	return p.Request != "" && (p.Type == control.TransferAgain || p.Type == control.ReturnAgain)
}

func lockPending(ctx context.Context, tx control.Handle, id string) (*control.Pending, error) {
	list, err := control.LockPending(ctx, tx, id)
	if err == nil && len(list) == 0 {
		err = &control.NotFoundError{ID: id}
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// withLater names p and the later rows that build on it: of the same request, whatever it is called by then.
func withLater(ctx context.Context, conn *Connection, p *control.Pending) ([]string, error) {
	ids := []string{p.ID}
	if p.Type != "operation" {
		return ids, nil
	}
	names := []string{p.Request}
	follow := func(p *control.Pending) error {
		ops, err := ReadOperations(p.Operation)
		for _, op := range ops {
			if op.Renamed != "" && !slices.Contains(names, op.Renamed) {
				names = append(names, op.Renamed)
			}
		}
		return err
	}
	if err := follow(p); err != nil {
		return nil, err
	}
	for i := 0; i < len(names); i++ { // it grows meanwhile
		rows, err := control.ListPending(ctx, conn.DB, control.PendingFilter{Type: p.Type, Mapping: p.Mapping, Form: p.Form, Request: names[i], Target: p.Target})
		if err != nil {
			return nil, err
		}
		for _, x := range rows {
			if x.Seq <= p.Seq || slices.Contains(ids, x.ID) {
				continue
			}
			ids = append(ids, x.ID)
			if err := follow(&x); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// fieldOf is the status field of the request that tells what becomes of a row.
func fieldOf(p *control.Pending) (int, error) {
	switch p.Type {
	case jobUpdate, control.ReturnAgain:
		return schema.UpdateStatus, nil
	case control.TransferAgain:
		return schema.TransferStatus, nil
	}
	ops, err := ReadOperations(p.Operation)
	return statusField(ops), err
}

// statusField is the status field that tells what becomes of operations; 0 = none does.
func statusField(ops []*mapping.Operation) int {
	for _, op := range ops {
		switch h := op.Home; {
		case h != nil && h.Kind == mapping.NotTaken && (h.Return || h.Direction != 0):
			return schema.UpdateStatus
		case h != nil && h.Kind == mapping.NotTaken:
			return schema.TransferStatus
		case h != nil:
		case op.Offer != nil && op.Offer.Return, op.Along != nil && op.TellSource:
			return schema.UpdateStatus
		case op.Offer != nil, op.Along == nil && op.TellSource:
			return schema.TransferStatus
		}
	}
	return 0
}

// statusCopy is a request whose status fields are to be written.
type statusCopy struct {
	conn *Connection
	form *schema.Form // narrowed to key and status fields; nil: there is none of that name
	key  []value.Value
	row  []value.Value // nil: it is not there
}

func (c *Connection) statusOf(ctx context.Context, form, id string) (*statusCopy, error) {
	s := &statusCopy{conn: c}
	f, err := c.Form(ctx, form)
	if err != nil || f == nil {
		return s, err
	}
	s.form = narrow(f, func(id int) bool { return id == schema.TransferStatus || id == schema.UpdateStatus })
	s.key, err = request.ParseID(s.form, id)
	return s, err
}

// lock locks the request, as threads do before they look at what waits for it.
func (s *statusCopy) lock(ctx context.Context, tx *statement.Tx) error {
	if s.form == nil {
		return nil
	}
	rows, err := statement.NewWriter(s.conn.DB).Lookup(ctx, tx, s.form, [][]value.Value{s.key}, true)
	if err == nil {
		s.row = rows[0]
	}
	return err
}

// cancel sets a status field to Canceled, if the form has it and the request is there.
func (s *statusCopy) cancel(ctx context.Context, tx *statement.Tx, field int) (before, after image, err error) {
	if s.row == nil {
		return before, after, nil
	}
	f := s.form.FieldByID(field)
	if f == nil {
		return before, after, nil
	}
	n, ok := f.Number("Canceled")
	if !ok || s.row[f.Index].Equal(value.Int(n)) {
		return before, after, nil
	}
	id := fmt.Sprint(field)
	before.Fields = map[string]string{id: shown(f, s.row[f.Index])}
	after.Fields = map[string]string{id: shown(f, value.Int(n))}
	_, err = statement.NewWriter(s.conn.DB).Update(ctx, tx, s.form, statement.UpdateSet{Set: []*schema.Field{f}},
		[]statement.UpdateRow{{Key: s.key, Set: []value.Value{value.Int(n)}}})
	return before, after, err
}

// whereRequest is WhereRequest for a form of the server.
func (c *Connection) whereRequest(ctx context.Context, form, id string) (string, error) {
	f, err := c.Form(ctx, form)
	if err == nil && f == nil {
		err = &UnknownRequestError{Server: c.Name, Form: form, Request: id, Reason: "there is no form of that name any more"}
	}
	if err != nil {
		return "", err
	}
	return WhereRequest(f, id)
}

// RetryError has the operations of a row of dso_pending_error tried again.
func (h *ByHand) RetryError(ctx context.Context, conn *Connection, id string) (d Deed, err error) {
	err = within(ctx, conn.DB, func(tx *statement.Tx) error {
		row, err := control.LockError(ctx, tx, id)
		if err != nil {
			return err
		}
		d = errorDeed(conn, &row, "to be tried again")
		if err := control.SetErrorStatus(ctx, tx, id, control.ErrorRetry); err != nil {
			return err
		}
		return h.record(ctx, tx, &d, image{Status: string(row.Status), Error: row.Error}, image{Status: string(control.ErrorRetry)})
	})
	return d, err
}

// RemoveError gives up the operations of a row of dso_pending_error. The request says Canceled, if its server can be
// reached.
func (h *ByHand) RemoveError(ctx context.Context, conn *Connection, id string) (d Deed, err error) {
	var ops []*mapping.Operation
	err = within(ctx, conn.DB, func(tx *statement.Tx) error {
		row, err := control.LockError(ctx, tx, id)
		if err != nil {
			return err
		}
		d = errorDeed(conn, &row, "removed")
		if ops, err = ReadOperations(row.Operation); err != nil {
			return err
		}
		before := image{Status: string(row.Status), Error: row.Error, Operations: operationsText(row.Operation)}
		if err := h.record(ctx, tx, &d, before, image{Status: d.Result}); err != nil {
			return err
		}
		return dropError(ctx, tx, &row, ops)
	})
	if err == nil {
		h.cancelSource(ctx, conn, &d, ops)
	}
	return d, err
}

func errorDeed(conn *Connection, row *control.PendingError, result string) Deed {
	return Deed{Server: conn.Name, ID: row.ID, Source: row.Source, Form: row.Form, Request: row.Request, Result: result}
}

// dropError removes a row; what waits for a rename in it goes on.
func dropError(ctx context.Context, tx *statement.Tx, row *control.PendingError, ops []*mapping.Operation) error {
	if err := freeRenamed(ctx, tx, row, ops); err != nil {
		return err
	}
	return control.DeleteError(ctx, tx, row.ID)
}

func freeRenamed(ctx context.Context, tx *statement.Tx, row *control.PendingError, ops []*mapping.Operation) error {
	for _, op := range ops {
		if op.Renamed == "" {
			continue
		}
		key := row.Key()
		key.Request = op.Renamed
		behind, err := control.Held(ctx, tx, row.Source, key)
		if err != nil {
			return err
		}
		for _, x := range behind {
			if x.Error == apply.BehindRename {
				if err := control.SetErrorStatus(ctx, tx, x.ID, control.ErrorRetry); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cancelSource has the request say that operations were given up. They are, whether that can be done or not.
func (h *ByHand) cancelSource(ctx context.Context, conn *Connection, d *Deed, ops []*mapping.Operation) {
	field := statusField(ops)
	if field == 0 {
		return
	}
	err := h.writeCanceled(ctx, conn, d, field)
	if err == nil {
		return
	}
	f, _ := schema.DistributedFieldByID(field)
	d.Note = fmt.Sprintf("%s of request %s of form %s on %s could not be set to Canceled: %s", f.Name, d.Request, d.Form, d.Source, err)
}

func (h *ByHand) writeCanceled(ctx context.Context, conn *Connection, d *Deed, field int) error {
	if d.Source != conn.Name {
		var err error
		if conn, err = h.Peer(ctx, d.Source); err != nil {
			return err
		}
	}
	c, err := conn.statusOf(ctx, d.Form, d.Request)
	if err != nil || c.form == nil || c.form.FieldByID(field) == nil {
		return err
	}
	return repair(ctx, conn.DB, func(tx *statement.Tx) error {
		if err := c.lock(ctx, tx); err != nil {
			return err
		}
		before, after, err := c.cancel(ctx, tx, field)
		if err != nil || after.Fields == nil {
			return err
		}
		there := *d
		there.Server = conn.Name
		return h.record(ctx, tx, &there, before, after)
	})
}

// RemoveConflicts removes records of conflicts; those that are gone already are left out. Many are recorded in dso_event
// together, or nothing would be won.
func (h *ByHand) RemoveConflicts(ctx context.Context, conn *Connection, ids ...string) (deeds []Deed, err error) {
	err = within(ctx, conn.DB, func(tx *statement.Tx) error {
		deeds = nil
		for _, id := range ids {
			x, err := control.GetConflict(ctx, tx, id)
			if err == nil {
				err = control.DeleteConflict(ctx, tx, id)
			}
			if errors.As(err, new(*control.NotFoundError)) {
				continue
			}
			if err != nil {
				return err
			}
			d := Deed{Server: conn.Name, ID: id, Source: x.Source, Form: x.Form, Request: x.Request, Result: "removed"}
			deeds = append(deeds, d)
			if len(ids) > 1 {
				continue
			}
			before := image{Status: x.Outcome + " by " + x.SettledBy, Error: x.Kind}
			if err := h.record(ctx, tx, &d, before, image{Status: d.Result}); err != nil {
				return err
			}
		}
		if len(ids) == 1 || len(deeds) == 0 {
			return nil
		}
		all := Deed{Server: conn.Name, Source: conn.Name, ID: fmt.Sprintf("%s to %s", deeds[0].ID, deeds[len(deeds)-1].ID)}
		return h.record(ctx, tx, &all, image{}, image{Status: fmt.Sprintf("%d removed", len(deeds))})
	})
	return deeds, err
}

// ParkedAs finds the row of dso_pending_error that a recorded conflict still waits in; *SettledError where it does not.
func ParkedAs(ctx context.Context, conn *Connection, id string) (string, error) {
	x, err := control.GetConflict(ctx, conn.DB, id)
	if err != nil {
		return "", err
	}
	if x.SettledBy != "parked" {
		return "", &SettledError{ID: id, Kind: x.Kind, How: fmt.Sprintf("it was settled by %s (%s)", x.SettledBy, x.Outcome)}
	}
	rows, err := control.ListErrors(ctx, conn.DB, control.ErrorFilter{Source: x.Source, Mapping: x.Mapping, Form: x.Form, Request: x.Request, TargetForm: x.TargetForm})
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", &SettledError{ID: id, Kind: x.Kind, How: "its operation has left the errors since"}
	}
	return rows[0].ID, nil
}

// NoRetryError is a row of dso_pending that there is nothing to retry of.
type NoRetryError struct {
	ID     string
	Status control.Status
}

func (e *NoRetryError) Error() string {
	return fmt.Sprintf("%s is %s: nothing is to be retried", e.ID, e.Status)
}
func (e *NoRetryError) Name() string { return "pending.no_retry" }
func (e *NoRetryError) Remedy() string {
	return "`ardso transfer` or `ardso return` asks anew for what is done; the others go on by themselves"
}

// EscalationError is an escalation's row, which its schedule alone moves on.
type EscalationError struct{ Escalation string }

func (e *EscalationError) Error() string {
	return fmt.Sprintf("escalation %q runs when it is due", e.Escalation)
}
func (e *EscalationError) Name() string { return "pending.escalation" }
func (e *EscalationError) Remedy() string {
	return "`ardso status` tells when that is; to stop it, write enabled: no in its definition"
}

// MayBeDoneError refuses to give up what may have been carried out.
type MayBeDoneError struct {
	ID, Request, Target string
	Update              bool
}

func (e *MayBeDoneError) Error() string {
	what := "was sent to " + e.Target + ", which has not answered whether it is in"
	if e.Update {
		what = "is on its way to " + e.Target
	}
	return fmt.Sprintf("%s of request %q may be carried out already, or a row that it builds on: it %s", e.ID, e.Request, what)
}
func (e *MayBeDoneError) Name() string { return "pending.may_be_done" }
func (e *MayBeDoneError) Remedy() string {
	return fmt.Sprintf("let `ardso run` run until %s answers: it finds out, and what was not carried out is; change the request then", e.Target)
}

// SettledError is a conflict of which nothing waits.
type SettledError struct{ ID, Kind, How string }

func (e *SettledError) Error() string {
	return fmt.Sprintf("conflict %s (%s) waits for nobody: %s", e.ID, e.Kind, e.How)
}
func (e *SettledError) Name() string { return "conflict.settled" }
func (e *SettledError) Remedy() string {
	return fmt.Sprintf("`ardso conflicts show %s` has both images: change the request on the side that is wrong; `ardso transfer` brings the source's again", e.ID)
}
