package dbtest

import (
	"testing"

	"ardso/sql/engine"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachAnswers(t *testing.T) {
	Each(t, func(t *testing.T, db *engine.DB) {
		var one int
		if err := db.GetContext(t.Context(), &one, "SELECT 1"); err != nil || one != 1 {
			t.Fatalf("SELECT 1: got %d, %v", one, err)
		}
	})
}
