package run

import (
	"context"
	"slices"
	"sync"
	"time"

	"ardso/cdc"
)

// progress follows which source transactions are durable on all their targets. It knows the end of
// the longest finished prefix (E-4), which is as far as the source's reader position may move, and
// holds the reader back while too much is under way (G7).
type progress struct {
	budget int // bytes that may be under way

	mu      sync.Mutex
	queue   []*entry  // in log order; the first is unfinished
	active  int       // entries that are not durable
	held    int       // hand-overs that are open
	moved   time.Time // when the position moved on, or nothing was held
	rounds  int       // changes of join forms' parts that are not settled
	kept    int       // length of queue when it was compacted last
	done    cdc.Position
	bytes   int
	changed chan struct{} // closed and replaced when something finishes while others wait
	waiting int
}

// entry is one source transaction under way.
type entry struct {
	p        *progress
	position cdc.Position // "" until its last part was read
	open     int          // portions that are not durable, plus one while parts are to come
	held     int          // hand-overs whose write-back has not come by in the log (ownership, rule 3); and keeps
	settled  bool         // open has come to 0
	noStop   bool         // the position may pass its end, not stop there: a request's hand-over is open there
	after    func()       // called once it and all before it are durable; must not wait
}

func newProgress(from cdc.Position, budget int) *progress {
	return &progress{budget: budget, done: from, changed: make(chan struct{})}
}

// begin enters a transaction, its first part being at hand. Call read when its last part was handed on.
func (p *progress) begin() *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := &entry{p: p, open: 1}
	if len(p.queue) > 2*p.kept+1024 {
		p.compact()
	}
	p.queue = append(p.queue, e)
	p.active++
	return e
}

// compact drops finished transactions that wait for one before them and that the position need not stop at, since
// the one behind is finished, too: a position may be held for as long as a log is behind (G7). p.mu is held.
func (p *progress) compact() {
	over := func(e *entry) bool { return e.open == 0 && e.held == 0 }
	kept := p.queue[:0]
	for i, e := range p.queue {
		if i == 0 || !over(e) || e.after != nil || i+1 == len(p.queue) || !over(p.queue[i+1]) || p.queue[i+1].noStop && !e.noStop {
			kept = append(kept, e)
		}
	}
	clear(p.queue[len(kept):])
	p.queue, p.kept = kept, len(kept)
}

// add counts a portion that was handed to a thread.
func (e *entry) add(bytes int) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.open++
	e.p.bytes += bytes
}

// free says that a portion is no longer held in memory.
func (e *entry) free(bytes int) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.p.bytes -= bytes
	e.p.wake()
}

// hold keeps the position before the transaction until release: its hand-over is open. The others go on.
func (e *entry) hold() {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.held++
	e.p.held++
}

// keep keeps the position before the transaction until let go: it changed parts of join forms.
func (e *entry) keep() {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.held++
	e.p.rounds++
}

// letGo ends a keep: the log has brought what the transaction meant for join forms.
func (e *entry) letGo() {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.held--
	e.p.rounds--
	e.settle()
}

// release ends a hold: the log has closed the hand-over in the transaction that is entered next. touched: the
// request was changed while it was open. Then the position must not stop in between: read again from there,
// the change would not be known for one that belongs to the new owner, too.
func (e *entry) release(touched bool) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	if i := slices.Index(e.p.queue, e); touched && i >= 0 {
		for _, x := range e.p.queue[i:] {
			x.noStop = true
		}
	}
	e.held--
	e.p.held--
	e.settle()
}

// finish counts a portion as durable.
func (e *entry) finish() {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.open--
	e.settle()
}

// read says that the transaction ends at pos and all of it was handed on.
func (e *entry) read(pos cdc.Position) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.position = pos
	e.open--
	e.settle()
}

// settle tells those who wait. p.mu is held.
func (e *entry) settle() {
	if e.open == 0 && !e.settled {
		e.settled = true
		e.p.active--
	}
	e.p.advance()
	e.p.wake()
}

// advance drops finished transactions from the queue's head. p.mu is held.
func (p *progress) advance() {
	n := 0 // how many are finished up to the last where the position may stop
	for i := 0; i < len(p.queue) && p.queue[i].open == 0 && p.queue[i].held == 0; i++ {
		if !p.queue[i].noStop {
			n = i + 1
		}
	}
	if n > 0 {
		p.moved = time.Now()
	}
	for i := range n {
		p.done = p.queue[i].position
		if p.queue[i].after != nil {
			p.queue[i].after()
		}
		p.queue[i] = nil
	}
	p.queue = p.queue[n:]
}

// wake lets those that wait look again. p.mu is held.
func (p *progress) wake() {
	if p.waiting > 0 {
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// position is the end of the longest finished prefix.
func (p *progress) position() cdc.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// stuck returns how many hand-overs are open if the position has waited for them for that long; it says so once in as
// long again.
func (p *progress) stuck(long time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == 0 || p.moved.IsZero() {
		p.moved = time.Now()
	}
	if time.Since(p.moved) < long {
		return 0
	}
	p.moved = time.Now()
	return p.held
}

// waitRoom waits until there is room for more.
func (p *progress) waitRoom(ctx context.Context) error {
	return p.wait(ctx, func() bool { return p.bytes <= p.budget })
}

// waitIdle waits until all that was begun is durable; hand-overs may be open.
func (p *progress) waitIdle(ctx context.Context) error {
	return p.wait(ctx, func() bool { return p.active == 0 })
}

// waitClosed waits until no hand-over is open, join forms are settled, and all that was begun is durable.
func (p *progress) waitClosed(ctx context.Context) error {
	return p.wait(ctx, func() bool { return p.held == 0 && p.rounds == 0 && p.active == 0 })
}

// wait waits for a condition, which is asked with p.mu held.
func (p *progress) wait(ctx context.Context, ok func() bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	defer func() { p.waiting-- }()
	for !ok() {
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			p.mu.Lock()
			return context.Cause(ctx)
		}
		p.mu.Lock()
	}
	return nil
}
