package ownership_test

import (
	"slices"
	"strconv"

	"ardso/mapping/ownership"
)

// The model's bounds; they are what the compact encoding has room for.
const (
	maxServers = 4
	maxFields  = 4
)

// values are a request's fields. 0 is what the field held at first; any other is the number of the edit
// that set it, from 1, so each edit's value is a fresh one.
type values [maxFields]uint8

// versions are those of the fields; of one that dso_owner does not tell it is zero.
type versions [maxFields]version

type version struct{ epoch, turn, by, order uint8 }

func versionOf(v ownership.Version) version {
	return version{uint8(v.Epoch), uint8(v.Turn), uint8(v.By), uint8(v.Order)}
}

func (v version) version() ownership.Version {
	return ownership.Version{Epoch: int64(v.epoch), Turn: int64(v.turn), By: int64(v.by), Order: int64(v.order)}
}

// copyOf is one server's copy: the request's row and the row of dso_owner.
type copyOf struct {
	there   bool // the request's row exists
	known   bool // the row of dso_owner exists
	owner   bool
	deleted bool
	epoch   uint8
	from    uint8 // server + 1; 0: none
	to      uint8
	values  values
	hashes  values   // of Fields
	written versions // of Fields
}

// copyInfo is an interned copy with what the package is asked about it.
type copyInfo struct {
	copyOf
	state ownership.State
}

// kind is what a record of a log is of.
type kind uint8

const (
	edit      kind = iota + 1 // by a user; with give, a filter hands the request over on it
	give                      // a user's transfer or return by hand
	remove                    // a user's delete
	owned                     // a hand-over was taken
	merged                    // a forward or an update was merged, or a delete carried out
	writeBack                 // of a hand-over, of one that failed, or the tombstone of a user's delete
	release                   // a deferred update is due
)

// record is a server's transaction as its log tells it.
type record struct {
	kind          kind
	before, after uint32 // copies
	give          uint8  // to which server, + 1
	back          bool   // the give is a return
	path          uint8  // servers that a merged change has passed, as bits
	update        update // of a release
}

// update is a deferred update: first before image, last after image of each field.
type update struct {
	to            uint8 // server + 1; 0: none
	path          uint8 // servers that all of it has passed
	changed       uint8 // fields, as bits
	before, after values
	versions      versions // of the after values
}

// operation is what a record makes to be done on one server.
type operation struct {
	source uint8
	path   uint8
	epoch  uint8 // of the source's copy
	way    ownership.Direction
	// Merging changed fields; all of them under NoFields.
	changed       uint8
	before, after values
	versions      versions
	delete        bool // the request
	offer         bool // ownership, of after; changes are merged before
	back          bool
	forwarded     uint8 // epoch of the open hand-over that it follows
	// On the source itself.
	tombstone bool
	deferTo   uint8 // server + 1: the changed fields wait for it
}

func (o *operation) isNone() bool { return *o == operation{} }

// node is a record of a log with all that is before it: logs are kept as a tree of what they have in common.
type node struct {
	record
	at    uint8 // position
	nodes []uint32
	open  openHandOver       // after the record
	ops   [maxServers]uint32 // by server; 0: none
}

type openHandOver struct {
	to    uint8 // server + 1; 0: none is open
	at    uint8 // position of the give
	epoch uint8
}

func (h openHandOver) handOver() *ownership.HandOver {
	if h.to == 0 {
		return nil
	}
	return &ownership.HandOver{To: place(h.to), Epoch: int64(h.epoch)}
}

// world interns what states consist of and answers what follows from it, asking the package once for
// each case.
type world struct {
	config
	ownFields bool // each edit has its own
	copies    []copyInfo
	copyIDs   map[copyOf]uint32
	nodes     []node
	nodeIDs   map[nodeKey]uint32
	ops       []operation
	opIDs     map[operation]uint32
	queues    []queue
	queueOf   map[queue]uint32
	applied   map[applyKey]effect
	late      map[lateKey]*decisions
}

type nodeKey struct {
	parent uint32
	record record
}

// queue is all deferred updates, by server that sends and server that receives.
type queue [maxServers][maxServers]update

type applyKey struct {
	op, onto uint32
	at       uint8
}

// effect is what an operation does to a copy.
type effect struct {
	after     uint32
	wrote     bool   // there is a record of it
	conflicts uint16 // see conflictOf
	refused   bool   // the offer
	wrong     string
}

func newWorld(c config) *world {
	w := &world{
		config:    c,
		ownFields: c.fields == 0,
		copyIDs:   make(map[copyOf]uint32),
		nodeIDs:   make(map[nodeKey]uint32),
		ops:       make([]operation, 1),
		opIDs:     make(map[operation]uint32),
		queues:    make([]queue, 1),
		queueOf:   map[queue]uint32{{}: 0},
		applied:   make(map[applyKey]effect),
		late:      make(map[lateKey]*decisions),
	}
	if w.ownFields {
		w.fields = max(c.edits, 1)
	}
	// An empty log for each server; the first has made the request.
	for here := range maxServers {
		var c copyOf
		if here == 0 {
			c = copyOf{there: true, known: true, owner: true, epoch: 1}
		}
		w.nodes = append(w.nodes, node{record: record{after: w.copyID(c)}})
	}
	return w
}

func place(server uint8) ownership.Place {
	if server == 0 {
		return ownership.Place{}
	}
	return ownership.Place{Server: strconv.Itoa(int(server - 1)), Form: "Repair", Request: "1", Mapping: "m"}
}

func serverOf(p ownership.Place) uint8 {
	if p.IsZero() {
		return 0
	}
	n, err := strconv.Atoi(p.Server)
	if err != nil {
		panic(err)
	}
	return uint8(n) + 1
}

func pathOf(bits uint8) (path []string) {
	for i := range uint8(maxServers) {
		if bits&(1<<i) != 0 {
			path = append(path, strconv.Itoa(int(i)))
		}
	}
	return path
}

func hash(v uint8) string { return "v" + strconv.Itoa(int(v)) }

func unhash(h string) uint8 {
	n, err := strconv.Atoi(h[1:])
	if err != nil {
		panic(err)
	}
	return uint8(n)
}

// stateOf is the row of dso_owner as the package knows it. A row of a request that is gone is a deleted
// one's, whether its tombstone is written or not.
func stateOf(c copyOf) ownership.State {
	s := ownership.State{
		Chain: "c", Epoch: int64(c.epoch), Owner: c.owner, Deleted: c.deleted,
		From: place(c.from), To: place(c.to),
	}
	for i := range c.written {
		if c.written[i].epoch != 0 {
			if s.Fields == nil {
				s.Fields = make(map[int]ownership.Field)
			}
			s.Fields[i] = ownership.Field{Hash: hash(c.hashes[i]), Version: c.written[i].version()}
		}
	}
	return s
}

// withState is the copy with another row of dso_owner.
func (c copyOf) withState(s *ownership.State) copyOf {
	c.known, c.owner, c.deleted, c.epoch = true, s.Owner, s.Deleted, uint8(s.Epoch)
	c.from, c.to = serverOf(s.From), serverOf(s.To)
	c.hashes, c.written = values{}, versions{}
	for i, f := range s.Fields {
		c.hashes[i], c.written[i] = unhash(f.Hash), versionOf(f.Version)
	}
	return c
}

func (w *world) hashesOf(v values) map[int]string {
	m := make(map[int]string, w.fields)
	for i := range w.fields {
		m[i] = hash(v[i])
	}
	return m
}

func (w *world) copyID(c copyOf) uint32 {
	id, ok := w.copyIDs[c]
	if !ok {
		id = uint32(len(w.copies))
		w.copies = append(w.copies, copyInfo{copyOf: c, state: stateOf(c)})
		w.copyIDs[c] = id
	}
	return id
}

func (w *world) opID(o operation) uint32 {
	if o.isNone() {
		return 0
	}
	id, ok := w.opIDs[o]
	if !ok {
		id = uint32(len(w.ops))
		w.ops = append(w.ops, o)
		w.opIDs[o] = id
	}
	return id
}

func (w *world) queueID(q queue) uint32 {
	id, ok := w.queueOf[q]
	if !ok {
		id = uint32(len(w.queues))
		w.queues = append(w.queues, q)
		w.queueOf[q] = id
	}
	return id
}

// write appends a record to a server's log.
func (w *world) write(here uint8, log uint32, r record) uint32 {
	r.before = w.nodes[log].after
	key := nodeKey{log, r}
	id, ok := w.nodeIDs[key]
	if ok {
		return id
	}
	id = uint32(len(w.nodes))
	parent := &w.nodes[log]
	n := node{record: r, at: uint8(len(parent.nodes)), nodes: append(slices.Clone(parent.nodes), id)}
	n.ops, n.open = w.decide(here, &r, parent.open, n.at)
	w.nodes = append(w.nodes, n)
	w.nodeIDs[key] = id
	return id
}

// decide says what a record makes to be done, by server, with the hand-over that is open before it, and
// which is open after it. All of it follows from the log alone: what a reader has done does not matter.
func (w *world) decide(here uint8, r *record, open openHandOver, at uint8) (ids [maxServers]uint32, next openHandOver) {
	before, after := &w.copies[r.before], &w.copies[r.after]
	next = open
	if h := open.handOver(); h != nil && (writesState(before, after) && h.Closes(&after.state) || w.flaws.failureKeeps && r.kind == writeBack) {
		next = openHandOver{}
		if !after.deleted || w.flaws.closesFirst {
			open = next
		}
	}
	var ops [maxServers]operation
	for _, way := range w.ways(r, before, &after.state, open) {
		to := serverOf(way.To) - 1
		o := w.change(at, r, before, after)
		o.way = way.Direction
		if way.Direction == ownership.Up && open.to != 0 {
			o.forwarded = open.epoch
		}
		if way.Direction == ownership.Down && !o.delete && w.updates[here] != immediately {
			if w.updates[here] == onReturn {
				continue
			}
			o.deferTo, to = to+1, here
		}
		if o.changed != 0 || o.delete {
			ops[to] = o
		}
	}
	if r.kind == remove {
		ops[here].tombstone = true
		ops[here].epoch = uint8(after.state.At())
	}
	if r.kind == release {
		u := r.update
		ops[u.to-1] = operation{way: ownership.Down, changed: u.changed, before: u.before, after: u.after, versions: u.versions}
	}
	if r.give != 0 && next.to == 0 {
		o := &ops[r.give-1]
		o.offer, o.back, o.after, o.epoch = true, r.back, after.values, uint8(after.state.At())
		for i := range w.fields {
			o.versions[i] = w.read(after.state.ChangedAt(i, hash(after.values[i])), at)
		}
		next = openHandOver{to: r.give, at: at, epoch: o.epoch}
	}
	for i := range ops {
		if o := &ops[i]; !o.isNone() {
			o.source = here
			o.path = r.path | r.update.path | 1<<here
			ids[i] = w.opID(*o)
		}
	}
	return ids, next
}

// writesState: the transaction wrote dso_owner, which is what the reader learns a state from.
func writesState(before, after *copyInfo) bool {
	b, a := before.copyOf, after.copyOf
	b.there, b.values, a.there, a.values = false, values{}, false, values{}
	return a != b
}

func (w *world) ways(r *record, before *copyInfo, s *ownership.State, open openHandOver) []ownership.Way {
	c := ownership.Change{WasOwner: before.owner, Path: pathOf(r.path)}
	switch r.kind {
	case edit, remove:
	case merged:
		c.Merged = true
	case owned:
		c.Merged = true
		if w.flaws.ownedRests {
			return nil
		}
	default:
		return nil
	}
	return ownership.Ways(c, s, open.handOver(), w.rules)
}

// change is what the record changed, as it is merged elsewhere.
func (w *world) change(at uint8, r *record, before, after *copyInfo) operation {
	o := operation{epoch: uint8(after.state.At())}
	if before.there && !after.there {
		o.delete = true
		return o
	}
	o.before, o.after = before.values, after.values
	for i := range w.fields {
		if before.values[i] == after.values[i] {
			continue
		}
		o.changed |= 1 << i
		v := after.state.Edited(i)
		if r.kind != edit {
			v = after.state.ChangedAt(i, hash(after.values[i]))
		}
		o.versions[i] = w.read(v, at)
	}
	return o
}

// read is a version as it travels, read at a position of its server's log.
func (w *world) read(v ownership.Version, at uint8) version {
	v = v.Read(int64(at) + 1)
	if w.flaws.unordered {
		v.Order = 1
	}
	if w.flaws.turnless {
		v.Turn, v.By = 0, 0
	}
	return versionOf(v)
}

// conflictOf is the bit under which it is recorded that a value was lost to another.
func conflictOf(value uint8) uint16 {
	if value == 0 {
		return 0
	}
	return 1 << value
}

const deleteLost uint16 = 1 // the conflict of a delete that was not carried out

// apply carries an operation out on a server's copy, in one transaction. fail: the hand-over in it fails.
func (w *world) apply(op uint32, at uint8, onto uint32) effect {
	key := applyKey{op, onto, at}
	e, ok := w.applied[key]
	if !ok {
		e = w.effect(&w.ops[op], at, w.copies[onto].copyOf)
		w.applied[key] = e
	}
	return e
}

func (w *world) effect(o *operation, at uint8, c copyOf) effect {
	var e effect
	was := c
	if o.source == at {
		if o.tombstone && c.known && !c.there && !c.deleted && c.epoch == o.epoch {
			s := stateOf(c)
			s = s.Tombstone(int64(o.epoch))
			c = c.withState(&s)
		}
	} else {
		c = w.mergeInto(o, c, &e)
	}
	if o.offer {
		c = w.accept(o, c, &e)
	}
	e.after, e.wrote = w.copyID(c), c != was
	return e
}

func (w *world) mergeInto(o *operation, c copyOf, e *effect) copyOf {
	s := stateOf(c)
	switch {
	case o.forwarded != 0 && w.flaws.voidForwards && s.At() <= int64(o.forwarded):
		return c
	case !c.there:
		// The request is gone, or never came: a change of it is void. That its owner deleted what another
		// edited is a conflict.
		if c.known && !o.delete {
			for i := range w.fields {
				if o.changed&(1<<i) != 0 {
					e.conflicts |= conflictOf(o.after[i])
				}
			}
		}
		return c
	case o.delete:
		if !s.Deletes(int64(o.epoch), w.hashesOf(c.values)) {
			e.conflicts |= deleteLost
			return c
		}
		s = s.Tombstone(int64(o.epoch))
		c.there, c.values = false, values{}
		return c.withState(&s)
	}
	for i := range w.fields {
		if o.changed&(1<<i) == 0 && !(w.rules.NoFields && o.changed != 0) {
			continue
		}
		c = w.mergeField(o, i, c, e)
	}
	return c
}

func (w *world) mergeField(o *operation, i int, c copyOf, e *effect) copyOf {
	s := stateOf(c)
	current := c.values[i]
	d := s.Side(i, hash(current), o.versions[i].version())
	if w.flaws.wayDecides {
		d = o.way
	}
	out := ownership.Merge(d, func(a, b uint8) bool { return a == b }, o.before[i], o.after[i], current)
	if w.rules.NoFields {
		out = ownership.Outcome{Write: current != o.after[i]}
	}
	if out.Conflict && out.Write {
		e.conflicts |= conflictOf(current)
	} else if out.Conflict {
		e.conflicts |= conflictOf(o.after[i])
	}
	if !out.Write {
		return c
	}
	c.values[i] = o.after[i]
	if o.way == ownership.Down && w.flaws.updatesUndated {
		return c
	}
	s = s.Merged(i, hash(o.after[i]), o.versions[i].version())
	return c.withState(&s)
}

func (w *world) accept(o *operation, c copyOf, e *effect) copyOf {
	offer := w.offer(o)
	var s *ownership.State
	if c.known {
		state := stateOf(c)
		state.Deleted = state.Deleted || !c.there
		s = &state
	}
	switch ownership.Accept(s, c.there && c.owner, offer) {
	case ownership.Have:
		e.wrong = "ownership that was offered is there already"
		return c
	case ownership.Refuse:
		if !w.flaws.deletedTakes {
			e.refused = true
			return c
		}
		s = nil
		e.conflicts |= deleteLost
	}
	var taken [maxFields]bool
	for i := range w.fields {
		if taken[i] = !c.there || s.Takes(offer, i, hash(c.values[i]), w.rules); taken[i] {
			c.values[i] = o.after[i]
		}
	}
	c.there = true
	n := ownership.Accepted(s, offer, w.hashesOf(c.values), func(i int) bool { return taken[i] })
	return c.withState(&n)
}

func (w *world) offer(o *operation) *ownership.Offer {
	offer := &ownership.Offer{Chain: "c", Epoch: int64(o.epoch), From: place(o.source + 1), Return: o.back, Changed: make(map[int]ownership.Version)}
	for i := range w.fields {
		offer.Changed[i] = o.versions[i].version()
	}
	return offer
}

// taken reports whether a hand-over has been taken by a copy, now or long ago.
func (w *world) taken(o *operation, by uint32) bool {
	c := &w.copies[by]
	if !c.known {
		return false
	}
	s := c.state.Clone()
	s.Deleted = s.Deleted || !c.there
	return ownership.Accept(&s, c.there && c.owner, w.offer(o)) == ownership.Have
}

// writeBackOf is the giver's copy after the write-back of a hand-over.
func (w *world) writeBackOf(giver uint32, to uint8, epoch uint8, taken bool) (uint32, bool) {
	c := &w.copies[giver]
	if !ownership.WriteBack(&c.state, c.there && c.owner, int64(epoch), w.rules) {
		return giver, false
	}
	s := c.state.NotTaken(w.hashesOf(c.values))
	if w.flaws.failureKeeps {
		s = c.state
	}
	if w.flaws.failureRedates {
		s.Fields = c.state.Fields
	}
	if taken {
		s = c.state.WrittenBack(place(to), w.hashesOf(c.values))
	}
	return w.copyID(c.withState(&s)), true
}

// wait adds what a record changed to the deferred updates of its server.
func (u update) wait(o *operation) update {
	if u.to == 0 {
		u = update{to: o.deferTo, path: o.path}
	}
	u.path &= o.path
	for i := range o.versions {
		if o.changed&(1<<i) == 0 {
			continue
		}
		if u.changed&(1<<i) == 0 {
			u.before[i] = o.before[i]
		}
		u.changed |= 1 << i
		u.after[i], u.versions[i] = o.after[i], o.versions[i]
	}
	return u
}

// lateKey names a log as a reader sees it that began in its middle.
type lateKey struct {
	log   uint32
	start uint8
}

type decisions struct {
	ops  [][maxServers]uint32
	open openHandOver
}

// decided is what a reader that began at start has made of a log: the operations of each record, and the
// hand-over that is open at the log's end. Where durable positions do not pass open hand-overs start does
// not matter, see mustDecideAlike.
func (w *world) decided(here uint8, log uint32, start uint8) *decisions {
	key := lateKey{log, start}
	d := w.late[key]
	if d == nil {
		d = &decisions{ops: make([][maxServers]uint32, start)}
		for _, id := range w.nodes[log].nodes[start:] {
			r := w.nodes[id].record
			ids, open := w.decide(here, &r, d.open, w.nodes[id].at)
			d.ops, d.open = append(d.ops, ids), open
		}
		w.late[key] = d
	}
	return d
}
