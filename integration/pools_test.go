package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// pools are pools p, q and r as a run finds them, and what the actions on accounts name.
type pools struct {
	threads   [3]int
	disabled  [3]bool
	byDefault int    // 3: the built-in one
	action    string // pool of the actions; "" = none is named
}

var drawPools = rapid.Custom(func(t *rapid.T) pools {
	p := pools{byDefault: rapid.IntRange(0, 3).Draw(t, "default pool"), action: rapid.SampledFrom([]string{"", "p", "q", "r", "$Note$", "$Note$", "$Site$"}).Draw(t, "pool of the actions")}
	for i := range p.threads {
		p.threads[i] = rapid.IntRange(1, 5).Draw(t, "threads")
		p.disabled[i] = i != p.byDefault && rapid.IntRange(0, 3).Draw(t, "disabled") == 0
	}
	return p
})

// yaml is what the definitions say of them.
func (p pools) yaml() string {
	var b strings.Builder
	b.WriteString("pools:\n")
	for i, name := range []string{"p", "q", "r"} {
		fmt.Fprintf(&b, "  - {name: %s, threads: %d, enabled: %t, default: %t}\n", name, p.threads[i], !p.disabled[i], i == p.byDefault)
	}
	action := ""
	if p.action != "" {
		action = ", pool: " + p.action
	}
	return b.String() + `logical_mappings: [{server: src, logical: Note, physical: note, kind: field}, {server: src, logical: Site, physical: site, kind: field}]
mappings: [{name: accounts, from: {server: src, form: Account}, to: {server: dst, form: Account}, transfer_mode: independent copy}]
filters:
  - {name: send, server: src, form: Account, on: [submit, modify], transfer: {mapping: accounts` + action + `}}
  - {name: remove, server: src, form: Account, on: [delete], delete: {mapping: accounts` + action + `}}
`
}

// Killed at random moments under load, and started again with other thread counts, other pools, another default pool and
// another way to choose the pool of a request: none is lost, none doubled, and no change overtakes another of its
// request (G1 to G3).
func TestKillBetweenPools(t *testing.T) {
	rounds := 8
	pairs := [][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "postgres15"}, {"mysql5.6", "mariadb11.8"}, {"postgres18", "sqlite"}}
	if testing.Short() {
		rounds, pairs = 4, pairs[:1]
	}
	for _, p := range pairs {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) { killBetweenPools(t, p[0], p[1], rounds) })
	}
}

func killBetweenPools(t *testing.T, from, to string, rounds int) {
	seed := rand.IntN(1 << 30)
	t.Logf("seed %d", seed)
	table := "CREATE TABLE account (id integer PRIMARY KEY, balance integer NOT NULL, note varchar(20), site varchar(20))"
	s := newSite(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)},
		map[string]string{"src": accountForms, "dst": accountForms}, drawPools.Example(seed).yaml())
	servers, _, _ := strings.Cut(s.text(), "pools:")
	s.exec("src", table)
	s.exec("dst", table)
	s.ardso("init")
	var stop atomic.Bool
	var writers sync.WaitGroup
	for k := range 3 {
		writers.Go(func() { s.movingAccounts(&stop, k) })
	}
	for i := range rounds {
		p := drawPools.Example(seed + i)
		if err := os.WriteFile(s.file, []byte(servers+p.yaml()), 0o600); err != nil {
			t.Fatal(err)
		}
		run := s.start()
		run.says("following the log", 40*time.Second)
		time.Sleep(time.Duration(rand.IntN(1+i%4*300)) * time.Millisecond) // some are killed at once, some after a while of work
		if i%5 == 4 {
			run.stop()
		} else {
			run.kill()
		}
	}
	stop.Store(true)
	writers.Wait()
	s.ardso("run", "--once")
	const all = "SELECT id, balance, note, site FROM account ORDER BY id"
	s.same("src", all, "dst", all)
	if e := s.table("dst", "SELECT request, error, reason FROM dso_pending_error"); len(e) > 0 {
		t.Errorf("errors: %.2000s", strings.Join(e, "\n"))
	}
	if c := s.table("dst", "SELECT request, kind, outcome FROM dso_conflict"); len(c) > 0 {
		t.Errorf("conflicts: %.2000s", strings.Join(c, "\n"))
	}
	t.Logf("%d rounds, %d requests in the end", rounds, len(s.table("dst", all)))
}

// text is what the definitions say.
func (s *site) text() string {
	b, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// movingAccounts changes a writer's accounts until stop: creates, relative modifies, deletes, of which many name
// another pool than before, several times within a transaction.
func (s *site) movingAccounts(stop *atomic.Bool, writer int) {
	ctx, db := context.Background(), s.dbs["src"]
	for i := 0; !stop.Load(); i++ {
		err := func() error {
			tx, err := db.BeginTxx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }() // does nothing once it is committed
			for j := range 1 + i%3 {
				id := writer*100 + rand.IntN(12)
				name := func() string { return []string{"p", "q", "r", "none"}[rand.IntN(4)] }
				q := fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id = %d", id)
				switch (i + j) % 6 {
				case 0:
					q = fmt.Sprintf("DELETE FROM account WHERE id = %d", id)
				case 1:
					q = fmt.Sprintf("INSERT INTO account VALUES (%d, 1, '%s', '%s') %s balance = account.balance + 10", id, name(), name(), orUpdate(db))
				case 2, 3:
					q = fmt.Sprintf("UPDATE account SET balance = balance + 1, note = '%s', site = '%s' WHERE id = %d", name(), name(), id)
				}
				if _, err := tx.ExecContext(ctx, q); err != nil {
					return err
				}
			}
			return tx.Commit()
		}()
		if err != nil && db.Engine.Class(err) != engine.Transient { // locked out: another turn
			s.t.Error(err)
			return
		}
		if db.Engine.SingleWriter { // tight loops would leave ardso no turn at its lock
			time.Sleep(time.Millisecond)
		}
	}
}
