package run

import (
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// An update that was taken from those that wait is no job, though both are rows of dso_pending that are running.
func TestUpdatesAreNoJobs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if err := control.Migrate(t.Context(), db, "b"); err != nil {
			t.Fatal(err)
		}
		if err := control.WaitUpdate(t.Context(), db, control.Pending{Mapping: "a to b", Form: "Repair", Request: "R1", Target: "a", Due: time.Now()}); err != nil {
			t.Fatal(err)
		}
		due, _, err := control.DueUpdates(t.Context(), db, time.Now().Add(time.Minute), "")
		if err != nil || len(due) != 1 {
			t.Fatalf("due: %v, %v", due, err)
		}
		if taken, err := control.TakeUpdate(t.Context(), db, due[0].ID); err != nil || taken == nil {
			t.Fatalf("taken: %v, %v", taken, err)
		}
		jobs, err := newJobs(&source{server: &Server{Name: "b", DB: db}}).look(t.Context())
		if err != nil || len(jobs) > 0 {
			t.Errorf("got %v, %v", jobs, err)
		}
	})
}
