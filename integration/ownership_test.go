package integration

import (
	"math/rand/v2"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/engine"
)

// Users of three servers edit, give away, return and delete requests while the processes, one for each server, are
// killed at random, twenty times: one owner is left, who holds what owners wrote, and copies agree (G4).
func TestKillOwnership(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 3
	}
	engines := []string{"postgres15", "mariadb10.11", "sqlite"}
	if len(dbtest.Have(engines...)) < len(engines) {
		engines = []string{"sqlite", "sqlite", "sqlite"}
	}
	dbs, forms := make(map[string]*engine.DB), make(map[string]string)
	for i, server := range stormtest.Servers {
		dbs[server], forms[server] = dbtest.New(t, engines[i]), stormtest.Form
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	habits := stormtest.Habits{Shared: true, Deletes: true}
	s := newSite(t, dbs, forms, stormtest.Definitions("immediately", habits))
	users := stormtest.New(t, dbs, habits, rng)
	s.ardso("init")
	users.Begin()
	processes := make(map[string]*process)
	for _, server := range stormtest.Servers {
		processes[server] = s.start(server)
	}
	for _, p := range processes {
		p.says("following the log", 40*time.Second)
	}
	for range kills {
		for range 1 + rng.IntN(40) { // some are killed at once, some after a while of work
			users.Operation()
			time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond) // paces the load: which steps fall together is left to chance
		}
		server := stormtest.Servers[rng.IntN(len(stormtest.Servers))]
		processes[server].kill()
		processes[server] = s.start(server)
	}
	for _, p := range processes {
		p.kill()
	}
	for range 5 { // a chain of n servers needs n rounds
		c := s.command("run", "--once")
		if out, err := c.CombinedOutput(); err != nil && c.ProcessState.ExitCode() != exitAttention { // hand-overs may be refused
			t.Fatalf("ardso run --once: %v\n%s", err, out)
		}
	}
	users.Check()
}
