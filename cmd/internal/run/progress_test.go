package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"ardso/cdc"
)

// begun is one transaction of the model.
type begun struct {
	entry *entry
	at    cdc.Position
	sizes []int // portions in memory
	open  int   // portions that are not durable
	read  bool
	told  int // how often after was called
}

func (s *begun) finished() bool { return s.read && s.open == 0 }

// position is the end of the longest finished prefix, whatever order things end in; memory is what was
// added and not freed (E-4, G7).
func TestProgress(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newProgress("0000", 100)
		var steps []*begun
		pick := func(ok func(*begun) bool) *begun {
			var some []*begun
			for _, s := range steps {
				if ok(s) {
					some = append(some, s)
				}
			}
			if len(some) == 0 {
				t.Skip("none")
			}
			return rapid.SampledFrom(some).Draw(t, "transaction")
		}
		unread := func() *begun {
			if n := len(steps); n > 0 && !steps[n-1].read {
				return steps[n-1]
			}
			t.Skip("none is being read")
			return nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				if n := len(steps); n > 0 && !steps[n-1].read {
					t.Skip("one is being read")
				}
				s := &begun{entry: p.begin(), at: cdc.Position(fmt.Sprintf("%04d", len(steps)+1))}
				s.entry.after = func() { s.told++ }
				steps = append(steps, s)
			},
			"add": func(t *rapid.T) {
				s, n := unread(), rapid.IntRange(0, 60).Draw(t, "bytes")
				s.entry.add(n)
				s.sizes = append(s.sizes, n)
				s.open++
			},
			"free": func(t *rapid.T) {
				s := pick(func(s *begun) bool { return len(s.sizes) > 0 })
				s.entry.free(s.sizes[0])
				s.sizes = s.sizes[1:]
			},
			"finish": func(t *rapid.T) {
				s := pick(func(s *begun) bool { return s.open > 0 })
				s.open--
				s.entry.finish()
			},
			"read": func(t *rapid.T) {
				s := unread()
				s.read = true
				s.entry.read(s.at)
			},
			"": func(t *rapid.T) {
				want, bytes, prefix := cdc.Position("0000"), 0, true
				under := 0
				for _, s := range steps {
					if prefix = prefix && s.finished(); prefix {
						want = s.at
					} else {
						under++
					}
					for _, n := range s.sizes {
						bytes += n
					}
					if s.told > 1 || s.told == 1 && !s.finished() || s.told == 0 && prefix {
						t.Fatalf("%s: finished %v, with all before it %v; after was called %d times", s.at, s.finished(), prefix, s.told)
					}
				}
				if got := p.position(); got != want {
					t.Fatalf("got position %s, want %s", got, want)
				}
				if n, b := underway(p); n != under || b != bytes {
					t.Fatalf("got %d transactions and %d bytes under way, want %d and %d", n, b, under, bytes)
				}
				ended, cancel := context.WithCancelCause(context.Background())
				cancel(errStop)
				if err := p.waitRoom(ended); (err == nil) != (bytes <= 100) || err != nil && !errors.Is(err, errStop) {
					t.Fatalf("wait for room with %d of 100 bytes: got %v", bytes, err)
				}
				if err := p.waitIdle(ended); (err == nil) != (under == 0) {
					t.Fatalf("wait for rest with %d under way: got %v", under, err)
				}
			},
		})
	})
}

// underway is the number of unfinished transactions and their bytes.
func underway(p *progress) (transactions, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue), p.bytes
}

var errStop = errors.New("stop")

// Those that wait for room or for rest go on when there is some, and not before.
func TestProgressWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProgress("", 100)
		a, b := p.begin(), p.begin()
		a.add(80)
		a.read("1")
		b.add(40)
		b.read("2")
		var mu sync.Mutex
		var woken []string
		for _, w := range []struct {
			name string
			wait func(context.Context) error
		}{{"room", p.waitRoom}, {"room", p.waitRoom}, {"idle", p.waitIdle}} {
			go func() {
				if err := w.wait(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				woken = append(woken, w.name)
			}()
		}
		want := func(when string, names ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(woken, names) {
				t.Errorf("%s: got %v, want %v", when, woken, names)
			}
		}
		want("too much under way")
		b.finish()
		want("the later one is durable, and all is in memory")
		b.free(40)
		want("80 bytes under way", "room", "room")
		a.free(80)
		want("nothing in memory", "room", "room")
		a.finish()
		want("all durable", "room", "room", "idle")
		if p.position() != "2" {
			t.Errorf("got position %q", p.position())
		}
	})
}

// Threads that finish at the same time, and readers that look: nothing is left over, the position only
// grows.
func TestProgressAtOnce(t *testing.T) {
	t.Parallel()
	p := newProgress("0000", 500)
	portions := make(chan *entry, 64)
	var threads sync.WaitGroup
	for range 4 {
		threads.Go(func() {
			for e := range portions {
				e.free(10)
				e.finish()
			}
		})
	}
	looking, enough := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looking)
		last := cdc.Position("")
		for {
			now := p.position()
			if now < last {
				t.Errorf("the position went from %s back to %s", last, now)
			}
			last = now
			select {
			case <-enough:
				return
			default:
			}
		}
	}()
	const transactions = 2000
	for i := range transactions {
		if err := p.waitRoom(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := p.begin()
		for range rand.N(4) {
			e.add(10)
			portions <- e
		}
		e.read(cdc.Position(fmt.Sprintf("%04d", i+1)))
	}
	if err := p.waitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(portions)
	threads.Wait()
	close(enough)
	<-looking
	if n, bytes := underway(p); n != 0 || bytes != 0 || p.position() != cdc.Position(fmt.Sprint(transactions)) {
		t.Errorf("got %d transactions, %d bytes, position %s", n, bytes, p.position())
	}
}

// An open hand-over holds the position back and lets all else go on; one whose request was changed while it was
// open leaves no place to stop inside.
func TestHolds(t *testing.T) {
	t.Parallel()
	for _, touched := range []bool{false, true} {
		p := newProgress("0", 100)
		enter := func(at cdc.Position) *entry {
			e := p.begin()
			e.read(at)
			return e
		}
		want := func(at cdc.Position) {
			t.Helper()
			if got := p.position(); got != at {
				t.Errorf("touched %t: position %q, want %q", touched, got, at)
			}
		}
		enter("1")
		give := p.begin()
		give.hold()
		give.read("2")
		late := p.begin() // still on its way to a target
		late.add(0)
		late.read("3")
		want("1")
		if err := p.waitIdle(canceled(t)); err == nil {
			t.Error("idle with a portion under way")
		}
		enter("4")
		give.release(touched)
		closing := p.begin()
		if touched {
			want("1")
		} else {
			want("2")
		}
		late.finish()
		if touched {
			want("1")
		} else {
			want("4")
		}
		closing.read("5")
		want("5")
		if err := p.waitClosed(canceled(t)); err != nil {
			t.Errorf("not closed: %v", err)
		}
	}
}

// canceled is a context that lets nobody wait.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// A hand-over that stays open is told of, again and again, until it is closed or the position moves on.
func TestProgressStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProgress("0", 100)
		look := func(d time.Duration, want int) {
			t.Helper()
			time.Sleep(d)
			if got := p.stuck(time.Minute); got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		}
		look(time.Hour, 0) // nothing is open
		e := p.begin()
		e.hold()
		e.read("1")
		look(59*time.Second, 0)
		look(time.Second, 1)
		look(59*time.Second, 0)
		look(time.Second, 1)
		look(50*time.Second, 0)
		e.release(false)
		f := p.begin()
		f.hold()
		f.read("2")
		look(50*time.Second, 0)
		look(10*time.Second, 1)
	})
}

// What is dropped of a queue makes no difference to where the position is, whatever is held, touched and in which order
// things end; and a queue that only waits for its first transaction stays short.
func TestProgressCompacts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, short := newProgress("0000", 100), newProgress("0000", 100)
		type twin struct {
			a, b *entry
			held bool
			open bool
		}
		var all []*twin
		told := [2]int{}
		pick := func(ok func(*twin) bool) *twin {
			var some []*twin
			for _, x := range all {
				if ok(x) {
					some = append(some, x)
				}
			}
			if len(some) == 0 {
				t.Skip("none")
			}
			return rapid.SampledFrom(some).Draw(t, "transaction")
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				x := &twin{a: whole.begin(), b: short.begin(), open: rapid.Bool().Draw(t, "open"), held: rapid.IntRange(0, 3).Draw(t, "held") == 0}
				if rapid.IntRange(0, 3).Draw(t, "after") == 0 {
					x.a.after, x.b.after = func() { told[0]++ }, func() { told[1]++ }
				}
				for _, e := range []*entry{x.a, x.b} {
					if x.open {
						e.add(0)
					}
					if x.held {
						e.hold()
					}
					e.read(cdc.Position(fmt.Sprintf("%04d", len(all)+1)))
				}
				all = append(all, x)
			},
			"finish": func(t *rapid.T) {
				x := pick(func(x *twin) bool { return x.open })
				x.open = false
				x.a.finish()
				x.b.finish()
			},
			"release": func(t *rapid.T) {
				x, touched := pick(func(x *twin) bool { return x.held }), rapid.Bool().Draw(t, "touched")
				x.held = false
				x.a.release(touched)
				x.b.release(touched)
			},
			"compact": func(*rapid.T) {
				short.mu.Lock()
				defer short.mu.Unlock()
				short.compact()
			},
			"": func(t *rapid.T) {
				if a, b := whole.position(), short.position(); a != b || told[0] != told[1] {
					t.Fatalf("position %s, compacted %s; told %v", a, b, told)
				}
			},
		})
	})
	p := newProgress("", 100)
	p.begin().hold()
	for i := range 50_000 {
		p.begin().read(cdc.Position(fmt.Sprint(i)))
	}
	if n := len(p.queue); n > 3000 {
		t.Errorf("%d transactions are kept", n)
	}
}
