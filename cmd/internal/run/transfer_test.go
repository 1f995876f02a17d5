package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// transferPairs have every way to read a log.
var transferPairs = [][2]string{{"sqlite", "sqlite"}, {"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"mysql5.6", "mariadb11.8"}}

const accountForms = `      - {name: Account, table: account, request_id: id}
`

const accountDefinitions = `
pools:
  - {name: accounts, threads: %d}
mappings:
  - {name: accounts, from: {server: src, form: Account}, to: {server: dst, form: Account}, transfer_mode: independent copy, duplicate_request_id: overwrite}
filters:
  - {name: send, server: src, form: Account, on: [submit, modify], transfer: {mapping: accounts, pool: accounts}}
  - {name: remove, server: src, form: Account, on: [delete], delete: {mapping: accounts, pool: accounts}}
`

var accountTable = map[string]string{
	"postgres": "CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL, note varchar(%d))",
	"mysql":    "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, note varchar(%d)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
	"sqlite":   "CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL, note varchar(%d))",
}

// fillAccounts inserts requests 1 to n in one transaction.
func fillAccounts(db *engine.DB, n int) string {
	return "INSERT INTO account SELECT i, i, concat('n', i % 10) FROM " + numbers(db, n)
}

// accounts makes a source with n requests that no log tells of, and an empty target.
func accounts(t *testing.T, from, to string, n, note int) *world {
	t.Helper()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)},
		map[string]string{"src": accountForms, "dst": accountForms}, fmt.Sprintf(accountDefinitions, 3))
	w.exec("src", fmt.Sprintf(accountTable[w.dbs["src"].Engine.Dialect], 100), fillAccounts(w.dbs["src"], n))
	w.exec("dst", fmt.Sprintf(accountTable[w.dbs["dst"].Engine.Dialect], note))
	w.open()
	return w
}

const allAccounts = "SELECT id, balance, note FROM account ORDER BY id"

// write changes accounts until stop, or a thousand times: relative modifies, deletes and creates, each writer on its own keys.
func (w *world) write(stop *atomic.Bool, writers, n int) (wait func()) {
	var g sync.WaitGroup
	db := w.dbs["src"]
	for k := range writers {
		g.Go(func() {
			for i := 0; i < 1000 && !stop.Load(); i++ {
				id := (i*7919+13)%n/writers*writers + k + 1
				q := fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", id)
				switch i % 10 {
				case 3:
					q = fmt.Sprintf("DELETE FROM account WHERE id = %d", id)
				case 5:
					q = fmt.Sprintf("INSERT INTO account VALUES (%d, 1, 'new')", id+n/2) + upsert(db, "note = 'again'")
				}
				if err := patiently(db, q); err != nil {
					w.t.Error(err)
					return
				}
			}
		})
	}
	return g.Wait
}

// The initial load while writers change what it selects: in the end both sides are equal.
func TestTransferUnderWriters(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 3_000
	}
	for _, p := range atHand(across...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			w := accounts(t, p[0], p[1], n, 100)
			var stop atomic.Bool
			wait := w.write(&stop, 3, n)
			res, err := w.sys.Transfer(t.Context(), "accounts", "", run.TransferOptions{Log: testLog(t)})
			stop.Store(true)
			wait()
			if err != nil {
				t.Fatal(err)
			}
			w.once()
			w.equalAccounts()
			if res.Rows < int64(n/2) {
				t.Errorf("%d rows selected of about %d", res.Rows, n)
			}
		})
	}
}

// equalAccounts compares both sides; nothing may be parked.
func (w *world) equalAccounts() {
	w.t.Helper()
	if e := w.errors(); len(e) > 0 {
		w.t.Errorf("%d errors, the first: %.300s", len(e), strings.Join(e[:min(len(e), 5)], "\n"))
	}
	w.same("src", allAccounts, "dst", allAccounts)
}

// Only what the qualification selects, the part that the database cannot judge included.
func TestTransferWhere(t *testing.T) {
	for _, p := range atHand(transferPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := accounts(t, p[0], p[1], 200, 100)
			w.exec("src", "INSERT INTO account VALUES (901, 5, 'N1')", "INSERT INTO account VALUES (902, 5, NULL)")
			if _, err := w.sys.Transfer(t.Context(), "accounts", `'balance' < 50 AND 'id' <= 200 AND 'note' = "N7" AND 'balance' % 20 = 7`, run.TransferOptions{}); err != nil {
				t.Fatal(err)
			}
			w.equal("rows", rows(t, w.dbs["dst"], "SELECT id FROM account WHERE id < 900 ORDER BY id"), "7", "27", "47")
		})
	}
}

// A transfer that is cut off goes on with the next run, and loses no row.
func TestTransferResumes(t *testing.T) {
	n := 8_000
	if testing.Short() {
		n = 3_000
	}
	for _, p := range atHand(transferPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			w := accounts(t, p[0], p[1], n, 100)
			for cut := range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				at := int64(n / 5 * (cut + 1))
				if cut == 0 {
					_, err := w.sys.Transfer(ctx, "accounts", "", run.TransferOptions{Progress: func(done, _ int64) {
						if done >= at {
							cancel()
						}
					}})
					cancel()
					if err == nil {
						t.Log("done before it could be cut off")
					}
					continue
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = w.sys.Run(ctx, nil, run.Options{Once: true, Log: testLog(t)}) // cut off: its error is the cut's
				}()
				w.eventually("it is further or done", func() bool {
					got := rows(t, w.dbs["src"], fmt.Sprintf("SELECT count(*) FROM dso_pending WHERE rows_done >= %d OR status = 'done'", at))
					return got[0] != "0"
				})
				cancel()
				<-done
			}
			w.exec("src", "UPDATE account SET note = 'late' WHERE id = 1", fmt.Sprintf("DELETE FROM account WHERE id = %d", n))
			w.once()
			w.equalAccounts()
			w.equal("jobs", rows(t, w.dbs["src"], "SELECT status FROM dso_pending"), "done")
		})
	}
}

// While another process follows the source, a transfer is only ordered; that process carries it out.
func TestTransferByFollower(t *testing.T) {
	for _, p := range atHand(transferPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := accounts(t, p[0], p[1], 3000, 100)
			stop := w.follow()
			defer stop()
			res, err := w.sys.Transfer(t.Context(), "accounts", "", run.TransferOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Rows != 3000 || res.Parked != -1 {
				t.Errorf("transferred %d, parked %d; want 3000 and -1: not known", res.Rows, res.Parked)
			}
			w.equalAccounts()
		})
	}
}

// Transfers that cannot be carried out say why, and stand in the way of nothing.
func TestTransferFails(t *testing.T) {
	t.Parallel()
	w := accounts(t, "sqlite", "sqlite", 10, 100)
	if _, err := w.sys.Transfer(t.Context(), "nonesuch", "", run.TransferOptions{}); err == nil || !strings.Contains(err.Error(), "nonesuch") {
		t.Errorf("unknown mapping: %v", err)
	}
	var named control.Named
	for _, where := range []string{"'Nonesuch' = 1", "'balance' = ", `'balance' = "x" +`} {
		_, err := w.sys.Transfer(t.Context(), "accounts", where, run.TransferOptions{})
		if err == nil {
			t.Errorf("where %s: accepted", where)
		} else if e := control.Named(nil); !errors.As(err, &e) || e.Remedy() == "" {
			t.Errorf("where %s: %v has no name and remedy", where, err)
		} else {
			named = e
		}
	}
	if named != nil && named.Name() != "qualification.error" {
		t.Errorf("name %q", named.Name())
	}
	// One whose mapping the definitions no longer have, ordered before.
	if _, err := control.InsertPending(t.Context(), w.dbs["src"], control.Pending{Type: "transfer", Mapping: "gone", Form: "Account", CreatedBy: "x", RowsTotal: -1}); err != nil {
		t.Fatal(err)
	}
	w.once()
	w.equal("failed", rows(t, w.dbs["src"], "SELECT DISTINCT error FROM dso_pending WHERE mapping = 'gone'"), "mapping.unknown")
	if _, err := w.sys.Transfer(t.Context(), "accounts", "", run.TransferOptions{}); err != nil {
		t.Fatal(err)
	}
	w.equalAccounts()
}

// Requests that the target cannot take are parked and counted; the others come over.
func TestTransferParks(t *testing.T) {
	for _, p := range atHand([][2]string{{"sqlite", "postgres15"}, {"mariadb10.11", "mysql5.6"}, {"sqlite", "mariadb10.11"}}...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := accounts(t, p[0], p[1], 2500, 5)
			w.exec("src", "UPDATE account SET note = 'too long for it' WHERE id % 1000 = 7")
			w.once() // the log's own attempts are parked first
			w.exec("dst", "DELETE FROM dso_pending_error")
			res, err := w.sys.Transfer(t.Context(), "accounts", "", run.TransferOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Rows != 2500 || res.Parked != 3 {
				t.Errorf("%d rows, %d parked; want 2500 and 3", res.Rows, res.Parked)
			}
			w.equal("errors", rows(t, w.dbs["dst"], "SELECT request, error FROM dso_pending_error ORDER BY request"), "1007|value.too_long", "2007|value.too_long", "7|value.too_long")
			w.equal("rows", rows(t, w.dbs["dst"], "SELECT count(*) FROM account"), "2497")
		})
	}
}

// The number of threads and the definitions change while work is left behind: nothing is lost or
// carried out twice, which a balance would show.
func TestLayoutChanges(t *testing.T) {
	for _, p := range atHand([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"mysql5.6", "mariadb11.8"}}...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			n := 300
			w := accounts(t, p[0], p[1], 0, 100)
			for name, db := range w.dbs {
				w.exec(name, strings.Replace(fmt.Sprintf(accountTable[db.Engine.Dialect], 100), "account", "other", 1))
			}
			w.exec("src", fillAccounts(w.dbs["src"], n))
			head, _, _ := strings.Cut(w.yaml, "\npools:")
			rounds := []struct {
				threads int
				other   bool
			}{{5, false}, {2, true}, {1, false}, {7, true}, {3, true}}
			for _, r := range rounds {
				definitions := fmt.Sprintf(accountDefinitions, r.threads)
				forms := head
				if r.other {
					forms = strings.ReplaceAll(head, accountForms, accountForms+"      - {name: Other, table: other, request_id: id}\n")
					definitions = strings.Replace(definitions, "filters:\n", "  - {name: others, from: {server: src, form: Other}, to: {server: dst, form: Other}, transfer_mode: independent copy}\nfilters:\n"+
						"  - {name: send others, server: src, form: Other, on: [submit, modify], transfer: {mapping: others, pool: accounts}}\n", 1)
				}
				w.yaml = forms + definitions
				w.reopen()
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = w.sys.Run(ctx, nil, run.Options{Log: testLog(t)}) // cut off: its error is the cut's
				}()
				before := w.transactions()
				for i := range 50 {
					w.exec("src", fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id %% 17 = %d", i%17))
				}
				w.eventually("some work is done", func() bool { return strings.Join(before, "") != strings.Join(w.transactions(), "") })
				w.exec("src", "UPDATE account SET note = 'left behind' WHERE id % 3 = 1", "UPDATE account SET balance = balance + 1")
				cancel()
				<-done
				w.exec("src", "UPDATE account SET balance = balance + 1 WHERE id % 3 = 2")
			}
			w.exec("src", "INSERT INTO other VALUES (1, 1, 'x')")
			w.once()
			w.equalAccounts()
			w.equal("the other form", rows(t, w.dbs["dst"], "SELECT id FROM other"), "1")
			w.equal("conflicts", w.conflicts())
		})
	}
}
