package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"ardso/cdc/postgres/pgoutput"
)

const (
	chunkBytes = 256 << 10 // messages are handed over in pieces of this size
	chunkQueue = 2         // so many of them wait; then the server has to
)

// chunk is a run of messages, in a buffer of its own (PS-22).
type chunk struct {
	buf    []byte
	frames []frame
}

// frame is one message of the stream.
type frame struct {
	data []byte       // of pgoutput, in the chunk's buffer; nil: a keepalive
	end  pgoutput.LSN // of a keepalive: all that ends before it has been sent
}

// room reports whether a message of n bytes fits without moving the buffer.
func (c *chunk) room(n int) bool { return c != nil && cap(c.buf)-len(c.buf) >= n }

func newChunk(n int) *chunk { return &chunk{buf: make([]byte, 0, max(n, chunkBytes))} }

func (c *chunk) add(data []byte) {
	at := len(c.buf)
	c.buf = append(c.buf, data...)
	c.frames = append(c.frames, frame{data: c.buf[at:len(c.buf):len(c.buf)]})
}

// stream owns the connection while it streams.
type stream struct {
	wire      *wire
	server    string
	period    time.Duration       // between two feedbacks
	silence   time.Duration       // after so long without a word the server is dead
	confirmed func() pgoutput.LSN // what is durable downstream
	chunks    chan *chunk
	free      chan *chunk // used ones

	received pgoutput.LSN // all before it has arrived here
	heard    time.Time
	due      time.Time // of the next feedback
}

// run receives until ctx ends or the stream breaks, and closes chunks.
func (s *stream) run(ctx context.Context) error {
	defer close(s.chunks)
	stop := context.AfterFunc(ctx, func() { _ = s.wire.pg.Conn().SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	s.heard = time.Now()
	err := s.loop(ctx)
	if ctx.Err() != nil {
		// The last word, so that less comes twice after a restart; if it is lost, nothing is.
		_ = s.wire.send(s.status(time.Now(), false))
		return context.Cause(ctx)
	}
	return err
}

func (s *stream) loop(ctx context.Context) error {
	var c *chunk
	for {
		if err := s.feedback(ctx, time.Now()); err != nil {
			return err
		}
		data, err := s.wire.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			if since := time.Since(s.heard); since > s.silence {
				return &SilentError{Server: s.server, For: since}
			}
			continue
		}
		if err != nil {
			return err
		}
		if c, err = s.take(ctx, c, data); err != nil {
			return err
		}
		if c != nil && s.wire.drained() {
			if err := s.hand(ctx, c); err != nil {
				return err
			}
			c = nil
		}
	}
}

// feedback sends a status when one is due. The server measures our silence by it (PS-6, PS-8), and its
// answer shows that the server lives and where its log ends (PS-4, PS-9).
func (s *stream) feedback(ctx context.Context, now time.Time) error {
	if now.Before(s.due) {
		return nil
	}
	if err := s.wire.send(s.status(now, true)); err != nil {
		return fmt.Errorf("send feedback: %w", err)
	}
	s.due = now.Add(s.period)
	// The order matters: a cancel that comes between these two has set its own deadline before.
	if err := s.wire.pg.Conn().SetReadDeadline(s.due); err != nil {
		return err
	}
	return ctx.Err()
}

// status is a standby status update with all three positions filled (PS-1): received, and twice what is
// durable. It is computed anew each time (PS-7).
func (s *stream) status(now time.Time, reply bool) []byte {
	durable := s.confirmed()
	b := make([]byte, 0, 34)
	b = append(b, 'r')
	b = binary.BigEndian.AppendUint64(b, uint64(max(s.received, durable)))
	b = binary.BigEndian.AppendUint64(b, uint64(durable)) // flush: the log may be cut here (PS-2)
	b = binary.BigEndian.AppendUint64(b, uint64(durable)) // apply
	b = binary.BigEndian.AppendUint64(b, uint64(pgoutput.Micros(now)))
	if reply {
		return append(b, 1)
	}
	return append(b, 0)
}

// take puts a message into c, or into a new chunk after c has been handed over.
func (s *stream) take(ctx context.Context, c *chunk, data []byte) (*chunk, error) {
	const walHeader, keepalive = 1 + 8 + 8 + 8, 1 + 8 + 8 + 1
	switch {
	case len(data) > walHeader && data[0] == 'w':
		start := pgoutput.LSN(binary.BigEndian.Uint64(data[1:]))
		s.received = max(s.received, start)
		data = data[walHeader:]
		if !c.room(len(data)) {
			if err := s.hand(ctx, c); err != nil {
				return nil, err
			}
			c = s.fresh(len(data))
		}
		c.add(data)
	case len(data) == keepalive && data[0] == 'k':
		end := pgoutput.LSN(binary.BigEndian.Uint64(data[1:]))
		s.received = max(s.received, end)
		if data[keepalive-1] == 1 {
			s.due = time.Time{} // the server wants to hear from us at once
		}
		if c == nil {
			c = s.fresh(0)
		}
		c.frames = append(c.frames, frame{end: end})
	default:
		return nil, fmt.Errorf("replication message of unknown type %q and %d bytes", data[:min(1, len(data))], len(data))
	}
	return c, nil
}

// fresh returns an empty chunk, a used one if it will do.
func (s *stream) fresh(n int) *chunk {
	if n <= chunkBytes {
		select {
		case c := <-s.free:
			return c
		default:
		}
	}
	return newChunk(n)
}

// recycle takes back a chunk whose content nobody needs any more.
func (s *stream) recycle(c *chunk) {
	if cap(c.buf) != chunkBytes {
		return // a single large row's
	}
	c.buf, c.frames = c.buf[:0], c.frames[:0]
	select {
	case s.free <- c:
	default:
	}
}

// hand gives c to the assembler. While the queue is full the socket is not read, but feedback goes on,
// so the server waits without ending the connection (PS-8).
func (s *stream) hand(ctx context.Context, c *chunk) error {
	if c == nil {
		return nil
	}
	s.heard = time.Now()
	select {
	case s.chunks <- c:
		return nil
	default:
	}
	timer := time.NewTimer(time.Until(s.due))
	defer timer.Stop()
	for {
		select {
		case s.chunks <- c:
			s.heard = time.Now()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			if err := s.feedback(ctx, time.Now()); err != nil {
				return err
			}
			timer.Reset(time.Until(s.due))
		}
	}
}
