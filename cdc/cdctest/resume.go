package cdctest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"ardso/cdc"
)

// resume stops after each transaction in turn and goes on with a new reader from its position: nothing
// is lost and nothing comes twice (E-2).
func resume(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	hub := &cdc.Mark{Origin: "hub", Path: []string{"hub"}, Mapping: "m"}
	b.user(b.insert(t, 1, "a", 1))
	b.Exec(b, hub, b.insert(t, 2, "b", 1), b.set(t, 1, "qty = 2"))
	b.user(b.set(t, 2, "name = NULL"), b.insert(t, 3, "c", 1))
	b.Watermark(b, cdc.Watermark{Kind: cdc.Low, Name: "w"})
	b.user(b.insertMany(t, 10, b.Traits().PartRows+5, "many")...)
	b.Exec(b, hub, b.remove(t, 3))
	b.user(b.remove(t, 1))
	b.user(b.insert(t, 1, "again", 1))

	got := b.read(start)
	if !b.Traits().Coarse {
		b.want("transactions with a position", len(ends(got)), 8)
	}
	for i, tx := range got {
		if tx.More {
			continue
		}
		rest := b.read(tx.Position)
		b.want(fmt.Sprintf("changes after %d transactions", i+1), lines(changes(rest)), lines(changes(got[i+1:])))
		b.want(fmt.Sprintf("watermarks after %d transactions", i+1), marksOf(rest), marksOf(got[i+1:]))
	}
}

func ends(all []*cdc.Transaction) []cdc.Position {
	var ps []cdc.Position
	for _, t := range all {
		if !t.More {
			ps = append(ps, t.Position)
		}
	}
	return ps
}

func marksOf(all []*cdc.Transaction) string {
	var s []string
	for _, t := range all {
		for _, w := range t.Watermarks {
			s = append(s, w.Name)
		}
	}
	return strings.Join(s, " ")
}

// positions checks Covers along a log.
func positions(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	for i := range 5 {
		b.Exec(b, &cdc.Mark{Origin: fmt.Sprint("s", i), Path: []string{"s"}}, b.insert(t, i, "x", i))
	}
	ps := append([]cdc.Position{"", start}, ends(b.read(start))...)
	r := b.Reader(b)
	for i, p := range ps {
		for j, q := range ps {
			if p == "" && q == start || p == start && q == "" {
				continue // nothing lies between the two
			}
			if got, want := r.Covers(p, q), i >= j; got != want {
				b.Errorf("Covers(%q, %q): got %v, want %v", p, q, got, want)
			}
			if got, want := r.Order(p) > r.Order(q), i > j; p != q && got != want {
				b.Errorf("Order(%q) is %d, Order(%q) is %d", p, r.Order(p), q, r.Order(q))
			}
		}
	}
}

// positionLost destroys the log: the reader says so instead of going on behind the gap (PS-10, PS-11).
func positionLost(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	b.user(b.insert(t, 1, "lost", 1))
	b.Lose(b)
	b.user(b.insert(t, 2, "behind the gap", 1))
	err := b.Reader(b).Read(b.Context(), start, func(t *cdc.Transaction) error {
		return fmt.Errorf("delivered %s", show([]*cdc.Transaction{t}))
	})
	var lost *cdc.PositionLostError
	if !errors.As(err, &lost) {
		b.Fatalf("got error %v, want a *cdc.PositionLostError", err)
	}
	b.want("position", lost.Position, start)
	if lost.Reason == "" || lost.Server != b.DB().Server {
		b.Errorf("got server %q and reason %q", lost.Server, lost.Reason)
	}
}

// notAPosition hands over what this reader did not make.
func notAPosition(b *bench) {
	b.items(true)
	for _, p := range []cdc.Position{"nonsense", "0-1-99999999", "FFFFFFFF/FFFFFFFF"} {
		err := b.Reader(b).Read(b.Context(), p, func(*cdc.Transaction) error { return errEnough })
		var lost *cdc.PositionLostError
		if !errors.As(err, &lost) {
			b.Errorf("from %q: got error %v, want a *cdc.PositionLostError", p, err)
		}
		if b.Reader(b).Covers(p, "") && b.Reader(b).Covers(b.Start(b), p) {
			b.Errorf("%q covers and is covered", p)
		}
	}
}

// confirm says that all is durable; the log lets go of it, and reading goes on from there (INV-1).
func confirm(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	for i := range 20 {
		b.user(b.insert(t, i, "x", i))
	}
	f := b.follow(start)
	isEnd := b.end()
	b.wait("for the end", func() bool { return f.any(isEnd) })
	if !b.Traits().Unreleased && b.Released(b, f.last()) {
		b.Error("the log has been let go before it was confirmed")
	}
	p := f.last()
	f.reader.Confirm(p)
	f.reader.Confirm(start) // does not go back
	b.released(p)
	f.stop(b)
	b.user(b.insert(t, 50, "later", 1))
	b.want("changes after", summary(changes(b.read(p))), []string{"insert item 50"})
}

// released waits until the log is let go up to p, where the engine does such a thing.
func (b *bench) released(p cdc.Position) {
	b.Helper()
	if !b.Traits().Unreleased {
		b.wait("for the log to be let go", func() bool { return b.Released(b, p) })
	}
}

// idle moves the log on without touching our tables: positions come all the same, and confirmed they let
// the log go (PS-4, L-13).
func idle(b *bench) {
	traits := b.Traits()
	if traits.Idle == 0 {
		return
	}
	b.items(true)
	start := b.Start(b)
	f := b.follow(start)
	defer f.stop(b)
	seen := start
	for range 3 {
		b.user(traits.Elsewhere)
		b.wait("for an idle position", func() bool { p := f.last(); return p != "" && p != seen })
		next := f.last()
		if !f.reader.Covers(next, seen) {
			b.Errorf("idle position went back from %q to %q", seen, next)
		}
		seen = next
		f.reader.Confirm(seen)
		b.released(seen)
	}
	b.want("transactions that are not idle", len(busy(f.all())), 0)
}

// follower reads in the background.
type follower struct {
	reader cdc.Reader
	cancel func()
	done   chan error

	mu  sync.Mutex
	got []*cdc.Transaction
}

func (f *follower) all() []*cdc.Transaction {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got[:len(f.got):len(f.got)]
}

func (f *follower) any(is func(*cdc.Transaction) bool) bool {
	for _, t := range f.all() {
		if is(t) {
			return true
		}
	}
	return false
}

// last is the position of the last transaction, "" if there was none.
func (f *follower) last() cdc.Position {
	all := f.all()
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].More {
			return all[i].Position
		}
	}
	return ""
}
