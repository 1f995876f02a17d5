package control

import (
	"sync"
	"testing"
	"time"

	"ardso/sql/engine"
)

// A run is begun once, whoever tries; only the last one that has ended is kept.
func TestEscalation(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		due := time.Date(2026, 3, 1, 18, 0, 0, 123456000, time.UTC)
		must0(t, WaitEscalation(ctx, db, "close", "Ticket", "at 17:00 UTC", due.Add(-time.Hour)))
		must0(t, WaitEscalation(ctx, db, "close", "Ticket", "at 18:00 UTC", due))
		must0(t, WaitEscalation(ctx, db, "other", "Ticket", "every 1h0m0s", due))
		waiting := get(ListPending(ctx, db, PendingFilter{Type: Escalation, Mapping: "close"}))(t)
		if len(waiting) != 1 || waiting[0].Status != Waiting || waiting[0].Operation != "at 18:00 UTC" || !waiting[0].Due.Equal(due) {
			t.Fatalf("got %+v", waiting)
		}
		for day := range 3 {
			began, next := waiting[0].Due.Add(time.Second), waiting[0].Due.Add(24*time.Hour)
			var wg sync.WaitGroup
			var mu sync.Mutex
			begun := 0
			for range 3 {
				wg.Go(func() {
					ok, err := BeginEscalation(ctx, db, waiting[0], "'Status' = 1", began, next)
					for err != nil && db.Engine.Class(err) == engine.Transient {
						ok, err = BeginEscalation(ctx, db, waiting[0], "'Status' = 1", began, next)
					}
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					if ok {
						begun++
					}
				})
			}
			wg.Wait()
			runs := get(ListPending(ctx, db, PendingFilter{Type: Escalation, Mapping: "close", Status: []Status{New, Done}}))(t)
			if begun != 1 || len(runs) != 1 || runs[0].Status != New || !runs[0].Due.Equal(began) || runs[0].Qualification != "'Status' = 1" || runs[0].Form != "Ticket" {
				t.Fatalf("day %d: begun %d times; %+v", day, begun, runs)
			}
			must0(t, NoteTaken(ctx, db, runs[0].ID, 7))
			must0(t, NoteTaken(ctx, db, runs[0].ID, 9))
			if p := get(GetPending(ctx, db, runs[0].ID))(t); p.RowsDone != 7 {
				t.Errorf("taken %d, want 7", p.RowsDone)
			}
			must0(t, SetStatus(ctx, db, runs[0].ID, Done, nil))
			waiting = get(ListPending(ctx, db, PendingFilter{Type: Escalation, Mapping: "close", Status: []Status{Waiting}}))(t)
			if len(waiting) != 1 || !waiting[0].Due.Equal(next) {
				t.Fatalf("day %d: got %+v, want it to wait until %s", day, waiting, next)
			}
		}
	})
}
