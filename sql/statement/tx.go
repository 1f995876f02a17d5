package statement

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Tx is a transaction on a connection of its own, which Writer needs to see what the driver tells
// of each statement in a packet. One goroutine uses it at a time; it ends with Commit or Rollback.
type Tx struct {
	*sqlx.Tx
	conn     *sqlx.Conn
	prepared map[string]*sqlx.Stmt
}

// Begin opens a transaction with the engine's default isolation. Cancelling ctx rolls it back.
func Begin(ctx context.Context, db *engine.DB) (*Tx, error) {
	conn, err := db.Connx(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Tx{Tx: tx, conn: conn, prepared: map[string]*sqlx.Stmt{}}, nil
}

// Commit commits and gives the connection back. Where it fails because the connection was lost, the
// outcome is unknown: the checkpoint tells.
func (t *Tx) Commit() error { return errors.Join(t.Tx.Commit(), t.release()) }

// Rollback rolls back and gives the connection back. After Commit or Rollback it does nothing.
func (t *Tx) Rollback() error {
	err := t.Tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) {
		err = nil
	}
	return errors.Join(err, t.release())
}

func (t *Tx) release() error {
	err := t.conn.Close()
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

// Savepoint marks a place to roll back to. Names are of letters, digits and underscores; the same
// name set again hides the former.
func (t *Tx) Savepoint(ctx context.Context, name string) error {
	_, err := t.ExecContext(ctx, "SAVEPOINT "+name)
	return err
}

// RollbackTo undoes what was written since the savepoint, which stays. It fails where the engine
// has rolled back the whole transaction, as MySQL does on a deadlock.
func (t *Tx) RollbackTo(ctx context.Context, name string) error {
	_, err := t.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+name)
	return err
}

// Release forgets the savepoint and keeps what was written.
func (t *Tx) Release(ctx context.Context, name string) error {
	_, err := t.ExecContext(ctx, "RELEASE SAVEPOINT "+name)
	return err
}

// prepare prepares a statement once per transaction.
func (t *Tx) prepare(ctx context.Context, text string) (*sqlx.Stmt, error) {
	if s, ok := t.prepared[text]; ok {
		return s, nil
	}
	s, err := t.PreparexContext(ctx, text)
	if err == nil {
		t.prepared[text] = s
	}
	return s, err
}
