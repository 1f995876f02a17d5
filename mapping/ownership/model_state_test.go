package ownership_test

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"ardso/mapping/ownership"
)

// state is all servers at one moment. It is comparable and holds no pointers: what varies in size is
// interned in the world.
type state struct {
	logs    [maxServers]uint32            // the last record of each; the copies follow from it
	done    [maxServers][maxServers]uint8 // checkpoints, by target and source: the log position up to which all is done
	durable [maxServers]uint8             // dso_reader
	start   [maxServers]uint8             // where the reader began; 0 unless rule 3 is left out
	// answers are the gives whose outcome is known to the reader's process and not yet written back, as bits
	// by position.
	answers   [maxServers]uint64
	queue     uint32 // deferred updates
	conflicts uint16 // recorded, see conflictOf
	edits     uint8
	gives     uint8
	crashes   uint8
	fails     uint8
	removes   uint8
}

// updates say when a server sends updates to the copies that its own came from.
type updates uint8

const (
	immediately updates = iota
	deferred            // hourly, daily: at any later time
	onReturn            // not at all
)

// config is what a run explores: bounds, what is left out, and which flaws are put in.
type config struct {
	servers, edits, handOvers, crashes int
	fields                             int  // that edits choose from; 0: each edit has its own
	onEdit                             bool // filters fire on edits: an edit and a give are one change
	undo                               bool // an edit may set a field back to its first value
	fails                              int  // hand-overs that targets may refuse
	removes                            int  // users' deletes
	updates                            [maxServers]updates
	rules                              ownership.Rules
	flaws                              flaws
}

// flaws are designs that look right and are not; each has a test that shows it.
type flaws struct {
	wayDecides     bool // the way that a change comes decides conflicts, not the epochs of the values
	updatesUndated bool // an update leaves the epochs of its fields in dso_owner as they are
	ownedRests     bool // what a hand-over changes in a copy is not passed on
	voidForwards   bool // what follows a failed hand-over is void, as it is
	deletedTakes   bool // a copy that its owner deleted takes ownership again
	unordered      bool // versions do not tell the order of what one owner set
	turnless       bool // an edit over another owner's value is of the editor's epoch
	closesFirst    bool // a hand-over closes before the transaction that closes it is decided
	closedForgets  bool // the durable position moves to where a hand-over was open, once it is closed
	failureKeeps   bool // a failed hand-over leaves the giver's epoch as it is: any write-back closes
	failureRedates bool // the next epoch after a failed hand-over becomes that of the owner's edits, too
}

// step is a label, packed; String unpacks it with its server.
type step struct {
	verb     verb
	at, to   uint8
	field    uint8
	position uint8
}

type verb uint8

const (
	vEdit verb = iota
	vGive
	vReturn
	vEditGive
	vEditReturn
	vUndo
	vRemove
	vApply
	vFail
	vWriteBack
	vRelease
	vDurable
	vCrash
)

func (s step) isWork() bool { return s.verb >= vApply && s.verb <= vRelease && s.verb != vFail }

func (s step) String() string {
	n := func(i uint8) string { return strconv.Itoa(int(i)) }
	text := [...]string{"edit", "give", "return", "edit", "edit", "undo", "delete", "apply", "fail", "writeback", "release", "durable", "crash"}[s.verb]
	switch s.verb {
	case vEdit, vUndo:
		text += n(s.field)
	case vEditGive:
		text += n(s.field) + "+give" + n(s.to)
	case vEditReturn:
		text += n(s.field) + "+return" + n(s.to)
	case vGive, vReturn, vApply, vFail, vRelease:
		text += n(s.to)
	case vDurable:
		text += n(s.position)
	}
	return text + "@" + n(s.at)
}

func (w *world) start() state {
	var s state
	for here := range s.logs {
		s.logs[here] = uint32(here)
	}
	return s
}

func (w *world) copyAt(s *state, here uint8) *copyInfo { return &w.copies[w.nodes[s.logs[here]].after] }

// steps calls yield with everything that can happen next.
func (w *world) steps(s *state, yield func(step, state)) {
	for here := range uint8(w.servers) {
		w.userSteps(s, here, yield)
		w.readerSteps(s, here, yield)
	}
}

// userSteps are what the owner's users do; the others' edits are foreign changes, which go nowhere.
func (w *world) userSteps(s *state, here uint8, yield func(step, state)) {
	c := w.copyAt(s, here)
	if !c.there || !c.owner {
		return
	}
	if int(s.edits) < w.config.edits {
		first, last := 0, w.fields-1
		if w.ownFields {
			first, last = int(s.edits), int(s.edits)
		}
		for f := first; f <= last; f++ {
			w.edit(s, here, c, uint8(f), s.edits+1, yield)
			if w.undo && c.values[f] != 0 {
				w.edit(s, here, c, uint8(f), 0, yield)
			}
		}
	}
	w.give(s, here, c, record{kind: give, after: w.nodes[s.logs[here]].after}, step{verb: vGive}, yield)
	if int(s.removes) < w.config.removes {
		gone := c.copyOf
		gone.there, gone.values = false, values{}
		t := *s
		t.removes++
		w.user(&t, here, record{kind: remove, after: w.copyID(gone)}, step{verb: vRemove, at: here}, yield)
	}
}

func (w *world) edit(s *state, here uint8, c *copyInfo, f, value uint8, yield func(step, state)) {
	edited := c.copyOf
	edited.values[f] = value
	r := record{kind: edit, after: w.copyID(edited)}
	t := *s
	t.edits++
	verb := vEdit
	if value == 0 {
		verb = vUndo
	}
	w.user(&t, here, r, step{verb: verb, at: here, field: f}, yield)
	if w.onEdit {
		w.give(&t, here, c, r, step{verb: vEditGive, field: f}, yield)
	}
}

func (w *world) give(s *state, here uint8, c *copyInfo, r record, label step, yield func(step, state)) {
	if int(s.gives) >= w.handOvers {
		return
	}
	t := *s
	t.gives++
	label.at = here
	for to := range uint8(w.servers) {
		if to != here {
			r.give, label.to = to+1, to
			w.user(&t, here, r, label, yield)
		}
	}
	if c.from != 0 {
		r.give, r.back, label.to = c.from, true, c.from-1
		label.verb++
		w.user(&t, here, r, label, yield)
	}
}

func (w *world) user(s *state, here uint8, r record, label step, yield func(step, state)) {
	t := *s
	t.logs[here] = w.write(here, s.logs[here], r)
	yield(label, t)
}

// readerSteps are what ardso does with one server's log. Deciding takes no step: it follows from the log.
// Each target has a thread of its own, so targets are reached in any order.
func (w *world) readerSteps(s *state, here uint8, yield func(step, state)) {
	log := &w.nodes[s.logs[here]]
	limit := uint8(len(log.nodes)) // of the durable position
	for to := range uint8(w.servers) {
		if at, op := w.next(s, here, to); op != 0 {
			limit = min(limit, at)
			w.applySteps(s, here, to, at, op, yield)
		}
	}
	if s.answers[here] != 0 {
		limit = min(limit, uint8(bits.TrailingZeros64(s.answers[here])))
		w.writeBackStep(s, here, yield)
	}
	for to, u := range w.queues[s.queue][here] {
		if u.to == 0 {
			continue
		}
		t := *s
		q := w.queues[s.queue]
		q[here][to] = update{}
		t.queue = w.queueID(q)
		t.logs[here] = w.write(here, s.logs[here], record{kind: release, after: log.after, update: u})
		yield(step{verb: vRelease, at: here, to: uint8(to)}, t)
	}
	if int(s.crashes) < w.config.crashes {
		w.crashSteps(s, here, limit, yield)
	}
}

// next is the first operation that the source's log has for a target and that is not done.
func (w *world) next(s *state, here, to uint8) (at uint8, op uint32) {
	log := s.logs[here]
	if s.start[here] != 0 {
		ops := w.decided(here, log, s.start[here]).ops
		for at := max(s.done[to][here], s.start[here]); int(at) < len(ops); at++ {
			if ops[at][to] != 0 {
				return at, ops[at][to]
			}
		}
		return 0, 0
	}
	nodes := w.nodes[log].nodes
	for at := s.done[to][here]; int(at) < len(nodes); at++ {
		if op := w.nodes[nodes[at]].ops[to]; op != 0 {
			return at, op
		}
	}
	return 0, 0
}

func (w *world) applySteps(s *state, here, to, at uint8, id uint32, yield func(step, state)) {
	o := &w.ops[id]
	if o.offer {
		// A thread answers a hand-over before it goes on to the next.
		for rest := s.answers[here]; rest != 0; rest &= rest - 1 {
			if r := &w.nodes[w.nodes[s.logs[here]].nodes[bits.TrailingZeros64(rest)]]; r.give == to+1 {
				return
			}
		}
		if int(s.fails) < w.config.fails {
			kept := *o
			kept.offer = false
			t := *s
			t.fails++
			t.answers[here] |= 1 << at
			w.commit(&t, here, to, at, w.opID(kept), step{verb: vFail, at: here, to: to}, yield)
		}
	}
	t := *s
	if o.offer {
		t.answers[here] |= 1 << at
	}
	w.commit(&t, here, to, at, id, step{verb: vApply, at: here, to: to}, yield)
}

// commit is the target's transaction for one operation, checkpoint included.
func (w *world) commit(s *state, here, to, at uint8, id uint32, label step, yield func(step, state)) {
	t := *s
	t.done[to][here] = at + 1
	o := w.ops[id]
	if o.deferTo != 0 {
		q := w.queues[s.queue]
		q[here][o.deferTo-1] = q[here][o.deferTo-1].wait(&o)
		t.queue = w.queueID(q)
	} else {
		e := w.apply(id, to, w.nodes[s.logs[to]].after)
		if e.wrong != "" {
			panic(e.wrong)
		}
		t.conflicts |= e.conflicts
		if e.wrote {
			r := record{kind: merged, after: e.after, path: o.path}
			switch {
			case o.offer && !e.refused:
				r.kind = owned
			case to == here:
				r.kind, r.path = writeBack, 0
			}
			t.logs[to] = w.write(to, s.logs[to], r)
		}
	}
	yield(label, t)
}

func (w *world) writeBackStep(s *state, here uint8, yield func(step, state)) {
	at := bits.TrailingZeros64(s.answers[here])
	log := s.logs[here]
	give := &w.nodes[w.nodes[log].nodes[at]]
	o := w.handOver(s, here, uint8(at))
	taken := w.taken(o, w.nodes[s.logs[give.give-1]].after)
	t := *s
	t.answers[here] &^= 1 << at
	if c, writes := w.writeBackOf(w.nodes[log].after, give.give, o.epoch, taken); writes {
		t.logs[here] = w.write(here, log, record{kind: writeBack, after: c})
	}
	yield(step{verb: vWriteBack, at: here}, t)
}

// handOver is the operation of the give at a position; nil if it was skipped, as another was open.
func (w *world) handOver(s *state, here, at uint8) *operation {
	n := &w.nodes[w.nodes[s.logs[here]].nodes[at]]
	if n.give == 0 {
		return nil
	}
	ops := n.ops
	if s.start[here] != 0 {
		ops = w.decided(here, s.logs[here], s.start[here]).ops[at]
	}
	if o := &w.ops[ops[n.give-1]]; o.offer {
		return o
	}
	return nil
}

func (w *world) crashSteps(s *state, here, limit uint8, yield func(step, state)) {
	limit = w.mayBegin(s, here, limit)
	if limit > s.durable[here] {
		t := *s
		t.durable[here] = limit
		yield(step{verb: vDurable, at: here, position: limit}, t)
	}
	t := *s
	t.crashes++
	if w.rules.NoOpen || w.flaws.closedForgets {
		t.start[here] = s.durable[here]
	} else {
		w.mustDecideAlike(here, s.logs[here], s.durable[here])
	}
	// What it had in memory is lost: read again from the durable position, each hand-over that its target's
	// checkpoint covers is answered again.
	t.answers[here] = 0
	for at := s.durable[here]; int(at) < len(w.nodes[s.logs[here]].nodes); at++ {
		if o := w.handOver(&t, here, at); o != nil {
			if to := w.nodes[w.nodes[s.logs[here]].nodes[at]].give - 1; t.done[to][here] > at {
				t.answers[here] |= 1 << at
			}
		}
	}
	if int(t.crashes) == w.config.crashes {
		t.durable = [maxServers]uint8{} // nobody will look at it any more
	}
	yield(step{verb: vCrash, at: here}, t)
}

// mayBegin is the last position up to limit where a reader may begin: none where a hand-over is open in
// the log. That it has been closed since does not matter: what lies in between must be decided as it was.
func (w *world) mayBegin(s *state, here, limit uint8) uint8 {
	switch {
	case w.rules.NoOpen:
		return limit
	case w.flaws.closedForgets:
		if open := w.openAt(s, here); open.to != 0 {
			return min(limit, open.at)
		}
		return limit
	}
	nodes := w.nodes[s.logs[here]].nodes
	if limit == 0 {
		return 0
	}
	if open := w.nodes[nodes[limit-1]].open; open.to != 0 {
		return open.at
	}
	return limit
}

// mustDecideAlike checks that a reader that begins at a durable position decides as one that never stopped.
func (w *world) mustDecideAlike(here uint8, log uint32, start uint8) {
	if _, known := w.late[lateKey{log, start}]; known {
		return
	}
	d := w.decided(here, log, start)
	for _, id := range w.nodes[log].nodes[start:] {
		if n := &w.nodes[id]; d.ops[n.at] != n.ops {
			panic(fmt.Sprintf("a reader that begins at %d decides record %d otherwise", start, n.at))
		}
	}
	if d.open != w.nodes[log].open {
		panic(fmt.Sprintf("a reader that begins at %d has another hand-over open", start))
	}
}

func (w *world) openAt(s *state, here uint8) openHandOver {
	if s.start[here] != 0 {
		return w.decided(here, s.logs[here], s.start[here]).open
	}
	return w.nodes[s.logs[here]].open
}

// run is an exploration: states in the order in which they were reached, each with where it was reached from.
type run struct {
	*world
	states []state
	from   []origin
	seed   maphash.Seed
	table  []uint32 // open addressing: index + 1 in states
}

type origin struct {
	state uint32
	step  step
}

func newRun(c config) *run {
	r := &run{world: newWorld(c), seed: maphash.MakeSeed(), table: make([]uint32, 1<<12)}
	r.add(r.world.start(), origin{})
	return r
}

func (r *run) add(s state, from origin) {
	if 2*len(r.states) >= len(r.table) {
		r.grow()
	}
	for i := maphash.Comparable(r.seed, s); ; i++ {
		slot := &r.table[i&uint64(len(r.table)-1)]
		if *slot == 0 {
			r.states, r.from = append(r.states, s), append(r.from, from)
			*slot = uint32(len(r.states))
			return
		}
		if r.states[*slot-1] == s {
			return
		}
	}
}

func (r *run) grow() {
	r.table = make([]uint32, 2*len(r.table))
	for n := range r.states {
		i := maphash.Comparable(r.seed, r.states[n])
		for ; r.table[i&uint64(len(r.table)-1)] != 0; i++ {
		}
		r.table[i&uint64(len(r.table)-1)] = uint32(n) + 1
	}
}

// explore visits all states, breadth first, and returns the first fault with the shortest schedule to it.
func (r *run) explore() error {
	for n := 0; n < len(r.states); n++ {
		s := r.states[n]
		works := false
		r.steps(&s, func(label step, t state) {
			works = works || label.isWork()
			r.add(t, origin{uint32(n), label})
		})
		wrong := r.always(&s)
		if wrong == "" && !works {
			wrong = r.atRest(&s)
		}
		if wrong != "" {
			return fmt.Errorf("%d states: %s\n  %s", n+1, wrong, r.schedule(uint32(n)))
		}
	}
	return nil
}

func (r *run) schedule(n uint32) string {
	var labels []string
	for ; n != 0; n = r.from[n].state {
		labels = append(labels, r.from[n].step.String())
	}
	slices.Reverse(labels)
	return strings.Join(labels, " ")
}

// replay carries a schedule out and then, in every order, what ardso has left to do; it returns the fault.
// Unless it is strict, it passes over steps that cannot happen: a schedule that another design led to.
func replay(c config, schedule string, strict bool) error {
	r := newRun(c)
	s := r.states[0]
	for _, label := range strings.Fields(schedule) {
		var after *state
		r.steps(&s, func(l step, t state) {
			if after == nil && l.String() == label {
				after = &t
			}
		})
		if after == nil && strict {
			return fmt.Errorf("schedule: %s cannot happen there", label)
		}
		if after != nil {
			s = *after
		}
	}
	// From there on only ardso works.
	s.edits, s.gives, s.crashes, s.fails = uint8(c.edits), uint8(c.handOvers), uint8(c.crashes), uint8(c.fails)
	r.world.config.removes = 0 // how many there were is looked at
	r.states, r.from = nil, nil
	clear(r.table)
	r.add(s, origin{})
	return r.explore()
}
