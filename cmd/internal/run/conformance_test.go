package run_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/arfixture"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// conformanceCase is a behaviour of DSO that ardso must have, by its number among the conformance cases.
type conformanceCase struct {
	number int
	text   string
	// forms are on servers a, b and c, in tables of the same name: summary, notes, status and all distributed
	// fields; or, as their names end, n: no more than five characters of summary, and p: no distributed fields.
	forms             []string
	mappings, filters []string
	counted           []string // server.table of which writes are counted
	// run plays the case. All cases of an engine share three servers and take turns: when one calls rest,
	// the others go on, and then ardso carries out what all of them have done.
	run func(c *conformance)
	// alone is a part that needs servers of its own.
	alone    func(t *testing.T, engine string)
	notBuilt string // what ardso lacks for it
}

func (c *conformanceCase) name() string { return fmt.Sprintf("%02d %s", c.number, c.text) }

// TestConformance plays DSO's conformance cases with all servers on one engine.
func TestConformance(t *testing.T) {
	t.Parallel()
	engines := dbtest.Have("postgres15", "mariadb10.11", "sqlite")
	if testing.Short() {
		engines = dbtest.Have("sqlite")
	}
	cases := conformanceCases()
	for _, e := range engines {
		t.Run(e, func(t *testing.T) {
			t.Parallel()
			failures := playTogether(t, e, cases)
			for _, x := range cases {
				t.Run(x.name(), func(t *testing.T) {
					if x.notBuilt != "" {
						t.Skip("not built yet: " + x.notBuilt)
					}
					for _, f := range failures[x.number] {
						t.Error(f)
					}
					if x.alone != nil {
						t.Parallel()
						x.alone(t, e)
					}
				})
			}
		})
	}
}

// conformance is one case at play.
type conformance struct {
	*world
	*conformanceCase
	*stage
	yield    func() // gives the turn to the next case
	failures []string
}

// stage is what a case may ask for before the others have their turn.
type stage struct {
	redefined bool          // definitions have been changed
	late      time.Duration // the clock
	log       said          // what ardso has logged
}

// said keeps what is logged.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// count tells how often a text was logged.
func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), text)
}

// playTogether plays the cases that are built and returns what was wrong, by number.
func playTogether(t *testing.T, name string, cases []*conformanceCase) map[int][]string {
	t.Helper()
	built := slices.DeleteFunc(slices.Clone(cases), func(x *conformanceCase) bool { return x.notBuilt != "" || x.run == nil })
	w := conformanceWorld(t, name, built)
	// An hour must not end by chance while the cases are played.
	common := &stage{late: time.Hour}
	var players []*conformance
	var turns []func() (struct{}, bool)
	for _, x := range built {
		c := &conformance{world: w, conformanceCase: x, stage: common}
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			c.yield = func() { yield(struct{}{}) }
			c.run(c)
		})
		t.Cleanup(stop)
		players, turns = append(players, c), append(turns, next)
	}
	for playing := true; playing; {
		playing = false
		for _, next := range turns {
			_, more := next()
			playing = playing || more
		}
		if common.redefined {
			common.redefined = false
			w.reopen()
		}
		w.comeToRest(common.late, slog.New(slog.NewTextHandler(&common.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}
	failures := make(map[int][]string)
	for _, c := range players {
		failures[c.number] = c.failures
	}
	return failures
}

// conformanceWorld is the three servers that cases share.
func conformanceWorld(t *testing.T, name string, cases []*conformanceCase) *world {
	t.Helper()
	dbs, declared := make(map[string]*engine.DB), make(map[string]string)
	var mappings, filters, forms strings.Builder
	for _, x := range cases {
		for _, f := range x.forms {
			limit := ""
			if strings.HasSuffix(f, "n") {
				limit = ", fields: [{column: summary, max_length: 5}]"
			}
			fmt.Fprintf(&forms, "      - {name: %s, table: %s, request_id: id%s}\n", f, strings.ToLower(f), limit)
		}
		mappings.WriteString(strings.Join(x.mappings, ""))
		filters.WriteString(strings.Join(x.filters, ""))
	}
	for _, server := range []string{"a", "b", "c"} {
		dbs[server], declared[server] = dbtest.New(t, name), forms.String()
	}
	w := newWorld(t, dbs, declared, "pools: [{name: disabled, enabled: no, threads: 3}]\nmappings:\n"+mappings.String()+"filters:\n"+filters.String())
	for server := range dbs {
		var counted []string
		for _, x := range cases {
			for _, f := range x.forms {
				w.exec(server, conformanceTable(f))
			}
			for _, at := range x.counted {
				if on, table, _ := strings.Cut(at, "."); on == server {
					counted = append(counted, table)
				}
			}
		}
		w.countWrites(server, counted...)
	}
	w.open()
	return w
}

func conformanceTable(form string) string {
	distributed := ", " + stormtest.DistributedColumns(schema.Advanced)
	if strings.HasSuffix(form, "p") {
		distributed = ""
	}
	return fmt.Sprintf("CREATE TABLE %s (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer%s)", strings.ToLower(form), distributed)
}

// comeToRest runs ardso until it has nothing left to do (G6), by a clock that is late by so much.
func (w *world) comeToRest(late time.Duration, log *slog.Logger) {
	w.t.Helper()
	for range 20 {
		before := w.transactions()
		_, err := w.sys.Run(w.t.Context(), nil, run.Options{Once: true, Log: log, Now: func() time.Time { return time.Now().Add(-late) }})
		if err != nil {
			w.t.Fatalf("run --once: %v", err)
		}
		if slices.Equal(before, w.transactions()) {
			return
		}
	}
	w.t.Fatalf("no rest: %v", w.transactions())
}

// rest waits until all that was done is carried out.
func (c *conformance) rest() { c.yield() }

// redefine replaces a part of the definitions, and has ardso started again.
func (c *conformance) redefine(part, by string) {
	c.yaml = strings.Replace(c.yaml, part, by, 1)
	c.redefined = true
}

// add has a user make a request.
func (c *conformance) add(server, form, id, summary string, status int) {
	c.exec(server, fmt.Sprintf("INSERT INTO %s (id, summary, notes, status) VALUES ('%s', '%s', 'n', %d)", strings.ToLower(form), id, summary, status))
}

// set has a user edit a request.
func (c *conformance) set(server, form, id, set string) {
	c.exec(server, fmt.Sprintf("UPDATE %s SET %s WHERE id = '%s'", strings.ToLower(form), set, id))
}

// remove has a user delete a request.
func (c *conformance) remove(server, form, id string) {
	c.exec(server, fmt.Sprintf("DELETE FROM %s WHERE id = '%s'", strings.ToLower(form), id))
}

// is compares and keeps the difference for the case's own test.
func (c *conformance) is(what, got, want string) {
	if got != want {
		c.failures = append(c.failures, fmt.Sprintf("%s\n   is %s\n want %s", what, got, want))
	}
}

// holds compares what servers hold of a request of a form: summary, notes and Master Flag, none = no request.
// They are given as server, expected, server, expected, ….
func (c *conformance) holds(form, id string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		flag := "dso_master_flag"
		if strings.HasSuffix(form, "p") {
			flag = "''"
		}
		got := rows(c.t, c.dbs[pairs[i]], fmt.Sprintf("SELECT summary, notes, %s FROM %s WHERE id = '%s'", flag, strings.ToLower(form), id))
		c.is(fmt.Sprintf("request %s of %s on %s", id, form, pairs[i]), cmp.Or(strings.Join(got, ";"), "none"), pairs[i+1])
	}
}

// fields compares the distributed fields of a request that are not empty, as ID=value in order; of Mapping
// History all but the times.
func (c *conformance) fields(server, form, id, want string) {
	var got []string
	for _, f := range schema.FieldsOf(schema.Advanced) {
		v := rows(c.t, c.dbs[server], fmt.Sprintf("SELECT %s FROM %s WHERE id = '%s'", f.ColumnName(), strings.ToLower(form), id))
		if len(v) == 0 || v[0] == "<null>" {
			continue
		}
		if f.ID == schema.MappingHistory {
			v[0] = c.history(v[0])
		}
		got = append(got, fmt.Sprintf("%d=%s", f.ID, v[0]))
	}
	slices.Sort(got)
	c.is(fmt.Sprintf("distributed fields of request %s of %s on %s", id, form, server), strings.Join(got, " "), want)
}

// history is a Mapping History without its times, which must be there.
func (c *conformance) history(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		at, rest, _ := strings.Cut(l, "\t")
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			c.failures = append(c.failures, fmt.Sprintf("Mapping History %q: %v", l, err))
		}
		lines[i] = strings.ReplaceAll(rest, "\t", ",")
	}
	return strings.Join(lines, ";")
}

// errors compares what is parked on a server of the case's forms: request, mapping, error.
func (c *conformance) errors(server string, want ...string) {
	c.records(server, "SELECT request, mapping, error FROM dso_pending_error", want)
}

// conflicts compares what is recorded on a server of the case's forms: request, kind, rule, outcome.
func (c *conformance) conflicts(server string, want ...string) {
	c.records(server, "SELECT request, kind, settled_by, outcome FROM dso_conflict", want)
}

func (c *conformance) records(server, query string, want []string) {
	query += fmt.Sprintf(" WHERE form LIKE 'F%02d%%' ORDER BY request, created, id", c.number)
	c.is(server+": "+query, strings.Join(rows(c.t, c.dbs[server], query), "\n      "), strings.Join(want, "\n      "))
}

// quiet wants neither errors nor conflicts anywhere.
func (c *conformance) quiet() {
	for _, server := range []string{"a", "b", "c"} {
		c.errors(server)
		c.conflicts(server)
	}
}

// writes compares how often rows of a table were written since it was asked last, users' writes included.
func (c *conformance) writes(server, table string, want int) {
	got := rows(c.t, c.dbs[server], "SELECT count(*) FROM written WHERE tab = '"+table+"'")
	c.is("writes of "+table+" on "+server, got[0], fmt.Sprint(want))
	c.exec(server, "DELETE FROM written WHERE tab = '"+table+"'")
}

// retry sets what is parked on a server of a request of the case's forms to Retry.
func (c *conformance) retry(server, request string) {
	list, err := control.ListErrors(context.Background(), c.dbs[server], control.ErrorFilter{Request: request})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range list {
		if !strings.HasPrefix(e.Form, fmt.Sprintf("F%02d", c.number)) {
			continue
		}
		if err := control.SetErrorStatus(context.Background(), c.dbs[server], e.ID, control.ErrorRetry); err != nil {
			c.t.Fatal(err)
		}
	}
}

// along makes a mapping between forms that are given as server.form.
func along(name, from, to, says string) string {
	fs, ff, _ := strings.Cut(from, ".")
	ts, tf, _ := strings.Cut(to, ".")
	return fmt.Sprintf("  - {name: %s, from: {server: %s, form: %s}, to: {server: %s, form: %s}, transfer_mode: %s}\n", name, fs, ff, ts, tf, says)
}

// when makes a filter on server.form.
func when(name, at, on, runIf, action string) string {
	server, form, _ := strings.Cut(at, ".")
	if runIf != "" {
		runIf = fmt.Sprintf("run_if: %q, ", runIf)
	}
	return fmt.Sprintf("  - {name: %s, server: %s, form: %s, on: [%s], %s%s}\n", name, server, form, on, runIf, action)
}

func conformanceCases() []*conformanceCase {
	cases := slices.Concat(conformanceOfOwnership(), conformanceOfTransfers(), conformanceOfQueues())
	slices.SortFunc(cases, func(x, y *conformanceCase) int { return x.number - y.number })
	return cases
}

// given are the distributed fields of a copy that was given ownership by a request of the same Request ID on a.
func given(form, server, mapping, from string) string {
	return fmt.Sprintf("303=1 304=%s 305=%s 306=%s 307=R1 309=R1,%s,a,%s 310=%s 311=a 318=default", form, server, mapping, from, mapping, from)
}

func conformanceOfOwnership() []*conformanceCase {
	return []*conformanceCase{
		{
			number: 1, text: "D+O transfer, edit source as user: refused",
			forms:    []string{"F01"},
			mappings: []string{along("01 a to b", "a.F01", "b.F01", "data + ownership, on_foreign_change: revert")},
			filters:  []string{when("01 give", "a.F01", "submit, modify", "'status' = 1", "transfer: {mapping: 01 a to b}")},
			run: func(c *conformance) {
				c.add("a", "F01", "R1", "broken", 1)
				c.rest()
				c.holds("F01", "R1", "a", "broken|n|0", "b", "broken|n|1")
				c.fields("a", "F01", "R1", "301=0 303=0 304=F01 305=b 308=R1")
				c.fields("b", "F01", "R1", given("F01", "b", "01 a to b", "F01"))
				c.quiet()

				c.set("a", "F01", "R1", "summary = 'mine'")
				c.rest()
				c.holds("F01", "R1", "a", "broken|n|0", "b", "broken|n|1")
				c.remove("a", "F01", "R1")
				c.rest()
				c.holds("F01", "R1", "a", "broken|n|0", "b", "broken|n|1")
				c.fields("a", "F01", "R1", "301=0 303=0 304=F01 305=b 308=R1")
				c.conflicts("a", "R1|foreign_change|on_foreign_change: revert|update", "R1|foreign_change|on_foreign_change: revert|insert")
				c.conflicts("b")
			},
		},
		{
			number: 2, text: "D+O, edit target, Immediately: source equal after one update",
			forms:    []string{"F02"},
			mappings: []string{along("02 a to b", "a.F02", "b.F02", "data + ownership, when_to_update: immediately")},
			filters:  []string{when("02 give", "a.F02", "submit, modify", "'status' = 1", "transfer: {mapping: 02 a to b}")},
			counted:  []string{"a.f02"},
			run: func(c *conformance) {
				c.add("a", "F02", "R1", "broken", 1)
				c.rest()
				c.writes("a", "f02", 2) // the user's, and the write-back
				c.set("b", "F02", "R1", "summary = 'seen', notes = 'glue'")
				c.rest()
				c.holds("F02", "R1", "a", "seen|glue|0", "b", "seen|glue|1")
				c.writes("a", "f02", 1)
				c.quiet()
			},
		},
		{
			number: 3, text: "D+O, edits at 1, 2 and 3 min, Hourly: one update, last value, status Waiting then Success",
			forms:    []string{"F03"},
			mappings: []string{along("03 a to b", "a.F03", "b.F03", "data + ownership, when_to_update: hourly")},
			filters:  []string{when("03 give", "a.F03", "submit, modify", "'status' = 1", "transfer: {mapping: 03 a to b}")},
			counted:  []string{"a.f03"},
			run: func(c *conformance) {
				c.add("a", "F03", "R1", "broken", 1)
				c.rest()
				for _, s := range []string{"one", "two", "three"} {
					c.set("b", "F03", "R1", "summary = '"+s+"'")
					c.rest()
					c.holds("F03", "R1", "a", "broken|n|0", "b", s+"|n|1")
					c.fields("b", "F03", "R1", "302=1 "+given("F03", "b", "03 a to b", "F03"))
				}
				c.writes("a", "f03", 2)
				c.late = -time.Hour // then the hour is over
				c.rest()
				c.holds("F03", "R1", "a", "three|n|0", "b", "three|n|1")
				c.fields("b", "F03", "R1", "302=0 "+given("F03", "b", "03 a to b", "F03"))
				c.writes("a", "f03", 1)
				c.quiet()
			},
		},
		{
			number: 4, text: "Return: owner back, other copy read-only",
			forms:    []string{"F04"},
			mappings: []string{along("04 a to b", "a.F04", "b.F04", "data + ownership, on_foreign_change: revert")},
			filters: []string{
				when("04 give", "a.F04", "submit, modify", "'status' = 1", "transfer: {mapping: 04 a to b}"),
				when("04 back", "b.F04", "modify", "'status' = 2", "return: {}"),
			},
			run: func(c *conformance) {
				c.add("a", "F04", "R1", "broken", 1)
				c.rest()
				c.set("b", "F04", "R1", "summary = 'seen'")
				c.rest()
				c.holds("F04", "R1", "a", "broken|n|0", "b", "seen|n|1")
				c.set("b", "F04", "R1", "status = 2")
				c.rest()
				c.holds("F04", "R1", "a", "seen|n|1", "b", "seen|n|0") // all of it, also what was edited before
				c.fields("a", "F04", "R1", "301=0 303=1 304=F04 305=a 308=R1")
				left := "302=0 303=0 304=F04 305=a 306=04 a to b 307=R1 309=R1,F04,a,04 a to b 310=F04 311=a 318=default"
				c.fields("b", "F04", "R1", left)
				c.quiet()

				c.set("b", "F04", "R1", "summary = 'mine'")
				c.set("a", "F04", "R1", "notes = 'ours'")
				c.rest()
				c.holds("F04", "R1", "a", "seen|ours|1", "b", "seen|n|0")
				c.fields("b", "F04", "R1", left)
				c.conflicts("b", "R1|foreign_change|on_foreign_change: revert|update")
				c.conflicts("a")
			},
		},
		{
			number: 5, text: "A→B→C, edit C: B then A updated by their own policies",
			forms: []string{"F05"},
			mappings: []string{
				along("05 a to b", "a.F05", "b.F05", "data + ownership, when_to_update: immediately"),
				along("05 b to c", "b.F05", "c.F05", "data + ownership, when_to_update: immediately"),
				along("05 a to b not back", "a.F05", "b.F05", "data + ownership, when_to_update: no update"),
				along("05 b to c on return", "b.F05", "c.F05", "data + ownership, when_to_update: on return"),
			},
			filters: []string{
				when("05 a", "a.F05", "submit", "'status' < 3", "transfer: {mapping: 05 a to b}"),
				when("05 a not", "a.F05", "submit", "'status' = 3", "transfer: {mapping: 05 a to b not back}"),
				when("05 b", "b.F05", "merge", "'status' != 2", "transfer: {mapping: 05 b to c}"),
				when("05 b return", "b.F05", "merge", "'status' = 2", "transfer: {mapping: 05 b to c on return}"),
			},
			run: func(c *conformance) {
				for i, id := range []string{"R1", "R2", "R3"} {
					c.add("a", "F05", id, "broken", i+1)
				}
				c.rest()
				for _, id := range []string{"R1", "R2", "R3"} {
					c.holds("F05", id, "a", "broken|n|0", "b", "broken|n|0", "c", "broken|n|1")
					c.set("c", "F05", id, "summary = 'seen'")
				}
				c.fields("a", "F05", "R1", "301=0 303=0 304=F05 305=b 308=R1")
				c.fields("b", "F05", "R1", "301=0 303=0 304=F05 305=c 306=05 a to b 307=R1 308=R1 309=R1,F05,a,05 a to b 310=F05 311=a 318=default")
				c.fields("c", "F05", "R1", "303=1 304=F05 305=c 306=05 b to c 307=R1 309=R1,F05,b,05 b to c 310=F05 311=b 318=default")
				c.rest()
				c.holds("F05", "R1", "a", "seen|n|0", "b", "seen|n|0", "c", "seen|n|1")
				c.holds("F05", "R2", "a", "broken|n|0", "b", "broken|n|0", "c", "seen|n|1")
				c.holds("F05", "R3", "a", "broken|n|0", "b", "seen|n|0", "c", "seen|n|1")
				c.quiet()
			},
		},
		{
			number: 6, text: "delete C (master): B and A gone, data-only copy elsewhere kept",
			forms: []string{"F06", "F06x"},
			mappings: []string{
				along("06 archive", "a.F06", "b.F06x", "data only"),
				along("06 a to b", "a.F06", "b.F06", "data + ownership"),
				along("06 b to c", "b.F06", "c.F06", "data + ownership"),
			},
			filters: []string{
				when("06 a", "a.F06", "submit", "", "transfer: [{mapping: 06 archive}, {mapping: 06 a to b}]"),
				when("06 b", "b.F06", "merge", "", "transfer: {mapping: 06 b to c}"),
			},
			run: func(c *conformance) {
				c.add("a", "F06", "R1", "broken", 1)
				c.add("a", "F06", "R2", "stays", 1)
				c.rest()
				c.holds("F06", "R1", "a", "broken|n|0", "b", "broken|n|0", "c", "broken|n|1")
				c.holds("F06x", "R1", "b", "broken|n|0")
				c.remove("c", "F06", "R1")
				c.rest()
				c.holds("F06", "R1", "a", "none", "b", "none", "c", "none")
				c.holds("F06x", "R1", "b", "broken|n|0")
				c.holds("F06", "R2", "a", "stays|n|0", "b", "stays|n|0", "c", "stays|n|1")
				c.quiet()
			},
		},
		{
			number: 7, text: "broadcast with D+O to two targets: first Success, second Failure",
			forms:    []string{"F07"},
			mappings: []string{along("07 a to b", "a.F07", "b.F07", "data + ownership"), along("07 a to c", "a.F07", "c.F07", "data + ownership")},
			filters:  []string{when("07 give", "a.F07", "submit", "", "transfer: [{mapping: 07 a to b}, {mapping: 07 a to c}]")},
			run: func(c *conformance) {
				c.add("a", "F07", "R1", "broken", 1)
				c.rest()
				c.holds("F07", "R1", "a", "broken|n|0", "b", "broken|n|1", "c", "none")
				c.fields("a", "F07", "R1", "301=0 303=0 304=F07 305=b 308=R1")
				c.fields("b", "F07", "R1", given("F07", "b", "07 a to b", "F07"))
				c.errors("a", "R1|07 a to c|ownership.not_owner")
				c.errors("b")
				c.errors("c")
				c.retry("a", "R1") // it still does not own itself
				c.rest()
				c.holds("F07", "R1", "a", "broken|n|0", "b", "broken|n|1", "c", "none")
				c.errors("a", "R1|07 a to c|ownership.not_owner")
			},
		},
		{
			number: 19, text: "ring with ownership and Overwrite: loop stopped; with override allowed",
			forms: []string{"F19", "F19x"},
			mappings: []string{
				along("19 a to b", "a.F19", "b.F19", "data + ownership, duplicate_request_id: overwrite"),
				along("19 b to c", "b.F19", "c.F19", "data + ownership, duplicate_request_id: overwrite"),
				along("19 c to a", "c.F19", "a.F19", "data + ownership, duplicate_request_id: overwrite"),
				along("19 a to b over", "a.F19x", "b.F19x", "data + ownership, duplicate_request_id: overwrite"),
				along("19 b to c over", "b.F19x", "c.F19x", "data + ownership, duplicate_request_id: overwrite"),
				along("19 c to a over", "c.F19x", "a.F19x", "data + ownership, duplicate_request_id: overwrite"),
			},
			filters: []string{
				when("19 a", "a.F19", "submit, modify, merge", "", "transfer: {mapping: 19 a to b}"),
				when("19 b", "b.F19", "submit, modify, merge", "", "transfer: {mapping: 19 b to c}"),
				when("19 c", "c.F19", "submit, modify, merge", "", "transfer: {mapping: 19 c to a}"),
				when("19 a over", "a.F19x", "submit, modify, merge", "", "transfer: {mapping: 19 a to b over}"),
				when("19 b over", "b.F19x", "submit, modify, merge", "", "transfer: {mapping: 19 b to c over}"),
				when("19 c over", "c.F19x", "submit, modify, merge", "", "transfer: {mapping: 19 c to a over, override_loop_detection: yes}"),
			},
			run: func(c *conformance) {
				c.add("a", "F19", "R1", "round", 1)
				c.add("a", "F19x", "R1", "round", 1)
				c.rest()
				c.holds("F19", "R1", "a", "round|n|0", "b", "round|n|0", "c", "round|n|1")
				c.holds("F19x", "R1", "a", "round|n|1", "b", "round|n|0", "c", "round|n|0")
				// An edit of the owner begins a new round, which ends before it closes.
				c.set("c", "F19", "R1", "summary = 'again'")
				c.rest()
				c.holds("F19", "R1", "a", "again|n|0", "b", "again|n|1", "c", "again|n|0")
				c.quiet()
			},
		},
		{
			number: 22, text: "mapping differs on the other site: 3113 on return",
			forms:    []string{"F22", "F22x"},
			mappings: []string{along("22 a to b", "a.F22", "b.F22", "data + ownership")},
			filters: []string{
				when("22 give", "a.F22", "submit", "", "transfer: {mapping: 22 a to b}"),
				when("22 back", "b.F22", "modify", "'status' = 2", "return: {}"),
			},
			run: func(c *conformance) {
				right := along("22 a to b", "a.F22", "b.F22", "data + ownership")
				wrong := along("22 a to b", "a.F22", "b.F22x", "data + ownership")
				c.add("a", "F22", "R1", "broken", 1)
				c.rest()
				c.redefine(right, wrong)
				c.rest()
				c.set("b", "F22", "R1", "summary = 'done', status = 2")
				c.rest()
				c.holds("F22", "R1", "a", "broken|n|0", "b", "done|n|1")
				c.errors("b", "R1|22 a to b|ownership.mapping_differs")
				c.fields("b", "F22", "R1", strings.Replace(given("F22", "b", "22 a to b", "F22"), "303=1", "302=3 303=1", 1))
				reason := rows(c.t, c.dbs["b"], "SELECT reason FROM dso_pending_error WHERE form = 'F22'")
				c.is("number of the message", fmt.Sprint(strings.Contains(strings.Join(reason, ""), "3113")), "true")

				c.redefine(wrong, right)
				c.retry("b", "R1")
				c.rest()
				c.holds("F22", "R1", "a", "done|n|1", "b", "done|n|0")
				c.fields("b", "F22", "R1", "302=0 303=0 304=F22 305=a 306=22 a to b 307=R1 309=R1,F22,a,22 a to b 310=F22 311=a 318=default")
				c.quiet()
			},
		},
		{
			number: 24, text: "crash between target write and source write: repeat gives the same final state, one owner",
			alone: crashBetweenWrites,
		},
		{
			number: 25, text: "Copy + Delete, target write fails: source kept",
			forms:    []string{"F25", "F25n"},
			mappings: []string{along("25 a to b", "a.F25", "b.F25n", "copy + delete")},
			filters:  []string{when("25 move", "a.F25", "submit, modify", "", "transfer: {mapping: 25 a to b}")},
			run: func(c *conformance) {
				c.add("a", "F25", "R1", "too long for it", 1)
				c.add("a", "F25", "R2", "fits", 1)
				c.add("b", "F25n", "R3", "there", 1)
				c.add("a", "F25", "R3", "here", 1)
				c.rest()
				c.holds("F25", "R1", "a", "too long for it|n|<null>")
				c.fields("a", "F25", "R1", "301=2")
				c.holds("F25n", "R1", "b", "none")
				c.errors("a", "R1|25 a to b|value.too_long")
				c.holds("F25", "R3", "a", "here|n|<null>")
				c.fields("a", "F25", "R3", "301=2")
				c.holds("F25n", "R3", "b", "there|n|<null>")
				c.errors("b", "R3|25 a to b|insert_exists")
				c.holds("F25", "R2", "a", "none")
				c.holds("F25n", "R2", "b", "fits|n|1")
				c.fields("b", "F25n", "R2", "303=1 304=F25n 305=b 309=R2,F25,a,25 a to b")

				c.set("a", "F25", "R1", "summary = 'short'")
				c.remove("b", "F25n", "R3")
				c.retry("b", "R3")
				c.rest()
				c.holds("F25", "R1", "a", "none")
				c.holds("F25n", "R1", "b", "short|n|1")
				c.holds("F25", "R3", "a", "none")
				c.holds("F25n", "R3", "b", "here|n|1")
				c.errors("a")
				c.errors("b")
			},
		},
	}
}

// crashBetweenWrites ends ardso when the target has taken a request over and the source does not know it yet:
// users hold up first the one, then the other.
func crashBetweenWrites(t *testing.T, name string) {
	o := newOwned(t, []string{name, name}, handOverDefinitions)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 0)")
	o.rest()

	ctx, kill := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, err := o.sys.Run(ctx, nil, run.Options{Servers: []string{"a"}, Log: testLog(t), Ready: func(string) { close(ready) }})
		if err != nil && ctx.Err() == nil {
			t.Errorf("run: %v", err)
		}
	}()
	select {
	case <-ready:
	case <-done:
		t.Fatal("ardso has ended")
	}
	atTarget := o.user("b", "INSERT INTO repair (id) VALUES ('R1')")
	o.exec("a", "UPDATE repair SET status = 1 WHERE id = 'R1'")
	if name == "sqlite" { // where a user would hold up the reader, too
		o.eventually("the change is read", func() bool {
			return rows(t, o.dbs["a"], "SELECT (SELECT max(seq) FROM dso_log_end) >= (SELECT max(seq) FROM dso_log)")[0] == "1"
		})
	}
	atSource := o.user("a", "UPDATE repair SET notes = notes WHERE id = 'R1'")
	atTarget()
	o.eventually("the target has taken it", func() bool { return o.request("b", "R1") == "broken|n|1" })
	kill()
	<-done
	atSource()
	o.want("R1", "a", "broken|n|<null>", "b", "broken|n|1")

	o.rest()
	o.want("R1", "a", "broken|n|0", "b", "broken|n|1")
	o.exec("b", "UPDATE repair SET notes = 'mended' WHERE id = 'R1'")
	o.rest()
	o.want("R1", "a", "broken|mended|0", "b", "broken|mended|1")
	if got := rows(t, o.dbs["b"], "SELECT epoch, owner FROM dso_owner"); fmt.Sprint(got) != "[2|1]" {
		t.Errorf("handed over once, and dso_owner of the target is %v", got)
	}
	for server, db := range o.dbs {
		for _, table := range []string{"dso_pending_error", "dso_conflict"} {
			if got := rows(t, db, "SELECT request, form FROM "+table); len(got) > 0 {
				t.Errorf("%s: %s has %v", server, table, got)
			}
		}
	}
}

// user begins a transaction of a user on a server, which ends without a trace when the returned function is
// called.
func (w *world) user(server, statement string) (undo func()) {
	w.t.Helper()
	for {
		tx, err := w.dbs[server].BeginTxx(context.Background(), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		_, err = tx.Exec(statement)
		if err == nil {
			return func() {
				if err := tx.Rollback(); err != nil {
					w.t.Error(err)
				}
			}
		}
		_ = tx.Rollback() // the statement's error matters
		if w.dbs[server].Engine.Class(err) != engine.Transient {
			w.t.Fatalf("%s: %v\n%s", server, err, statement)
		}
	}
}

func conformanceOfTransfers() []*conformanceCase {
	return []*conformanceCase{
		{
			number: 8, text: "broadcast Data Only to two targets: both Success although one row, two items",
			forms:    []string{"F08"},
			mappings: []string{along("08 a to b", "a.F08", "b.F08", "data only"), along("08 a to c", "a.F08", "c.F08", "data only")},
			filters:  []string{when("08 send", "a.F08", "submit, modify", "", "transfer: [{mapping: 08 a to b}, {mapping: 08 a to c}]")},
			run: func(c *conformance) {
				c.add("a", "F08", "R1", "broken", 1)
				c.rest()
				c.holds("F08", "R1", "a", "broken|n|<null>", "b", "broken|n|0", "c", "broken|n|0")
				c.fields("a", "F08", "R1", "301=0 308=R1")
				for _, server := range []string{"b", "c"} {
					m := "08 a to " + server
					c.fields(server, "F08", "R1", "303=0 304=F08 305=a 306="+m+" 307=R1 309=R1,F08,a,"+m+" 310=F08 311=a 318=default")
				}
				c.set("a", "F08", "R1", "summary = 'seen'")
				c.rest()
				c.holds("F08", "R1", "a", "seen|n|<null>", "b", "seen|n|0", "c", "seen|n|0")
				c.quiet()
			},
		},
		{
			number: 9, text: "same ID on target: Error refuses, Create New records the new ID, Overwrite changes mapped columns only",
			forms: []string{"F09", "F09e", "F09x"},
			mappings: []string{
				along("09 error", "a.F09", "b.F09e", "independent copy, duplicate_request_id: error"),
				along("09 overwrite", "a.F09", "b.F09x", "independent copy, duplicate_request_id: overwrite, exclude: [notes]"),
			},
			filters: []string{
				when("09 error", "a.F09", "submit", "'status' = 1", "transfer: {mapping: 09 error}"),
				when("09 overwrite", "a.F09", "submit", "'status' = 2", "transfer: {mapping: 09 overwrite}"),
			},
			run: func(c *conformance) {
				c.add("b", "F09e", "R1", "theirs", 7)
				c.add("b", "F09x", "R2", "theirs", 7)
				c.set("b", "F09x", "R2", "notes = 'kept'")
				c.add("a", "F09", "R1", "ours", 1)
				c.add("a", "F09", "R2", "ours", 2)
				c.rest()
				c.holds("F09e", "R1", "b", "theirs|n|<null>")
				c.fields("b", "F09e", "R1", "")
				c.fields("a", "F09", "R1", "301=2")
				c.holds("F09x", "R2", "b", "ours|kept|1")
				c.fields("b", "F09x", "R2", "303=1 304=F09x 305=b 309=R2,F09,a,09 overwrite")
				c.fields("a", "F09", "R2", "301=0 308=R2")
				c.errors("b", "R1|09 error|insert_exists")
				c.errors("a")
				c.conflicts("b", "R1|insert_exists|parked|parked", "R2|insert_exists|duplicate_request_id: overwrite|update")
			},
			alone: createNewIsRecorded,
		},
		{
			number: 10, text: "overwrite style all fields: unmapped columns reset",
			forms: []string{"F10", "F10o"},
			mappings: []string{
				along("10 overwrite", "a.F10", "b.F10", "independent copy, duplicate_request_id: overwrite, overwrite_style: all fields, exclude: [notes]"),
				along("10 give", "a.F10", "b.F10o", "data + ownership, duplicate_request_id: overwrite, overwrite_style: all fields, exclude: [notes]"),
			},
			filters: []string{
				when("10 send", "a.F10", "submit", "'status' = 1", "transfer: {mapping: 10 overwrite}"),
				when("10 give", "a.F10", "submit", "'status' = 2", "transfer: {mapping: 10 give}"),
			},
			run: func(c *conformance) {
				c.add("b", "F10", "R1", "theirs", 7)
				c.add("a", "F10", "R1", "ours", 1)
				c.rest()
				c.holds("F10", "R1", "b", "ours|<null>|1")
				c.conflicts("b", "R1|insert_exists|duplicate_request_id: overwrite, all fields|update")
				// Also where the mapped fields agree, and where it is handed over.
				c.add("b", "F10", "R2", "ours", 1)
				c.add("a", "F10", "R2", "ours", 1)
				c.add("b", "F10o", "R3", "theirs", 7)
				c.add("a", "F10", "R3", "ours", 2)
				c.rest()
				c.holds("F10", "R2", "b", "ours|<null>|1")
				c.holds("F10o", "R3", "b", "ours|<null>|1")
			},
		},
		{
			number: 12, text: "value too long: Failure, nothing written, no truncation",
			forms: []string{"F12", "F12n"},
			mappings: []string{
				along("12 give", "a.F12", "b.F12n", "data + ownership"),
				along("12 copy", "a.F12", "b.F12n", "data only"),
			},
			filters: []string{
				when("12 give", "a.F12", "submit, modify", "'status' = 1", "transfer: {mapping: 12 give}"),
				when("12 copy", "a.F12", "submit, modify", "'status' = 2", "transfer: {mapping: 12 copy}"),
			},
			run: func(c *conformance) {
				c.add("a", "F12", "R1", "too long for it", 1)
				c.add("a", "F12", "R2", "too long for it", 2)
				c.rest()
				for _, id := range []string{"R1", "R2"} {
					c.holds("F12", id, "a", "too long for it|n|<null>")
					c.fields("a", "F12", id, "301=2")
					c.holds("F12n", id, "b", "none")
				}
				c.errors("a", "R1|12 give|value.too_long")
				c.errors("b", "R2|12 copy|value.too_long")

				// Shortened, they go, and what had failed is settled.
				c.set("a", "F12", "R1", "summary = 'short'")
				c.set("a", "F12", "R2", "summary = 'short'")
				c.rest()
				c.retry("b", "R2") // the edit has joined what waits
				c.rest()
				c.holds("F12n", "R1", "b", "short|n|1")
				c.holds("F12n", "R2", "b", "short|n|0")
				c.fields("a", "F12", "R1", "301=0 303=0 304=F12n 305=b 308=R1")
				c.fields("a", "F12", "R2", "301=0 308=R2")
				c.errors("a")
				c.errors("b")
			},
		},
		{
			number: 13, text: "row field To Mapping set: wins over the action",
			forms:    []string{"F13"},
			mappings: []string{along("13 a to b", "a.F13", "b.F13", "data only"), along("13 a to c", "a.F13", "c.F13", "data only")},
			filters:  []string{when("13 send", "a.F13", "submit", "", "transfer: {mapping: 13 a to b}")},
			run: func(c *conformance) {
				c.exec("a", "INSERT INTO f13 (id, summary, notes, dso_to_mapping, dso_to_server, dso_to_form) VALUES ('R1', 'own way', 'n', '13 a to c', 'b', 'F13')")
				c.add("a", "F13", "R2", "by action", 1)
				c.rest()
				c.holds("F13", "R1", "b", "none", "c", "own way|n|0")
				c.holds("F13", "R2", "b", "by action|n|0", "c", "none")
				c.fields("a", "F13", "R1", "300=13 a to c 301=0 308=R1 312=F13 313=b")
				c.fields("c", "F13", "R1", "303=0 304=F13 305=a 306=13 a to c 307=R1 309=R1,F13,a,13 a to c 310=F13 311=a 318=default")
				c.quiet()
			},
		},
		{
			number: 14, text: "only To Form set on the row: level 2 ignored, action used",
			forms:    []string{"F14", "F14x"},
			mappings: []string{along("14 action", "a.F14", "b.F14", "data only"), along("14 row", "a.F14", "b.F14x", "data only")},
			filters:  []string{when("14 send", "a.F14", "submit", "", "transfer: {mapping: 14 action}")},
			run: func(c *conformance) {
				c.exec("a", "INSERT INTO f14 (id, summary, notes, dso_to_form) VALUES ('R1', 'form', 'n', 'F14x')",
					"INSERT INTO f14 (id, summary, notes, dso_to_server) VALUES ('R2', 'server', 'n', 'b')",
					"INSERT INTO f14 (id, summary, notes, dso_to_server, dso_to_form) VALUES ('R3', 'both', 'n', 'b', 'F14x')")
				c.rest()
				c.holds("F14", "R1", "b", "form|n|0")
				c.holds("F14x", "R1", "b", "none")
				c.holds("F14", "R2", "b", "server|n|0")
				c.holds("F14x", "R2", "b", "none")
				c.holds("F14", "R3", "b", "none")
				c.holds("F14x", "R3", "b", "both|n|0")
				c.quiet()
			},
		},
		{
			number: 15, text: "two defaults: first created used",
			forms: []string{"F15"},
			mappings: []string{
				along("15 none", "a.F15", "b.F15", `data only, fields: {notes: '"none"'}`),
				along("15 first", "a.F15", "b.F15", `data only, default: yes, fields: {notes: '"first"'}`),
				along("15 second", "a.F15", "b.F15", `data only, default: yes, fields: {notes: '"second"'}`),
			},
			filters: []string{
				when("15 by target", "a.F15", "submit", "'status' = 1", "transfer: {to_server: b, to_form: F15}"),
				when("15 by form", "a.F15", "submit", "'status' = 2", "transfer: {}"),
			},
			run: func(c *conformance) {
				c.add("a", "F15", "R1", "to the target", 1)
				c.add("a", "F15", "R2", "of the form", 2)
				c.rest()
				c.holds("F15", "R1", "b", "to the target|first|0")
				c.holds("F15", "R2", "b", "of the form|first|0")
				c.fields("b", "F15", "R1", "303=0 304=F15 305=a 306=15 first 307=R1 309=R1,F15,a,15 first 310=F15 311=a 318=default")
				c.quiet()
			},
		},
		{
			number: 18, text: "two-way replica with origin guard: no bounce",
			forms: []string{"F18p"},
			mappings: []string{
				along("18 a to b", "a.F18p", "b.F18p", "independent copy, duplicate_request_id: overwrite"),
				along("18 b to a", "b.F18p", "a.F18p", "independent copy, duplicate_request_id: overwrite"),
			},
			filters: []string{
				when("18 a", "a.F18p", "submit, modify, merge", `$USER$ != "Distributed Server" OR $USER$ = $NULL$`, "transfer: {mapping: 18 a to b}"),
				when("18 b", "b.F18p", "submit, modify, merge", `$USER$ != "Distributed Server" OR $USER$ = $NULL$`, "transfer: {mapping: 18 b to a}"),
				when("18 a gone", "a.F18p", "delete", `$USER$ != "Distributed Server" OR $USER$ = $NULL$`, "delete: {mapping: 18 a to b}"),
				when("18 b gone", "b.F18p", "delete", `$USER$ != "Distributed Server" OR $USER$ = $NULL$`, "delete: {mapping: 18 b to a}"),
			},
			counted: []string{"a.f18p", "b.f18p"},
			run: func(c *conformance) {
				c.add("a", "F18p", "R1", "of a", 1)
				c.add("b", "F18p", "R2", "of b", 1)
				c.rest()
				c.holds("F18p", "R1", "a", "of a|n|", "b", "of a|n|")
				c.holds("F18p", "R2", "a", "of b|n|", "b", "of b|n|")
				c.writes("a", "f18p", 2)
				c.writes("b", "f18p", 2)
				c.set("b", "F18p", "R1", "summary = 'edited on b'")
				c.rest()
				c.holds("F18p", "R1", "a", "edited on b|n|", "b", "edited on b|n|")
				c.writes("a", "f18p", 1)
				c.writes("b", "f18p", 1)
				c.remove("a", "F18p", "R2")
				c.rest()
				c.holds("F18p", "R2", "a", "none", "b", "none")
				c.quiet()
			},
		},
		{
			number: 20, text: "delete of missing target: 302, suppressible",
			forms: []string{"F20"},
			mappings: []string{
				along("20 a to b", "a.F20", "b.F20", "data only"),
				along("20 quiet", "a.F20", "b.F20", "data only, suppress_no_such_entry: yes"),
			},
			filters: []string{
				when("20 send", "a.F20", "submit", "'status' != 3", "transfer: {mapping: 20 a to b}"),
				when("20 send quiet", "a.F20", "submit", "'status' = 3", "transfer: {mapping: 20 quiet}"),
				when("20 gone", "a.F20", "delete", "'status' = 1", "delete: {mapping: 20 a to b}"),
				when("20 gone by name", "a.F20", "delete", "'status' = 2", `delete: {server: b, form: F20, request_id: "'id'"}`),
				when("20 gone quiet", "a.F20", "delete", "'status' = 3", "delete: {mapping: 20 quiet}"),
				when("20 gone quiet this time", "a.F20", "delete", "'status' = 5", "delete: {mapping: 20 a to b, suppress_no_such_entry: yes}"),
				when("20 gone by name quiet", "a.F20", "delete", "'status' = 4", `delete: {server: b, form: F20, request_id: "'id'", suppress_no_such_entry: yes}`),
			},
			run: func(c *conformance) {
				all := []string{"R1", "R2", "R3", "R4", "R5"}
				for i, id := range all {
					c.add("a", "F20", id, "broken", i+1)
					c.add("a", "F20", id+"x", "there", i+1)
				}
				c.rest()
				for _, id := range all {
					c.holds("F20", id, "b", "broken|n|0")
					c.holds("F20", id+"x", "b", "there|n|0")
					c.remove("b", "F20", id)
					c.remove("a", "F20", id)
					c.remove("a", "F20", id+"x")
				}
				c.rest()
				for _, id := range all {
					c.holds("F20", id, "a", "none", "b", "none")
					c.holds("F20", id+"x", "a", "none", "b", "none")
				}
				// It is recorded, unless that is suppressed, and never waits for anybody.
				c.errors("a")
				c.errors("b")
				c.conflicts("b", "R1|delete_missing|nothing to delete|nothing", "R2|delete_missing|nothing to delete|nothing")
			},
		},
		{
			number: 21, text: "add a column on both sides with Match Names: replicated without redefinition",
			forms:    []string{"F21"},
			mappings: []string{along("21 a to b", "a.F21", "b.F21", "data only, match: like names")},
			filters:  []string{when("21 send", "a.F21", "submit, modify", "", "transfer: {mapping: 21 a to b}")},
			run: func(c *conformance) {
				c.add("a", "F21", "R1", "broken", 1)
				c.rest()
				c.exec("b", "ALTER TABLE f21 ADD colour varchar(20)")
				c.exec("a", "ALTER TABLE f21 ADD colour varchar(20)")
				c.redefine("", "") // the same definitions are read again
				c.rest()
				c.set("a", "F21", "R1", "colour = 'red'")
				c.exec("a", "INSERT INTO f21 (id, colour) VALUES ('R2', 'green')")
				c.rest()
				c.is("the new column", strings.Join(rows(c.t, c.dbs["b"], "SELECT id, colour FROM f21 ORDER BY id"), " "), "R1|red R2|green")
				c.quiet()
			},
		},
	}
}

// createNewIsRecorded: a source whose request got another Request ID on its target knows which. Only forms of
// an ar catalog make Request IDs.
func createNewIsRecorded(t *testing.T, name string) {
	fields := []arfixture.Field{{ID: 900001, Name: "Serial", Type: schema.Character, MaxLength: 30}}
	for _, d := range schema.FieldsOf(schema.Full) {
		fields = append(fields, arfixture.Field{ID: d.ID, Name: d.Name, Type: d.Type, MaxLength: d.Length, Values: d.Values})
	}
	w := newARWorld(t, map[string]arSide{
		"src": {engine: name, forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: fields}}},
		"dst": {engine: name, forms: []arfixture.Form{{ID: 2002, Name: "Repair", Fields: fields, NextID: 7, Prefix: "HD"}}},
	}, `mappings:
  - {name: copy, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, transfer_mode: independent copy, duplicate_request_id: create new}
  - {name: give, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, transfer_mode: data + ownership, duplicate_request_id: create new}
filters:
  - {name: copy, server: src, form: Repair, on: submit, run_if: "'Serial' = \"copy\"", transfer: {mapping: copy}}
  - {name: give, server: src, form: Repair, on: submit, run_if: "'Serial' = \"give\"", transfer: {mapping: give}}
`)
	w.write("dst", shortRow("T2002", "A1", "theirs", "x"), shortRow("T2002", "A2", "theirs", "x"))
	w.write("src", shortRow("T1001", "A1", "ours", "copy"))
	w.comeToRest(0, testLog(t))
	w.write("src", shortRow("T1001", "A2", "ours", "give"), shortRow("T1001", "A3", "free", "give"))
	w.comeToRest(0, testLog(t))
	w.has("dst", "SELECT C1, C8, C303 FROM T2002 ORDER BY C1", "A1|theirs|<null>", "A2|theirs|<null>", "A3|free|1", "HD0000000000007|ours|1", "HD0000000000008|ours|1")
	w.has("src", "SELECT C1, C301, C303, C308 FROM T1001 ORDER BY C1", "A1|0|<null>|HD0000000000007", "A2|0|0|HD0000000000008", "A3|0|0|A3")
	w.noErrors()

	// The new owner is found under the new Request ID, and finds its way back.
	w.write("dst", "UPDATE T2002 SET C8 = 'mended' WHERE C1 = 'HD0000000000008'")
	if _, err := w.sys.Return(t.Context(), "give", `'Request ID' = "HD0000000000008"`, run.TransferOptions{Log: testLog(t)}); err != nil {
		t.Fatal(err)
	}
	w.comeToRest(0, testLog(t))
	w.has("src", "SELECT C1, C8, C303 FROM T1001 ORDER BY C1", "A1|ours|<null>", "A2|mended|1", "A3|free|0")
	w.has("dst", "SELECT C1, C8, C303 FROM T2002 WHERE C303 = 0", "HD0000000000008|mended|0")
	w.noErrors()
}

func conformanceOfQueues() []*conformanceCase {
	return []*conformanceCase{
		{
			number: 11, text: "target down 40 min: attempts at 5…30 then 60; Success afterwards",
			alone: targetDown,
		},
		{
			number: 16, text: "pool disabled: default pool runs it",
			forms:    []string{"F16"},
			mappings: []string{along("16 a to b", "a.F16", "b.F16", "data only")},
			filters:  []string{when("16 send", "a.F16", "submit", "", "transfer: {mapping: 16 a to b, pool: disabled}")},
			run: func(c *conformance) {
				c.add("a", "F16", "R1", "broken", 1)
				c.rest()
				c.holds("F16", "R1", "a", "broken|n|<null>", "b", "broken|n|0")
				c.fields("b", "F16", "R1", "303=0 304=F16 305=a 306=16 a to b 307=R1 309=R1,F16,a,16 a to b 310=F16 311=a 318=default")
				c.quiet()
			},
		},
		{
			number: 17, text: "filter on Submit+Modify doubles the item: one execution, one logged duplicate",
			forms:    []string{"F17p"},
			mappings: []string{along("17 a to b", "a.F17p", "b.F17p", "data only")},
			filters: []string{
				when("17 send", "a.F17p", "submit, modify", "", "transfer: {mapping: 17 a to b}"),
				when("17 send too", "a.F17p", "submit", "", "transfer: {mapping: 17 a to b}"),
			},
			counted: []string{"b.f17p"},
			run: func(c *conformance) {
				tx, err := c.dbs["a"].BeginTxx(context.Background(), nil)
				if err != nil {
					c.t.Fatal(err)
				}
				for _, s := range []string{"INSERT INTO f17p (id, summary, notes, status) VALUES ('R1', 'made', 'n', 0)", "UPDATE f17p SET summary = 'pushed', status = 1 WHERE id = 'R1'"} {
					if _, err := tx.Exec(s); err != nil {
						c.t.Fatal(err)
					}
				}
				if err := tx.Commit(); err != nil {
					c.t.Fatal(err)
				}
				c.rest()
				c.holds("F17p", "R1", "b", "pushed|n|")
				c.writes("b", "f17p", 1)
				c.is("duplicates logged", fmt.Sprint(c.log.count(`"duplicate operation, carried out once" server=a filter="17 send too"`)), "1")
				c.quiet()
			},
		},
		{
			number: 23, text: "errors row set to Retry: re-queued, runs at next poll or next new item",
			forms:    []string{"F23"},
			mappings: []string{along("23 a to b", "a.F23", "b.F23", "data only"), along("23 give", "a.F23", "b.F23", "data + ownership")},
			filters: []string{
				when("23 send", "a.F23", "submit, modify", "'status' = 1", "transfer: {mapping: 23 a to b}"),
				when("23 give", "a.F23", "submit", "'status' = 2", "transfer: {mapping: 23 give}"),
			},
			run: func(c *conformance) {
				for i, id := range []string{"R1", "R2"} {
					c.add("b", "F23", id, "theirs", 7)
					c.add("a", "F23", id, "ours", i+1)
				}
				c.rest()
				c.errors("b", "R1|23 a to b|insert_exists")
				c.errors("a", "R2|23 give|owned_there")
				c.fields("a", "F23", "R1", "301=2")
				c.fields("a", "F23", "R2", "301=2 303=1")

				// Cured, but nobody has asked: nothing happens, and what follows waits.
				c.remove("b", "F23", "R1")
				c.remove("b", "F23", "R2")
				c.set("a", "F23", "R1", "notes = 'later'")
				c.rest()
				c.holds("F23", "R1", "b", "none")
				c.holds("F23", "R2", "b", "none")

				c.retry("b", "R1")
				c.retry("a", "R2")
				c.rest()
				c.holds("F23", "R1", "a", "ours|later|<null>", "b", "ours|later|0")
				c.holds("F23", "R2", "a", "ours|n|0", "b", "ours|n|1")
				c.fields("a", "F23", "R1", "301=0 308=R1")
				c.fields("a", "F23", "R2", "301=0 303=0 304=F23 305=b 308=R2")
				c.errors("a")
				c.errors("b")
			},
		},
	}
}

// targetDown: the source keeps to the schedule. An embedded database has no server that could be down: as a source it
// has a target of another engine.
func targetDown(t *testing.T, name string) {
	target := name
	if name == "sqlite" {
		target = "postgres15"
	}
	o := &outage{server: dbtest.Server(t, target)}
	o.world = newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, name), "b": o.server.Database(t)}, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, `
mappings:
  - {name: copy, from: {server: a, form: Repair}, to: {server: b, form: Repair}}
filters:
  - {name: send, server: a, form: Repair, on: [submit, modify], transfer: {mapping: copy}}
`)
	for s := range o.dbs {
		o.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(schema.Advanced)+")")
	}
	o.open()
	o.once()
	stop := o.followBy(&o.clock, "a")
	defer stop()
	o.server.Stop(t)
	o.exec("a", "INSERT INTO repair (id, summary, status) VALUES ('R1', 'broken', 1)")
	transferStatus := func(want string) {
		t.Helper()
		o.eventually("Transfer Status "+want, func() bool {
			return fmt.Sprint(rows(t, o.dbs["a"], "SELECT dso_transfer_status FROM repair")) == "["+want+"]"
		})
	}
	transferStatus("1") // Retry
	o.keepsSchedule(5, 10, 15, 20, 25, 30)
	if _, next := o.attempts(); next != 60 {
		t.Errorf("after 30 minutes the next attempt is at %v", next)
	}
	o.server.Start(t) // after 40
	o.turnTo(61)
	transferStatus("0") // Success
	o.eventually("the request is there", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], "SELECT id, summary FROM repair")) == "[R1|broken]" })
}
