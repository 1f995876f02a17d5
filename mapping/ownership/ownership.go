// Package ownership decides who owns a request and where its changes go along an ownership chain. It
// is pure: the same questions are asked by the decider, by the applier under the target's locks, and
// by the exhaustive model in its tests.
//
// docs/ownership.md gives the protocol and the argument for it. Its rules, and the function that keeps
// each: 1 epochs, Accept; 2 a write-back names its epoch, WriteBack; 3 a hand-over stays open until its
// write-back is read back, Durable; 4 changes made while it is open are forwarded, and 5 merged changes
// travel both ways along the chain, Ways; 6 fields, not images, Merge and State.Takes; 7 the same
// chain's next epoch is accepted in any state, Accept.
//
// Read State, then the functions in that order.
package ownership

import (
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
	// Fields tell, by field ID, what this copy's fields held when it received ownership.
	Fields map[int]Field `json:"fields,omitempty"`
	// Deleted: the request is gone, and what arrives for it late is void.
	Deleted bool `json:"deleted,omitempty"`
}

// Field is a field as it was received.
type Field struct {
	Hash string `json:"h"` // of the value
	// Epoch under which the value came to be: the owner of that epoch set it.
	Epoch int64 `json:"e"`
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

// Direction is a way along the chain.
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
	// Changed gives, by target field, the epoch under which its value came to be.
	Changed map[int]int64 `json:"changed"`
}

// Answer is what a target says to an Offer.
type Answer uint8

const (
	Take   Answer = iota + 1 // ownership is taken
	Have                     // it was taken already, and may have gone on since
	Refuse                   // the copy there owns itself under another chain
)

// Accept says what becomes of an offer where the target's request has this state, nil if it is not under
// ownership there; owns tells what its Master Flag says. Any state of the same chain with a lower epoch
// takes it, also one whose own last hand-over is not written back yet (rule 7).
func Accept(s *State, owns bool, o *Offer) Answer {
	switch {
	case s == nil || s.Chain == "":
		return Take // what a request without a chain means is the mapping's to say
	case s.Chain == o.Chain && s.At() > o.Epoch:
		return Have
	case s.Chain != o.Chain && owns && !s.Deleted:
		return Refuse
	}
	return Take
}

// Accepted is the target's state once it has taken the offer; s is its state before, nil if none. values
// are the hashes of its fields as they stand then, those that it kept included.
func Accepted(s *State, o *Offer, values map[int]string) State {
	n := State{Chain: o.Chain, Epoch: o.Epoch + 1, Owner: true, From: o.From, Fields: make(map[int]Field, len(values))}
	if o.Return && s != nil && s.Chain == o.Chain {
		n.From = s.From
	}
	for id, h := range values {
		f := Field{Hash: h, Epoch: o.Changed[id]}
		if !s.Takes(o, id, Rules{}) { // its own
			f.Epoch = s.ChangedAt(id, h)
		}
		n.Fields[id] = f
	}
	return n
}

// ChangedAt is the epoch under which a field of an owned copy came to be as it is: the copy's own where it
// is not as it was received. hash is of its value now.
func (s *State) ChangedAt(field int, hash string) int64 {
	f, ok := s.Fields[field]
	if !ok || f.Hash != hash {
		return s.At()
	}
	return f.Epoch
}

// Takes reports whether a hand-over's value of a field replaces the one that the target's copy holds: it
// does if it came to be after the copy last owned the request. What is older the copy knew already, and if
// it holds another value, then that is an edit on its way, which the giver does not know yet (rule 6).
// s is nil where the copy was never under this chain's ownership.
func (s *State) Takes(o *Offer, field int, rules Rules) bool {
	if s == nil || s.Chain != o.Chain || rules.NoFields {
		return true
	}
	return o.Changed[field] > s.At()
}

// Outcome is how a field of a forward or an update is merged into a copy.
type Outcome struct {
	Write    bool
	Conflict bool // both sides changed it: the higher epoch wins, and it is recorded
}

// Merge says how a field that changed from before to after elsewhere is merged into a copy that holds
// current. Up, the copy is of the higher epoch; down, the change is.
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

// Closes reports whether a state that was read from the giver's log closes its open hand-over: it was
// written back, or ownership has come back already.
func (h *HandOver) Closes(s *State) bool {
	return s.Deleted || s.At() > h.Epoch || s.At() == h.Epoch && !s.Owner
}
