package run

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
)

// layout says which thread of which pool an operation falls to on one target. It is kept beside the
// checkpoints as text: after a restart under other definitions or thread counts, the old layout tells
// which of the old threads had an operation to do, and so whether it is done (G2).
type layout struct {
	id    string
	lanes map[laneKey]lane
}

// laneKey is what the operations of a lane share.
type laneKey struct {
	from, to string // forms
	by       mapping.PoolChoice
}

// lane is where the operations between two forms go.
type lane struct {
	pool    string
	threads int
	serial  bool // all to thread 0: their order matters across requests

	// field, if not 0, is the source form's field that names the request's pool, one of pools; else it is pool.
	field int
	pools map[string]int // threads by name
}

// newLayout makes the layout of one source and target. single: the target takes one writer at a time.
func newLayout(source, target string, single bool, defs *definition.Compiled) *layout {
	l := &layout{lanes: make(map[laneKey]lane)}
	threads := func(p *definition.Pool) int {
		if single {
			return 1
		}
		return p.Threads
	}
	put := func(from, to *schema.Form, by mapping.PoolChoice, r definition.PoolRule) {
		x := lane{pool: r.Name, threads: threads(defs.Document.PoolNamed(r.Name)), serial: to.IsSerial()}
		if r.Field != nil {
			x.field, x.pools = r.Field.ID, make(map[string]int)
			for _, p := range defs.Document.RunningPools() {
				if defs.Document.CanChoose(p.Name) {
					x.pools[p.Name] = threads(p)
				}
			}
		}
		l.lanes[laneKey{from.Name, to.Name, by}] = x
	}
	for _, m := range defs.Mappings {
		if m.From.Server == source && m.To.Server == target {
			put(m.FromForm, m.ToForm, mapping.ByTransfer, defs.TransferPool(m.FromForm, m.ToForm))
		}
		if m.TransferMode == definition.DataOwnership && m.To.Server == source && m.From.Server == target { // changes go back
			put(m.ToForm, m.FromForm, mapping.ByUpdate, defs.UpdatePool(m.ToForm, m.FromForm))
			put(m.ToForm, m.FromForm, mapping.ByReturn, defs.ReturnPool(m.ToForm, m.FromForm))
		}
	}
	for _, u := range defs.Uses() {
		if u.Server == source && u.Named != nil && u.Delete.Server == target {
			put(u.Form, u.Named.Form, mapping.ByTransfer, defs.TransferPool(u.Form, u.Named.Form))
		}
	}
	if source == target {
		for _, f := range homeForms(source, defs) {
			l.lanes[laneKey{f.Name, f.Name, mapping.ByTransfer}] = lane{pool: mapping.HomePool, threads: 1, serial: true}
		}
	}
	sum := sha256.Sum256([]byte(l.text()))
	l.id = hex.EncodeToString(sum[:8])
	return l
}

// homeForms are the forms of a source on which something may have to be written on the source itself: those of
// its mappings, and those of its filters and escalations, which may return what a mapping brought that is no longer
// there.
func homeForms(source string, defs *definition.Compiled) (forms []*schema.Form) {
	for _, m := range defs.Mappings {
		forms = append(forms, m.FromForm, m.ToForm)
	}
	for _, u := range defs.Uses() {
		forms = append(forms, u.Form)
	}
	return slices.DeleteFunc(forms, func(f *schema.Form) bool { return f.Server != source })
}

// text is the layout as it is kept: a line for each lane, tab-separated. Only those whose pool does not hang on the
// transfers' actions alone have the last three parts.
func (l *layout) text() string {
	lines := make([]string, 0, len(l.lanes))
	for k, x := range l.lanes {
		line := fmt.Sprintf("%s\t%s\t%s\t%d\t%t", k.from, k.to, x.pool, x.threads, x.serial)
		if k.by != mapping.ByTransfer || x.field != 0 {
			var pools []string
			for _, name := range slices.Sorted(maps.Keys(x.pools)) {
				pools = append(pools, fmt.Sprintf("%s=%d", name, x.pools[name]))
			}
			line += fmt.Sprintf("\t%d\t%d\t%s", k.by, x.field, strings.Join(pools, ","))
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// parseLayout reads what text wrote.
func parseLayout(id, text string) (*layout, error) {
	l := &layout{id: id, lanes: make(map[laneKey]lane)}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 && len(f) != 8 {
			return nil, fmt.Errorf("layout %s: %d parts in %q", id, len(f), line)
		}
		n, err := strconv.Atoi(f[3])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("layout %s: %q threads", id, f[3])
		}
		k, x := laneKey{from: f[0], to: f[1]}, lane{pool: f[2], threads: n, serial: f[4] == "true"}
		if len(f) == 8 {
			by, err := strconv.ParseUint(f[5], 10, 8)
			if err != nil {
				return nil, fmt.Errorf("layout %s: %q in %q", id, f[5], line)
			}
			k.by = mapping.PoolChoice(by)
			if err := x.parsePools(f[6], f[7]); err != nil {
				return nil, fmt.Errorf("layout %s: %w in %q", id, err, line)
			}
		}
		l.lanes[k] = x
	}
	return l, nil
}

func (x *lane) parsePools(field, pools string) (err error) {
	if x.field, err = strconv.Atoi(field); err != nil || x.field == 0 {
		return err
	}
	x.pools = make(map[string]int)
	for part := range strings.SplitSeq(pools, ",") {
		name, threads, _ := strings.Cut(part, "=")
		if x.pools[name], err = strconv.Atoi(threads); err != nil || x.pools[name] < 1 {
			return fmt.Errorf("%q threads", threads)
		}
	}
	return nil
}

// place names a thread.
type place struct {
	pool   string
	thread int
}

// choices are the ways that pools are chosen, in the order in which a lane is looked for.
var choices = []mapping.PoolChoice{mapping.ByTransfer, mapping.ByUpdate, mapping.ByReturn}

// lane is where op goes: operations that have none of their own go with the others between the same forms, as they
// did when there was one for all.
func (l *layout) lane(from, to string, by mapping.PoolChoice) (lane, bool) {
	if x, ok := l.lanes[laneKey{from, to, by}]; ok {
		return x, true
	}
	for _, other := range choices {
		if x, ok := l.lanes[laneKey{from, to, other}]; ok {
			return x, true
		}
	}
	return lane{}, false
}

// place returns where op goes; alone: its transaction goes to one thread as a whole, of all lanes between two forms
// the same.
func (l *layout) place(op *mapping.Operation, alone bool) (place, bool) {
	if alone {
		x, ok := l.lane(op.Form, op.TargetForm, mapping.ByTransfer)
		return place{pool: x.pool}, ok
	}
	x, ok := l.lane(op.Form, op.TargetForm, op.PoolBy)
	if !ok {
		return place{}, false
	}
	pool, threads := x.pool, x.threads
	if x.field != 0 {
		if name := op.PoolIn(x.field); x.pools[name] > 0 {
			pool, threads = name, x.pools[name]
		}
	}
	if x.serial || threads == 1 {
		return place{pool: pool}, true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(op.Request))
	return place{pool: pool, thread: int(h.Sum32() % uint32(threads))}, true
}

// order names what operations must keep their order.
type order struct{ form, targetForm, request string }

func orderOf(op *mapping.Operation) order { return order{op.Form, op.TargetForm, op.Request} }

// moves reports whether requests between two forms may go from pool to pool.
func (l *layout) moves(from, to string) bool {
	pool := ""
	for _, by := range choices {
		switch x, ok := l.lanes[laneKey{from, to, by}]; {
		case ok && x.field != 0, ok && pool != "" && pool != x.pool:
			return true
		case ok:
			pool = x.pool
		}
	}
	return false
}

// splits reports whether operations of one transaction on one request would fall to several threads of the target:
// then the transaction goes to one as a whole.
func (l *layout) splits(target string, ops []*mapping.Operation) bool {
	var first map[order]place
	for _, op := range ops {
		if op.Target != target || !l.moves(op.Form, op.TargetForm) {
			continue
		}
		p, _ := l.place(op, false)
		if before, ok := first[orderOf(op)]; ok && before != p {
			return true
		}
		if first == nil {
			first = make(map[order]place)
		}
		first[orderOf(op)] = p
	}
	return false
}

// moving follows the operations under way of requests that may go from pool to pool: those of a request must not
// overtake each other.
type moving struct {
	mu  sync.Mutex
	now map[order]underWay
}

// underWay is where a request's operations are, and how many; all are at one place.
type underWay struct {
	place place
	n     int
}

// onTheWay are the operations of one transaction and thread that moving follows.
type onTheWay struct {
	*moving
	orders []order
}

// begin notes that op goes to a place.
func (w *onTheWay) begin(op *mapping.Operation, p place) {
	o := orderOf(op)
	w.orders = append(w.orders, o)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now == nil {
		w.now = make(map[order]underWay)
	}
	w.now[o] = underWay{p, w.now[o].n + 1}
}

// end says that all of them are durable. A nil onTheWay has none.
func (w *onTheWay) end() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.orders {
		if u := w.now[o]; u.n > 1 {
			w.now[o] = underWay{u.place, u.n - 1}
		} else {
			delete(w.now, o)
		}
	}
}

// elsewhere reports whether operations of op's request are under way at another place.
func (m *moving) elsewhere(op *mapping.Operation, p place) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.now[orderOf(op)]
	return ok && u.place != p
}

// places lists all threads.
func (l *layout) places() []place {
	threads := make(map[string]int)
	for _, x := range l.lanes {
		threads[x.pool] = max(threads[x.pool], x.threads)
		for pool, n := range x.pools {
			threads[pool] = max(threads[pool], n)
		}
	}
	var all []place
	for pool, n := range threads {
		for i := range n {
			all = append(all, place{pool, i})
		}
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].pool < all[j].pool || all[i].pool == all[j].pool && all[i].thread < all[j].thread
	})
	return all
}
