package run

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/cdc"
	"ardso/mapping"
)

// Fields 1 and 2 of the forms name pools.
var poolFields = []int{1, 2}

// drawLayout makes a layout of forms A to C and pools p, q and r.
func drawLayout(t *rapid.T, name string) *layout {
	l := &layout{lanes: make(map[laneKey]lane)}
	threads := map[string]int{}
	for _, pool := range []string{"p", "q", "r"} {
		threads[pool] = rapid.IntRange(1, 4).Draw(t, name+" threads of "+pool)
	}
	for _, form := range []string{"A", "B", "C"} {
		serial := rapid.IntRange(0, 3).Draw(t, name+" serial "+form) == 0
		for _, by := range choices {
			what := fmt.Sprintf("%s, %s by %d: ", name, form, by)
			if rapid.IntRange(0, 2).Draw(t, what+"none") == 0 && (by != mapping.ByTransfer || rapid.IntRange(0, 3).Draw(t, what+"at all") == 0) {
				continue
			}
			pool := rapid.SampledFrom([]string{"p", "q"}).Draw(t, what+"pool")
			x := lane{pool: pool, threads: threads[pool], serial: serial}
			if !serial && rapid.Bool().Draw(t, what+"named by the request") {
				x.field = rapid.SampledFrom(poolFields).Draw(t, what+"field")
				x.pools = map[string]int{pool: threads[pool]}
				for other, n := range threads {
					if rapid.Bool().Draw(t, what+other+" runs") {
						x.pools[other] = n
					}
				}
			}
			l.lanes[laneKey{form, "To " + form, by}] = x
		}
	}
	l.id = l.text()
	return l
}

func drawOp(t *rapid.T) *mapping.Operation {
	form := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "form")
	op := &mapping.Operation{
		Form: form, TargetForm: "To " + form, Request: fmt.Sprint("R", rapid.IntRange(0, 20).Draw(t, "request")),
		PoolBy: rapid.SampledFrom(choices).Draw(t, "by"), PoolFields: map[int]string{},
	}
	for _, f := range poolFields {
		op.PoolFields[f] = rapid.SampledFrom([]string{"p", "q", "r", "", "gone"}).Draw(t, fmt.Sprint("pool in field ", f))
	}
	return op
}

// A layout that was kept as text deals every request to the thread that it fell to then.
func TestLayoutRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t, "layout")
		back, err := parseLayout(l.id, l.text())
		if err != nil {
			t.Fatal(err)
		}
		if back.text() != l.text() || !reflect.DeepEqual(back.lanes, l.lanes) {
			t.Fatalf("got %v, want %v", back.lanes, l.lanes)
		}
		places := l.places()
		if !slices.Equal(places, back.places()) {
			t.Fatalf("got threads %v, want %v", back.places(), places)
		}
		for range 20 {
			op, alone := drawOp(t), rapid.Bool().Draw(t, "alone")
			p, ok := l.place(op, alone)
			q, same := back.place(op, alone)
			if p != q || ok != same {
				t.Fatalf("%s %s: got %v, want %v", op.Form, op.Request, q, p)
			}
			if ok && !slices.Contains(places, p) {
				t.Fatalf("%v is none of %v", p, places)
			}
			if x, _ := l.lane(op.Form, op.TargetForm, op.PoolBy); ok && (alone || x.serial) && p.thread != 0 {
				t.Fatalf("%s %s goes to thread %d", op.Form, op.Request, p.thread)
			}
		}
	})
}

func TestParseLayoutRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"A", "A\tB\tp\t1", "A\tB\tp\t0\ttrue", "A\tB\tp\tx\ttrue", "A\tB\tp\t1\ttrue\tmore", "A\tB\tp\t1\ttrue\tx\t0\t",
		"A\tB\tp\t1\ttrue\t1\tx\t", "A\tB\tp\t1\ttrue\t1\t7\t", "A\tB\tp\t1\ttrue\t1\t7\tp=0", "A\tB\tp\t1\ttrue\t1\t7\tp",
	} {
		if l, err := parseLayout("id", text); err == nil {
			t.Errorf("%q: got %v", text, l.lanes)
		}
	}
	if l, err := parseLayout("id", ""); err != nil || len(l.lanes) != 0 {
		t.Errorf("no mappings: got %v, %v", l, err)
	}
}

// Requests spread over the threads of a pool.
func TestPlaceSpreads(t *testing.T) {
	t.Parallel()
	l := &layout{lanes: map[laneKey]lane{{from: "A", to: "A"}: {pool: "p", threads: 4}}}
	n := make([]int, 4)
	for i := range 4000 {
		p, _ := l.place(&mapping.Operation{Form: "A", TargetForm: "A", Request: fmt.Sprintf("HD%013d", i)}, false)
		n[p.thread]++
	}
	for i, x := range n {
		if x < 700 || x > 1300 {
			t.Errorf("thread %d has %d of 4000 requests", i, x)
		}
	}
}

// Whatever thread counts, pools, fields that name pools and marks of serial forms the processes have, one after another, and
// wherever each of their threads was stopped: every operation is carried out once (G2).
func TestCoverageAcrossLayouts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type transaction struct {
			position int
			alone    bool
			ops      []*mapping.Operation
		}
		var log []transaction
		for i := range rapid.IntRange(1, 12).Draw(t, "transactions") {
			x := transaction{position: i + 1, alone: rapid.IntRange(0, 4).Draw(t, "alone") == 0}
			for range rapid.IntRange(1, 4).Draw(t, "operations") {
				x.ops = append(x.ops, drawOp(t))
			}
			log = append(log, x)
		}
		type opID struct{ position, n int }
		done := make(map[opID]int)
		checkpoints := make(map[string]map[place]cdc.Position) // by layout
		layouts := make(map[string]*layout)
		from := 0 // the reader's durable position
		for process := range rapid.IntRange(1, 5).Draw(t, "processes") {
			l := drawLayout(t, fmt.Sprint("layout ", process))
			for _, form := range []string{"A", "B", "C"} { // forms do not go: that is another matter
				if _, ok := l.lane(form, "To "+form, mapping.ByTransfer); !ok {
					l.lanes[laneKey{from: form, to: "To " + form}] = lane{pool: "p", threads: max(1, l.lanesOf("p"))}
				}
			}
			l.id = l.text()
			s := &source{reader: numbers{}}
			tg := &target{layout: l}
			layouts[l.id] = l
			if checkpoints[l.id] == nil {
				checkpoints[l.id] = make(map[place]cdc.Position)
			}
			for _, p := range l.places() {
				if _, ok := checkpoints[l.id][p]; !ok { // control.Prepare
					checkpoints[l.id][p] = position(from)
				}
			}
			for id, at := range checkpoints {
				back, err := parseLayout(id, layouts[id].text())
				if err != nil {
					t.Fatal(err)
				}
				tg.covered = append(tg.covered, coverage{layout: back, at: maps.Clone(at)})
			}
			if len(tg.covered) > 1 && s.isPast(tg.layout, tg.covered, position(from)) { // control.DropStale
				maps.DeleteFunc(checkpoints, func(id string, _ map[place]cdc.Position) bool { return id != l.id })
			}
			// Each thread is stopped somewhere of its own; a transaction that goes alone waits for all that came before it.
			stop := make(map[place]int)
			for _, p := range l.places() {
				stop[p] = rapid.IntRange(from, len(log)).Draw(t, fmt.Sprint("stop of ", p))
			}
			durable, stopped := from, false
			for _, x := range log[from:] {
				alone := x.alone || l.splits("", x.ops)
				if alone && stopped {
					break
				}
				s.prune(tg, position(x.position))
				whole := true
				reached := make(map[place]bool)
				for n, op := range x.ops {
					p, _ := l.place(op, alone)
					if s.isCovered(tg, op, x.alone, x.ops, position(x.position)) {
						continue
					}
					if x.position > stop[p] {
						whole, stop[p] = false, 0 // a thread that is stopped stays so
						continue
					}
					done[opID{x.position, n}]++
					reached[p] = true
				}
				for p := range reached {
					checkpoints[l.id][p] = position(x.position)
				}
				stopped = stopped || !whole
				if !stopped {
					durable = x.position
				}
				if alone && stopped {
					break
				}
			}
			from = rapid.IntRange(from, durable).Draw(t, "saved position") // it is saved now and then
		}
		for _, x := range log {
			for n := range x.ops {
				got := done[opID{x.position, n}]
				if got > 1 || got == 0 && x.position <= from {
					t.Fatalf("operation %d of transaction %d was carried out %d times; the position is %d\n%s", n, x.position, got, from, describe(checkpoints))
				}
			}
		}
	})
}

func describe(checkpoints map[string]map[place]cdc.Position) string {
	var b strings.Builder
	for id, at := range checkpoints {
		fmt.Fprintf(&b, "%s\n  %v\n", id, at)
	}
	return b.String()
}

// lanesOf is the number of threads of a pool.
func (l *layout) lanesOf(pool string) (n int) {
	for _, x := range l.lanes {
		if x.pool == pool {
			n = max(n, x.threads)
		}
	}
	return n
}

// numbers orders positions that are numbers.
type numbers struct{ cdc.Reader }

func (numbers) Covers(durable, p cdc.Position) bool {
	return len(durable) > len(p) || durable >= p && len(durable) == len(p)
}

func position(n int) cdc.Position { return cdc.Position(fmt.Sprintf("%04d", n)) }
