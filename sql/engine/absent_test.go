package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
)

// A server that does not answer is as it was when it did, but that every use of it fails at once, says why, and may be
// tried again.
func TestAbsent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		for _, cause := range []error{
			errors.New("nobody is there"),
			fmt.Errorf("open: %w", &pgconn.PgError{Code: "XX000", Message: "out of order"}), // Final by itself
		} {
			x, err := engine.Absent(db.Config(), db.Facts(), cause)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(db.Facts(), x.Facts()); diff != "" {
				t.Errorf("facts (-real +absent):\n%s", diff)
			}
			if x.Server != db.Server || x.Schema != db.Schema || x.DriverName() != db.DriverName() || x.Engine.SingleWriter != db.Engine.SingleWriter || x.Engine.MaxParams != db.Engine.MaxParams {
				t.Errorf("got %+v, want it as %+v", x, db)
			}
			_, execErr := x.ExecContext(t.Context(), "SELECT 1")
			_, beginErr := x.BeginTxx(t.Context(), nil)
			_, connErr := x.Connx(t.Context())
			for _, err := range []error{execErr, beginErr, connErr, x.PingContext(t.Context()), x.Answers(t.Context())} {
				if err == nil || !strings.Contains(err.Error(), cause.Error()) || x.Engine.Class(fmt.Errorf("fence: %w", err)) != engine.Transient {
					t.Errorf("got %v, want %v that may be tried again", err, cause)
				}
			}
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		}
		other := db.Facts()
		other.Engine = "oracle"
		if _, err := engine.Absent(db.Config(), other, errors.New("nobody is there")); err == nil {
			t.Error("a copy of another engine is taken")
		}
	})
}
