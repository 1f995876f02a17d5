package control

import (
	"context"
	"database/sql"
	"fmt"
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
func TestTakeUpdate(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx, now := t.Context(), time.Now()
		wait := func(operation string) {
			must0(t, WaitUpdate(ctx, db, Pending{Mapping: "a to b", Form: "Repair", Request: "R1", Target: "a", Operation: operation, Due: now.Add(time.Minute)}))
		}
		due := func(now time.Time) []Pending {
			t.Helper()
			list, more, err := DueUpdates(ctx, db, now, "")
			if err != nil || more {
				t.Fatal(more, err)
			}
			return list
		}
		wait("one")
		if got := due(now); len(got) > 0 {
			t.Errorf("before it is due: got %+v", got)
		}
		list := due(now.Add(time.Hour))
		if len(list) != 1 {
			t.Fatalf("got %+v", list)
		}
		got := get(TakeUpdate(ctx, meanwhile{db, func() { wait("one and two") }}, list[0].ID))(t)
		if got == nil || got.Operation != "one and two" || got.Status != Running {
			t.Fatalf("got %+v, want what joined, too", got)
		}
		wait("three")
		if taken := get(TakenUpdates(ctx, db))(t); len(taken) != 1 || taken[0].ID != got.ID {
			t.Errorf("taken before: got %+v", taken)
		}
		if later := due(now.Add(time.Hour)); len(later) != 1 || later[0].Operation != "three" {
			t.Errorf("got %+v, want the one that waits anew", later)
		}
		if again := get(TakeUpdate(ctx, db, got.ID))(t); again != nil {
			t.Errorf("taken twice: %+v", again)
		}
	})
}

// All that is due is found, page by page, but for that to targets which are left out.
func TestDueUpdates(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx, now := t.Context(), time.Now()
		const n = dueAtOnce + 20
		tx, err := db.BeginTxx(ctx, nil)
		must0(t, err)
		for i := range 3 * n {
			must0(t, WaitUpdate(ctx, tx, Pending{Mapping: "m", Form: "Repair", Request: fmt.Sprint(i), Target: []string{"a", "b", "c"}[i%3], Operation: "x", Due: now}))
		}
		must0(t, tx.Commit())
		found := make(map[string]bool)
		for after, more, pages := "", true, 0; more; pages++ {
			var list []Pending
			if list, more, err = DueUpdates(ctx, db, now.Add(time.Second), after, "a", "c"); err != nil || pages > 3 {
				t.Fatal(pages, err)
			}
			for _, p := range list {
				if p.Target != "b" {
					t.Fatalf("got %+v", p)
				}
				found[p.Request], after = true, p.ID
			}
		}
		if len(found) != n {
			t.Errorf("found %d of %d", len(found), n)
		}
	})
}
