package mapping

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"

	"ardso/cdc"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// owners is what the decider knows of the ownership of its server's requests at its place in the log. A state
// that the log changed since the durable position is kept until that has passed it; any other can be
// read again from dso_owner, where at_reader holds it.
type owners struct {
	open    map[control.OwnerKey]*openHandOver
	closed  []control.OwnerKey // since they were asked for last
	undated []control.OwnerKey // states of the transaction that goes on

	mu     sync.Mutex // positions are saved while the next transactions are decided
	states map[control.OwnerKey]*tracked
}

// tracked is a request's state, with those that the log has brought since the durable position.
type tracked struct {
	ownership.State
	news []version // in log order; the last is State
}

type version struct {
	ownership.State
	since cdc.Position // end of the transaction that brought it; "" while that goes on
}

type openHandOver struct {
	ownership.HandOver
	chain string
}

// maxStates bounds the states that are kept only to save a look at dso_owner (G7).
const maxStates = 50_000

func newOwners() *owners {
	return &owners{
		states: make(map[control.OwnerKey]*tracked),
		open:   make(map[control.OwnerKey]*openHandOver),
	}
}

// state returns what is known of a request; nil if nothing.
func (o *owners) state(k control.OwnerKey) *tracked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.states[k]
}

func isOwnerTable(r *cdc.Relation) bool { return strings.EqualFold(r.Table, cdc.OwnerTable) }

// StateOf reads the state that a row of dso_owner holds.
func StateOf(o *control.Owner) (ownership.State, error) {
	s := ownership.State{
		Chain: o.Chain, Epoch: o.Epoch, Owner: o.Owns, Deleted: o.Deleted,
		From: ownership.Place(o.From), To: ownership.Place(o.To),
	}
	if o.Fields != "" {
		if err := json.Unmarshal([]byte(o.Fields), &s.Fields); err != nil {
			return s, fmt.Errorf("dso_owner, request %q of form %q: fields: %w", o.Request, o.Form, err)
		}
	}
	return s, nil
}

// OwnerOf is the row of dso_owner that holds a state.
func OwnerOf(k control.OwnerKey, s *ownership.State) control.Owner {
	o := control.Owner{
		OwnerKey: k, Chain: s.Chain, Epoch: s.Epoch, Owns: s.Owner, Deleted: s.Deleted,
		From: control.OwnerPlace(s.From), To: control.OwnerPlace(s.To),
	}
	if len(s.Fields) > 0 {
		text, err := json.Marshal(s.Fields)
		if err != nil {
			panic(err) // maps of text and numbers
		}
		o.Fields = string(text)
	}
	return o
}

// HashOf names a value of a field, the same for equal values.
func HashOf(v value.Value) string {
	h := fnv.New64a()
	if v.IsNull() {
		return "-"
	}
	_, _ = h.Write([]byte(v.SQL()))
	return strconv.FormatUint(h.Sum64(), 36)
}

// ownerRecord takes note of a row of dso_owner that the log brings.
func (d *Decider) ownerRecord(tx *cdc.Transaction, c *cdc.RowChange) error {
	row := c.After
	if c.Kind == cdc.Delete {
		return nil // of a request that has long been gone
	}
	o, err := readOwner(c.Relation, row)
	if err != nil {
		return &cdc.UnreadableError{
			Server: d.server, What: fmt.Sprintf("a row of %s: %s", cdc.OwnerTable, err),
			Fix: "run `ardso init " + d.server + "`, which makes the log hold whole rows, and restart",
		}
	}
	s, err := StateOf(o)
	if err != nil {
		return err
	}
	d.owners.mu.Lock()
	t := d.owners.states[o.OwnerKey]
	if t == nil {
		t = &tracked{}
		d.owners.states[o.OwnerKey] = t
	}
	if !same(&t.State, &s) { // else only at_reader was written, or it is known already
		t.State = s
		t.news = append(t.news, version{State: s})
		d.owners.undated = append(d.owners.undated, o.OwnerKey)
	}
	d.owners.mu.Unlock()
	if open := d.owners.open[o.OwnerKey]; open != nil && (open.Closes(&s) || tx.Mark != nil && tx.Mark.WriteBack) {
		d.close(o.OwnerKey)
	}
	return nil
}

func (d *Decider) close(k control.OwnerKey) {
	delete(d.owners.open, k)
	d.owners.closed = append(d.owners.closed, k)
}

// Closed returns the requests whose open hand-overs the log has closed since it was asked last.
func (d *Decider) Closed() []control.OwnerKey {
	closed := d.owners.closed
	d.owners.closed = nil
	return closed
}

// same compares two states; what differs is a change, be it of one field.
func same(a, b *ownership.State) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// readOwner reads the after image of a row of dso_owner.
func readOwner(rel *cdc.Relation, row []value.Value) (*control.Owner, error) {
	var missing string
	text := func(name string) string {
		for i, n := range rel.Columns {
			if strings.EqualFold(n, name) && i < len(row) && row[i].Known() {
				return row[i].SQL()
			}
		}
		missing = name
		return ""
	}
	epoch, err := strconv.ParseInt(text("epoch"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("epoch: %w", err)
	}
	o := &control.Owner{
		OwnerKey: control.OwnerKey{Form: text("form"), Request: text("request")},
		Chain:    text("chain"), Epoch: epoch, Owns: text("owner") == "1",
		From:    control.OwnerPlace{Server: text("from_server"), Form: text("from_form"), Request: text("from_request"), Mapping: text("from_mapping")},
		To:      control.OwnerPlace{Server: text("to_server"), Form: text("to_form"), Request: text("to_request"), Mapping: text("to_mapping")},
		Fields:  text("fields"),
		Deleted: text("deleted") == "1",
	}
	if missing != "" {
		return nil, fmt.Errorf("column %s was not sent", missing)
	}
	return o, nil
}

// Unknown lists the requests in tx whose ownership must be known to decide it and is not: tell each by
// Know, then Decide.
func (d *Decider) Unknown(tx *cdc.Transaction) []control.OwnerKey {
	var keys []control.OwnerKey
	seen := make(map[control.OwnerKey]bool)
	add := func(k control.OwnerKey) {
		if d.owners.state(k) == nil && !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for i := range tx.Changes {
		c := &tx.Changes[i]
		if isOwnerTable(c.Relation) {
			if o, err := readOwner(c.Relation, c.After); err == nil { // Decide tells the error
				add(o.OwnerKey)
			}
			continue
		}
		sh, err := d.shaped(c.Relation)
		if err != nil || sh.form == nil || sh.form.master == nil || c.Kind == cdc.Truncate {
			continue // Decide tells the error
		}
		for _, row := range [][]value.Value{c.Before, c.After} {
			im, _ := sh.shape.Image(row) // Decide tells the error
			if im == nil || !im[sh.form.master.Index].Known() || im[sh.form.master.Index].IsNull() || !keyKnown(sh.form.Form, im) {
				continue // never under ownership
			}
			add(control.OwnerKey{Form: sh.form.Name, Request: request.ID(sh.form.Form, im)})
		}
	}
	return keys
}

// Know tells what dso_owner holds of a request as of the reader's position; "" = nothing.
func (d *Decider) Know(k control.OwnerKey, atReader string) error {
	d.owners.mu.Lock()
	defer d.owners.mu.Unlock()
	if len(d.owners.states) >= maxStates {
		for key, t := range d.owners.states {
			if len(t.news) == 0 {
				delete(d.owners.states, key)
			}
		}
	}
	t := &tracked{}
	if atReader != "" {
		if err := json.Unmarshal([]byte(atReader), &t.State); err != nil {
			return fmt.Errorf("dso_owner, request %q of form %q: at_reader: %w", k.Request, k.Form, err)
		}
	}
	d.owners.states[k] = t
	return nil
}

// ended dates what the transaction brought.
func (o *owners) ended(tx *cdc.Transaction) {
	if tx.More {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.undated {
		if t := o.states[k]; t != nil {
			for i := range t.news {
				if t.news[i].since == "" {
					t.news[i].since = tx.Position
				}
			}
		}
	}
	o.undated = o.undated[:0]
}

// Changed returns, for dso_owner.at_reader, what requests whose state the log has changed held at the durable
// position; upTo tells which positions that covers. Settle them once they are stored. It may be called while
// Decide runs.
func (d *Decider) Changed(upTo func(cdc.Position) bool) map[control.OwnerKey]string {
	d.owners.mu.Lock()
	defer d.owners.mu.Unlock()
	out := make(map[control.OwnerKey]string)
	for k, t := range d.owners.states {
		for _, v := range t.news {
			if v.since == "" || !upTo(v.since) {
				break
			}
			text, err := json.Marshal(v.State)
			if err != nil {
				panic(err) // maps of text and numbers
			}
			out[k] = string(text)
		}
	}
	return out
}

// Settle says that dso_owner.at_reader holds what Changed returned for the same positions.
func (d *Decider) Settle(upTo func(cdc.Position) bool) {
	d.owners.mu.Lock()
	defer d.owners.mu.Unlock()
	for _, t := range d.owners.states {
		n := 0
		for n < len(t.news) && t.news[n].since != "" && upTo(t.news[n].since) {
			n++
		}
		t.news = t.news[n:]
	}
}

// owns reads the Master Flag of an image: a request that was never distributed owns itself
// (dso-reference 29, choice 3).
func owns(f *schema.Field, im request.Image) bool {
	if f == nil || im == nil {
		return true
	}
	v := im[f.Index]
	return !v.Known() || v.IsNull() || v.Int() != schema.MasterNo
}
