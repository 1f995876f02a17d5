package run_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

const ticketForm = "      - {name: Ticket, table: ticket, request_id: id, fields: [{column: status, name: Status, type: selection, values: {0: Open, 1: Closed}}]}\n"

const ticketColumns = "id varchar(20) PRIMARY KEY, status integer, notes varchar(200)"

// desks makes servers with the form Ticket, which has the basic distributed fields.
func desks(t *testing.T, engines map[string]string, definitions string) *world {
	t.Helper()
	dbs, forms := make(map[string]*engine.DB), make(map[string]string)
	for server, name := range engines {
		dbs[server], forms[server] = dbtest.New(t, name), ticketForm
	}
	w := newWorld(t, dbs, forms, definitions)
	for server := range dbs {
		w.exec(server, "CREATE TABLE ticket ("+ticketColumns+", "+stormtest.DistributedColumns(schema.Basic)+")")
	}
	return w
}

// at carries out all that is to be done at a time.
func (w *world) at(now string) {
	w.t.Helper()
	clock := instant(w.t, now)
	for range 2 { // write-backs, and what they have waited for
		if _, err := w.sys.Run(w.t.Context(), nil, run.Options{Once: true, Log: testLog(w.t), Now: func() time.Time { return clock }}); err != nil {
			w.t.Fatalf("run --once at %s: %v", now, err)
		}
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	x, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// tickets lists a server's tickets, with notes and Master Flag.
func (w *world) tickets(server string) string {
	return strings.Join(rows(w.t, w.dbs[server], "SELECT id, notes, dso_master_flag FROM ticket ORDER BY id"), " ")
}

// unharmed expects no errors and no conflicts anywhere.
func (w *world) unharmed() {
	w.t.Helper()
	for name, db := range w.dbs {
		w.equal("errors on "+name, rows(w.t, db, "SELECT source, request, error, reason FROM dso_pending_error"))
		w.equal("conflicts on "+name, rows(w.t, db, "SELECT source, request, kind, outcome FROM dso_conflict"))
	}
}

// waits reads until when an escalation of a server waits, and its last run with the requests that it took.
func (w *world) waits(server, name string) string {
	list := rows(w.t, w.dbs[server], "SELECT status, due, rows_done FROM dso_pending WHERE type = 'escalation' AND mapping = '"+name+"' ORDER BY status DESC")
	return strings.ReplaceAll(strings.Join(list, " "), ".000000", "")
}

const followTheSun = `
mappings:
  - {name: to Tokyo, from: {server: sf, form: Ticket}, to: {server: tokyo, form: Ticket}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: to Paris, from: {server: tokyo, form: Ticket}, to: {server: paris, form: Ticket}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: to San Francisco, from: {server: paris, form: Ticket}, to: {server: sf, form: Ticket}, transfer_mode: data + ownership, when_to_update: immediately}
escalations:
  - name: sf closes
    server: sf
    form: Ticket
    at: {weekdays: mon-fri, time: "18:00", zone: America/Los_Angeles}
    run_if: "'Status' = \"Open\""
    transfer: {mapping: to Tokyo}
  - name: tokyo closes
    server: tokyo
    form: Ticket
    at: {weekdays: mon-fri, time: "18:00", zone: Asia/Tokyo}
    run_if: "'Status' = \"Open\""
    transfer: {mapping: to Paris}
  - name: paris closes
    server: paris
    form: Ticket
    at: {weekdays: mon-fri, time: "18:00", zone: Europe/Paris}
    run_if: "'Status' = \"Open\""
    transfer: {mapping: to San Francisco}
`

// Follow the sun: at close of business open tickets move on to where the day begins, with their ownership, and
// closed ones stay (dso-reference 21).
func TestFollowTheSun(t *testing.T) {
	t.Parallel()
	w := desks(t, map[string]string{"sf": "postgres15", "tokyo": "mariadb10.11", "paris": "sqlite"}, followTheSun)
	w.open()
	want := func(sf, tokyo, paris string) {
		t.Helper()
		w.equal("San Francisco", []string{w.tickets("sf")}, sf)
		w.equal("Tokyo", []string{w.tickets("tokyo")}, tokyo)
		w.equal("Paris", []string{w.tickets("paris")}, paris)
		w.unharmed()
		if t.Failed() {
			t.FailNow()
		}
	}
	w.exec("sf", "INSERT INTO ticket (id, status, notes) VALUES ('T1', 0, 'new'), ('T2', 1, 'done'), ('T3', 0, 'new')")
	w.at("2026-03-03T20:00:00Z") // Tuesday noon in San Francisco
	w.at("2026-03-04T01:59:59Z")
	want("T1|new|<null> T2|done|<null> T3|new|<null>", "", "")

	w.at("2026-03-04T02:00:00Z") // 18:00 in San Francisco, 11:00 in Tokyo
	want("T1|new|0 T2|done|<null> T3|new|0", "T1|new|1 T3|new|1", "")
	w.exec("tokyo", "UPDATE ticket SET notes = 'seen' WHERE id = 'T1'", "INSERT INTO ticket (id, status, notes) VALUES ('T4', 0, 'tokyo')")
	w.at("2026-03-04T08:59:00Z")
	want("T1|seen|0 T2|done|<null> T3|new|0", "T1|seen|1 T3|new|1 T4|tokyo|<null>", "")

	w.at("2026-03-04T09:00:00Z") // 18:00 in Tokyo
	want("T1|seen|0 T2|done|<null> T3|new|0", "T1|seen|0 T3|new|0 T4|tokyo|0", "T1|seen|1 T3|new|1 T4|tokyo|1")
	w.exec("paris", "UPDATE ticket SET notes = 'solved', status = 1 WHERE id = 'T3'")

	w.at("2026-03-04T17:00:00Z") // 18:00 in Paris, 9:00 in San Francisco
	want("T1|seen|1 T2|done|<null> T3|solved|0 T4|tokyo|1", "T1|seen|0 T3|solved|0 T4|tokyo|0", "T1|seen|0 T3|solved|1 T4|tokyo|0")
	w.exec("sf", "UPDATE ticket SET notes = 'solved', status = 1 WHERE id = 'T4'")

	w.at("2026-03-05T02:00:00Z")
	want("T1|seen|0 T2|done|<null> T3|solved|0 T4|solved|1", "T1|seen|1 T3|solved|0 T4|solved|0", "T1|seen|0 T3|solved|1 T4|solved|0")
	w.equal("escalation", []string{w.waits("sf", "sf closes")}, "waiting|2026-03-06 02:00:00|0 done|2026-03-05 02:00:00|1")

	w.at("2026-03-07T02:00:00Z") // Friday evening; after the weekend clocks are an hour ahead. T1 is open and owned elsewhere
	w.equal("escalation", []string{w.waits("sf", "sf closes")}, "waiting|2026-03-10 01:00:00|0 done|2026-03-07 02:00:00|1")
}

// Beside a run that goes on an escalation is begun as soon as the clock says so.
func TestEscalationWhileFollowing(t *testing.T) {
	t.Parallel()
	w := desks(t, map[string]string{"sf": "sqlite", "tokyo": "sqlite", "paris": "sqlite"}, followTheSun)
	w.open()
	w.exec("sf", "INSERT INTO ticket (id, status, notes) VALUES ('T1', 0, 'new')")
	var clock atomic.Int64
	clock.Store(instant(t, "2026-03-03T20:00:00Z").Unix())
	drain, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := w.sys.Run(context.Background(), drain, run.Options{Log: testLog(t), Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
		done <- err
	}()
	defer func() {
		close(drain)
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	w.eventually("the escalations wait", func() bool { return strings.HasPrefix(w.waits("sf", "sf closes"), "waiting") })
	clock.Store(instant(t, "2026-03-04T02:00:00Z").Unix())
	w.eventually("the ticket is in Tokyo", func() bool { return w.tickets("tokyo") == "T1|new|1" && w.tickets("sf") == "T1|new|0" })
	clock.Store(instant(t, "2026-03-04T09:00:00Z").Unix())
	w.eventually("the ticket is in Paris", func() bool { return w.tickets("paris") == "T1|new|1" && w.tickets("tokyo") == "T1|new|0" })
	clock.Store(instant(t, "2026-03-04T17:00:00Z").Unix())
	w.eventually("the ticket is back", func() bool { return w.tickets("sf") == "T1|new|1" && w.tickets("paris") == "T1|new|0" })
	w.unharmed()
}

const accountEscalation = `
mappings:
  - {name: accounts, from: {server: src, form: Account}, to: {server: dst, form: Account}, transfer_mode: independent copy, duplicate_request_id: overwrite%s}
escalations:
  - {name: send, server: src, form: Account, %s, run_if: "%s", transfer: {mapping: accounts}%s}
`

// escalating makes a source with n accounts that an escalation sends, and an empty target that counts what is
// written into it.
func escalating(t *testing.T, from, to string, n int, definitions string) *world {
	t.Helper()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)},
		map[string]string{"src": accountForms, "dst": accountForms}, definitions)
	w.exec("src", fmt.Sprintf(accountTable[w.dbs["src"].Engine.Dialect], 100), fillAccounts(w.dbs["src"], n))
	w.exec("dst", fmt.Sprintf(accountTable[w.dbs["dst"].Engine.Dialect], 100), "CREATE TABLE written (id integer)")
	for _, event := range []string{"INSERT", "UPDATE"} {
		trigger := "CREATE TRIGGER count_" + event + " AFTER " + event + " ON account FOR EACH ROW "
		switch w.dbs["dst"].Engine.Dialect {
		case "postgres":
			w.exec("dst", "CREATE OR REPLACE FUNCTION count_written() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO written VALUES (NEW.id); RETURN NEW; END'",
				trigger+"EXECUTE FUNCTION count_written()")
		default:
			w.exec("dst", trigger+"BEGIN INSERT INTO written VALUES (NEW.id); END")
		}
	}
	w.open()
	return w
}

// written expects each of the accounts from 1 to n to have been written so many times.
func (w *world) written(n, times int) {
	w.t.Helper()
	w.equal("accounts written", rows(w.t, w.dbs["dst"], "SELECT count(DISTINCT id), count(*) FROM written"), fmt.Sprintf("%d|%d", n, n*times))
	w.unharmed()
}

// What is due while no process runs is made up for by one run, and remembered whatever becomes of processes.
func TestEscalationMissed(t *testing.T) {
	t.Parallel()
	for _, from := range inShort([]string{"sqlite", "postgres15", "mariadb10.11"}) {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			w := escalating(t, from, "sqlite", 3, fmt.Sprintf(accountEscalation, "", `at: {time: ["06:00", "18:00"], zone: Asia/Tokyo}`, "'balance' > 1", ""))
			wait := func(now, want string) {
				t.Helper()
				w.at(now)
				w.equal("at "+now, []string{w.waits("src", "send")}, want)
				if t.Failed() {
					t.FailNow()
				}
			}
			wait("2026-03-03T20:00:00Z", "waiting|2026-03-03 21:00:00|0")
			wait("2026-03-03T20:59:59Z", "waiting|2026-03-03 21:00:00|0")
			wait("2026-03-03T21:00:01Z", "waiting|2026-03-04 09:00:00|0 done|2026-03-03 21:00:01|2")
			w.exec("src", "UPDATE account SET note = 'again'")
			wait("2026-03-03T21:00:02Z", "waiting|2026-03-04 09:00:00|0 done|2026-03-03 21:00:01|2")
			w.equal("accounts", rows(t, w.dbs["dst"], allAccounts), "2|2|n2", "3|3|n3")
			wait("2026-03-09T08:00:00Z", "waiting|2026-03-09 09:00:00|0 done|2026-03-09 08:00:00|2")
			w.equal("accounts", rows(t, w.dbs["dst"], allAccounts), "2|2|again", "3|3|again")
			w.equal("writes", rows(t, w.dbs["dst"], "SELECT count(*) FROM written"), "4")
		})
	}
}

// An interval is counted from the start of the last run; another schedule begins anew, and so does an escalation that was
// disabled.
func TestEscalationInterval(t *testing.T) {
	t.Parallel()
	w := escalating(t, "sqlite", "sqlite", 3, fmt.Sprintf(accountEscalation, "", "every: 1h", "'balance' > 1", ""))
	wait := func(now, want string) {
		t.Helper()
		w.at(now)
		w.equal("at "+now, []string{w.waits("src", "send")}, want)
	}
	change := func(old, now string) {
		w.yaml = strings.Replace(w.yaml, old, now, 1)
		w.reopen()
	}
	wait("2026-03-03T20:00:00Z", "waiting|2026-03-03 21:00:00|0")
	wait("2026-03-03T21:20:00Z", "waiting|2026-03-03 22:20:00|0 done|2026-03-03 21:20:00|2")
	wait("2026-03-04T05:00:00Z", "waiting|2026-03-04 06:00:00|0 done|2026-03-04 05:00:00|2")
	change("every: 1h", "every: 2h")
	wait("2026-03-04T08:00:00Z", "waiting|2026-03-04 10:00:00|0 done|2026-03-04 05:00:00|2")
	change("every: 2h", "every: 2h, enabled: no")
	wait("2026-03-04T09:00:00Z", "")
	change("every: 2h, enabled: no", "every: 2h")
	wait("2026-03-04T11:00:00Z", "waiting|2026-03-04 13:00:00|0")
	w.written(2, 1)
}

// Else actions are carried out once where a run has found nothing, and in no other case.
func TestEscalationElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, "sqlite"), "dst": dbtest.New(t, "sqlite")},
		map[string]string{"src": accountForms, "dst": accountForms + "      - {name: Flag, table: flag}\n"},
		fmt.Sprintf(accountEscalation, "", "every: 1h", "'balance' > 100", `, else: {delete: {server: dst, form: Flag, request_id: '"some"'}}`))
	table := fmt.Sprintf(accountTable["sqlite"], 100)
	w.exec("src", table, fillAccounts(w.dbs["src"], 10))
	w.exec("dst", table, "CREATE TABLE flag (name varchar(20) PRIMARY KEY)", "INSERT INTO flag VALUES ('some'), ('other')")
	w.open()
	flags := func(now string, want ...string) {
		t.Helper()
		w.at(now)
		w.equal("flags at "+now, rows(t, w.dbs["dst"], "SELECT name FROM flag ORDER BY name"), want...)
	}
	flags("2026-03-03T20:00:00Z", "other", "some")
	w.exec("src", "UPDATE account SET balance = 101 WHERE id = 3")
	flags("2026-03-03T21:00:00Z", "other", "some")
	w.exec("src", "UPDATE account SET balance = 3 WHERE id = 3")
	flags("2026-03-03T22:00:00Z", "other")
	w.equal("accounts", rows(t, w.dbs["dst"], allAccounts), "3|101|n3")
	w.unharmed()
}

// Of several that are due those run first that were due first, each when the one before has ended.
func TestEscalationsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, "sqlite"), "one": dbtest.New(t, "sqlite"), "two": dbtest.New(t, "sqlite")},
		map[string]string{"src": accountForms, "one": accountForms, "two": accountForms}, `
mappings:
  - {name: to one, from: {server: src, form: Account}, to: {server: one, form: Account}, transfer_mode: copy + delete}
  - {name: to two, from: {server: src, form: Account}, to: {server: two, form: Account}, transfer_mode: copy + delete}
escalations:
  - {name: second, server: src, form: Account, at: {time: "18:01"}, transfer: {mapping: to two}}
  - {name: first, server: src, form: Account, at: {time: "18:00"}, run_if: "'id' <= 5", transfer: {mapping: to one}}
`)
	for name := range w.dbs {
		w.exec(name, fmt.Sprintf(accountTable["sqlite"], 100))
	}
	w.exec("src", fillAccounts(w.dbs["src"], 8))
	w.open()
	w.at("2026-03-03T12:00:00Z")
	w.at("2026-03-03T19:00:00Z")
	const count = "SELECT count(*) FROM account"
	w.equal("accounts", []string{rows(t, w.dbs["src"], count)[0], rows(t, w.dbs["one"], count)[0], rows(t, w.dbs["two"], count)[0]}, "0", "5", "3")
	w.unharmed()
}

// Requests that are changed while they are selected are judged as they are then: none is left out.
func TestEscalationUnderWriters(t *testing.T) {
	n := 3_000
	if testing.Short() {
		n = 1_000
	}
	for _, from := range []string{"sqlite", "postgres15", "mariadb10.11"} {
		t.Run(from, func(t *testing.T) {
			w := escalating(t, from, "sqlite", n, fmt.Sprintf(accountEscalation, "", "every: 1h", "'balance' >= 0", ""))
			w.at("2026-03-03T20:00:00Z")
			var stop atomic.Bool
			var g sync.WaitGroup
			for k := range 2 {
				g.Go(func() {
					for i := 0; !stop.Load(); i++ {
						if err := patiently(w.dbs["src"], fmt.Sprintf("UPDATE account SET balance = balance + 1 WHERE id %% 97 = %d", (2*i+k)%97)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			clock := instant(t, "2026-03-03T21:00:00Z")
			_, err := w.sys.Run(t.Context(), nil, run.Options{Once: true, Log: testLog(t), Now: func() time.Time { return clock }})
			stop.Store(true)
			g.Wait()
			if err != nil {
				t.Fatal(err)
			}
			w.written(n, 1)
			w.equal("taken", []string{w.waits("src", "send")}, fmt.Sprintf("waiting|2026-03-03 22:00:00|0 done|2026-03-03 21:00:00|%d", n))
		})
	}
}

// A run that is cut off goes on until it is done, and takes effect once, whenever and however often it is cut off.
func TestEscalationKilled(t *testing.T) {
	const n = 9_000 // three chunks
	for _, p := range [][2]string{{"sqlite", "sqlite"}, {"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}} {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			w := escalating(t, p[0], p[1], n, fmt.Sprintf(accountEscalation, "", "every: 1h", "'balance' >= 0", ""))
			w.at("2026-03-03T20:00:00Z")
			clock := instant(t, "2026-03-03T21:00:00Z")
			cuts := 0
			for _, cut := range []func() bool{
				func() bool { return strings.Contains(w.waits("src", "send"), "2026-03-03 21:00:00|0") }, // it is claimed
				func() bool { return rows(t, w.dbs["dst"], "SELECT count(*) FROM account")[0] != "0" },
				func() bool {
					return rows(t, w.dbs["src"], "SELECT count(*) FROM dso_pending WHERE rows_done > 0")[0] != "0"
				},
				func() bool { return rows(t, w.dbs["dst"], "SELECT count(*) FROM account WHERE id > 5000")[0] != "0" },
			} {
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = w.sys.Run(ctx, nil, run.Options{Once: true, Log: testLog(t), Now: func() time.Time { return clock }}) // its error is the cut's
				}()
				w.eventually("there is something to cut off", cut)
				cancel()
				<-done
				if !strings.Contains(w.waits("src", "send"), "done") {
					cuts++
				}
			}
			t.Logf("cut off %d times", cuts)
			w.at("2026-03-03T21:30:00Z")
			w.written(n, 1)
			if got := w.waits("src", "send"); !strings.HasPrefix(got, "waiting|2026-03-03 22:00:00|0 done|2026-03-03 21:00:00|") || strings.Count(got, "|") != 4 {
				t.Errorf("escalation: %s", got)
			}
		})
	}
}

// cutOff runs ardso at a time until a condition holds, and cuts it off.
func (w *world) cutOff(now, what string, ok func() bool) {
	w.t.Helper()
	clock := instant(w.t, now)
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.sys.Run(ctx, nil, run.Options{Once: true, Log: testLog(w.t), Now: func() time.Time { return clock }}) // its error is the cut's
	}()
	w.eventually(what, ok)
	cancel()
	<-done
}

// lock holds what a statement locks until it is let go.
func (w *world) lock(server, statement string) *sql.Tx {
	w.t.Helper()
	tx, err := w.dbs[server].BeginTx(context.Background(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = tx.Rollback() })
	if _, err := tx.Exec(statement); err != nil {
		w.t.Fatal(err)
	}
	return tx
}

// A hand-over by an escalation that is cut off before its server hears of it is completed by the next run, and what its
// owner has edited meanwhile goes with it.
func TestEscalationCutOffInHandOver(t *testing.T) {
	t.Parallel()
	for _, edited := range []bool{false, true} {
		t.Run(fmt.Sprintf("edited %t", edited), func(t *testing.T) {
			t.Parallel()
			w := desks(t, map[string]string{"sf": "postgres15", "tokyo": "sqlite", "paris": "sqlite"}, followTheSun)
			w.open()
			w.exec("sf", "INSERT INTO ticket (id, status, notes) VALUES ('T1', 0, 'new'), ('T2', 0, 'two')")
			w.at("2026-03-03T20:00:00Z")
			held := w.lock("sf", "SELECT id FROM ticket FOR UPDATE")
			w.cutOff("2026-03-04T02:00:00Z", "the tickets are in Tokyo", func() bool { return w.tickets("tokyo") == "T1|new|1 T2|two|1" })
			w.equal("San Francisco", []string{w.tickets("sf")}, "T1|new|<null> T2|two|<null>")
			note := "new"
			if edited {
				note = "late"
				if _, err := held.Exec("UPDATE ticket SET notes = 'late' WHERE id = 'T1'"); err != nil {
					t.Fatal(err)
				}
			}
			if err := held.Commit(); err != nil {
				t.Fatal(err)
			}
			w.at("2026-03-04T02:30:00Z")
			w.equal("San Francisco", []string{w.tickets("sf")}, "T1|"+note+"|0 T2|two|0")
			w.equal("Tokyo", []string{w.tickets("tokyo")}, "T1|"+note+"|1 T2|two|1")
			w.equal("escalation", []string{w.waits("sf", "sf closes")}, "waiting|2026-03-05 02:00:00|0 done|2026-03-04 02:00:00|2")
			w.unharmed()
		})
	}
}

// That a run has taken something is stored before anything of it is carried out, which may leave nothing to be found.
func TestEscalationElseAfterCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, "sqlite"), "dst": dbtest.New(t, "postgres15")},
		map[string]string{"src": accountForms, "dst": accountForms + "      - {name: Flag, table: flag}\n"}, `
mappings:
  - {name: accounts, from: {server: src, form: Account}, to: {server: dst, form: Account}, transfer_mode: copy + delete}
escalations:
  - {name: send, server: src, form: Account, every: 1h, transfer: {mapping: accounts}, else: {delete: {server: dst, form: Flag, request_id: '"some"'}}}
`)
	w.exec("src", fmt.Sprintf(accountTable["sqlite"], 100), fillAccounts(w.dbs["src"], 2))
	w.exec("dst", fmt.Sprintf(accountTable["postgres"], 100), "CREATE TABLE flag (name varchar(20) PRIMARY KEY)", "INSERT INTO flag VALUES ('some')")
	w.open()
	w.at("2026-03-03T20:00:00Z")
	held := w.lock("dst", "LOCK TABLE account IN EXCLUSIVE MODE")
	w.cutOff("2026-03-03T21:00:00Z", "the run is known to have taken requests", func() bool {
		return w.waits("src", "send") == "waiting|2026-03-03 22:00:00|0 running|2026-03-03 21:00:00|2"
	})
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	w.exec("src", "DELETE FROM account") // as if it had been carried out but for the end of the run
	w.at("2026-03-03T21:30:00Z")
	w.equal("flags", rows(t, w.dbs["dst"], "SELECT name FROM flag"), "some")
	w.equal("escalation", []string{w.waits("src", "send")}, "waiting|2026-03-03 22:00:00|0 done|2026-03-03 21:00:00|2")
	w.at("2026-03-03T22:00:00Z")
	w.equal("flags when there is nothing", rows(t, w.dbs["dst"], "SELECT name FROM flag"))
	w.unharmed()
}

// A target that is away keeps no run from its end: what it is to take waits, once however often it is selected.
func TestEscalationTargetAway(t *testing.T) {
	t.Parallel()
	server := dbtest.Server(t, "postgres15")
	w := newWorld(t, map[string]*engine.DB{"sf": dbtest.New(t, "sqlite"), "tokyo": server.Database(t)}, map[string]string{"sf": ticketForm, "tokyo": ticketForm}, `
mappings:
  - {name: to Tokyo, from: {server: sf, form: Ticket}, to: {server: tokyo, form: Ticket}, transfer_mode: data + ownership, when_to_update: immediately}
escalations:
  - {name: hourly, server: sf, form: Ticket, every: 1h, run_if: "'Status' = \"Open\"", transfer: {mapping: to Tokyo}}
`)
	for name := range w.dbs {
		w.exec(name, "CREATE TABLE ticket ("+ticketColumns+", "+stormtest.DistributedColumns(schema.Basic)+")")
	}
	w.open()
	w.exec("sf", "INSERT INTO ticket (id, status, notes) VALUES ('T1', 0, 'new'), ('T2', 1, 'done')")
	clock := &clock{}
	stop := w.followBy(clock, "sf")
	defer stop()
	w.eventually("the escalation waits", func() bool { return strings.HasPrefix(w.waits("sf", "hourly"), "waiting") })
	server.Stop(t)
	for run := range 2 {
		before := w.waits("sf", "hourly")
		clock.turn(time.Hour + time.Minute)
		w.eventually(fmt.Sprintf("run %d has ended", run), func() bool {
			now := w.waits("sf", "hourly")
			return now != before && strings.Contains(now, " done|") && strings.HasSuffix(now, "|1")
		})
		w.exec("sf", fmt.Sprintf("UPDATE ticket SET notes = 'edited %d' WHERE id = 'T1'", run))
	}
	w.equal("San Francisco", []string{w.tickets("sf")}, "T1|edited 1|1 T2|done|<null>")
	server.Start(t)
	clock.turn(time.Hour)
	w.eventually("the ticket is in Tokyo", func() bool {
		return w.tickets("tokyo") == "T1|edited 1|1" && w.tickets("sf") == "T1|edited 1|0 T2|done|<null>"
	})
	w.unharmed()
}
