package trigger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/triggerlog"
	"ardso/sql/value"
)

// splitter turns the log rows of a cut into transactions: runs of user rows, runs that ardso's mark
// opens and closes, and watermarks. It holds one part of one transaction: a part is delivered when it
// is full and one more row comes, so that the last one is known as such.
//
// CommitTime is when the first row of the transaction was written, the nearest that is known when the
// first part is delivered.
type splitter struct {
	db      *engine.DB
	opt     Options
	deliver func(*cdc.Transaction) error
	shapes  map[int64]*shape

	part *cdc.Transaction // rows not yet delivered; nil between transactions
	mark *cdc.Mark        // not nil: inside ardso's own transaction
	row  cdc.RowChange    // the row of dso_checkpoint that opened it
	last int64            // the last log row seen
	done int64            // the position that was delivered last
}

const overhead = 200 // bytes of a transaction without its changes

// shape is a table's relation with the kinds of its columns.
type shape struct {
	relation *cdc.Relation
	kinds    []value.Kind
}

func newSplitter(db *engine.DB, opt Options, deliver func(*cdc.Transaction) error) *splitter {
	return &splitter{db: db, opt: opt, deliver: deliver, shapes: map[int64]*shape{}}
}

// begin starts a cut after a position.
func (s *splitter) begin(after int64) { s.last, s.done = after, after }

// add takes the next row of the cut.
func (s *splitter) add(ctx context.Context, r *triggerlog.Row) error {
	c, err := s.change(ctx, r)
	if err != nil {
		return err
	}
	at := time.UnixMilli(r.At).UTC()
	switch table := c.Relation.Table; {
	case strings.EqualFold(table, cdc.CheckpointTable):
		err = s.checkpoint(c, at)
	case strings.EqualFold(table, cdc.WatermarkTable):
		err = s.watermark(c, r.Seq, at)
	case !cdc.IsControl(table):
		err = s.user(c, r, at)
	}
	s.last = r.Seq
	if err == nil && s.closing(c) {
		err = s.finish()
		s.mark = nil
	}
	return err
}

// end finishes the cut. What it held beyond the last transaction delivered, rows that are no change,
// still moves the position (L-13).
func (s *splitter) end(seq int64) error {
	if s.mark != nil {
		return &cdc.UnreadableError{
			Server: s.db.Server,
			What:   fmt.Sprintf("a transaction of ardso before row %d of dso_log has no end mark", seq),
			Fix:    "rows of dso_checkpoint or dso_log were changed by hand: run `ardso init " + s.db.Server + "` for a new position, then transfer what changed",
		}
	}
	s.last = seq
	if err := s.finish(); err != nil {
		return err
	}
	if s.done < seq {
		s.done = seq
		return s.deliver(&cdc.Transaction{Position: formatPosition(seq), Bytes: overhead})
	}
	return nil
}

// checkpoint handles a row of dso_checkpoint: open = 1 begins a transaction of ardso.
func (s *splitter) checkpoint(c cdc.RowChange, at time.Time) error {
	if c.Kind == cdc.Delete || column(c, "open") != "1" || s.mark != nil {
		return nil
	}
	if err := s.finish(); err != nil {
		return err
	}
	s.mark, s.row = cdc.ReadMark(c), c
	s.part = &cdc.Transaction{Mark: s.mark, CommitTime: at, Bytes: overhead}
	return nil
}

// closing reports whether c is the end mark of the transaction that is open: the row that opened it,
// with open = 0. Other rows of dso_checkpoint may be written in between.
func (s *splitter) closing(c cdc.RowChange) bool {
	return s.mark != nil && c.Kind != cdc.Delete && strings.EqualFold(c.Relation.Table, cdc.CheckpointTable) &&
		column(c, "open") == "0" && sameKey(c, s.row)
}

// sameKey compares the after images of two rows of one relation by key.
func sameKey(a, b cdc.RowChange) bool {
	if a.Relation != b.Relation {
		return false
	}
	for i, key := range a.Relation.Key {
		if key && !a.After[i].Equal(b.After[i]) {
			return false
		}
	}
	return true
}

func (s *splitter) watermark(c cdc.RowChange, seq int64, at time.Time) error {
	if c.Kind == cdc.Delete {
		return nil
	}
	if s.mark != nil {
		s.part.Watermarks = append(s.part.Watermarks, cdc.ReadWatermark(c))
		return nil
	}
	if err := s.finish(); err != nil {
		return err
	}
	s.part = &cdc.Transaction{
		CommitTime: at, Watermarks: []cdc.Watermark{cdc.ReadWatermark(c)}, Bytes: overhead,
	}
	s.last = seq
	return s.finish()
}

func (s *splitter) user(c cdc.RowChange, r *triggerlog.Row, at time.Time) error {
	if s.part == nil {
		s.part = &cdc.Transaction{Mark: s.mark, CommitTime: at, Bytes: overhead}
	}
	size := r.Size() + 64*len(c.Relation.Columns)
	if n := len(s.part.Changes); n > 0 && (n >= s.opt.PartRows || s.part.Bytes+size > s.opt.PartBytes) {
		// Positions are ends of transactions, so one that has passed this row has passed the end.
		s.part.More, s.part.Ahead = true, formatPosition(s.last)
		if err := s.deliver(s.part); err != nil {
			return err
		}
		s.part = &cdc.Transaction{Mark: s.mark, CommitTime: s.part.CommitTime, Bytes: overhead}
	}
	s.part.Changes = append(s.part.Changes, c)
	s.part.Bytes += size
	return nil
}

// finish delivers the transaction that ends with the last row seen.
func (s *splitter) finish() error {
	t := s.part
	if t == nil {
		return nil
	}
	s.part = nil
	t.Position, s.done = formatPosition(s.last), s.last
	return s.deliver(t)
}

// change reads a log row.
func (s *splitter) change(ctx context.Context, r *triggerlog.Row) (cdc.RowChange, error) {
	sh, err := s.shape(ctx, r.Shape)
	if err != nil {
		return cdc.RowChange{}, s.unreadable(r, "", err)
	}
	c := cdc.RowChange{Relation: sh.relation}
	switch r.Op {
	case "I":
		c.Kind = cdc.Insert
	case "U":
		c.Kind = cdc.Update
	case "D":
		c.Kind = cdc.Delete
	default:
		return c, s.unreadable(r, sh.relation.Table, fmt.Errorf("unknown operation %q", r.Op))
	}
	if c.Kind != cdc.Insert {
		c.Before, err = sh.image(r.Before)
	}
	if err == nil && c.Kind != cdc.Delete {
		c.After, err = sh.image(r.After)
	}
	if err != nil {
		return c, s.unreadable(r, sh.relation.Table, err)
	}
	return c, nil
}

func (s *splitter) unreadable(r *triggerlog.Row, table string, err error) error {
	what := fmt.Sprintf("row %d of dso_log", r.Seq)
	if table != "" {
		what += " (table " + table + ")"
	}
	return &cdc.UnreadableError{
		Server: s.db.Server, What: what, Err: err,
		Fix: "correct the row in the table, then run `ardso init " + s.db.Server + "` for a new position and transfer what changed",
	}
}

// shape returns a shape by its ID, read once.
func (s *splitter) shape(ctx context.Context, id int64) (*shape, error) {
	if sh := s.shapes[id]; sh != nil {
		return sh, nil
	}
	all, err := triggerlog.Shapes(ctx, s.db)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if s.shapes[a.ID] == nil {
			s.shapes[a.ID] = newShape(s.db, a)
		}
	}
	if s.shapes[id] == nil {
		return nil, fmt.Errorf("shape %d is not in dso_log_shape", id)
	}
	return s.shapes[id], nil
}

func newShape(db *engine.DB, a triggerlog.Shape) *shape {
	rel := &cdc.Relation{Schema: db.Schema, Table: a.Table, Full: true}
	sh := &shape{relation: rel}
	for _, c := range a.Columns {
		rel.Columns = append(rel.Columns, c.Name)
		rel.Key = append(rel.Key, c.Key)
		kind, _ := db.Engine.Kind(c.Type) // SQLite knows no type that cannot be carried
		sh.kinds = append(sh.kinds, kind)
	}
	return sh
}

// image reads the values of a row.
func (sh *shape) image(text string) ([]value.Value, error) {
	raw, err := parseImage(text)
	if err != nil {
		return nil, err
	}
	if len(raw) != len(sh.kinds) {
		return nil, fmt.Errorf("%d values for %d columns", len(raw), len(sh.kinds))
	}
	values := make([]value.Value, len(raw))
	for i, x := range raw {
		if values[i], err = engine.FromStorage(sh.kinds[i], x); err != nil {
			return nil, fmt.Errorf("column %s: %w", sh.relation.Columns[i], err)
		}
	}
	return values, nil
}

// column returns a column of the after image as text; "" where there is none.
func column(c cdc.RowChange, name string) string {
	for i, n := range c.Relation.Columns {
		if strings.EqualFold(n, name) && i < len(c.After) {
			return c.After[i].SQL()
		}
	}
	return ""
}
