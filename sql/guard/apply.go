package guard

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// DefaultWait is how long Apply waits for a lock. While a CREATE TRIGGER waits, all others queue up behind it, so
// that is short.
const DefaultWait = 5 * time.Second

// Apply carries steps out and tells done after each. Where the engine can, all are one transaction, and done is
// told after its end. It waits for no lock longer than wait; 0 = DefaultWait. Its errors are *StepError.
func (g *Guard) Apply(ctx context.Context, steps []Step, wait time.Duration, done func(Step)) error {
	if len(steps) == 0 {
		return nil
	}
	if wait == 0 {
		wait = DefaultWait
	}
	if g.db.Engine.Dialect == "mysql" {
		return g.applySingly(ctx, steps, wait, done)
	}
	tx, err := g.db.BeginTxx(ctx, nil)
	if err != nil {
		return g.refused(steps[0], err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if g.db.Engine.Dialect == "postgres" {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", wait.Milliseconds())); err != nil {
			return g.refused(steps[0], err)
		}
	}
	for _, s := range steps {
		if err := g.carryOut(ctx, tx, s); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return g.refused(steps[len(steps)-1], err)
	}
	for _, s := range steps {
		done(s)
	}
	return nil
}

// applySingly is Apply where each statement commits by itself.
func (g *Guard) applySingly(ctx context.Context, steps []Step, wait time.Duration, done func(Step)) error {
	conn, err := g.db.Connx(ctx)
	if err != nil {
		return g.refused(steps[0], err)
	}
	defer func() {
		// The connection goes, so that nobody else gets its settings.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
	}()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("SET SESSION lock_wait_timeout = %d", max(1, int(wait.Seconds())))); err != nil {
		return g.refused(steps[0], err)
	}
	for _, s := range steps {
		if err := g.carryOut(ctx, conn, s); err != nil {
			return err
		}
		done(s)
	}
	return nil
}

func (g *Guard) carryOut(ctx context.Context, q sqlx.ExecerContext, s Step) error {
	for _, x := range s.Statements {
		if _, err := q.ExecContext(ctx, "/* ardso guard */ "+x); err != nil {
			return g.refused(s, err)
		}
	}
	return nil
}

func (g *Guard) refused(s Step, err error) error {
	e := &StepError{Server: g.db.Server, Step: s, Class: g.db.Engine.Class(err), Err: err}
	if e.Class == engine.Denied {
		e.Privilege = g.privilege(err)
	}
	return e
}
