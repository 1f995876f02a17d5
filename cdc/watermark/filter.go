package watermark

import (
	"context"
	"fmt"
	"slices"

	"ardso/cdc"
	"ardso/sql/value"
)

// Filter stands between Reader.Read's deliver and next: it passes every transaction on and, before one
// with a high watermark, the chunk that waits for it. It is for one call of Read: a new call ends
// whatever waits for the one before (*RestartError), and only the newest Filter may be used. Stop ends
// it without a new one.
//
// A chunk has the Position of the high watermark's transaction, which follows it at once: that
// position is durable only when the rows are.
func (s *Stream) Filter(next func(*cdc.Transaction) error) func(*cdc.Transaction) error {
	f := &session{stopped: make(chan struct{})}
	s.replace(f)
	return func(t *cdc.Transaction) error {
		chunk := s.see(f, t)
		if chunk == nil {
			return next(t)
		}
		if chunk.result == nil {
			if err := next(chunk.deliver); err != nil {
				return err
			}
		}
		close(chunk.end)
		return next(t)
	}
}

// Stop ends the Filter in force: the reader has stopped, and no watermark will come by. Selects under
// way return a *RestartError, and new ones do at once.
func (s *Stream) Stop() { s.replace(nil) }

// OnEnd returns a channel that is closed when the end watermark of this name comes by, after
// everything before it was passed on.
func (s *Stream) OnEnd(name string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.ends[name]
	if !ok {
		ch = make(chan struct{})
		s.ends[name] = ch
	}
	return ch
}

// session is one reading of the log.
type session struct {
	stopped chan struct{}
}

// pending is a chunk between its begin and its delivery.
type pending struct {
	name    string
	job     Job
	after   string
	session *session
	low     chan struct{} // closed when the low watermark came by
	end     chan struct{} // closed when the chunk was delivered or refused
	result  error         // valid once end is closed

	// Under Stream.mu.
	opened  bool // the low watermark came by
	before  int  // length of Stream.recent's history when it did
	high    bool // the high one came by, and the chunk was selected by then
	touched touched
	chunk   *Chunk         // nil until it is selected
	left    map[string]int // rows of the chunk that the log has not touched: key to index
	latest  latest         // of Job.Whole: those that it has
	unknown bool           // the log touched a row and does not tell which, or not what it is now
	deliver *cdc.Transaction
}

// wait waits for ch, the context or the stream's end.
func (p *pending) wait(ctx context.Context, ch <-chan struct{}) error {
	select {
	case <-ch:
		return nil
	case <-p.session.stopped:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-ch: // came by just before
		return nil
	default:
		return &RestartError{Job: p.job.ID}
	}
}

func (s *Stream) replace(f *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		close(s.session.stopped)
	}
	s.session, s.chunk = f, nil
}

func (s *Stream) begin(job Job, after string) (*pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return nil, &RestartError{Job: job.ID}
	}
	p := &pending{
		name: job.Prefix + s.name(), job: job, after: after, session: s.session,
		low: make(chan struct{}), end: make(chan struct{}),
	}
	s.chunk = p
	return p, nil
}

// fill hands over the selected chunk. It returns errUnseen where the chunk may lack something.
func (s *Stream) fill(p *pending, c *Chunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.touched.overflow || (c.Saw != nil && !s.recent.all(p.before, c.Saw)) {
		return errUnseen
	}
	left := make(map[string]int, len(c.Rows))
	for i, row := range c.Rows {
		k, ok := rowKey(c.Relation, row, c.Relation)
		if !ok {
			return fmt.Errorf("a selected row of %s has no key", c.Relation.Table)
		}
		left[k] = i
	}
	p.chunk, p.left = c, left
	if p.job.Whole != nil {
		p.latest = newLatest(left)
	}
	p.strike(p.touched.changes)
	p.touched.changes = nil
	return nil
}

// withdraw gives a chunk up, unless its high watermark has come by already.
func (s *Stream) withdraw(p *pending) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.high {
		return false
	}
	if s.chunk == p {
		s.chunk = nil
	}
	return true
}

func (s *Stream) drop(p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chunk == p {
		s.chunk = nil
	}
}

// see takes note of a transaction and returns the chunk whose high watermark it holds, ready to be
// delivered, if there is one.
func (s *Stream) see(f *session, t *cdc.Transaction) *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != f {
		return nil
	}
	p := s.chunk
	if t.ID != 0 && len(t.Changes) > 0 {
		s.recent.add(t.ID)
	}
	if p != nil && p.opened {
		p.touch(t.Changes)
	}
	for _, w := range t.Watermarks {
		switch {
		case w.Kind == cdc.End:
			s.passEnd(w.Name)
		case p == nil || w.Name != p.name:
			// of an earlier process, or given up
		case w.Kind == cdc.Low && !p.opened:
			p.opened, p.before = true, s.recent.count
			close(p.low)
		case w.Kind == cdc.High && p.chunk != nil:
			s.chunk, p.high = nil, true
			p.ready(t)
			return p
		}
	}
	return nil
}

// passEnd tells who waits for an end watermark.
func (s *Stream) passEnd(name string) {
	ch, ok := s.ends[name]
	if !ok {
		return // of another process
	}
	delete(s.ends, name)
	close(ch)
}

// ready makes the transaction that brings the chunk into the stream, at high's position.
func (p *pending) ready(high *cdc.Transaction) {
	if p.unknown {
		p.result = errUnseen
		return
	}
	c := p.chunk
	last := c.Last
	if last == "" {
		last = p.after
	}
	t := &cdc.Transaction{
		Position:   high.Position,
		CommitTime: high.CommitTime,
		Selection: &cdc.Selection{
			Job: p.job.ID, Mapping: p.job.Mapping, Return: p.job.Return, Follow: p.job.Follow, Choose: p.job.Choose, Again: p.job.Again, Where: p.job.Where, LastKey: last, Final: c.Done, Round: p.name,
			Escalation: p.job.Escalation, At: p.job.At, Before: p.job.Before,
		},
	}
	indexes := make([]int, 0, len(p.left))
	for _, i := range p.left {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	for _, i := range indexes {
		t.Changes = append(t.Changes, cdc.RowChange{Relation: c.Relation, Kind: cdc.Selected, After: c.Rows[i]})
		t.Bytes += 64 + size(c.Rows[i])
	}
	for _, r := range p.latest.rows() {
		t.Changes = append(t.Changes, r)
		t.Bytes += 64 + size(r.After)
	}
	p.deliver = t
}

func size(row []value.Value) int {
	n := 0
	for _, v := range row {
		n += v.Size()
	}
	return n
}
