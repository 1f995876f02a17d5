// Package ownership decides who owns a request and where its changes go along an ownership chain. It
// is pure: the same questions are asked by the decider, by the applier under the target's locks, and
// by the exhaustive model in its tests.
//
// docs/ownership.md gives the protocol and the argument for it. Its rules, and the function that keeps
// each: 1 epochs, Accept; 2 a write-back names its epoch, WriteBack; 3 a hand-over stays open until its
// write-back is read back, HandOver.Closes; 4 changes made while it is open are forwarded, and 5 merged
// changes travel both ways along the chain, Ways; 6 fields, not images, of which the later version stays,
// Version, Merge and State.Takes; 7 the same chain's next epoch is accepted in any state, Accept.
//
// Read State and Version, then the functions in their order.
package ownership

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Place is one copy of a request, and the mapping by which it was reached.
type Place struct {
	Server  string `json:"server"`
	Form    string `json:"form"`
	Request string `json:"request"`
	Mapping string `json:"mapping"`
}

// Key names a request of a server.
type Key struct {
	Form, Request string
}

// IsZero: there is no such copy.
func (p Place) IsZero() bool { return p == Place{} }

// State is what a server knows of one request under ownership: its row of dso_owner. A request that was
// never handed over has none, which reads as the zero State: it owns itself.
type State struct {
	Chain string `json:"chain"` // identity of the chain, the same on all servers
	Epoch int64  `json:"epoch"` // of the hand-over that brought ownership here last; see At
	Owner bool   `json:"owner"` // the Master Flag as ardso wrote it last
	From  Place  `json:"from"`  // the copy that this one came from; zero: the chain began here
	To    Place  `json:"to"`    // the copy that was given ownership; zero while this one owns
	// Fields tell, by field ID, what ardso wrote into this copy's fields last, with a hand-over or by merging.
	// A field that holds something else was set by a user of this copy since.
	Fields map[int]Field `json:"fields,omitempty"`
	// Deleted: the owner deleted the request, and what arrives for it late is void. Who asks about a request
	// that is not there sets it, whether dso_owner says so yet or not.
	Deleted bool `json:"deleted,omitempty"`
	// Fault, if not "", names what is wrong with the request's ownership: a verification has found it, and
	// nothing of the request is distributed until it is repaired.
	Fault string `json:"fault,omitempty"`
}

// Field is a field as ardso wrote it last.
type Field struct {
	Hash string `json:"h"` // of the value
	Version
	// Value, if not "", is the value itself: a foreign change has replaced it and could not be undone yet.
	Value string `json:"v,omitempty"`
}

// ParseFields reads the text of Fields as FieldsText writes it; "" are none.
func ParseFields(text string) (fields map[int]Field, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, fmt.Errorf("fields of an owner: %w", err)
	}
	return fields, nil
}

// FieldsText is Fields as dso_owner keeps them.
func (s *State) FieldsText() string {
	if len(s.Fields) == 0 {
		return ""
	}
	text, err := json.Marshal(s.Fields)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(text)
}

// Version orders the values of a field: of two that were set without knowing of each other the later epoch's
// wins, and one that was set over another is the later one.
type Version struct {
	// Epoch is that of the owner who set the value, or of the value that it replaced if that is later: an
	// owner whose hand-over is open may edit over a value of the new owner. Then Turn counts how often they
	// edited over each other's, and By is the epoch of the owner who set it.
	Epoch int64 `json:"e"`
	Turn  int64 `json:"t,omitempty"`
	By    int64 `json:"b,omitempty"`
	// Order is a place in the log of the server where the value was set, while it held there: that log
	// orders what one owner set. 0: it has not been read from the log yet, so it is the latest.
	Order int64 `json:"o,omitempty"`
}

// Compare orders versions.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Epoch, w.Epoch), cmp.Compare(v.Turn, w.Turn), cmp.Compare(v.By, w.By),
		cmp.Compare(uint64(v.Order-1), uint64(w.Order-1)))
}

// Read is the version of a value that is read at a place in the log of its server.
func (v Version) Read(order int64) Version {
	if v.Order == 0 {
		v.Order = order
	}
	return v
}

// Begin is the state of the request that a chain begins with, which dso_owner does not hold until its first
// hand-over is written back or something is merged into it.
func Begin(chain string) State { return State{Chain: chain, Epoch: 1, Owner: true} }

// At is the copy's epoch. A chain begins with epoch 1.
func (s *State) At() int64 { return max(s.Epoch, 1) }

// Clone copies the state with its fields.
func (s *State) Clone() State {
	c := *s
	c.Fields = maps.Clone(s.Fields)
	return c
}

// HandOver is a transfer with ownership, or a return, that was decided on and whose write-back has not
// been read back from the giver's log: it is open.
type HandOver struct {
	To    Place
	Epoch int64 // of the giver
}

// Direction is a way along the chain. It says where a change goes and when, not who wins a conflict.
type Direction uint8

const (
	// Up leads to the copy that was given ownership: a change that comes late must still reach the owner.
	Up Direction = iota + 1
	// Down leads to the copy that this one came from: an update.
	Down
)

func (d Direction) String() string { return [...]string{"?", "up", "down"}[min(int(d), 2)] }

// Way is one copy that a change goes to.
type Way struct {
	Direction Direction
	To        Place
}

// Change is a change of a request as the log of its server tells it.
type Change struct {
	Merged   bool     // ardso applied it, coming along Path
	WasOwner bool     // the before image owned the request
	Path     []string // servers passed; of a user's change none
}

// IsForeign reports a change by someone who does not own the request.
func (c *Change) IsForeign() bool { return !c.Merged && !c.WasOwner }

// Ways returns the copies that a change of a request with this state goes to; open is its open hand-over,
// nil if there is none. A foreign change goes nowhere. A merged one travels both ways, but never to a server
// that it has passed; an owner's change made while its hand-over is open goes to the new owner, too.
func Ways(c Change, s *State, open *HandOver, rules Rules) []Way {
	if c.IsForeign() {
		return nil
	}
	var ways []Way
	add := func(d Direction, to Place) {
		if !to.IsZero() && !slices.Contains(c.Path, to.Server) {
			ways = append(ways, Way{d, to})
		}
	}
	switch {
	case open != nil && !rules.NoForward:
		add(Up, open.To)
	case open == nil && !rules.NoOnward:
		add(Up, s.To)
	}
	if open == nil || !rules.NoBoth {
		if from := s.From; len(ways) == 0 || ways[0].To.Server != from.Server {
			add(Down, from)
		}
	}
	return ways
}

// Rules leaves single rules out, to show in tests that each is needed. The zero value keeps all.
type Rules struct {
	NoEpoch   bool // a write-back is carried out whatever the epoch (rule 2)
	NoOpen    bool // the durable position passes open hand-overs (rule 3)
	NoForward bool // changes made while a hand-over is open stay where they are (rule 4)
	NoBoth    bool // a change made while it is open goes to the new owner only (rule 5)
	NoOnward  bool // a merged change is not passed on to the copy that was given ownership (rule 5)
	NoFields  bool // images travel instead of fields (rule 6)
}

// Offer is ownership on its way: what a hand-over brings to the target beside the request's fields.
type Offer struct {
	Chain  string `json:"chain"`
	Epoch  int64  `json:"epoch"`            // of the giver; the target's becomes the next
	From   Place  `json:"from"`             // the giver's copy
	Return bool   `json:"return,omitempty"` // back to where it came from
	// Former is the chain of a request that had the giver's Request ID before and was deleted; "" if there was none.
	Former string `json:"former,omitempty"`
	// Changed gives, by target field, the version of its value, read at the place of the hand-over.
	Changed map[int]Version `json:"changed"`
}

// Answer is what a target says to an Offer.
type Answer uint8

const (
	Take   Answer = iota + 1 // ownership is taken
	Have                     // it was taken already, and may have gone on since
	Refuse                   // the copy there owns itself under another chain, or was deleted by its owner
)

// Accept says what becomes of an offer where the target's request has this state, nil if it is not under
// ownership there; owns tells what its Master Flag says. Any state of the same chain with a lower epoch
// takes it, also one whose own last hand-over is not written back yet (rule 7), but not one that is deleted.
//
// Asked after a restart, Have also tells that a hand-over was taken which the target's checkpoint covers;
// any other answer, that it failed.
func Accept(s *State, owns bool, o *Offer) Answer {
	switch {
	case s == nil || s.Chain == "":
		return Take // what a request without a chain means is the mapping's to say
	case s.Chain == o.Chain && s.At() > o.Epoch:
		return Have
	case s.Chain != o.Chain && owns && !s.Deleted:
		return Refuse
	case s.Chain == o.Chain && s.Deleted:
		return Refuse // the delete may still be on its way to the giver
	}
	return Take
}

// Accepted is the target's state once it has taken the offer; s is its state before, nil if none. values
// are the hashes of all its fields as they are written; taken tells which came with the offer, nil: all. A
// field that the copy kept keeps its version.
func Accepted(s *State, o *Offer, values map[int]string, taken func(field int) bool) State {
	n := State{Chain: o.Chain, Epoch: o.Epoch + 1, Owner: true, From: o.From, Fields: make(map[int]Field, len(values))}
	if o.Return && s != nil && s.Chain == o.Chain {
		n.From = s.From
	}
	for id, h := range values {
		f := Field{Hash: h, Version: o.Changed[id]}
		if taken != nil && !taken(id) {
			f.Version = s.ChangedAt(id, h)
		}
		n.Fields[id] = f
	}
	return n
}

// WrittenBack is the giver's state once its hand-over, which was taken, is written back. values are the hashes of
// all its fields, which keep their versions: what they hold otherwise from here on, no owner has set (IsForeign).
func (s *State) WrittenBack(to Place, values map[int]string) State {
	n := s.Clone()
	n.Epoch, n.Owner, n.To, n.Fields = s.At(), false, to, make(map[int]Field, len(values))
	for id, h := range values {
		n.Fields[id] = Field{Hash: h, Version: s.ChangedAt(id, h)}
	}
	return n
}

// NotTaken is the giver's state once a hand-over has failed: it goes on as the owner, under the next epoch.
// So the log shows that the hand-over is over, and nothing that belongs to it counts any more. values are the
// hashes of all its fields: they keep their versions.
func (s *State) NotTaken(values map[int]string) State {
	n := s.Clone()
	n.Epoch, n.Owner, n.Fields = s.At()+1, true, make(map[int]Field, len(values))
	for id, h := range values {
		n.Fields[id] = Field{Hash: h, Version: s.ChangedAt(id, h)}
	}
	return n
}

// Merged is the copy's state once ardso has merged a value of that version into a field, whichever way it came.
// It belongs into the transaction that writes the field.
func (s *State) Merged(field int, hash string, v Version) State {
	n := s.Clone()
	if n.Fields == nil {
		n.Fields = make(map[int]Field)
	}
	n.Fields[field] = Field{Hash: hash, Version: v}
	return n
}

// Side says who wins a field if both sides changed it: Down the change, whose value is of version v, or Up the
// copy, which holds a value of this hash. Which way the change came does not matter: on a ring a late update
// comes down to a copy that has owned the request since.
func (s *State) Side(field int, hash string, v Version) Direction {
	if s == nil || v.Compare(s.ChangedAt(field, hash)) > 0 {
		return Down
	}
	return Up
}

// Deletes reports whether a delete by the owner of epoch removes this copy, whose fields have these hashes: not
// if the copy has owned the request since and a later owner has set a field.
func (s *State) Deletes(epoch int64, values map[int]string) bool {
	if s.At() <= epoch {
		return true
	}
	for id, h := range values {
		if s.ChangedAt(id, h).Epoch > epoch {
			return false
		}
	}
	return true
}

// Tombstone is the state of a copy that was deleted by the owner of epoch: that of the owner's own, once its
// user's delete is read from the log, and that of every copy that the delete reaches.
func (s *State) Tombstone(epoch int64) State {
	n := s.Clone()
	n.Deleted, n.Owner, n.Fields, n.Fault = true, false, nil, ""
	n.Epoch = max(n.Epoch, epoch)
	return n
}

// ChangedAt is the version of a field that holds a value of this hash. Its Order is 0 if a user of this copy
// has set it: who reads it from the log says where, Version.Read. What someone has set who does not own the request
// is older than all that an owner has set or sets.
func (s *State) ChangedAt(field int, hash string) Version {
	if f, ok := s.Fields[field]; ok && f.Hash == hash {
		return f.Version
	}
	if s.IsForeign(field, hash) {
		return Version{}
	}
	return s.Edited(field)
}

// IsAlive reports whether there is, or was until somebody deleted it who did not own the request, a copy of a chain.
func (s *State) IsAlive() bool { return s.Chain != "" && !s.Deleted }

// IsForeign reports whether a field that holds a value of this hash was set by someone who does not own the request:
// the copy was given away, and what ardso or an owner set last is known.
func (s *State) IsForeign(field int, hash string) bool {
	f, ok := s.Fields[field]
	return ok && !s.Owner && s.Chain != "" && f.Hash != hash
}

// Edited is the version of a value that a user of this copy sets.
func (s *State) Edited(field int) Version {
	over := s.Fields[field]
	if s.At() > over.Epoch {
		return Version{Epoch: s.At()}
	}
	return Version{Epoch: over.Epoch, Turn: over.Turn + 1, By: s.At()}
}

// Takes reports whether a hand-over's value of a field replaces the one that the target's copy holds, whose
// hash is given: only if it is the later one. Else what the copy holds is on its way to the giver, which does
// not know it yet (rule 6). s is nil where the copy was never under this chain's ownership, or is not there.
func (s *State) Takes(o *Offer, field int, hash string, rules Rules) bool {
	if s == nil || s.Chain != o.Chain || rules.NoFields {
		return true
	}
	return o.Changed[field].Compare(s.ChangedAt(field, hash)) > 0
}

// Outcome is how a field of a forward or an update is merged into a copy.
type Outcome struct {
	Write    bool
	Conflict bool // both sides changed it: the later version stays, and the other value is recorded
}

// Merge says how a field that changed from before to after elsewhere is merged into a copy that holds current;
// d is what State.Side says.
func Merge[V any](d Direction, equal func(a, b V) bool, before, after, current V) Outcome {
	switch {
	case equal(current, after):
		return Outcome{}
	case equal(current, before):
		return Outcome{Write: true}
	}
	return Outcome{Write: d == Down, Conflict: true}
}

// WriteBack reports whether the write-back of a hand-over is to be carried out on the giver: only while it
// owns the request and its epoch is the one that was handed over (rule 2).
func WriteBack(s *State, owns bool, epoch int64, rules Rules) bool {
	return owns && !s.Deleted && (rules.NoEpoch || s.At() == epoch)
}

// Closes reports whether a state that dso_owner got, read from the giver's log, closes its open hand-over: it
// was written back, taken or not, ownership has come back already, or the request was deleted. It is closed
// for what the transaction does with the request, but for a delete: that must still reach whom ownership was
// given to.
func (h *HandOver) Closes(s *State) bool {
	return s.Deleted || s.At() > h.Epoch || s.At() == h.Epoch && !s.Owner
}
