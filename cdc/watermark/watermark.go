// Package watermark is the one way that selected rows enter the stream of a log: initial loads,
// escalations, operations by hand, retries (design.md §2, H-4).
//
// A Select writes a low watermark into the log, reads a chunk of rows, and writes a high watermark.
// A Filter between the reader and whoever decides sees both come by. Where it meets the high one, it
// delivers the chunk as a transaction of its own, minus the rows that the log changed between the two:
// for those the log's record is as new or newer. All later changes come after the chunk, all earlier
// ones are in it. So a selected row never overwrites a newer change, and no lock is held. A job that must not
// leave a row to its changes (Job.Whole) gets those rows as the log showed them last.
//
// One race is left: a database may write a commit into its log before other sessions see it (MS-26).
// A chunk that is read just then lacks a change which the log shows before the low watermark. PostgreSQL
// tells which transactions a select saw; the Filter remembers the IDs of those delivered, and a chunk
// that did not see one of them is selected again.
//
// What it leaves to others: the SQL of the select and of the watermark (Chunker, Writer), and
// keeping progress (cdc.Selection).
//
// Read Stream, Filter, then Select.
package watermark

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"ardso/cdc"
	"ardso/sql/value"
)

// Writer writes a watermark into the server's log, in a transaction of its own; package control does.
type Writer func(ctx context.Context, kind cdc.WatermarkKind, name string) error

// Chunk is some rows of a table by ascending key, as they stood when they were selected.
type Chunk struct {
	Relation *cdc.Relation // shape of the rows; its Key names the columns that identify one
	Rows     [][]value.Value
	Last     string // key of the last row, as Chunker takes it back; "" where there are no rows
	Done     bool   // no rows come after these

	// Saw reports whether the transaction with an ID of the log (64 or 32 bits) was visible to the
	// select. nil: the log never shows a commit before it is visible.
	Saw func(id uint64) bool
}

// Chunker selects the next chunk of a job: at most limit rows with keys greater than after; "" = from
// the first.
type Chunker interface {
	Chunk(ctx context.Context, after string, limit int) (*Chunk, error)
}

// Job is what is to be selected and why.
type Job struct {
	ID      string // of the row in dso_pending; becomes cdc.Selection.Job
	Mapping string
	Return  bool // as in cdc.Selection, as Follow, Choose and Again
	Follow  bool
	Choose  bool
	Again   bool
	Where   string  // qualification that each row is still to be judged by
	After   string  // resume after this key: the last Selection.LastKey that became durable
	Rows    Chunker // one at a time calls it
	Prefix  string  // of its watermarks' names, at most 8 characters

	// As in cdc.Selection.
	Escalation string
	At         time.Time
	Before     int64

	// Whole, if not nil, is the shape of the rows, and asks for all of them: one that the log changes while its chunk
	// is selected is delivered as the log shows it, in the log's own shape.
	Whole *cdc.Relation

	// Delivered, if not nil, is called for each chunk that was delivered, before Select returns. One that fails has delivered
	// no others, unless the reader or ctx has ended.
	Delivered func()
}

// Options of a Stream; the zero Options are good.
type Options struct {
	// ChunkRows bounds the rows of a chunk, and so the memory it takes; 0 = 1,000.
	ChunkRows int
	// Remember is how many transaction IDs are kept to see whether a chunk lacks one; 0 = 65,536.
	Remember int
	// Run tells the watermarks of this process from those of an earlier one that may still be in the
	// log; unique per process, at most 80 characters.
	Run string
}

// RestartError ends a Select whose high watermark will not come by: the reader was started anew. The
// job goes on from its last durable key.
type RestartError struct{ Job string }

func (e *RestartError) Error() string {
	return "select " + e.Job + ": the reader was restarted before the rows entered the stream"
}

// errUnseen says that the chunk lacks a transaction that the log had shown; it is selected again.
var errUnseen = errors.New("the chunk lacks a transaction that the log had shown")

// Stream joins the selects on one server with the stream of its log. Filter makes the stream's side,
// Select is the other; they run in different goroutines.
type Stream struct {
	write Writer
	opt   Options
	next  atomic.Uint64 // numbers watermarks

	turn chan struct{} // held by the one chunk that is under way, so that memory is bounded by one

	mu      sync.Mutex
	chunk   *pending                 // the chunk under way, nil where there is none
	session *session                 // the Filter in force
	recent  ring                     // IDs of the transactions delivered last
	ends    map[string]chan struct{} // end watermarks waited for
}

// New makes a Stream that writes watermarks with write.
func New(write Writer, opt Options) *Stream {
	if opt.ChunkRows == 0 {
		opt.ChunkRows = 1000
	}
	if opt.Remember == 0 {
		opt.Remember = 1 << 16
	}
	return &Stream{
		write: write, opt: opt, turn: make(chan struct{}, 1), recent: newRing(opt.Remember),
		ends: map[string]chan struct{}{},
	}
}

// name makes a watermark name that no other has.
func (s *Stream) name() string { return s.opt.Run + "-" + strconv.FormatUint(s.next.Add(1), 10) }

// Select brings the rows of a job into the stream, chunk by chunk, each after the one before was
// delivered. Several Selects at once take turns by chunk. It returns nil when the last chunk, with
// Selection.Final, was delivered; that they are durable is seen downstream, by Selection.
//
// Where it fails, the caller may start the job again after its last durable key, once all that was delivered is durable
// (Job.Delivered). It returns a *RestartError when the stream ended or began anew meanwhile.
func (s *Stream) Select(ctx context.Context, job Job) error {
	pause := firstPause
	for after := job.After; ; {
		c, err := s.once(ctx, job, after)
		if errors.Is(err, errUnseen) {
			// The commit becomes visible in microseconds, with a synchronous standby in as long as
			// that takes.
			if err := rest(ctx, pause); err != nil {
				return err
			}
			pause = min(2*pause, longestPause)
			continue
		}
		if err != nil {
			return err
		}
		if job.Delivered != nil {
			job.Delivered()
		}
		if c.Done {
			return nil
		}
		if c.Last == "" || c.Last == after {
			return fmt.Errorf("select %s: a chunk after key %.40q does not end, and brings no new key", job.ID, after)
		}
		after, pause = c.Last, firstPause
	}
}

const (
	firstPause   = time.Millisecond
	longestPause = 250 * time.Millisecond
)

// rest waits before a chunk is selected again.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// once brings one chunk into the stream.
func (s *Stream) once(ctx context.Context, job Job, after string) (*Chunk, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	p, err := s.begin(job, after)
	if err != nil {
		return nil, err
	}
	defer s.drop(p)
	if err := s.write(ctx, cdc.Low, p.name); err != nil {
		return nil, fmt.Errorf("select %s: write the low watermark: %w", job.ID, err)
	}
	// The rows are only read once the low watermark came by. Else, with a stream that lags, the chunk
	// would be held while all that lies between is read, and nearly every row be touched.
	if err := p.wait(ctx, p.low); err != nil {
		return nil, err
	}
	c, err := job.Rows.Chunk(ctx, after, s.opt.ChunkRows)
	if err != nil {
		return nil, fmt.Errorf("select %s: %w", job.ID, err)
	}
	if err := s.fill(p, c); err != nil {
		return nil, fmt.Errorf("select %s: %w", job.ID, err)
	}
	// The answer to a write that was done may be lost. If the high watermark has come by, the chunk is on its way.
	if err := s.write(ctx, cdc.High, p.name); err != nil && s.withdraw(p) {
		return nil, fmt.Errorf("select %s: write the high watermark: %w", job.ID, err)
	}
	if err := p.wait(ctx, p.end); err != nil {
		return nil, err
	}
	return c, p.result
}
