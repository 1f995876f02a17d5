package mapping

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"

	"ardso/cdc"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// owners is what the decider knows of the ownership of its server's requests at its place in the log. A state
// that the log changed since the durable position is kept until that has passed it; any other can be
// read again from dso_owner, where at_reader holds it.
type owners struct {
	open    map[ownership.Key]*openHandOver
	closed  []Closed        // since they were asked for last
	undated []ownership.Key // states of the transaction that goes on
	closing []ownership.Key // hand-overs that are over when it ends

	mu     sync.Mutex // positions are saved while the next transactions are decided
	states map[ownership.Key]*tracked
}

// tracked is a request's state, with those that the log has brought since the durable position.
type tracked struct {
	ownership.State
	news []version // in log order; the last is State
	// isNewer: State may be that of a later change than the log is at. It tells who owns the request, but not what the log's
	// changes found; until the log brings a state.
	isNewer bool
	was     ownership.State // before the transaction that goes on, where that brought State
}

// before is the state before the transaction that goes on.
func (t *tracked) before() *ownership.State {
	if n := len(t.news); n > 0 && t.news[n-1].since == "" {
		return &t.was
	}
	return &t.State
}

type version struct {
	ownership.State
	since cdc.Position // end of the transaction that brought it; "" while that goes on
}

type openHandOver struct {
	ownership.HandOver
	chain   string
	touched bool // the request was changed since
}

// Closed is a hand-over that the log has closed.
type Closed struct {
	Key ownership.Key
	// Touched: the request was changed while the hand-over was open.
	Touched bool
}

// maxStates bounds the states that are kept only to save a look at dso_owner (G7), but for those of one transaction.
const maxStates = 50_000

func newOwners() *owners {
	return &owners{
		states: make(map[ownership.Key]*tracked),
		open:   make(map[ownership.Key]*openHandOver),
	}
}

// state returns what is known of a request; nil if nothing.
func (o *owners) state(k ownership.Key) *tracked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.states[k]
}

func isOwnerTable(r *cdc.Relation) bool { return strings.EqualFold(r.Table, cdc.OwnerTable) }

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
	if c.Kind == cdc.Delete { // of a request that has long been gone: nothing is known of it any more
		key, _, _ := readOwner(c.Relation, c.Before) // the key is all that matters
		d.owners.forget(key)
		return nil
	}
	key, s, err := readOwner(c.Relation, c.After)
	if err != nil {
		return &cdc.UnreadableError{
			Server: d.server, What: fmt.Sprintf("a row of %s: %s", cdc.OwnerTable, err),
			Fix: "run `ardso init " + d.server + "`, which makes the log hold whole rows, and restart",
		}
	}
	if !d.owners.learn(key, s) {
		return nil
	}
	if open := d.owners.open[key]; open != nil && (s.Chain == "" || s.Chain == open.chain) && open.Closes(&s) {
		if s.Deleted { // the delete in this transaction must still reach whom ownership was given to
			d.owners.closing = append(d.owners.closing, key)
		} else {
			d.close(key)
		}
	}
	return nil
}

// learn takes note of the state that a request has from here on in the log. It reports false of a state that was
// written before the log told that the request was deleted: it is void, and will be buried.
func (o *owners) learn(k ownership.Key, s ownership.State) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.states[k]
	if t == nil {
		t = &tracked{}
		o.states[k] = t
	}
	if t.Deleted && !s.Deleted && s.Chain == t.Chain && s.At() <= t.At() {
		return false
	}
	t.isNewer = false
	if !same(&t.State, &s) { // else only at_reader was written, or it is known already
		t.was, t.State = *t.before(), s
		t.news = append(t.news, version{State: s})
		o.undated = append(o.undated, k)
	}
	return true
}

// shrink drops states that can be read again, once there are too many.
func (o *owners) shrink() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.states) < maxStates {
		return
	}
	for key, t := range o.states {
		if len(t.news) == 0 {
			delete(o.states, key)
		}
	}
}

func (o *owners) forget(k ownership.Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.states, k)
}

// deleted takes note that the owner has deleted the request, which ends an open hand-over: what the log tells of
// the Request ID from here on is another request's, also before the tombstone is written.
func (d *Decider) deleted(k ownership.Key, s ownership.State, chain string) {
	if s.Chain == "" {
		epoch := s.At()
		s = ownership.Begin(chain)
		s.Epoch = epoch
	}
	d.owners.learn(k, s.Tombstone(s.At()))
	if d.owners.open[k] != nil {
		d.close(k)
	}
}

func (d *Decider) close(k ownership.Key) {
	d.owners.closed = append(d.owners.closed, Closed{Key: k, Touched: d.owners.open[k].touched})
	delete(d.owners.open, k)
}

// Closed returns the hand-overs that the log has closed since it was asked last.
func (d *Decider) Closed() []Closed {
	closed := d.owners.closed
	d.owners.closed = nil
	return closed
}

// IsOpen reports whether the hand-over that op offers is open still: one transaction may give a request away and
// delete it.
func (d *Decider) IsOpen(op *Operation) bool {
	open := d.owners.open[ownership.Key{Form: op.Form, Request: op.Request}]
	return open != nil && open.chain == op.Offer.Chain
}

// same compares two states; what differs is a change, be it of one field.
func same(a, b *ownership.State) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// readOwner reads the after image of a row of dso_owner.
func readOwner(rel *cdc.Relation, row []value.Value) (k ownership.Key, s ownership.State, err error) {
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
	place := func(which string) ownership.Place {
		return ownership.Place{Server: text(which + "_server"), Form: text(which + "_form"), Request: text(which + "_request"), Mapping: text(which + "_mapping")}
	}
	k = ownership.Key{Form: text("form"), Request: text("request")}
	s = ownership.State{Chain: text("chain"), Owner: text("owner") == "1", Deleted: text("deleted") == "1", From: place("from"), To: place("to")}
	if s.Epoch, err = strconv.ParseInt(text("epoch"), 10, 64); err == nil {
		s.Fields, err = ownership.ParseFields(text("fields"))
	}
	if slices.ContainsFunc(rel.Columns, func(n string) bool { return strings.EqualFold(n, "fault") }) { // a new column
		s.Fault = text("fault")
	}
	if missing != "" {
		err = fmt.Errorf("column %s was not sent", missing)
	}
	return k, s, err
}

// Unknown lists the requests in tx whose ownership must be known to decide it and is not: tell each by
// Know, then Decide.
func (d *Decider) Unknown(tx *cdc.Transaction) []ownership.Key {
	d.owners.shrink() // before the requests in tx are looked for: none of theirs may go until it is decided
	var keys []ownership.Key
	seen := make(map[ownership.Key]bool)
	add := func(k ownership.Key) {
		if d.owners.state(k) == nil && !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for i := range tx.Changes {
		c := &tx.Changes[i]
		if isOwnerTable(c.Relation) {
			if k, _, err := readOwner(c.Relation, c.After); err == nil { // Decide tells the error
				add(k)
			}
			continue
		}
		sh, err := d.shaped(c.Relation)
		if err != nil || sh.form == nil || sh.form.master == nil || c.Kind == cdc.Truncate {
			continue // Decide tells the error
		}
		for _, row := range [][]value.Value{c.Before, c.After} {
			im, _ := sh.shape.Image(row) // Decide tells the error
			if im == nil || !im[sh.form.master.Index].Known() || !keyKnown(sh.form.Form, im) {
				continue
			}
			if im[sh.form.master.Index].IsNull() && !sh.form.gives {
				continue // never under ownership; one that can be given away may be one that was deleted, made anew
			}
			add(ownership.Key{Form: sh.form.Name, Request: request.ID(sh.form.Form, im)})
		}
	}
	return keys
}

// Know tells what dso_owner holds of a request as of the reader's position; "" = nothing. mayBeNewer: the log may bring older
// changes still.
func (d *Decider) Know(k ownership.Key, atReader string, mayBeNewer bool) error {
	d.owners.mu.Lock()
	defer d.owners.mu.Unlock()
	t := &tracked{isNewer: mayBeNewer}
	if atReader != "" {
		if err := json.Unmarshal([]byte(atReader), &t.State); err != nil {
			return fmt.Errorf("dso_owner, request %q of form %q: at_reader: %w", k.Request, k.Form, err)
		}
	}
	d.owners.states[k] = t
	return nil
}

// ended dates what the transaction brought.
func (d *Decider) ended(tx *cdc.Transaction) {
	if tx.More {
		return
	}
	o := d.owners
	for _, k := range o.closing {
		if o.open[k] != nil {
			d.close(k)
		}
	}
	o.closing = o.closing[:0]
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.undated {
		if t := o.states[k]; t != nil {
			t.was = ownership.State{}
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
func (d *Decider) Changed(upTo func(cdc.Position) bool) map[ownership.Key]string {
	d.owners.mu.Lock()
	defer d.owners.mu.Unlock()
	out := make(map[ownership.Key]string)
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
