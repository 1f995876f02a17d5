package run_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestOwnershipRate measures hand-overs, updates and returns. It is a measurement, not a check, and runs only when
// asked for: docs/benchmarks.md keeps what it said.
func TestOwnershipRate(t *testing.T) {
	if os.Getenv("ARDSO_BENCH") == "" {
		t.Skip("a measurement: set ARDSO_BENCH=1")
	}
	const n = 5000
	for _, engines := range [][]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "sqlite"}} {
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			o := newOwned(t, engines, handOverDefinitions)
			o.open()
			measure := func(what, server, change string) {
				o.exec(server, change)
				began := time.Now()
				o.once()
				took := time.Since(began)
				t.Logf("%s: %d requests in %s, %.0f a second", what, n, took.Round(time.Millisecond), n/took.Seconds())
			}
			measure("hand-over", "a", "INSERT INTO repair (id, summary, notes, status) SELECT CONCAT('R', i), 'broken', 'n', 1 FROM "+numbers(o.dbs["a"], n))
			measure("update", "b", "UPDATE repair SET summary = 'seen'")
			measure("return", "b", "UPDATE repair SET status = 2")
			o.equal("owners", rows(t, o.dbs["a"], "SELECT COUNT(*), SUM(dso_master_flag) FROM repair"), "5000|5000")
		})
	}
}
