package run_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ardso/apply/conflict"
	"ardso/cmd/internal/run"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// person is the connection of a person who works on a server's rows.
func (w *world) person(server string) *run.Connection {
	return &run.Connection{Server: *w.sys.Servers[server]}
}

func (w *world) byHand(what string) *run.ByHand {
	w.t.Helper()
	h := run.NewByHand(w.sys.Document, what, "")
	w.t.Cleanup(func() { _ = h.Close() })
	return h
}

// clerk retries, removes and resolves what waits, at random.
type clerk struct {
	*outage
	rng *rand.Rand

	mu      sync.Mutex
	down    bool           // b
	deeds   map[string]int // by server: rows of dso_event that must be there
	unsure  int            // deeds on b that it did not answer, since it was killed: they may be done
	done    map[string]int // by verb
	refused map[string]int // by name
}

// act does one thing with one row; errors are those that a person may see.
func (p *clerk) act() error {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	conn := p.person("a")
	verb := []string{"pending retry", "pending remove", "errors retry", "errors remove", "errors source", "errors target", "errors merge"}[p.rng.IntN(7)]
	var ids []string
	var err error
	if strings.HasPrefix(verb, "pending") {
		ids, err = control.PendingFilter{Type: "operation"}.IDs(p.t.Context(), conn.DB)
	} else if !down {
		conn = p.person("b")
		ids, err = control.ErrorFilter{}.IDs(p.t.Context(), conn.DB)
	}
	if err != nil || len(ids) == 0 {
		return p.mayFail(conn, err)
	}
	id := ids[p.rng.IntN(len(ids))]
	h := p.byHand("test " + verb)
	switch verb {
	case "pending retry":
		_, err = h.RetryPending(p.t.Context(), conn, id)
	case "pending remove":
		_, err = h.RemovePending(p.t.Context(), conn, id)
	case "errors retry":
		_, err = h.RetryError(p.t.Context(), conn, id)
	case "errors remove":
		_, err = h.RemoveError(p.t.Context(), conn, id)
	case "errors source":
		_, err = h.ResolveError(p.t.Context(), conn, id, run.Resolution{Take: conflict.Source})
	case "errors target":
		_, err = h.ResolveError(p.t.Context(), conn, id, run.Resolution{Take: conflict.Target})
	case "errors merge":
		_, err = h.ResolveError(p.t.Context(), conn, id, run.Resolution{Set: []run.Setting{{Field: "title", Text: "set"}}})
	}
	if err != nil {
		return p.mayFail(conn, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deeds[conn.Name]++
	p.done[verb]++
	return nil
}

// given are the requests of which something was given up, or settled otherwise than the source has it.
func (p *clerk) given() map[string]bool {
	p.t.Helper()
	given := map[string]bool{}
	for _, server := range []string{"a", "b"} {
		for _, verb := range []string{"pending remove", "errors remove", "errors target", "errors merge"} {
			for _, id := range rows(p.t, p.dbs[server], "SELECT DISTINCT request FROM dso_event WHERE what LIKE 'test "+verb+"%'") {
				given[id] = true
			}
		}
	}
	return given
}

func (p *clerk) mayFail(conn *run.Connection, err error) error {
	var named control.Named
	switch {
	case err == nil:
		return nil
	case errors.As(err, &named) && slices.Contains([]string{"control.not_found", "pending.may_be_done", "pending.no_retry", "resolve.impossible", "resolve.both_changed"}, named.Name()):
		p.mu.Lock()
		defer p.mu.Unlock()
		p.refused[named.Name()]++
		return nil
	case conn.Name == "b" && conn.DB.Engine.Class(err) == engine.Transient: // it is being stopped
		p.mu.Lock()
		defer p.mu.Unlock()
		p.unsure++
		return nil
	}
	return err
}

// While a person retries, removes and resolves, all goes on: what nobody gave up arrives, what was given up does not come
// back, and in the end the copies agree.
func TestByHandStorm(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "mariadb10.11"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			o := newOutage(t, engines[0], engines[1])
			o.exec("a", "ALTER TABLE task ADD dso_transfer_status integer")
			o.open()
			p := &clerk{outage: o, rng: rand.New(rand.NewPCG(seed, 1)), deeds: map[string]int{}, done: map[string]int{}, refused: map[string]int{}}
			o.exec("a", "INSERT INTO task (id, title, n) SELECT "+requestOf(o.dbs["a"])+", 'made', 0 FROM "+numbers(o.dbs["a"], 20))
			o.once()
			p.blow(rand.New(rand.NewPCG(seed, 2)))
			p.settle()

			const clean = "SELECT id, title, n FROM task WHERE id NOT LIKE 'R_' ORDER BY id" // those that nobody touches on b
			given := p.given()
			left := func(server string) (list []string) {
				for _, r := range rows(t, o.dbs[server], clean) {
					if id, _, _ := strings.Cut(r, "|"); !given[id] {
						list = append(list, r)
					}
				}
				return list
			}
			o.equal("requests of which nothing was given up", left("b"), left("a")...)

			// What was given up comes with the next change.
			o.exec("a", "UPDATE task SET n = n + 1000")
			p.settle()
			there := rows(t, o.dbs["a"], allTasks)
			var same []string
			for _, r := range rows(t, o.dbs["b"], allTasks) {
				id, _, _ := strings.Cut(r, "|")
				if gone := len(rows(t, o.dbs["a"], "SELECT id FROM task WHERE id = '"+id+"'")) == 0; gone && given[id] {
					continue // its delete was given up
				}
				same = append(same, r)
			}
			o.equal("copies", same, there...)
			for server, n := range p.deeds {
				most := n
				if server == "b" {
					most += p.unsure
				}
				const deeds = "SELECT id FROM dso_event WHERE what LIKE 'test%' AND before_image LIKE '%status%'"
				if got := len(rows(t, o.dbs[server], deeds)); got < n || got > most {
					t.Errorf("%s: %d events, want %d to %d", server, got, n, most)
				}
			}
			t.Logf("done %v, refused %v", p.done, p.refused)
		})
	}
}

// blow has users, a person and outages at once.
func (p *clerk) blow(users *rand.Rand) {
	p.t.Helper()
	o := p.outage
	stop := o.followBy(&o.clock, "a")
	quit := make(chan struct{})
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
			}
			if err := p.act(); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
			time.Sleep(3 * time.Millisecond)
		}
	})
	fresh := 100
	for phase := range 6 {
		for range 60 {
			id := fmt.Sprintf("R%d", 1+users.IntN(20))
			statement := fmt.Sprintf("UPDATE task SET title = 't%d', n = n + 1 WHERE id = '%s'", users.IntN(1000), id)
			switch users.IntN(12) {
			case 0:
				fresh++
				statement = fmt.Sprintf("INSERT INTO task (id, title, n) VALUES ('R%d', 'new', 0)", fresh)
			case 1:
				statement = "DELETE FROM task WHERE id = '" + id + "'"
			}
			if err := patiently(o.dbs["a"], statement); err != nil {
				p.t.Fatal(err)
			}
			if phase%2 == 0 && users.IntN(3) == 0 {
				_ = patiently(o.dbs["b"], fmt.Sprintf("UPDATE task SET title = 'b%d' WHERE id = 'R%d'", users.IntN(1000), 1+users.IntN(9)))
			}
			time.Sleep(time.Duration(users.IntN(10)) * time.Millisecond)
		}
		p.mu.Lock()
		p.down = phase%2 == 0 && phase < 5
		down := p.down
		p.mu.Unlock()
		if down {
			o.server.Kill(p.t)
		} else {
			o.server.Start(p.t)
			o.clock.turn(time.Hour)
		}
		if phase == 2 || phase == 3 { // another process goes on
			stop()
			stop = o.followBy(&o.clock, "a")
		}
	}
	close(quit)
	wg.Wait()
	stop()
	select {
	case err := <-failed:
		p.t.Error(err)
	default:
	}
}

// settle lets all be carried out, and settles what is in errors by what the source has.
func (p *clerk) settle() {
	p.t.Helper()
	o := p.outage
	stop := o.followBy(&o.clock, "a")
	defer stop()
	for round := 0; ; round++ {
		o.eventually("all is carried out", func() bool { return o.waiting() == 0 && !behind(p.t, o.sys, "a") })
		o.eventually("retries are tried", func() bool {
			return len(rows(p.t, o.dbs["b"], "SELECT id FROM dso_pending_error WHERE status = 'retry'")) == 0
		})
		ids, err := control.ErrorFilter{}.IDs(p.t.Context(), o.dbs["b"])
		if err != nil {
			p.t.Fatal(err)
		}
		if len(ids) == 0 {
			return
		}
		if round == 10 {
			p.t.Fatalf("still in errors: %v", rows(p.t, o.dbs["b"], "SELECT request, error, reason FROM dso_pending_error"))
		}
		for _, id := range ids {
			if _, err := o.byHand("settle").ResolveError(p.t.Context(), p.person("b"), id, run.Resolution{Take: conflict.Source}); err != nil && !errors.As(err, new(*control.NotFoundError)) {
				p.t.Fatal(err)
			}
		}
	}
}
