package run_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"ardso/cmd/internal/run"
)

// A job whose connection is killed, while it waits for a locked table or later, goes on from where it was, and takes
// effect once.
func TestJobInterrupted(t *testing.T) {
	t.Parallel()
	const n = 12_000 // three chunks
	for _, from := range inShort([]string{"postgres15", "mariadb10.11"}) {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			w := escalating(t, from, "sqlite", n, fmt.Sprintf(accountEscalation, "", "every: 1h", "'balance' >= 0", ""))
			w.at("2026-03-03T20:00:00Z")
			lock, unlock := "LOCK TABLE account IN ACCESS EXCLUSIVE MODE", "SELECT 1"
			waiting := "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%account%'"
			kill := "SELECT pg_terminate_backend(%s)"
			if w.dbs["src"].Engine.Dialect == "mysql" {
				lock, unlock = "LOCK TABLES account WRITE", "UNLOCK TABLES"
				waiting = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table metadata lock%' AND info LIKE '%account%'"
				kill = "KILL %s"
			}
			log := &said{}
			letGo := func(tx *sql.Tx) {
				if _, err := tx.Exec(unlock); err != nil {
					t.Error(err)
				}
				_ = tx.Rollback() // nothing was written
			}
			// interrupt kills who waits for the table, until the job is interrupted once more, or has ended.
			interrupt := func(tx *sql.Tx) {
				defer letGo(tx)
				before := log.count("job interrupted")
				w.eventually("the job is interrupted", func() bool {
					for _, id := range rows(t, w.dbs["src"], waiting) {
						_, _ = w.dbs["src"].ExecContext(t.Context(), fmt.Sprintf(kill, id)) // it may have gone on
					}
					return log.count("job interrupted") > before || strings.Contains(w.waits("src", "send"), "failed") || strings.Contains(w.waits("src", "send"), "done")
				})
			}
			clock := instant(t, "2026-03-03T21:00:00Z")
			done := make(chan error, 1)
			first := make(chan *sql.Tx, 1)
			begin := sync.OnceFunc(func() { first <- w.lock("src", lock) })
			go func() {
				_, err := w.sys.Run(t.Context(), nil, run.Options{
					Once: true, Now: func() time.Time { return clock },
					Ready: func(server string) { // what it asks before would wait for the table, too
						if server == "src" {
							begin()
						}
					},
					Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				})
				done <- err
			}()
			interrupt(<-first)
			w.eventually("a chunk is durable", func() bool {
				return rows(t, w.dbs["src"], "SELECT count(*) FROM dso_pending WHERE rows_done > 0")[0] != "0"
			})
			interrupt(w.lock("src", lock))
			if err := <-done; err != nil {
				t.Error(err)
			}
			if log.count("job interrupted") == 0 {
				t.Error("nothing was interrupted")
			}
			w.equal("escalation", []string{w.waits("src", "send")}, fmt.Sprintf("waiting|2026-03-03 22:00:00|0 done|2026-03-03 21:00:00|%d", n))
			w.written(n, 1)
		})
	}
}
