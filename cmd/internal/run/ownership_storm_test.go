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
	"ardso/sql/engine"
)

// ringDefinitions hand a request over between any two of three servers, by what its columns ask for: go is
// the server that it is to go to, or "return".
func ringDefinitions(whenToUpdate, duplicate string) string {
	var mappings, filters strings.Builder
	for _, from := range ringServers {
		for _, to := range ringServers {
			if from == to {
				continue
			}
			fmt.Fprintf(&mappings, "  - {name: %[1]s to %[2]s, from: {server: %[1]s, form: Repair}, to: {server: %[2]s, form: Repair}, transfer_mode: data + ownership, when_to_update: %[3]s, exclude: [go], duplicate_request_id: %[4]s}\n", from, to, whenToUpdate, duplicate)
			fmt.Fprintf(&filters, "  - {name: %[1]s to %[2]s, server: %[1]s, form: Repair, on: [submit, modify], run_if: \"'TR.go' = \\\"%[2]s\\\"\", transfer: {mapping: %[1]s to %[2]s}}\n", from, to)
		}
		fmt.Fprintf(&filters, "  - {name: back from %[1]s, server: %[1]s, form: Repair, on: [modify], run_if: \"'TR.go' = \\\"return\\\"\", return: {}}\n", from)
	}
	return "mappings:\n" + mappings.String() + "filters:\n" + filters.String()
}

var ringServers = []string{"a", "b", "c"}

// weather is what a storm brings beside edits, hand-overs and kills.
type weather struct {
	name    string
	engines []string
	short   bool // also with -short

	shared  bool // owners edit one field, too: not only each its own
	deletes bool // owners delete requests, and users make them again under the same Request ID
	hourly  bool // updates wait for their hour
	guarded bool // guards keep users from what is not theirs; else their statements do
	apart   bool // a process for each server; else one for all
	stops   bool // servers are stopped and started again
	replay  bool // in the end the log is read again from the middle
}

var (
	embedded = []string{"sqlite", "sqlite", "sqlite"}
	mixed    = []string{"postgres15", "mariadb10.11", "sqlite"}
)

var weathers = []weather{
	{name: "own fields", engines: embedded},
	{name: "own fields", engines: mixed, apart: true, replay: true},
	{name: "guarded", engines: mixed, guarded: true, shared: true},
	{name: "one field", engines: embedded, apart: true, shared: true, replay: true},
	{name: "one field", engines: mixed, shared: true, short: true},
	{name: "hourly", engines: embedded, hourly: true, shared: true, replay: true},
	{name: "hourly", engines: mixed, hourly: true, apart: true},
	{name: "deletes", engines: embedded, deletes: true, shared: true, short: true},
	{name: "deletes", engines: mixed, deletes: true, guarded: true, apart: true},
	{name: "deletes, hourly", engines: embedded, deletes: true, hourly: true, apart: true, shared: true, replay: true},
	{name: "stops", engines: mixed, stops: true, shared: true, apart: true},
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
			s.check()
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
	rng       *rand.Rand
	requests  map[string]*life // by summary, which nobody changes
	ids       []string
	edits     int
	processes [][]string // the servers of each
	instances map[string]*dbtest.Instance
	down      string // a server that is stopped
}

// life is one request from its creation on; another may come to have its Request ID once it is deleted.
type life struct {
	id      string
	edits   map[string]string // by column of its own: what an owner wrote there
	trail   []string          // marks of edits by owners of the one field
	deleted bool
}

const stormColumns = 14

func newStorm(t *testing.T, w weather, seed uint64) *storm {
	t.Helper()
	when, duplicate := "immediately", "overwrite"
	if w.hourly {
		when = "hourly"
	}
	if w.deletes {
		duplicate = "error" // else requests of two lives under one ID may overwrite each other
	}
	h := fnv.New64a()
	fmt.Fprint(h, w)
	s := &storm{
		weather: w, rng: rand.New(rand.NewPCG(seed, h.Sum64())), requests: make(map[string]*life),
		processes: [][]string{ringServers}, instances: make(map[string]*dbtest.Instance),
	}
	dbs := make(map[string]*engine.DB)
	for i, name := range w.engines {
		server := ringServers[i]
		if w.stops && name != "sqlite" {
			s.instances[server] = dbtest.Server(t, name)
			dbs[server] = s.instances[server].Database(t)
		} else {
			dbs[server] = dbtest.New(t, name)
		}
	}
	s.owned = newOwnedOn(t, dbs, ringDefinitions(when, duplicate))
	for server := range s.dbs {
		s.exec(server, "ALTER TABLE repair ADD go varchar(10)", "ALTER TABLE repair ADD trail varchar(2000)")
		for i := range stormColumns {
			s.exec(server, fmt.Sprintf("ALTER TABLE repair ADD f%d varchar(20)", i))
		}
	}
	s.open()
	if w.guarded {
		s.guard(ringServers...)
	}
	if w.apart {
		s.processes = [][]string{{"a"}, {"b"}, {"c"}}
	}
	for i := range 6 {
		id := fmt.Sprintf("R%d", i)
		s.ids = append(s.ids, id)
		s.create("a", id)
	}
	return s
}

func (s *storm) pick(list []string) string { return list[s.rng.IntN(len(list))] }

// create lets a user make a request where none of that ID is.
func (s *storm) create(server, id string) {
	name := fmt.Sprintf("%s.%d", id, len(s.requests))
	_, err := s.dbs[server].ExecContext(context.Background(), "INSERT INTO repair (id, summary, trail) VALUES ('"+id+"', '"+name+"', '')")
	if s.isRefused(server, err) || s.dbs[server].Engine.Class(err) == engine.UniqueTaken {
		return
	}
	if err != nil {
		s.t.Fatalf("%s: %v", server, err)
	}
	s.requests[name] = &life{id: id, edits: make(map[string]string)}
}

// isRefused reports a statement that the guard or the engine did not let pass, for now.
func (s *storm) isRefused(server string, err error) bool {
	return err != nil && (s.guarded && strings.Contains(err.Error(), "owned by another server") || s.dbs[server].Engine.Class(err) == engine.Transient)
}

// attempt lets a user of a server try a statement on a request of that server, which is found locked, as by
// `ardso guard`, by who does not own it. It returns the life that was changed, nil if none.
func (s *storm) attempt(server, id, statement string) *life {
	found := rows(s.t, s.dbs[server], "SELECT summary FROM repair WHERE id = '"+id+"'")
	if len(found) == 0 {
		return nil
	}
	where := " WHERE id = '" + id + "' AND summary = '" + found[0] + "'"
	if !s.guarded {
		where += " AND (dso_master_flag IS NULL OR dso_master_flag = 1)"
	}
	r, err := s.dbs[server].ExecContext(context.Background(), statement+where)
	if s.isRefused(server, err) {
		return nil
	}
	if err != nil {
		s.t.Fatalf("%s: %v", server, err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		s.t.Fatal(err)
	}
	if n == 0 {
		return nil
	}
	return s.requests[found[0]]
}

// edit lets a user of a server edit a request: a field that nobody else edits, or one that all do, whose value
// tells whose edits were seen.
func (s *storm) edit(server, id string) {
	s.edits++
	mark := fmt.Sprintf("%s%d,", server, s.edits)
	if s.shared && s.rng.IntN(2) == 0 {
		if l := s.attempt(server, id, "UPDATE repair SET trail = concat(trail, '"+mark+"')"); l != nil {
			l.trail = append(l.trail, mark)
		}
		return
	}
	column := fmt.Sprintf("f%d", s.edits%stormColumns)
	for _, l := range s.requests {
		if l.id == id && l.edits[column] != "" {
			return
		}
	}
	if l := s.attempt(server, id, "UPDATE repair SET "+column+" = '"+mark+"'"); l != nil {
		l.edits[column] = mark
	}
}

// operation lets a user do something.
func (s *storm) operation() {
	server, id := s.pick(ringServers), s.pick(s.ids)
	if server == s.down {
		return
	}
	give := func(to string) { s.attempt(server, id, "UPDATE repair SET go = "+to) }
	switch x := s.rng.IntN(20); {
	case x < 10:
		s.edit(server, id)
	case x < 15:
		give("'" + s.pick(ringServers) + "'")
	case x < 17:
		give("'return'")
	case x < 18 || !s.deletes:
		give("NULL")
	case x < 19:
		if l := s.attempt(server, id, "DELETE FROM repair"); l != nil {
			l.deleted = true
		}
		if s.rng.IntN(2) == 0 {
			s.create(server, id)
		}
	default:
		s.create(server, id)
	}
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
		s.operation()
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
	if s.down != "" {
		s.instances[s.down].Start(s.t)
		s.dbs[s.down].SetMaxIdleConns(0) // drops dead connections
		s.dbs[s.down].SetMaxIdleConns(2)
		s.down = ""
	} else if len(s.instances) > 0 {
		s.down = s.pick(slices.Sorted(maps.Keys(s.instances)))
		s.instances[s.down].Stop(s.t)
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
	if s.down != "" {
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

// place is a row of dso_owner, as far as it matters here.
type ownerRow struct{ chain, epoch, from, deleted string }

// ownerRows reads what servers know of a request, by server.
func (s *storm) ownerRows(id string) map[string]ownerRow {
	known := make(map[string]ownerRow)
	for _, server := range ringServers {
		for _, r := range rows(s.t, s.dbs[server], "SELECT chain, epoch, from_server, deleted FROM dso_owner WHERE request = '"+id+"'") {
			p := strings.Split(r, "|")
			known[server] = ownerRow{p[0], p[1], p[2], p[3]}
		}
	}
	return known
}

// chainFrom lists the servers down the From chain of a server's copy, itself first.
func chainFrom(known map[string]ownerRow, server string) (chain []string) {
	at := known[server].chain
	for server != "" && !slices.Contains(chain, server) && known[server].chain == at {
		chain = append(chain, server)
		server = known[server].from
	}
	return chain
}

// columns are those that copies share.
func (s *storm) columns() string {
	list := "summary, trail"
	for i := range stormColumns {
		list += fmt.Sprintf(", f%d", i)
	}
	return list
}

// check looks at every request at rest.
func (s *storm) check() {
	s.t.Helper()
	recorded := make(map[string]string) // by request
	for server, db := range s.dbs {
		for _, r := range rows(s.t, db, "SELECT request, kind, settled_by, outcome, source_image, target_image FROM dso_conflict") {
			request, rest, _ := strings.Cut(r, "|")
			recorded[request] += rest + "\n"
			switch kind, _, _ := strings.Cut(rest, "|"); {
			case !s.deletes && !s.shared, kind == "foreign_change":
				s.t.Errorf("%s: conflict %.500s", server, r)
			}
		}
		for _, r := range rows(s.t, db, "SELECT request, error, reason FROM dso_pending_error") {
			p := strings.Split(r, "|")
			if p[1] != "ownership.nowhere_to_return" && !(s.deletes && p[1] == "owned_there") {
				s.t.Errorf("%s: error %s", server, r)
			}
		}
		for _, r := range rows(s.t, db, "SELECT type, request, target, status FROM dso_pending") {
			s.t.Errorf("%s: pending %s", server, r)
		}
	}
	edits := 0
	for _, name := range slices.Sorted(maps.Keys(s.requests)) {
		l := s.requests[name]
		edits += len(l.edits) + len(l.trail)
		s.checkOne(name, l, recorded[l.id])
	}
	epochs := 0
	for _, id := range s.ids {
		highest := 0
		for _, r := range s.ownerRows(id) {
			n, _ := strconv.Atoi(r.epoch)
			highest = max(highest, n)
		}
		epochs += max(highest-1, 0)
	}
	conflicts := 0
	for _, r := range recorded {
		conflicts += strings.Count(r, "\n")
	}
	s.t.Logf("%d requests, %d edits by owners, %d hand-overs, %d conflicts", len(s.requests), edits, epochs, conflicts)
	if edits == 0 || epochs == 0 {
		s.t.Error("nothing was put to the test")
	}
	if s.t.Failed() {
		s.dump()
		s.t.FailNow()
	}
}

// checkOne looks at one request; recorded is what dso_conflict has of its Request ID.
func (s *storm) checkOne(name string, l *life, recorded string) {
	s.t.Helper()
	held := make(map[string]string)
	var owners []string
	for _, server := range ringServers {
		got := rows(s.t, s.dbs[server], "SELECT dso_master_flag, "+s.columns()+" FROM repair WHERE summary = '"+name+"'")
		if len(got) == 0 {
			continue
		}
		flag, row, _ := strings.Cut(got[0], "|")
		held[server] = row
		if flag != "0" {
			owners = append(owners, server)
		}
	}
	known := s.ownerRows(l.id)
	switch {
	case l.deleted && len(owners) == 0:
		for at, r := range known {
			for _, server := range chainFrom(known, at) {
				if _, ok := held[server]; ok && r.deleted == "1" {
					s.t.Errorf("request %s: it was deleted on %s, but not on %s", name, at, server)
				}
			}
		}
		return
	case len(owners) != 1:
		s.t.Errorf("request %s: owners %v, copies %v, deleted %v", name, owners, held, l.deleted)
		return
	case l.deleted && !strings.Contains(recorded, "delete_differs"):
		s.t.Errorf("request %s: a delete that lost is not recorded", name)
	}
	owner := owners[0]
	parts := strings.Split(held[owner], "|")
	for column, want := range l.edits {
		n, _ := strconv.Atoi(column[1:])
		if got := parts[n+2]; got != want && !(l.deleted && strings.Contains(recorded, want)) {
			s.t.Errorf("request %s: %s of the owner, %s, is %q, want %q", name, column, owner, got, want)
		}
	}
	for _, mark := range l.trail {
		if !strings.Contains(","+parts[1], ","+mark) && !strings.Contains(recorded, mark) {
			s.t.Errorf("request %s: edit %s is lost: neither has the owner, %s, it or seen it (%s), nor is a conflict recorded", name, mark, owner, parts[1])
		}
	}
	if l.deleted {
		return // the copies behind the one that was deleted are gone, or hold what was recorded as lost
	}
	for _, server := range chainFrom(known, owner) {
		if row, ok := held[server]; (ok || !s.deletes) && row != held[owner] {
			s.t.Errorf("request %s: the copy on %s is\n%s, the owner's, on %s,\n%s", name, server, row, owner, held[owner])
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
	for _, server := range ringServers {
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
		for _, server := range ringServers {
			state[server] = append(
				rows(s.t, s.dbs[server], "SELECT * FROM repair ORDER BY id"),
				rows(s.t, s.dbs[server], "SELECT request, chain, epoch, owner, from_server, to_server, deleted FROM dso_owner ORDER BY request")...)
		}
		return state
	}
	want := look()
	for _, server := range ringServers {
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
		s.dump()
	}
}
