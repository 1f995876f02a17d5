package run_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// twoWay is a form on several servers with a mapping for each arrow "a>b"; merges are passed on where
// relay says so, as they must be on a ring. Deletes go one step: a filter cannot tell a merge that
// deletes from others, so it cannot pass one on.
func twoWay(t *testing.T, engines map[string]string, arrows []string, relay bool, policy string) *world {
	t.Helper()
	dbs := make(map[string]*engine.DB)
	forms := make(map[string]string)
	for name, e := range engines {
		dbs[name] = dbtest.New(t, e)
		forms[name] = "      - {name: N, table: n, request_id: id, fields: [{column: modified, name: Modified Date, id: 6}]}\n"
	}
	on := "submit, modify"
	if relay {
		on += ", merge"
	}
	var mappings, filters strings.Builder
	for _, a := range arrows {
		from, to, _ := strings.Cut(a, ">")
		fmt.Fprintf(&mappings, "  - {name: %s to %s, from: {server: %s, form: N}, to: {server: %s, form: N}, transfer_mode: independent copy, duplicate_request_id: overwrite, on_conflict: %s}\n", from, to, from, to, policy)
		fmt.Fprintf(&filters, "  - {name: %s to %s, server: %s, form: N, on: [%s], transfer: {mapping: %s to %s, pool: p}}\n", from, to, from, on, from, to)
		fmt.Fprintf(&filters, "  - {name: %s to %s gone, server: %s, form: N, on: [delete], delete: {mapping: %s to %s, pool: p}}\n", from, to, from, from, to)
	}
	w := newWorld(t, dbs, forms, "pools: [{name: p, threads: 2}]\nmappings:\n"+mappings.String()+"filters:\n"+filters.String())
	for name, db := range dbs {
		w.exec(name, map[string]string{
			"postgres": "CREATE TABLE n (id varchar(15) PRIMARY KEY, a varchar(40), b varchar(40), modified timestamp)",
			"mysql":    "CREATE TABLE n (id varchar(15) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, a varchar(40), b varchar(40), modified datetime) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
			"sqlite":   "CREATE TABLE n (id varchar(15) PRIMARY KEY NOT NULL, a varchar(40), b varchar(40), modified timestamp)",
		}[db.Engine.Dialect])
	}
	w.open()
	return w
}

const allN = "SELECT id, a, b, modified FROM n ORDER BY id"

// rest runs until nothing moves any more, and sees that two further rounds move nothing; then all
// copies must be equal (G6).
func (w *world) rest(query string) {
	w.t.Helper()
	for round := 0; ; round++ {
		before := w.transactions()
		w.once()
		if slices.Equal(before, w.transactions()) {
			break
		}
		if round == 10 {
			w.t.Fatalf("not at rest after %d rounds: %v, then %v", round, before, w.transactions())
		}
	}
	still := w.transactions()
	for range 2 {
		w.once()
		w.equal("transactions at rest", w.transactions(), still...)
	}
	names := slices.Sorted(mapKeys(w.dbs))
	for _, n := range names[1:] {
		w.same(names[0], query, n, query)
	}
}

var (
	both = []string{"a>b", "b>a"}
	ring = []string{"a>b", "b>c", "c>a"}
)

// Writers on all sides at once, on keys of their own or, settled by the newest, on the same.
func TestTwoWay(t *testing.T) {
	tests := []struct {
		engines []string
		relay   bool
		policy  string
	}{
		{[]string{"sqlite", "sqlite"}, false, "error"},
		{[]string{"postgres15", "sqlite"}, false, "error"},
		{[]string{"mariadb10.11", "mariadb10.11"}, false, "error"}, // two databases of one server: both are in one log
		{[]string{"mariadb10.11", "postgres15"}, false, "error"},
		{[]string{"mariadb11.8", "mysql5.6"}, false, "error"},
		{[]string{"mysql5.6", "sqlite"}, false, "error"},
		{[]string{"postgres18", "mysql5.6"}, false, "error"},
		{[]string{"sqlite", "sqlite"}, true, "error"},
		{[]string{"mysql5.6", "mariadb11.8"}, true, "error"},
		{[]string{"sqlite", "sqlite", "sqlite"}, true, "error"},
		{[]string{"postgres15", "mariadb10.11", "sqlite"}, true, "error"},
		{[]string{"mariadb11.8", "postgres18", "mysql5.6"}, true, "error"},
		{[]string{"postgres15", "sqlite"}, false, "newest"},
		{[]string{"mariadb10.11", "postgres15"}, false, "newest"},
		{[]string{"mysql5.6", "mariadb11.8"}, false, "newest"},
	}
	for _, tt := range tests {
		if !areAtHand(tt.engines) {
			continue
		}
		if testing.Short() && len(tt.engines) == 2 && tt.engines[0] != "mariadb10.11" {
			continue // these have less to tell than those with MariaDB, or with three servers
		}
		name := fmt.Sprintf("%s %s", strings.Join(tt.engines, " and "), tt.policy)
		if tt.relay {
			name += " passing merges on"
		}
		t.Run(name, func(t *testing.T) {
			engines, arrows := map[string]string{}, both
			for i, e := range tt.engines {
				engines[string(rune('a'+i))] = e
			}
			if len(engines) == 3 {
				arrows = ring
			}
			w := twoWay(t, engines, arrows, tt.relay, tt.policy)
			if tt.policy == "newest" {
				// On every side beforehand: two creates of one request are settled by duplicate_request_id,
				// which knows no newest.
				for i := range 7 {
					w.exec("a", fmt.Sprintf("INSERT INTO n VALUES ('x%d', 'seed', '', '2025-01-01 00:00:00')", i))
				}
				w.rest(allN)
			}
			stop := w.follow()
			var g sync.WaitGroup
			for name, db := range w.dbs {
				own := name
				if tt.policy == "newest" {
					own = "x"
				}
				side := int(name[0] - 'a')
				g.Go(func() {
					for i := range 60 {
						id := fmt.Sprintf("%s%d", own, i%7)
						at := fmt.Sprintf("2026-01-01 10:%02d:%02d", i, side) // never the same on two sides
						q := fmt.Sprintf("INSERT INTO n VALUES ('%s', '%s', '%d', '%s')", id, name, i, at) + upsert(db, fmt.Sprintf("a = '%s', b = '%d', modified = '%s'", name, i, at))
						if i%9 == 8 && len(engines) == 2 && tt.policy == "error" {
							q = "DELETE FROM n WHERE id = '" + id + "'"
						}
						if err := patiently(db, q); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			g.Wait()
			stop()
			w.rest(allN)
			if tt.policy == "error" {
				for name := range w.dbs {
					w.equal("errors on "+name, rows(t, w.dbs[name], "SELECT request, error, reason FROM dso_pending_error"))
				}
			}
			// An update to the same values is written nowhere.
			for name := range w.dbs {
				w.exec(name, "UPDATE n SET a = a, b = b")
			}
			for _, s := range w.once().Servers {
				if s.Written != 0 {
					t.Errorf("%s: %d requests written after updates of nothing", s.Server, s.Written)
				}
			}
			w.rest(allN)
		})
	}
}

// Small random histories on two or three servers, each on its own requests, with runs in between: all
// copies are equal in the end, nothing is parked.
func TestTwoWayProperty(t *testing.T) {
	tests := []struct {
		engines   map[string]string
		arrows    []string
		histories int
	}{
		{map[string]string{"a": "sqlite", "b": "sqlite"}, both, 12},
		{map[string]string{"a": "mariadb10.11", "b": "mysql5.6"}, both, 4},
		{map[string]string{"a": "sqlite", "b": "sqlite", "c": "sqlite"}, ring, 12},
	}
	for _, tt := range tests {
		if !areAtHand(slices.Collect(maps.Values(tt.engines))) {
			continue
		}
		t.Run(fmt.Sprint(tt.engines), func(t *testing.T) {
			w := twoWay(t, tt.engines, tt.arrows, true, "error")
			servers := slices.Sorted(mapKeys(w.dbs))
			histories := tt.histories
			if testing.Short() {
				histories = 3
			}
			for h := range histories {
				steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) [4]int {
					return [4]int{rapid.IntRange(0, len(servers)).Draw(r, "server"), rapid.IntRange(0, 2).Draw(r, "request"), rapid.IntRange(0, 5).Draw(r, "action"), rapid.IntRange(0, 2).Draw(r, "value")}
				}), 5, 25).Example(h)
				for _, s := range steps {
					if s[0] == len(servers) {
						if s[2] == 0 {
							w.once()
						}
						continue
					}
					on := servers[s[0]]
					id := fmt.Sprintf("%s%d", on, s[1])
					switch s[2] {
					case 0:
						if len(servers) == 3 {
							continue
						}
						w.exec(on, "DELETE FROM n WHERE id = '"+id+"'")
					case 1, 2:
						w.exec(on, fmt.Sprintf("INSERT INTO n (id, a) SELECT '%[1]s', 'v%[2]d' FROM (SELECT 1) x WHERE NOT EXISTS (SELECT 1 FROM n WHERE id = '%[1]s')", id, s[3]))
					default:
						w.exec(on, fmt.Sprintf("UPDATE n SET a = 'v%d', b = 'w%d' WHERE id = '%s'", s[3], s[2], id))
					}
				}
				w.rest(allN)
				for _, name := range servers {
					w.equal("errors on "+name, rows(t, w.dbs[name], "SELECT request, error, reason FROM dso_pending_error"))
				}
				if t.Failed() {
					t.Fatalf("history %d: server, request, action, value: %v", h, steps)
				}
			}
		})
	}
}
