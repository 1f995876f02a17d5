package control

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Round is changes of join forms' requests on their way into the log of their server, in one transaction.
type Round struct {
	db   *engine.DB
	name string
	id   string
	n    int
	tx   *sqlx.Tx
}

// BeginRound begins to write the changes of a round. Nothing is locked before Add or Commit.
func BeginRound(db *engine.DB, name string) *Round { return &Round{db: db, name: name, id: NewID()} }

// Add writes some of the changes.
func (r *Round) Add(ctx context.Context, changes string) error { return r.add(ctx, changes, 0) }

func (r *Round) add(ctx context.Context, changes string, last int) (err error) {
	if r.tx == nil {
		if r.tx, err = r.db.BeginTxx(ctx, nil); err != nil {
			return err
		}
	}
	r.n++
	_, err = r.tx.ExecContext(ctx, query(r.db, "join_insert"), fmt.Sprintf("%s-%06d", r.id, r.n), r.name, last, changes)
	if err != nil {
		return fmt.Errorf("%s: write changes of join forms: %w", r.db.Server, err)
	}
	return nil
}

// Commit writes the last of the changes, with which the round is in the log. It fails with *FencedError where the
// epoch is not that of the lease. The lease is looked at last: it must not wait while the changes are written.
func (r *Round) Commit(ctx context.Context, epoch int64, changes string) error {
	if err := r.add(ctx, changes, 1); err != nil {
		return err
	}
	if _, err := exec(ctx, r.tx, "join_clear"); err != nil {
		return err
	}
	if err := leased(ctx, r.tx, r.db.Server, epoch, "lease_hold", epoch); err != nil {
		return err
	}
	tx := r.tx
	r.tx = nil
	return tx.Commit()
}

// Rollback gives the round up. After Commit it does nothing.
func (r *Round) Rollback() error {
	if r.tx == nil {
		return nil
	}
	err := r.tx.Rollback()
	r.tx = nil
	return ignoreDone(err)
}
