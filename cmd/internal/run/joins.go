package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"ardso/cdc"
	"ardso/cdc/watermark"
	"ardso/mapping"
	"ardso/mapping/join"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// joins settles in rounds what changes of parts mean for requests of join forms (docs/joins.md): a low watermark, a
// view of the database, a high watermark, and when the stream meets that, the changes go into dso_join, from where the
// log brings them. Until then the position does not pass the parts' changes.
type joins struct {
	s       *source
	writer  *statement.Writer
	wake    chan struct{} // there is something to settle
	settled chan struct{} // a round has come by

	// Of the stream's goroutine: the first transactions that are not settled, since the last low watermark and before.
	now   *entry
	aside []*entry
	// selected requests of a join form, which wait until their round has come by; due: it has.
	selected *cdc.Transaction
	due      bool

	mu   sync.Mutex
	view *statement.View // of the round under way
}

func newJoins(s *source) *joins {
	return &joins{
		s: s, writer: statement.NewWriter(s.server.DB), wake: make(chan struct{}, 1), settled: make(chan struct{}, 1),
	}
}

// joinJob is the job that rounds select for.
const joinJob = "joins"

// run carries out rounds until ctx ends.
func (j *joins) run(ctx context.Context) error {
	for {
		select {
		case <-j.wake:
		case <-ctx.Done():
			return nil
		}
		select { // of a former round
		case <-j.settled:
		default:
		}
		err := j.s.stream.Select(ctx, watermark.Job{ID: joinJob, Prefix: join.Prefix, Rows: j})
		switch {
		case ctx.Err() != nil, errors.As(err, new(*watermark.RestartError)):
			return nil
		case err != nil:
			return fmt.Errorf("%s: settle join forms: %w", j.s.server.Name, err)
		}
		select {
		case <-j.settled:
		case <-ctx.Done():
			return nil
		}
	}
}

// Chunk opens the view of a round. It holds no rows: which are needed is known at the high watermark.
func (j *joins) Chunk(ctx context.Context, _ string, _ int) (*watermark.Chunk, error) {
	v, err := j.openView(ctx)
	if err != nil {
		return nil, err
	}
	c := &watermark.Chunk{Relation: &cdc.Relation{}, Done: true}
	if j.s.server.DB.Engine.Dialect == "postgres" {
		snapshot, err := control.InFlight(ctx, v)
		if err != nil {
			return nil, err
		}
		c.Saw = snapshot.Saw
	}
	return c, nil
}

// openView opens the view of the round that begins, which Settle closes; that of one before it was broken off.
func (j *joins) openView(ctx context.Context) (*statement.View, error) {
	j.closeView()
	v, err := statement.OpenView(ctx, j.s.server.DB)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.view = v
	return v, nil
}

func (j *joins) closeView() {
	j.mu.Lock()
	v := j.view
	j.view = nil
	j.mu.Unlock()
	if v != nil {
		_ = v.Close() // it was only read
	}
}

// note keeps the position before what is not settled. e is the transaction that the state is of.
func (j *joins) note(state mapping.JoinState, e *entry) {
	if state.Settled {
		for _, x := range j.aside {
			x.letGo()
		}
		j.aside = nil
	}
	if state.Low && j.now != nil {
		j.aside, j.now = append(j.aside, j.now), nil
	}
	if state.News && j.now == nil {
		e.keep()
		j.now = e
	}
	switch {
	case state.Settled:
		signal(j.settled)
		j.due = j.selected != nil
		fallthrough
	case state.News:
		if j.s.decider.JoinsWait() {
			signal(j.wake)
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// joinBytes bounds the changes that are held before they are written, in the order of rank.
const joinBytes = 4 << 20

// rowBytes bounds the changes in one row of dso_join.
const rowBytes = 256 << 10

// round settles a round whose high watermark has come by. What was selected for something else comes after it.
func (j *joins) round(ctx context.Context, tx *cdc.Transaction) error {
	if err := j.settle(ctx, tx.Selection.Round); err != nil {
		return err
	}
	if tx.Selection.Job != joinJob {
		j.selected, j.due = tx, false
	}
	return nil
}

// after returns what was selected in a round that a transaction has settled; nil if nothing. It is a part of that
// transaction's place in the log.
func (j *joins) after(tx *cdc.Transaction) *cdc.Transaction {
	if !j.due {
		return nil
	}
	selected := j.selected
	j.selected, j.due = nil, false
	selected.Position, selected.CommitTime, selected.Selection.Round = tx.Position, tx.CommitTime, ""
	return selected
}

// settle writes the changes of a round into the log.
func (j *joins) settle(ctx context.Context, round string) (err error) {
	j.mu.Lock()
	view := j.view
	j.mu.Unlock()
	if view == nil {
		return fmt.Errorf("%s: round %s of join forms has no view", j.s.server.Name, round)
	}
	defer j.closeView()
	out := control.BeginRound(j.s.server.DB, round)
	defer func() { err = errors.Join(err, out.Rollback()) }()
	var held []join.Change
	bytes := 0
	flush := func(all bool) error {
		slices.SortStableFunc(held, func(a, b join.Change) int { return rank(&a) - rank(&b) })
		for len(held) > 0 {
			n, size := 0, 0
			for n < len(held) && (n == 0 || size < rowBytes) {
				size += held[n].Size()
				n++
			}
			if all && n == len(held) {
				break // goes with the end
			}
			text, err := join.Encode(held[:n])
			if err != nil {
				return err
			}
			if err := out.Add(ctx, text); err != nil {
				return err
			}
			held = held[n:]
		}
		if !all {
			held, bytes = nil, 0
		}
		return nil
	}
	err = j.s.decider.SettleJoins(round, &viewReader{ctx: ctx, writer: j.writer, view: view}, func(c join.Change) error {
		held = append(held, c)
		if bytes += c.Size(); bytes < joinBytes {
			return nil
		}
		return flush(false)
	})
	if err != nil {
		return fmt.Errorf("%s: settle join forms: %w", j.s.server.Name, err)
	}
	if err := flush(true); err != nil {
		return err
	}
	text, err := join.Encode(held)
	if err != nil {
		return err
	}
	return out.Commit(ctx, j.s.epoch, text)
}

// rank puts deletes first, for what they leave may be taken, and creates last: on a join form they share parts with
// what is modified.
func rank(c *join.Change) int {
	switch {
	case c.After == nil:
		return 0
	case c.Before != nil:
		return 1
	}
	return 2
}

// viewReader reads a view for join.Tracker.Settle.
type viewReader struct {
	ctx    context.Context // of the one call of Settle
	writer *statement.Writer
	view   *statement.View
}

var _ join.Reader = (*viewReader)(nil)

// viewRows are read at a time.
const viewRows = 2000

// each reads a form's rows in chunks.
func (r *viewReader) each(form *schema.Form, c schema.Condition, f func([]value.Value) error) error {
	for after := ""; ; {
		rows, next, err := r.writer.Select(r.ctx, r.view, form, c, statement.Chunk{After: after, Rows: viewRows, Unread: true})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := f(row); err != nil {
				return err
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}

func (r *viewReader) Keyed(part *schema.Form, keys [][]value.Value, f func(request.Image) error) error {
	c, err := isOneOf(part.Key, part.Key, keys)
	if err != nil {
		return err
	}
	return r.each(part, c, func(row []value.Value) error { return f(row) })
}

func (r *viewReader) Pairs(form *schema.Form, part int, keys [][]value.Value, f func([2]request.Image) error) error {
	j := form.Join
	columns := make([]*schema.Field, len(j.Parts[part].Key))
	for i, k := range j.Parts[part].Key {
		columns[i] = j.PairField(part, k)
	}
	c, err := isOneOf(columns, j.Parts[part].Key, keys)
	if err != nil {
		return err
	}
	return r.each(j.Pair, c, func(row []value.Value) error {
		parts := j.Split(row)
		return f([2]request.Image{parts[0], parts[1]})
	})
}

func (r *viewReader) Having(part *schema.Form, field *schema.Field, values []value.Value, f func(request.Image) error) error {
	return r.each(part, schema.Condition{Op: schema.In, Column: field.Column, Values: values}, func(row []value.Value) error { return f(row) })
}

// isOneOf is the test that columns hold one of keys.
func isOneOf(columns, fields []*schema.Field, keys [][]value.Value) (schema.Condition, error) {
	stored := make([][]value.Value, len(keys))
	for i, key := range keys {
		for n, v := range key {
			s, err := fields[n].Stored(v)
			if err != nil {
				return schema.Condition{}, err
			}
			stored[i] = append(stored[i], s)
		}
	}
	if len(columns) == 1 {
		c := schema.Condition{Op: schema.In, Column: columns[0].Column}
		for _, key := range stored {
			c.Values = append(c.Values, key[0])
		}
		return c, nil
	}
	c := schema.Condition{Op: schema.Or}
	for _, key := range stored {
		all := schema.Condition{Op: schema.And}
		for n, v := range key {
			all.Parts = append(all.Parts, schema.Condition{Op: schema.Equal, Column: columns[n].Column, Values: []value.Value{v}})
		}
		c.Parts = append(c.Parts, all)
	}
	return c, nil
}
