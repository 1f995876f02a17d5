package cdctest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ardso/cdc"
)

// promptly is how soon Read must return when its context ends.
const promptly = 5 * time.Second

// follow reads from a position in the background until stop.
func (b *bench) follow(from cdc.Position) *follower {
	ctx, cancel := context.WithCancel(b.Context())
	f := &follower{reader: b.Reader(b), cancel: cancel, done: make(chan error, 1)}
	go func() {
		f.done <- f.reader.Read(ctx, from, func(t *cdc.Transaction) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.got = append(f.got, t)
			return nil
		})
	}()
	b.Cleanup(cancel)
	return f
}

// stop ends the reading and checks how it ends.
func (f *follower) stop(b *bench) {
	b.Helper()
	f.cancel()
	b.ended(f.done)
	b.checkShape(f.all())
}

// ended expects Read to return the context's error soon.
func (b *bench) ended(done <-chan error) {
	b.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			b.Errorf("got error %v, want %v", err, context.Canceled)
		}
	case <-time.After(promptly):
		b.Fatalf("Read has not returned %s after its context ended", promptly)
	}
}

// slowReceiver blocks a delivery for longer than the server bears silence, while much more waits. The
// stream lives on, and all arrives once (PS-8, T-7).
func slowReceiver(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	wide := strings.Repeat("w", 190)
	const n = 10_000
	b.user(b.insert(t, 0, "x", 0))
	b.user(b.insertMany(t, 1, n, wide)...)
	b.user(b.insertMany(t, n+1, n, wide)...)
	block := time.After(max(3*b.Traits().Silence, 300*time.Millisecond))
	isEnd := b.end()
	blocked := false
	got := changes(b.readUntil(start, func(t *cdc.Transaction) bool {
		if !blocked {
			<-block
			blocked = true
		}
		return isEnd(t)
	}))
	if len(got) != 2*n+1 {
		b.Fatalf("got %d changes, want %d", len(got), 2*n+1)
	}
	for i, c := range got {
		if int(c.After[0].Int()) != i {
			b.Fatalf("change %d: got %s", i, line(c))
		}
	}
}

// receiverError is returned as it is, and what was refused comes again.
func receiverError(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	b.user(b.insert(t, 1, "x", 1))
	mine := fmt.Errorf("mine")
	for range 2 {
		var refused *cdc.Transaction
		err := b.Reader(b).Read(b.Context(), start, func(t *cdc.Transaction) error {
			if len(t.Changes) == 0 {
				return nil
			}
			refused = t
			return mine
		})
		if !errors.Is(err, mine) {
			b.Fatalf("got error %v, want the receiver's", err)
		}
		b.want("refused", summary(refused.Changes), []string{"insert item 1"})
	}
}

// cancelIdle ends a read that has nothing to do.
func cancelIdle(b *bench) {
	b.items(true)
	f := b.follow(b.Start(b))
	isEnd := b.end()
	b.wait("for the end", func() bool { return f.any(isEnd) })
	f.stop(b)
}

// cancelDelivering ends a read whose receiver waits for the same context.
func cancelDelivering(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	b.user(b.insertMany(t, 0, 2000, "x")...)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	waiting, done := make(chan struct{}, 1), make(chan error, 1)
	r := b.Reader(b)
	go func() {
		done <- r.Read(ctx, start, func(*cdc.Transaction) error {
			select {
			case waiting <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	select {
	case <-waiting:
	case <-time.After(patience):
		b.Fatal("nothing was delivered")
	}
	cancel()
	b.ended(done)
}
