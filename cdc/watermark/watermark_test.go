package watermark

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"ardso/cdc"
	"ardso/cdc/cdctest"
	"ardso/sql/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var desk = &cdc.Relation{Schema: "public", Table: "desk", Columns: []string{"id", "v"}, Key: []bool{true, false}, Full: true}

func row(id, v int) []value.Value { return []value.Value{value.Int(int64(id)), value.Int(int64(v))} }

// chunks is a Chunker from a function.
type chunks func(after string, limit int) (*Chunk, error)

func (f chunks) Chunk(_ context.Context, after string, limit int) (*Chunk, error) {
	return f(after, limit)
}

// script reads transactions through a Stream; a transaction with a watermark comes when that is written.
type script struct {
	stream  *Stream
	filter  func(*cdc.Transaction) error
	written map[string]chan struct{}
	got     []string
}

func newScript(opt Options) *script {
	opt.Run = "r"
	s := &script{written: map[string]chan struct{}{}}
	s.stream = New(func(_ context.Context, k cdc.WatermarkKind, name string) error {
		if ch := s.written[string(k)+name]; ch != nil {
			close(ch)
		}
		return nil
	}, opt)
	s.filter = s.stream.Filter(func(t *cdc.Transaction) error {
		s.got = append(s.got, show(t))
		return nil
	})
	return s
}

// expect makes ready for the watermarks in list.
func (s *script) expect(list []*cdc.Transaction) {
	for _, t := range list {
		for _, w := range t.Watermarks {
			s.written[string(w.Kind)+w.Name] = make(chan struct{})
		}
	}
}

func (s *script) run(ctx context.Context, list []*cdc.Transaction) error {
	r := &cdctest.Script{Transactions: list, End: errors.New("end of script")}
	r.Before = func(i int) error {
		for _, w := range list[i].Watermarks {
			select {
			case <-s.written[string(w.Kind)+w.Name]:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	return r.Read(ctx, "", s.filter)
}

func show(t *cdc.Transaction) string {
	var b strings.Builder
	b.WriteString(string(t.Position))
	for _, w := range t.Watermarks {
		fmt.Fprintf(&b, " %s(%s)", w.Kind, w.Name)
	}
	if x := t.Selection; x != nil {
		fmt.Fprintf(&b, " job %s key %s final %v", x.Job, x.LastKey, x.Final)
	}
	for _, c := range t.Changes {
		fmt.Fprintf(&b, " %s%v", c.Kind, append(slices.Clone(c.Before), c.After...))
	}
	return b.String()
}

func mark(k cdc.WatermarkKind, name string) *cdc.Transaction {
	return &cdc.Transaction{Watermarks: []cdc.Watermark{{Kind: k, Name: name}}}
}

func change(id uint64, c ...cdc.RowChange) *cdc.Transaction {
	return &cdc.Transaction{ID: id, Changes: c}
}

// TestUnseenCommit: a chunk that lacks a commit which the log showed before the low watermark is
// selected again (MS-26).
func TestUnseenCommit(t *testing.T) {
	t.Parallel()
	for _, id := range []uint64{7, 1<<32 + 7} { // logs give 32 bits
		s := newScript(Options{})
		times := 0
		job := Job{ID: "j", Rows: chunks(func(string, int) (*Chunk, error) {
			times++
			seen := times == 3
			v := 1
			if seen {
				v = 2
			}
			return &Chunk{
				Relation: desk, Rows: [][]value.Value{row(1, v)}, Last: "1", Done: true,
				Saw: func(x uint64) bool { return seen || uint32(x) != 7 },
			}, nil
		})}
		list := []*cdc.Transaction{
			change(id, cdc.RowChange{Relation: desk, Kind: cdc.Update, Before: row(1, 1), After: row(1, 2)}),
			mark(cdc.Low, "r-1"), mark(cdc.Low, "r-2"), mark(cdc.Low, "r-3"), mark(cdc.High, "r-3"),
		}
		s.expect(list)
		reading := make(chan error, 1)
		go func() { reading <- s.run(t.Context(), list) }()
		if err := s.stream.Select(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		<-reading
		want := []string{
			"00000001 update[1 1 1 2]", "00000002 low(r-1)", "00000003 low(r-2)", "00000004 low(r-3)",
			"00000005 job j key 1 final true selected[1 2]", "00000005 high(r-3)",
		}
		if diff := cmp.Diff(want, s.got); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
	}
}

// TestInterleavings: whatever the log does while chunks are selected, and however late commits become
// visible to the selects, a copy made from the stream is the table in the end, and no selected row ever
// overwrites a newer change. Of a job that wants whole rows, each row that is there all the time is selected, and once, as
// the log has it there.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(rt *rapid.T) {
			w := newWorld(rt)
			defer w.stop()
			rt.Repeat(map[string]func(*rapid.T){
				"write":    w.commit,
				"truncate": w.truncate,
				"show":     w.becomeVisible,
				"deliver":  w.deliverNext,
				"go on":    w.goOn,
				"restart":  w.restart,
				"":         func(*rapid.T) { synctest.Wait() },
			})
			w.settle()
		})
	})
}

// noDeadline hides testing.T's Deadline, which may not be asked in a synctest bubble.
type noDeadline struct{ rapid.TB }

// world is a table, its log, a select on the one and a copy made from the other. Versions number all
// changes; a row's value is the version that wrote it.
type world struct {
	rt      *rapid.T
	stream  *Stream
	cancel  context.CancelFunc
	ended   chan struct{}
	gate    chan struct{} // a step of the select waits here for "go on"
	filter  func(*cdc.Transaction) error
	version int

	now     map[int]int // the table as committed
	visible map[int]int // as a select sees it
	hidden  []*cdc.Transaction
	log     []*cdc.Transaction
	next    int // of log, to be delivered

	copied  map[int]int
	applied map[int]int // version of the last change of a key that the copy took
	lastKey string
	final   bool

	whole    bool         // rows that the log touches are wanted too
	always   map[int]bool // keys of rows that were there all the time
	selected map[int]int  // how often, by key
	again    bool         // the stream began anew, so that rows may come twice
}

func newWorld(rt *rapid.T) *world {
	w := &world{
		rt: rt, gate: make(chan struct{}), ended: make(chan struct{}),
		now: map[int]int{}, visible: map[int]int{}, copied: map[int]int{}, applied: map[int]int{},
		whole: rapid.Bool().Draw(rt, "whole"), always: map[int]bool{}, selected: map[int]int{},
	}
	for i := range rapid.IntRange(0, 8).Draw(rt, "rows") {
		w.now[i], w.visible[i], w.always[i] = 0, 0, true
	}
	job := Job{ID: "j", Rows: chunks(w.chunk)}
	if w.whole {
		job.Whole = desk
	}
	w.stream = New(w.write, Options{Run: "r", ChunkRows: 3})
	w.filter = w.stream.Filter(w.take)
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() {
		defer close(w.ended)
		for {
			job.After = w.lastKey
			err := w.stream.Select(ctx, job)
			if _, again := errors.AsType[*RestartError](err); !again {
				return
			}
		}
	}()
	return w
}

// step blocks a step of the select until the property lets it go on.
func (w *world) step() { <-w.gate }

func (w *world) write(_ context.Context, k cdc.WatermarkKind, name string) error {
	w.step()
	w.log = append(w.log, mark(k, name))
	w.step()
	return nil
}

func (w *world) chunk(after string, limit int) (*Chunk, error) {
	w.step()
	from := -1
	if after != "" {
		from, _ = strconv.Atoi(after)
	}
	hidden := map[uint64]bool{}
	for _, t := range w.hidden {
		hidden[t.ID] = true
	}
	c := &Chunk{Relation: desk, Done: true, Saw: func(id uint64) bool { return !hidden[id] }}
	for _, k := range slices.Sorted(maps.Keys(w.visible)) {
		if k <= from {
			continue
		}
		if len(c.Rows) == limit {
			c.Done = false
			break
		}
		c.Rows, c.Last = append(c.Rows, row(k, w.visible[k])), strconv.Itoa(k)
	}
	w.step()
	return c, nil
}

func (w *world) goOn(*rapid.T) {
	synctest.Wait()
	select {
	case w.gate <- struct{}{}:
	default:
	}
}

// commit writes one transaction: into the log at once, to the selects' sight now or later.
func (w *world) commit(rt *rapid.T) {
	w.version++
	t := &cdc.Transaction{ID: uint64(w.version)}
	k := rapid.IntRange(0, 9).Draw(rt, "key")
	to := k
	if rapid.IntRange(0, 4).Draw(rt, "kind") == 0 {
		to = rapid.IntRange(0, 9).Draw(rt, "new key")
	}
	if w.locked(k) || w.locked(to) {
		return // a row lock is held until the commit is visible
	}
	old, there := w.now[k]
	_, taken := w.now[to]
	switch {
	case !there:
		t.Changes = append(t.Changes, cdc.RowChange{Relation: desk, Kind: cdc.Insert, After: row(k, w.version)})
	case to != k && !taken:
		t.Changes = append(t.Changes, cdc.RowChange{Relation: desk, Kind: cdc.Update, Before: row(k, old), After: row(to, w.version)})
	case rapid.Bool().Draw(rt, "delete"):
		t.Changes = append(t.Changes, cdc.RowChange{Relation: desk, Kind: cdc.Delete, Before: row(k, old)})
	default:
		t.Changes = append(t.Changes, cdc.RowChange{Relation: desk, Kind: cdc.Update, Before: row(k, old), After: row(k, w.version)})
	}
	w.add(t, rapid.Bool().Draw(rt, "visible at once"))
}

func (w *world) truncate(rt *rapid.T) {
	if len(w.hidden) > 0 || rapid.IntRange(0, 3).Draw(rt, "rarely") > 0 {
		return
	}
	w.version++
	w.add(&cdc.Transaction{ID: uint64(w.version), Changes: []cdc.RowChange{{Relation: desk, Kind: cdc.Truncate}}}, true)
}

func (w *world) add(t *cdc.Transaction, visible bool) {
	apply(w.now, t)
	for _, c := range t.Changes {
		switch {
		case c.Kind == cdc.Truncate:
			clear(w.always)
		case c.Before != nil && (c.After == nil || c.After[0] != c.Before[0]):
			delete(w.always, int(c.Before[0].Int()))
		}
	}
	w.log = append(w.log, t)
	if visible {
		apply(w.visible, t)
	} else {
		w.hidden = append(w.hidden, t)
	}
}

func (w *world) locked(key int) bool {
	for _, t := range w.hidden {
		for _, c := range t.Changes {
			if (c.Before != nil && int(c.Before[0].Int()) == key) || (c.After != nil && int(c.After[0].Int()) == key) {
				return true
			}
		}
	}
	return false
}

func (w *world) becomeVisible(rt *rapid.T) {
	if len(w.hidden) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.hidden)-1).Draw(rt, "which")
	apply(w.visible, w.hidden[i])
	w.hidden = slices.Delete(w.hidden, i, i+1)
}

func apply(table map[int]int, t *cdc.Transaction) {
	for _, c := range t.Changes {
		if c.Kind == cdc.Truncate {
			clear(table)
		}
		if c.Before != nil {
			delete(table, int(c.Before[0].Int()))
		}
		if c.After != nil {
			table[int(c.After[0].Int())] = int(c.After[1].Int())
		}
	}
}

func (w *world) deliverNext(rt *rapid.T) {
	synctest.Wait()
	if w.next == len(w.log) {
		return
	}
	t := w.log[w.next]
	w.next++
	if err := w.filter(t); err != nil {
		rt.Fatal(err)
	}
}

// take is what stands behind the filter: it applies the stream to the copy.
func (w *world) take(t *cdc.Transaction) error {
	for _, c := range t.Changes {
		switch c.Kind {
		case cdc.Selected:
			k, v := int(c.After[0].Int()), int(c.After[1].Int())
			if last, ok := w.applied[k]; ok && v < last {
				w.rt.Fatalf("selected row %d of version %d comes after version %d", k, v, last)
			} else if w.whole && v != last {
				w.rt.Fatalf("selected row %d is of version %d, and the log's of %d", k, v, last)
			}
			w.selected[k]++
		case cdc.Truncate:
			for k := range 10 {
				w.applied[k] = int(t.ID)
			}
		default:
			for _, image := range [][]value.Value{c.Before, c.After} {
				if image != nil {
					w.applied[int(image[0].Int())] = int(t.ID)
				}
			}
		}
	}
	apply(w.copied, t)
	if t.Selection != nil {
		w.lastKey, w.final = t.Selection.LastKey, t.Selection.Final
	}
	return nil
}

func (w *world) restart(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "rarely") == 0 {
		synctest.Wait()
		w.filter, w.again = w.stream.Filter(w.take), true
	}
}

// settle lets everything end and compares.
func (w *world) settle() {
	for range 10_000 {
		synctest.Wait()
		select {
		case <-w.ended:
			if w.next == len(w.log) {
				if !w.final || !maps.Equal(w.now, w.copied) {
					w.rt.Fatalf("table %v, copy %v, final %v", w.now, w.copied, w.final)
				}
				for k := range w.always {
					if n := w.selected[k]; w.whole && (n == 0 || n > 1 && !w.again) {
						w.rt.Fatalf("row %d was selected %d times", k, n)
					}
				}
				return
			}
		default:
		}
		if len(w.hidden) > 0 {
			apply(w.visible, w.hidden[0])
			w.hidden = w.hidden[1:]
		}
		w.goOn(w.rt)
		w.deliverNext(w.rt)
		time.Sleep(longestPause) // the bubble's clock: a select that rests goes on
	}
	w.rt.Fatal("the select does not end")
}

func (w *world) stop() {
	w.cancel()
	close(w.gate)
	<-w.ended
}
