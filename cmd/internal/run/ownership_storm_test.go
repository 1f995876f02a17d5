package run_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/engine"
)

// weather is what a storm brings beside edits, hand-overs and kills.
type weather struct {
	name    string
	engines []string
	short   bool // also with -short

	habits stormtest.Habits

	hourly bool // updates wait for their hour
	apart  bool // a process for each server; else one for all
	stops  bool // servers are stopped and started again
	replay bool // in the end the log is read again from the middle
}

var (
	embedded = []string{"sqlite", "sqlite", "sqlite"}
	mixed    = []string{"postgres15", "mariadb10.11", "sqlite"}
)

var (
	ownFields = stormtest.Habits{}
	oneField  = stormtest.Habits{Shared: true}
	deletes   = stormtest.Habits{Shared: true, Deletes: true}
	guarded   = stormtest.Habits{Shared: true, Guarded: true}
)

var weathers = []weather{
	{name: "own fields", engines: embedded, habits: ownFields},
	{name: "own fields", engines: mixed, habits: ownFields, apart: true, replay: true},
	{name: "guarded", engines: mixed, habits: guarded},
	{name: "one field", engines: embedded, habits: oneField, apart: true, replay: true},
	{name: "one field", engines: mixed, habits: oneField, short: true},
	{name: "hourly", engines: embedded, habits: oneField, hourly: true, replay: true},
	{name: "hourly", engines: mixed, habits: ownFields, hourly: true, apart: true},
	{name: "deletes", engines: embedded, habits: deletes, short: true},
	{name: "deletes, guarded", engines: mixed, habits: stormtest.Habits{Deletes: true, Guarded: true}, apart: true},
	{name: "deletes, hourly", engines: embedded, habits: deletes, hourly: true, apart: true, replay: true},
	{name: "stops", engines: mixed, habits: oneField, stops: true, apart: true},
}

// TestOwnershipStorm lets users edit, give away and return requests at random while ardso is killed and started
// again, and then looks at what every interleaving must leave (G4; docs/ownership.md): one owner, who holds
// what owners wrote, and equal copies down its chain. ARDSO_TEST_SEED makes the users' choices the same again, not
// what falls together with them.
func TestOwnershipStorm(t *testing.T) {
	for _, w := range weathers {
		if testing.Short() && !w.short {
			continue
		}
		seed := uint64(time.Now().UnixNano())
		if text := os.Getenv("ARDSO_TEST_SEED"); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			seed = n
		}
		t.Run(w.name+"/"+strings.Join(slices.Compact(slices.Clone(w.engines)), "-"), func(t *testing.T) {
			t.Parallel()
			if len(dbtest.Have(slices.Clone(w.engines)...)) < len(w.engines) {
				t.Skip("an engine is not among those of ARDSO_TEST_ENGINES")
			}
			t.Logf("seed %d (ARDSO_TEST_SEED)", seed)
			s := newStorm(t, w, seed)
			var middle map[string]readerPosition
			for i := range 3 {
				s.blow(60, 4)
				if i == 1 && w.replay {
					middle = s.positions()
				}
			}
			s.calm()
			s.users.Check()
			if w.replay {
				s.readAgain(middle)
			}
		})
	}
}

// storm is a world of users and processes in a weather.
type storm struct {
	*owned
	weather
	users     *stormtest.Users
	rng       *rand.Rand
	processes [][]string // the servers of each
	instances map[string]*dbtest.Instance
}

func newStorm(t *testing.T, w weather, seed uint64) *storm {
	t.Helper()
	h := fnv.New64a()
	fmt.Fprint(h, w)
	s := &storm{
		weather: w, rng: rand.New(rand.NewPCG(seed, h.Sum64())),
		processes: [][]string{stormtest.Servers}, instances: make(map[string]*dbtest.Instance),
	}
	dbs, forms := make(map[string]*engine.DB), make(map[string]string)
	for i, name := range w.engines {
		server := stormtest.Servers[i]
		forms[server] = stormtest.Form
		if w.stops && name != "sqlite" {
			s.instances[server] = dbtest.Server(t, name)
			dbs[server] = s.instances[server].Database(t)
		} else {
			dbs[server] = dbtest.New(t, name)
		}
	}
	when := "immediately"
	if w.hourly {
		when = "hourly"
	}
	s.owned = &owned{world: newWorld(t, dbs, forms, stormtest.Definitions(when, w.habits))}
	s.users = stormtest.New(t, dbs, w.habits, s.rng)
	s.open()
	if w.habits.Guarded {
		s.guard(stormtest.Servers...)
	}
	if w.apart {
		s.processes = [][]string{{"a"}, {"b"}, {"c"}}
	}
	s.users.Begin()
	return s
}

// blow makes n user operations while ardso runs and is killed now and then.
func (s *storm) blow(n, kills int) {
	stops := make([]func(), len(s.processes))
	for i := range s.processes {
		stops[i] = s.background(s.processes[i])
	}
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	for range n {
		s.users.Operation()
		if s.rng.IntN(3) == 0 {
			time.Sleep(time.Duration(s.rng.IntN(60)) * time.Millisecond) // paces the load: which steps fall together is left to chance
		}
		if s.rng.IntN(n/kills) == 0 {
			i := s.rng.IntN(len(s.processes))
			stops[i]()
			stops[i] = s.background(s.processes[i])
		}
		if s.rng.IntN(n/2) == 0 {
			s.stopOrStart()
		}
	}
}

// stopOrStart stops a server, or starts the one that is stopped.
func (s *storm) stopOrStart() {
	if s.users.Down != "" {
		s.instances[s.users.Down].Start(s.t)
		s.dbs[s.users.Down].SetMaxIdleConns(0) // drops dead connections
		s.dbs[s.users.Down].SetMaxIdleConns(2)
		s.users.Down = ""
	} else if len(s.instances) > 0 {
		s.users.Down = slices.Sorted(maps.Keys(s.instances))[s.rng.IntN(len(s.instances))]
		s.instances[s.users.Down].Stop(s.t)
	}
}

// background runs ardso until the returned function is called, which cuts it off like a kill: nothing is drained.
func (s *storm) background(servers []string) (kill func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var ahead time.Duration
	if s.hourly && s.rng.IntN(2) == 0 {
		ahead = time.Hour
	}
	go func() {
		defer close(done)
		_, err := s.sys.Run(ctx, nil, run.Options{Servers: servers, Log: testLog(s.t), Now: func() time.Time { return time.Now().Add(ahead) }})
		if err != nil && ctx.Err() == nil {
			s.t.Errorf("run: %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// calm lets ardso do all that is left to do.
func (s *storm) calm() {
	s.t.Helper()
	if s.users.Down != "" {
		s.stopOrStart()
	}
	for range 8 { // a chain of n servers needs n rounds
		if s.hourly {
			s.later(2 * time.Hour)
		} else {
			s.once()
		}
	}
}

// readerPosition is how far the log of a server is carried out, and what dso_owner held there, by its ID.
type readerPosition struct {
	position string
	owners   map[string]string
}

// keepLog keeps what SQLite's log holds.
var keepLog = []string{
	"CREATE TRIGGER keep_rows BEFORE DELETE ON dso_log BEGIN SELECT RAISE(IGNORE); END",
	"CREATE TRIGGER keep_ends BEFORE DELETE ON dso_log_end BEGIN SELECT RAISE(IGNORE); END",
	"CREATE TRIGGER keep_insert BEFORE INSERT ON dso_log_state WHEN NEW.name = 'trimmed' BEGIN SELECT RAISE(IGNORE); END",
	"CREATE TRIGGER keep_update BEFORE UPDATE ON dso_log_state WHEN NEW.name = 'trimmed' BEGIN SELECT RAISE(IGNORE); END",
}

// positions reads them all, and has the logs kept from there on.
func (s *storm) positions() map[string]readerPosition {
	s.t.Helper()
	all := make(map[string]readerPosition)
	for _, server := range stormtest.Servers {
		p := readerPosition{rows(s.t, s.dbs[server], "SELECT position FROM dso_reader")[0], make(map[string]string)}
		for _, r := range rows(s.t, s.dbs[server], "SELECT id, at_reader FROM dso_owner") {
			id, text, _ := strings.Cut(r, "|")
			p.owners[id] = text
		}
		all[server] = p
		if s.dbs[server].Engine.Dialect == "sqlite" {
			s.exec(server, keepLog...)
		}
	}
	return all
}

// readAgain puts the positions back, which the log of PostgreSQL does not allow, and runs ardso: nothing changes.
func (s *storm) readAgain(from map[string]readerPosition) {
	s.t.Helper()
	look := func() map[string][]string {
		state := make(map[string][]string)
		for _, server := range stormtest.Servers {
			state[server] = append(
				rows(s.t, s.dbs[server], "SELECT * FROM repair ORDER BY id"),
				rows(s.t, s.dbs[server], "SELECT request, chain, epoch, owner, from_server, to_server, deleted FROM dso_owner ORDER BY request")...)
		}
		return state
	}
	want := look()
	for _, server := range stormtest.Servers {
		db := s.dbs[server]
		if db.Engine.Dialect == "postgres" {
			continue
		}
		tx, err := db.BeginTxx(s.t.Context(), nil)
		if err != nil {
			s.t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		put := func(query string, args ...any) {
			if _, err := tx.ExecContext(s.t.Context(), db.Rebind(query), args...); err != nil {
				s.t.Fatal(err)
			}
		}
		put("UPDATE dso_reader SET position = ?", from[server].position)
		put("UPDATE dso_owner SET at_reader = ''")
		for id, text := range from[server].owners {
			put("UPDATE dso_owner SET at_reader = ? WHERE id = ?", text, id)
		}
		if err := tx.Commit(); err != nil {
			s.t.Fatal(err)
		}
	}
	s.calm()
	if diff := cmp.Diff(want, look()); diff != "" {
		s.t.Errorf("read again (-first +again):\n%s", diff)
		s.users.Dump()
	}
}

// A write-back that comes late does nothing to a request of the same Request ID and epoch that belongs to another chain.
func TestWriteBackOfFormerChain(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs ardso thirty times")
	}
	t.Parallel()
	s := newStorm(t, weather{engines: []string{"sqlite", "mariadb10.11", "sqlite"}}, 0)
	step := func(server, statement string) {
		s.exec(server, statement)
		s.rest()
	}
	s.rest() // R0 goes to b
	before := s.positions()
	step("b", "UPDATE repair SET go = 'return' WHERE id = 'R0'")
	step("a", "DELETE FROM repair WHERE id = 'R0'")
	step("c", "INSERT INTO repair (id, summary, go) VALUES ('R0', 'anew', 'b')")
	s.equal("owner", rows(t, s.dbs["b"], "SELECT summary, dso_master_flag FROM repair WHERE id = 'R0'"), "anew|1")
	s.readAgain(before)
}
