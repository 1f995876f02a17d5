package run_test

import (
	"context"
	"fmt"
	"strings"
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
