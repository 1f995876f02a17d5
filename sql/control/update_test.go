package control

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"ardso/sql/engine"
)

// meanwhile is a handle on which something happens before each statement that changes anything.
type meanwhile struct {
	*engine.DB
	happens func()
}

func (m meanwhile) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	m.happens()
	return m.DB.ExecContext(ctx, query, args...)
}

// A change that joins an update while that is being taken goes with it.
func TestTakeUpdates(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx, now := t.Context(), time.Now()
		wait := func(operation string) {
			must0(t, WaitUpdate(ctx, db, Pending{Mapping: "a to b", Form: "Repair", Request: "R1", Target: "a", Operation: operation, Due: now.Add(time.Minute)}))
		}
		wait("one")
		if got := get(TakeUpdates(ctx, db, now))(t); len(got) > 0 {
			t.Errorf("before it is due: got %+v", got)
		}
		got := get(TakeUpdates(ctx, meanwhile{db, func() { wait("one and two") }}, now.Add(time.Hour)))(t)
		if len(got) != 1 || got[0].Operation != "one and two" || got[0].Status != Running {
			t.Fatalf("got %+v, want what joined, too", got)
		}
		wait("three")
		if again := get(TakeUpdates(ctx, db, now))(t); len(again) != 1 || again[0].ID != got[0].ID {
			t.Errorf("taken before: got %+v", again)
		}
		if later := get(TakeUpdates(ctx, db, now.Add(time.Hour)))(t); len(later) != 2 {
			t.Errorf("got %+v, want the one taken before and the one that waits anew", later)
		}
	})
}
