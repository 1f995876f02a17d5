package control

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Checkpoint is a row of dso_checkpoint: how far one thread has applied one source's log to this
// database, and the mark of its last transaction.
type Checkpoint struct {
	Source string // server whose log is applied
	Pool   string
	Layout string // how requests were dealt out to threads; positions of different layouts cannot be compared
	Thread int    // from 0

	Position  string // source position that the transaction reaches
	Origin    string // server whose log the changes came from
	Path      string // servers passed, joined by ">"
	Mapping   string // "" = several
	WriteBack bool   // distributed fields only; triggers nothing
	Epoch     int64  // lease of the source's reader

	Transactions int64     // carried out so far; not written by Advance, which counts
	Updated      time.Time // by this database's clock; not written
}

// fenceThread is the row of each source that holds its epoch even where no thread has a row yet.
const fenceThread = -1

func (c *Checkpoint) key() []any { return []any{c.Source, c.Pool, c.Layout, c.Thread} }

// Advance writes the checkpoint. It must be the first statement of every transaction of ardso that
// writes anything but control tables: it is the mark by which readers know the transaction, the pass
// by which the triggers of package guard let it through, and the fence that refuses a process which
// lost its lease (*FencedError). The row must be there: *NotPreparedError otherwise.
func Advance(ctx context.Context, tx Handle, c Checkpoint) error {
	n, err := exec(ctx, tx, "checkpoint_advance", append([]any{
		c.Position, c.Origin, c.Path, c.Mapping,
		boolInt(c.WriteBack), c.Epoch,
	}, append(c.key(), c.Epoch)...)...)
	if err != nil || n > 0 {
		return err
	}
	var newer int64
	switch err := tx.QueryRowxContext(ctx, query(tx, "checkpoint_epoch"), c.key()...).Scan(&newer); {
	case errors.Is(err, sql.ErrNoRows):
		return &NotPreparedError{Checkpoint: c}
	case err != nil:
		return fmt.Errorf("read epoch of checkpoint: %w", err)
	}
	return &FencedError{What: "checkpoint of " + c.Source, Epoch: c.Epoch, Newer: newer}
}

// CloseMark is the last statement of a transaction that began with Advance. On SQLite, whose
// trigger log knows no transactions, it ends the mark; on other engines it does nothing.
func CloseMark(ctx context.Context, tx Handle, c Checkpoint) error {
	if dialectOf(tx).open == "0" {
		return nil
	}
	_, err := exec(ctx, tx, "checkpoint_close", c.key()...)
	return err
}

// Prepare makes sure that the rows are there, so that Advance is one update on every engine: missing
// ones are inserted with their Position, the others stay as they are. It fences first: *FencedError
// where a newer process writes for the source. All rows are of one source.
func Prepare(ctx context.Context, db *engine.DB, source string, epoch int64, rows ...Checkpoint) error {
	return within(ctx, db, func(tx *sqlx.Tx) error {
		if err := fence(ctx, tx, source, epoch); err != nil {
			return err
		}
		for _, c := range rows {
			if _, err := exec(ctx, tx, "checkpoint_prepare", source, c.Pool, c.Layout, c.Thread, c.Position, epoch); err != nil {
				return err
			}
		}
		return nil
	})
}

// Fence raises the epoch of all rows of a source, so that whoever wrote under an older lease is
// refused from now on. It fails with *FencedError where a newer epoch is there.
func Fence(ctx context.Context, db *engine.DB, source string, epoch int64) error {
	return within(ctx, db, func(tx *sqlx.Tx) error { return fence(ctx, tx, source, epoch) })
}

// fence writes the source's own row before all others: two processes that come at once queue there,
// and one that is late finds it even where it would insert rows that nobody has fenced.
func fence(ctx context.Context, tx *sqlx.Tx, source string, epoch int64) error {
	if _, err := exec(ctx, tx, "checkpoint_prepare", source, "", "", fenceThread, "", 0); err != nil {
		return err
	}
	if _, err := exec(ctx, tx, "checkpoint_fence", epoch, source, epoch); err != nil {
		return err
	}
	var newest int64
	if err := tx.QueryRowxContext(ctx, query(tx, "checkpoint_newest"), source).Scan(&newest); err != nil {
		return fmt.Errorf("read newest epoch: %w", err)
	}
	if newest > epoch {
		return &FencedError{What: "checkpoint of " + source, Epoch: epoch, Newer: newest}
	}
	return nil
}

// LoadCheckpoints reads the rows of a source, of all layouts, in order of pool, layout and thread.
func LoadCheckpoints(ctx context.Context, h Handle, source string) ([]Checkpoint, error) {
	return readCheckpoints(ctx, h, "checkpoint_load", source)
}

// AllCheckpoints reads the rows of all sources, in order of source, pool, layout and thread.
func AllCheckpoints(ctx context.Context, h Handle) ([]Checkpoint, error) {
	return readCheckpoints(ctx, h, "checkpoint_all")
}

func readCheckpoints(ctx context.Context, h Handle, name string, args ...any) ([]Checkpoint, error) {
	return readAll(ctx, h, query(h, name), args, func(rows *sqlx.Rows) (c Checkpoint, err error) {
		var writeBack int
		var updated stamp
		err = rows.Scan(&c.Source, &c.Pool, &c.Layout, &c.Thread, &c.Position, &c.Origin, &c.Path, &c.Mapping,
			&writeBack, &c.Epoch, &c.Transactions, &updated)
		c.WriteBack, c.Updated = writeBack == 1, updated.Time
		return c, err
	})
}

// DropStale deletes a source's rows of layouts other than keep, once everything they cover is
// covered by those of keep; and other than writeBack, under which a source writes to itself and nothing is covered.
func DropStale(ctx context.Context, db *engine.DB, source string, epoch int64, keep, writeBack string) error {
	return within(ctx, db, func(tx *sqlx.Tx) error {
		if err := fence(ctx, tx, source, epoch); err != nil {
			return err
		}
		_, err := exec(ctx, tx, "checkpoint_drop", source, keep, writeBack)
		return err
	})
}

// NotPreparedError is a checkpoint without its row.
type NotPreparedError struct {
	Checkpoint Checkpoint
}

func (e *NotPreparedError) Error() string {
	c := e.Checkpoint
	return fmt.Sprintf("checkpoint of %s, pool %q, layout %q, thread %d: no such row", c.Source, c.Pool, c.Layout, c.Thread)
}

func (e *NotPreparedError) Name() string { return "control.not_prepared" }

func (e *NotPreparedError) Remedy() string {
	return "restart `ardso run`: it makes the row again; rows of dso_checkpoint must not be deleted by hand"
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readAll runs a query and scans its rows.
func readAll[T any](ctx context.Context, h Handle, q string, args []any, scan func(*sqlx.Rows) (T, error)) (all []T, err error) {
	rows, err := h.QueryxContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}
