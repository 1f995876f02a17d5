package control_test

import (
	"errors"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// A round is written as a whole, leaves no rows behind, and is refused to who has lost the lease.
func TestRound(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		if err := control.Migrate(ctx, db, "a"); err != nil {
			t.Fatal(err)
		}
		epoch, _, ok, err := control.AcquireLease(ctx, db, "first", time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		r := control.BeginRound(db, "join-1")
		if err := r.Add(ctx, "[1]"); err != nil {
			t.Fatal(err)
		}
		if err := r.Commit(ctx, epoch, "[2]"); err != nil {
			t.Fatal(err)
		}
		if err := r.Rollback(); err != nil {
			t.Errorf("after the commit: %v", err)
		}
		if err := control.ReleaseLease(ctx, db, "first", epoch); err != nil {
			t.Fatal(err)
		}
		if _, _, ok, err := control.AcquireLease(ctx, db, "second", time.Minute); err != nil || !ok {
			t.Fatal(ok, err)
		}
		r = control.BeginRound(db, "join-2")
		var fenced *control.FencedError
		if err := r.Commit(ctx, epoch, "[]"); !errors.As(err, &fenced) {
			t.Errorf("got %v, want a *FencedError", err)
		}
		if err := r.Rollback(); err != nil {
			t.Error(err)
		}
		var n int
		if err := db.Get(&n, "SELECT COUNT(*) FROM dso_join"); err != nil || n != 0 {
			t.Errorf("%d rows are left, %v", n, err)
		}
	})
}
