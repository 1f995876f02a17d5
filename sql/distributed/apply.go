package distributed

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/sql/schema"
)

// DefaultWait is how long Apply waits for a lock. While an ALTER TABLE waits, all others queue up behind
// it, so that is short.
const DefaultWait = 5 * time.Second

// Apply carries steps out and tells done after each. Where the engine can, all are one transaction, and
// done is told after its end. It waits for no lock longer than wait; 0 = DefaultWait. Its errors are
// *StepError.
func (s *State) Apply(ctx context.Context, steps []Step, wait time.Duration, done func(Step)) error {
	if wait == 0 {
		wait = DefaultWait
	}
	if s.db.Engine.Dialect == "mysql" {
		return s.applySingly(ctx, steps, wait, done)
	}
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return s.refused(steps[0], err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if s.db.Engine.Dialect == "postgres" {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", wait.Milliseconds())); err != nil {
			return s.refused(steps[0], err)
		}
	}
	for _, step := range steps {
		if err := s.carryOut(ctx, tx, step); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return s.refused(steps[len(steps)-1], err)
	}
	for _, step := range steps {
		done(step)
	}
	return nil
}

// applySingly is Apply where each ALTER TABLE commits by itself: what is in rows is one transaction.
func (s *State) applySingly(ctx context.Context, steps []Step, wait time.Duration, done func(Step)) error {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return s.refused(steps[0], err)
	}
	defer func() {
		// The connection goes, so that nobody else gets its settings.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
	}()
	seconds := max(1, int(wait.Seconds()))
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("SET SESSION lock_wait_timeout = %d, innodb_lock_wait_timeout = %d", seconds, seconds)); err != nil {
		return s.refused(steps[0], err)
	}
	for _, step := range steps {
		if err := s.singly(ctx, conn, step); err != nil {
			return err
		}
		done(step)
	}
	return nil
}

func (s *State) singly(ctx context.Context, conn *sqlx.Conn, step Step) error {
	if step.Alters {
		return s.carryOut(ctx, conn, step)
	}
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return s.refused(step, err)
	}
	if err := s.carryOut(ctx, tx, step); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return s.refused(step, err)
	}
	return nil
}

func (s *State) carryOut(ctx context.Context, q sqlx.ExecerContext, step Step) error {
	for _, text := range step.Statements {
		if _, err := q.ExecContext(ctx, text); err != nil {
			return s.refused(step, err)
		}
	}
	return nil
}

func (s *State) refused(step Step, err error) error {
	return &StepError{Server: s.db.Server, Step: step, Class: s.db.Engine.Class(err), Privilege: s.privilege(), Err: err}
}

// Values counts requests whose fields say something.
type Values struct {
	Requests int64 `db:"requests"` // any of the fields has a value; Master Flag Yes is none
	Owned    int64 `db:"owned"`    // ownership was handed over, or came from another server
}

// Values counts the requests that have values in fields of the form. It reads the whole table.
func (s *State) Values(ctx context.Context, fields []Field) (v Values, err error) {
	var data struct {
		Table      string
		Any, Owned []setting
	}
	data.Table = s.db.Engine.Table(s.Form.Table.Schema, s.Form.Table.Name)
	for _, f := range fields {
		if f.Column == nil {
			continue
		}
		test := setting{f.Column.Name, s.holdsValue(f)}
		data.Any = append(data.Any, test)
		switch f.ID {
		case schema.MasterFlag, schema.FromMapping, schema.FromRequestID, schema.FromForm, schema.FromServer:
			data.Owned = append(data.Owned, test)
		}
	}
	if len(data.Any) == 0 {
		return v, nil
	}
	var rows []Values
	if err := s.query(ctx, &rows, "values.sql", data); err != nil {
		return v, fmt.Errorf("%s: count values of form %q: %w", s.db.Server, s.Form.Name, err)
	}
	return rows[0], nil
}

// holdsValue is the condition that a request has a value in a field that would be missed.
func (s *State) holdsValue(f Field) string {
	name := s.db.Engine.Quote(f.Column.Name)
	switch {
	case f.ID == schema.MasterFlag:
		no := int64(schema.MasterNo)
		if f.Has != nil {
			if n, ok := f.Has.Number("No"); ok {
				no = n
			}
		}
		return fmt.Sprintf("%s = %d", name, no)
	case f.Type == schema.Character:
		return fmt.Sprintf("%s <> ''", name) // NULL is not
	}
	return name + " IS NOT NULL"
}
