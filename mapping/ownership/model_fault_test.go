package ownership_test

import (
	"fmt"
	"math/bits"
)

// always is what is wrong with a state, whatever is left to do; "" if nothing.
func (w *world) always(s *state) string {
	highest, owns := uint8(0), 0
	for here := range uint8(w.servers) {
		if c := w.copyAt(s, here); c.there && c.owner {
			owns++
			highest = max(highest, c.epoch)
		}
	}
	if owns < 2 {
		return ""
	}
	found := false
	for here := range uint8(w.servers) {
		c := w.copyAt(s, here)
		if !c.there || !c.owner {
			continue
		}
		if c.epoch == highest {
			if found {
				return fmt.Sprintf("two copies own the request under epoch %d", highest)
			}
			found = true
			continue
		}
		if w.openAt(s, here).to == 0 {
			return fmt.Sprintf("the copy on %d owns the request under epoch %d, another under %d, and no hand-over is open", here, c.epoch, highest)
		}
	}
	return ""
}

// atRest is what is wrong with a state in which ardso has nothing left to do; "" if nothing.
func (w *world) atRest(s *state) string {
	owner, latest := -1, -1
	for here := range uint8(w.servers) {
		if w.openAt(s, here).to != 0 {
			return fmt.Sprintf("the hand-over on %d stays open", here)
		}
		c := w.copyAt(s, here)
		if c.there && c.owner {
			if owner >= 0 {
				return fmt.Sprintf("two owners: %d and %d", owner, here)
			}
			owner = int(here)
		}
		if c.known && (latest < 0 || c.epoch > w.copyAt(s, uint8(latest)).epoch) {
			latest = int(here)
		}
	}
	if owner < 0 {
		return w.gone(s, uint8(latest))
	}
	if s.removes > 0 && s.conflicts&deleteLost == 0 {
		return "a delete had no effect and no conflict is recorded"
	}
	if wrong := w.lost(s, uint8(owner)); wrong != "" {
		return wrong
	}
	return w.differs(s, uint8(owner))
}

// gone: nobody owns the request, so its last owner must have deleted it, and no copy may be left along the chain.
func (w *world) gone(s *state, latest uint8) string {
	if c := w.copyAt(s, latest); s.removes == 0 || c.there {
		return "nobody owns the request"
	}
	var found string
	w.chain(s, latest, func(here uint8, c *copyInfo) bool {
		if c.there {
			found = fmt.Sprintf("the request is deleted and its copy on %d is left", here)
		}
		return found == ""
	})
	return found
}

// chain visits the copies that one came from, itself first.
func (w *world) chain(s *state, first uint8, visit func(here uint8, c *copyInfo) bool) {
	var seen uint8
	for here := first; seen&(1<<here) == 0; {
		seen |= 1 << here
		c := w.copyAt(s, here)
		if !visit(here, c) || c.from == 0 {
			return
		}
		here = c.from - 1
	}
}

// lost: an edit that an owner made is missing in the owner's copy, unless an owner's later edit replaced it,
// which saw it, or it is recorded as lost in a conflict, or the owner who made it deleted the request.
func (w *world) lost(s *state, owner uint8) string {
	var replaced, made uint16
	for here := range uint8(w.servers) {
		for _, id := range w.nodes[s.logs[here]].nodes {
			r := &w.nodes[id]
			before, after := &w.copies[r.before], &w.copies[r.after]
			switch r.kind {
			case edit:
				for i := range w.fields {
					if v := after.values[i]; v != before.values[i] {
						made |= conflictOf(v)
						replaced |= conflictOf(before.values[i])
					}
				}
			case remove:
				for i := range w.fields {
					replaced |= conflictOf(before.values[i])
				}
			}
		}
	}
	held := uint16(0)
	c := w.copyAt(s, owner)
	for i := range w.fields {
		held |= conflictOf(c.values[i])
	}
	if lost := made &^ held &^ replaced &^ s.conflicts; lost != 0 {
		return fmt.Sprintf("edit %d by an owner is lost", bits.TrailingZeros16(lost))
	}
	if w.ownFields && s.removes == 0 && s.conflicts != 0 {
		return fmt.Sprintf("edit %d conflicts with nothing and is recorded as a conflict", bits.TrailingZeros16(s.conflicts))
	}
	return ""
}

// differs: a copy along the owner's chain does not hold what the owner holds. Behind a copy that sends no
// updates it may. Where a delete lost, copies are missing, and what was lost to it may be held by some.
func (w *world) differs(s *state, owner uint8) string {
	var found string
	want := w.copyAt(s, owner).values
	excused := func(here uint8, c *copyInfo) bool {
		if s.conflicts&deleteLost == 0 {
			return false
		}
		for i := range w.fields {
			if c.there && c.values[i] != want[i] && (conflictOf(c.values[i])|conflictOf(want[i]))&s.conflicts == 0 {
				return false
			}
		}
		return true
	}
	w.chain(s, owner, func(here uint8, c *copyInfo) bool {
		switch {
		case excused(here, c):
		case !c.there:
			found = fmt.Sprintf("the copy on %d is missing", here)
		case c.values != want:
			found = fmt.Sprintf("the copy on %d holds %v, the owner's on %d %v", here, c.values[:w.fields], owner, want[:w.fields])
		}
		return found == "" && w.updates[here] != onReturn
	})
	return found
}
