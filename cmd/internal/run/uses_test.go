package run_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"ardso/apply/conflict"
	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/guard"
	"ardso/sql/schema"
)

// useOf is a world with the definitions that docs/uses.md gives under a heading: only where the servers are is
// replaced.
func useOf(t *testing.T, heading string, dbs map[string]*engine.DB) *world {
	t.Helper()
	page, err := os.ReadFile("../../../docs/uses.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## "+heading+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	parts := strings.Split(rest, "```yaml\n")
	if !found || len(parts) != 2 {
		t.Fatalf("docs/uses.md: %q has not one block of definitions", heading)
	}
	yaml, _, _ := strings.Cut(parts[1], "```\n")
	addresses := regexp.MustCompile(`(?m)^ +url: .*\n +password: .*\n`)
	if n := len(addresses.FindAllString(yaml, -1)); n != len(dbs) {
		t.Fatalf("docs/uses.md: %d servers under %q, want %d", n, heading, len(dbs))
	}
	for name, db := range dbs {
		c := db.Config()
		address := fmt.Sprintf("    url: %q\n", c.URL)
		if c.Password != "" {
			address += fmt.Sprintf("    password: ${PASSWORD_%s}\n", name)
		}
		before, after, found := strings.Cut(yaml, "\n  "+name+":\n")
		at := addresses.FindStringIndex(after)
		if !found || at == nil || at[0] != 0 {
			t.Fatalf("docs/uses.md: no server %s under %q", name, heading)
		}
		yaml = before + "\n  " + name + ":\n" + address + after[at[1]:]
	}
	return &world{t: t, dbs: dbs, yaml: yaml}
}

// replace changes something in the definitions, everywhere.
func (w *world) replace(old, now string) {
	w.t.Helper()
	if !strings.Contains(w.yaml, old) {
		w.t.Fatalf("the definitions have no %q", old)
	}
	w.yaml = strings.ReplaceAll(w.yaml, old, now)
}

// archiving is the archive of docs/uses.md; production has a column that the archive has not, and room for longer summaries.
func archiving(t *testing.T, production, archive *engine.DB) *world {
	t.Helper()
	w := useOf(t, "Archive", map[string]*engine.DB{"production": production, "archive": archive})
	for name, db := range w.dbs {
		when := "timestamp"
		if db.Engine.Dialect == "mysql" {
			when = "datetime"
		}
		more := "summary varchar(40)"
		if name == "production" {
			more = "summary varchar(50), internal varchar(50)"
		}
		w.exec(name, "CREATE TABLE request (id varchar(15) NOT NULL PRIMARY KEY, modified "+when+", status integer, "+more+")")
	}
	return w
}

// requests lists a server's requests.
func (w *world) requests(server string) string {
	return strings.Join(rows(w.t, w.dbs[server], "SELECT id, status, summary FROM request ORDER BY id"), " ")
}

// archived expects what production and archive hold.
func (w *world) archived(production, archive string) {
	w.t.Helper()
	w.equal("production", []string{w.requests("production")}, production)
	w.equal("archive", []string{w.requests("archive")}, archive)
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// night is when a run of the nightly archive is due: the first one is that of 3 March 2026.
func night(n int) string {
	return time.Date(2026, time.March, 3+n, 10, 30, 0, 0, time.UTC).Format(time.RFC3339)
}

// Closed and old requests move to the archive, all others stay; one that was brought back stays for its time, too.
func TestArchive(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			w := archiving(t, dbtest.New(t, engines[0]), dbtest.New(t, engines[1]))
			w.open()
			w.exec("production", `INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2025-11-01 12:00:00', 4, 'old'),
				('R2', '2025-12-03 10:30:00', 4, 'of the day'), ('R3', '2025-11-01 12:00:00', 1, 'open'), ('R4', NULL, 4, 'undated'),
				('R5', '2025-11-01 12:00:00', NULL, 'unknown'), ('R6', '2025-12-03 10:29:59', 4, 'just old')`)
			const others = "R3|1|open R4|4|undated R5|<null>|unknown"
			w.at("2026-03-03T10:00:00Z")
			w.archived("R1|4|old R2|4|of the day "+others+" R6|4|just old", "")
			w.at(night(0))
			w.archived("R2|4|of the day "+others, "R1|4|old R6|4|just old")
			w.equal("escalation", []string{w.waits("production", "nightly archive")}, "waiting|2026-03-04 10:30:00|0 done|2026-03-03 10:30:00|2")
			w.at(night(1))
			w.archived(others, "R1|4|old R2|4|of the day R6|4|just old")
			w.at(night(2))
			w.archived(others, "R1|4|old R2|4|of the day R6|4|just old")
			w.unharmed()

			w.transfer("back from the archive", `'Request ID' = "R1"`)
			w.archived("R1|4|old "+others, "R2|4|of the day R6|4|just old")
			w.equal("brought back now", rows(t, w.dbs["production"], "SELECT id FROM request WHERE modified > '2026-03-05 11:00:00'"), "R1")
			w.at(night(3))
			w.archived("R1|4|old "+others, "R2|4|of the day R6|4|just old")
			w.exec("production", "UPDATE request SET modified = '2025-11-01 12:00:00', summary = 'again' WHERE id = 'R1'")
			w.at(night(4))
			w.archived(others, "R1|4|again R2|4|of the day R6|4|just old")
			w.unharmed()

			// What is there already is neither overwritten nor lost.
			w.exec("production", "INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2026-03-05 12:00:00', 1, 'other')")
			w.transfer("back from the archive", `'Request ID' = "R1"`)
			w.archived("R1|1|other "+others, "R1|4|again R2|4|of the day R6|4|just old")
			w.equal("errors", rows(t, w.dbs["production"], "SELECT request, error FROM dso_pending_error"), "R1|insert_exists")
		})
	}
}

// An equal copy that is there already is left as it is, and the request is deleted.
func TestArchiveEqualCopy(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"mariadb10.11", "postgres15"}, {"sqlite", "mariadb10.11"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			w := archiving(t, dbtest.New(t, engines[0]), dbtest.New(t, engines[1]))
			w.open()
			for _, server := range []string{"production", "archive"} {
				w.exec(server, "INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2025-11-01 12:00:00', 4, 'old')")
			}
			w.at("2026-03-03T10:00:00Z")
			w.at(night(0))
			w.archived("", "R1|4|old")
			w.unharmed()
		})
	}
}

// What is changed between copy and delete stays as it was changed, and goes once it is closed and old again: by hand, or by
// itself where older copies are overwritten. By filters: TestCopyAndDelete.
func TestArchiveChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}}) {
		for _, overwrite := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s to %s, overwrite %t", engines[0], engines[1], overwrite), func(t *testing.T) {
				t.Parallel()
				w := archiving(t, dbtest.New(t, engines[0]), dbtest.New(t, engines[1]))
				if overwrite {
					w.replace("- name: to the archive\n", "- name: to the archive\n    duplicate_request_id: overwrite\n")
				}
				w.open()
				w.exec("production", `INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2025-11-01 12:00:00', 4, 'one'),
					('R2', '2025-11-01 12:00:00', 4, 'two'), ('R3', '2025-11-01 12:00:00', 4, 'three'), ('R4', '2025-11-01 12:00:00', 4, 'four')`)
				w.at("2026-03-03T10:00:00Z")
				held := w.lock("production", "SELECT id FROM request FOR UPDATE")
				done := make(chan error, 1)
				clock := instant(t, night(0))
				go func() {
					_, err := w.sys.Run(t.Context(), nil, run.Options{Once: true, Log: testLog(t), Now: func() time.Time { return clock }})
					done <- err
				}()
				w.eventually("all are copied", func() bool { return w.requests("archive") == "R1|4|one R2|4|two R3|4|three R4|4|four" })
				for _, s := range []string{"UPDATE request SET status = 1, summary = 'reopened' WHERE id = 'R1'", "UPDATE request SET internal = 'noted' WHERE id = 'R2'", "DELETE FROM request WHERE id = 'R3'"} {
					if _, err := held.Exec(s); err != nil {
						t.Fatal(err)
					}
				}
				if err := errors.Join(held.Commit(), <-done); err != nil {
					t.Fatal(err)
				}
				w.archived("R1|1|reopened R2|4|two", "R1|4|one R2|4|two R3|4|three R4|4|four")
				w.equal("records", rows(t, w.dbs["production"], "SELECT request, kind, settled_by FROM dso_conflict WHERE kind = 'delete_differs' ORDER BY request"),
					"R1|delete_differs|copy + delete: the source was changed", "R2|delete_differs|copy + delete: the source was changed")

				w.at(night(1)) // R2 as the archive has it, for all that is carried there
				w.archived("R1|1|reopened", "R1|4|one R2|4|two R3|4|three R4|4|four")
				w.exec("production", "UPDATE request SET status = 4, summary = 'at last', modified = '2025-11-02 12:00:00' WHERE id = 'R1'")
				w.at(night(2))
				if !overwrite {
					w.archived("R1|4|at last", "R1|4|one R2|4|two R3|4|three R4|4|four")
					w.at(night(3))
					w.archived("R1|4|at last", "R1|4|one R2|4|two R3|4|three R4|4|four")
					conn := w.person("archive")
					ids, err := control.ErrorFilter{}.IDs(t.Context(), conn.DB)
					if err != nil || len(ids) != 1 {
						t.Fatalf("errors %v, %v", ids, err)
					}
					w.equal("error", rows(t, w.dbs["archive"], "SELECT request, error FROM dso_pending_error"), "R1|insert_exists")
					if _, err := w.byHand("resolve").ResolveError(t.Context(), conn, ids[0], run.Resolution{Take: conflict.Source}); err != nil {
						t.Fatal(err)
					}
					w.at("2026-03-06T12:00:00Z")
				}
				w.archived("", "R1|4|at last R2|4|two R3|4|three R4|4|four")
				w.equal("errors", rows(t, w.dbs["archive"], "SELECT request, error FROM dso_pending_error"))
				w.equal("record", rows(t, w.dbs["archive"], "SELECT request, kind FROM dso_conflict"), "R1|insert_exists")
				w.at(night(5))
				w.archived("", "R1|4|at last R2|4|two R3|4|three R4|4|four")
			})
		}
	}
}

// A run that is cut off between copy and delete is completed by the next, unless the request was changed meanwhile.
func TestArchiveCutOff(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"mariadb10.11", "postgres15"}, {"postgres15", "sqlite"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			w := archiving(t, dbtest.New(t, engines[0]), dbtest.New(t, engines[1]))
			w.open()
			w.exec("production", "INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2025-11-01 12:00:00', 4, 'one'), ('R2', '2025-11-01 12:00:00', 4, 'two')")
			w.at("2026-03-03T10:00:00Z")
			held := w.lock("production", "SELECT id FROM request FOR UPDATE")
			w.cutOff(night(0), "both are copied", func() bool { return w.requests("archive") == "R1|4|one R2|4|two" })
			if _, err := held.Exec("UPDATE request SET status = 1, summary = 'reopened' WHERE id = 'R2'"); err != nil {
				t.Fatal(err)
			}
			if err := held.Commit(); err != nil {
				t.Fatal(err)
			}
			w.at("2026-03-03T11:00:00Z")
			w.archived("R2|1|reopened", "R1|4|one R2|4|two")
			w.at(night(1))
			w.archived("R2|1|reopened", "R1|4|one R2|4|two")
		})
	}
}

// What the archive cannot take stays in production, and is told; it goes once the cause is cured.
func TestArchiveCannotTake(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			w := archiving(t, dbtest.New(t, engines[0]), dbtest.New(t, engines[1]))
			w.open()
			long := strings.Repeat("x", 41)
			w.exec("archive", "CREATE UNIQUE INDEX once ON request (summary)", "INSERT INTO request (id, status, summary) VALUES ('A1', 1, 'taken'), ('R3', 1, 'other')")
			w.exec("production", `INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2025-11-01 12:00:00', 4, '`+long+`'),
				('R2', '2025-11-01 12:00:00', 4, 'taken'), ('R3', '2025-11-01 12:00:00', 4, 'three'), ('R4', '2025-11-01 12:00:00', 4, 'four')`)
			w.at("2026-03-03T10:00:00Z")
			held := func(server string, want ...string) {
				t.Helper()
				w.equal("errors on "+server, rows(t, w.dbs[server], "SELECT request, error FROM dso_pending_error ORDER BY request"), want...)
			}
			for n := range 2 {
				w.at(night(n))
				w.archived("R1|4|"+long+" R2|4|taken R3|4|three", "A1|1|taken R3|1|other R4|4|four")
				held("production", "R1|value.too_long")
				held("archive", "R2|unique_taken", "R3|insert_exists")
			}
			w.exec("production", "UPDATE request SET summary = 'one' WHERE id = 'R1'")
			w.exec("archive", "UPDATE request SET summary = 'free' WHERE id = 'A1'", "UPDATE request SET id = 'A3' WHERE id = 'R3'")
			for _, server := range []string{"production", "archive"} {
				conn := w.person(server)
				ids, err := control.ErrorFilter{}.IDs(t.Context(), conn.DB)
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range ids {
					if _, err := w.byHand("retry").RetryError(t.Context(), conn, id); err != nil {
						t.Fatal(err)
					}
				}
			}
			w.at("2026-03-04T12:00:00Z")
			w.archived("", "A1|1|free A3|1|other R1|4|one R2|4|taken R3|4|three R4|4|four")
			held("production")
			held("archive")
		})
	}
}

// While the archive is away requests stay where they are; what is edited by the time that it is back is not deleted.
func TestArchiveAway(t *testing.T) {
	t.Parallel()
	server := dbtest.Server(t, "postgres15")
	w := archiving(t, dbtest.New(t, "sqlite"), server.Database(t))
	w.open()
	w.exec("production", "INSERT INTO request (id, modified, status, summary) VALUES ('R1', '2025-11-01 12:00:00', 4, 'one'), ('R2', '2025-11-01 12:00:00', 4, 'two')")
	clock := &clock{}
	stop := w.followBy(clock, "production")
	defer stop()
	w.eventually("the escalation waits", func() bool { return strings.HasPrefix(w.waits("production", "nightly archive"), "waiting") })
	server.Stop(t)
	for n := range 2 {
		before := w.waits("production", "nightly archive")
		clock.turn(24 * time.Hour)
		w.eventually(fmt.Sprintf("run %d has ended", n), func() bool {
			now := w.waits("production", "nightly archive")
			return now != before && strings.Contains(now, " done|") && strings.HasSuffix(now, "|2")
		})
	}
	w.eventually("both wait", func() bool {
		return strings.Join(rows(t, w.dbs["production"], "SELECT request FROM dso_pending WHERE type = 'operation' ORDER BY request"), " ") == "R1 R2"
	})
	w.equal("production", []string{w.requests("production")}, "R1|4|one R2|4|two")
	w.exec("production", "UPDATE request SET status = 1, summary = 'reopened', modified = '2026-03-01 12:00:00' WHERE id = 'R1'")
	server.Start(t)
	clock.turn(time.Hour)
	w.eventually("R2 has moved", func() bool { return w.requests("production") == "R1|1|reopened" })
	w.eventually("nothing waits", func() bool {
		return len(rows(t, w.dbs["production"], "SELECT request FROM dso_pending WHERE type = 'operation'")) == 0
	})
	stop()
	w.archived("R1|1|reopened", "R1|4|one R2|4|two")
}

// knowledge is the knowledge base of docs/uses.md on engines for central, paris and tokyo.
func knowledge(t *testing.T, engines [3]string) *world {
	t.Helper()
	dbs := make(map[string]*engine.DB)
	for i, name := range []string{"central", "paris", "tokyo"} {
		dbs[name] = dbtest.New(t, engines[i])
	}
	w := useOf(t, "Shared knowledge base", dbs)
	for name := range dbs {
		w.exec(name, "CREATE TABLE knowledge (article varchar(20) NOT NULL PRIMARY KEY, site varchar(20), summary varchar(50), solution varchar(50))")
		if name != "central" {
			w.exec(name, "CREATE TABLE ticket (id varchar(15) NOT NULL PRIMARY KEY, status integer, summary varchar(50), solution varchar(50), internal varchar(50))")
		}
	}
	return w
}

// ready does what docs/uses.md says before ardso runs.
func (w *world) ready(guarded bool) {
	w.t.Helper()
	w.open()
	for name := range w.dbs {
		w.addFields(name, "Knowledge", schema.Basic)
	}
	w.reopen()
	for name := range w.dbs {
		if !guarded {
			break
		}
		g, err := (&owned{world: w}).connection(name).Guard(w.t.Context(), "Knowledge", w.sys.Document)
		if err != nil {
			w.t.Fatal(err)
		}
		steps, err := g.InstallPlan(w.t.Context())
		if err == nil {
			err = g.Apply(w.t.Context(), steps, 0, func(guard.Step) {})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// settled carries out all there is to do, and sees that it ends.
func (w *world) settled() {
	w.t.Helper()
	for range 3 { // from a site to central, to the others
		w.once()
	}
	still := w.transactions()
	w.once()
	w.equal("transactions at rest", w.transactions(), still...)
}

const allArticles = "SELECT article, site, summary, solution FROM knowledge ORDER BY article"

// articles expects all servers to have the same articles, and no error.
func (w *world) articles(want ...string) {
	w.t.Helper()
	for name, db := range w.dbs {
		w.equal("articles of "+name, rows(w.t, db, allArticles), want...)
		w.equal("errors on "+name, rows(w.t, db, "SELECT source, request, error, reason FROM dso_pending_error"))
	}
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// What a site has solved all sites can read, and what becomes of it; nothing goes round in circles.
func TestKnowledgeBase(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][3]string{{"postgres15", "mariadb10.11", "sqlite"}, {"mariadb10.11", "sqlite", "postgres15"}, {"sqlite", "postgres15", "mariadb10.11"}}) {
		t.Run(strings.Join(engines[:], " "), func(t *testing.T) {
			t.Parallel()
			w := knowledge(t, engines)
			// Archiving, by hand: a filter on delete must leave it out.
			w.replace("filters:\n", "  - {name: away, from: {server: paris, form: Ticket}, to: {server: tokyo, form: Ticket}, transfer_mode: copy + delete}\nfilters:\n")
			w.exec("paris", "INSERT INTO ticket VALUES ('0', 4, 'before', 'known', NULL), ('1', 1, 'printer', NULL, 'secret')")
			w.ready(true)
			w.settled()
			w.articles()
			w.transfer("Paris to central", `'Status' >= "Solved"`)
			w.transfer("Paris at home", `'Status' >= "Solved"`)
			w.settled()
			w.articles("PAR-0|Paris|before|known")

			// The same Request ID at two sites, and an article of central's own.
			w.exec("paris", "UPDATE ticket SET status = 3, solution = 'paper' WHERE id = '1'")
			w.exec("tokyo", "INSERT INTO ticket VALUES ('1', 3, 'screen', 'cable', NULL), ('2', 0, 'mouse', NULL, NULL)")
			w.exec("central", "INSERT INTO knowledge (article, site, summary, solution) VALUES ('C-1', 'central', 'policy', 'ask')")
			w.settled()
			w.articles("C-1|central|policy|ask", "PAR-0|Paris|before|known", "PAR-1|Paris|printer|paper", "TOK-1|Tokyo|screen|cable")

			// Solved tickets are edited, one is reopened and solved again; what nobody shall see changes.
			w.exec("paris", "UPDATE ticket SET solution = 'more paper' WHERE id = '1'", "UPDATE ticket SET status = 1, solution = 'perhaps' WHERE id = '0'")
			w.exec("tokyo", "UPDATE ticket SET internal = 'secret' WHERE id = '1'", "UPDATE ticket SET status = 4 WHERE id = '1'", "DELETE FROM ticket WHERE id = '2'")
			w.exec("central", "UPDATE knowledge SET solution = 'do not ask' WHERE article = 'C-1'")
			w.settled()
			w.articles("C-1|central|policy|do not ask", "PAR-0|Paris|before|known", "PAR-1|Paris|printer|more paper", "TOK-1|Tokyo|screen|cable")
			w.unharmed()
			w.exec("paris", "UPDATE ticket SET status = 3, solution = 'sure' WHERE id = '0'")
			w.settled()
			w.articles("C-1|central|policy|do not ask", "PAR-0|Paris|before|sure", "PAR-1|Paris|printer|more paper", "TOK-1|Tokyo|screen|cable")
			for _, server := range []string{"central", "paris"} {
				w.equal("record", rows(t, w.dbs[server], "SELECT request, kind FROM dso_conflict"), "0|insert_exists")
			}

			// Transferred by hand again they stay as they are.
			w.transfer("central to Tokyo", "")
			w.transfer("Tokyo to central", `'Status' >= "Solved"`)
			w.settled()
			w.articles("C-1|central|policy|do not ask", "PAR-0|Paris|before|sure", "PAR-1|Paris|printer|more paper", "TOK-1|Tokyo|screen|cable")

			// The copies are read-only.
			for server, article := range map[string]string{"central": "PAR-1", "paris": "PAR-1", "tokyo": "C-1"} {
				for _, s := range []string{"UPDATE knowledge SET solution = 'mine'", "DELETE FROM knowledge"} {
					if _, err := w.dbs[server].ExecContext(t.Context(), s+" WHERE article = '"+article+"'"); err == nil || !strings.Contains(err.Error(), "ardso: this request is owned by another server") {
						t.Errorf("%s: %s: %v", server, s, err)
					}
				}
			}

			// Deleted by a user a ticket takes its article with it, archived it does not.
			w.exec("tokyo", "DELETE FROM ticket WHERE id = '1'")
			w.exec("central", "DELETE FROM knowledge WHERE article = 'C-1'")
			w.transfer("away", `'Request ID' = "0"`)
			w.settled()
			w.equal("tickets of Paris", rows(t, w.dbs["paris"], "SELECT id FROM ticket"), "1")
			w.articles("PAR-0|Paris|before|sure", "PAR-1|Paris|printer|more paper")
		})
	}
}

// Without prefixes two tickets want to be one article: the first is, the other waits in errors, and nothing is overwritten.
func TestKnowledgeBaseSameIDs(t *testing.T) {
	t.Parallel()
	w := knowledge(t, [3]string{"mariadb10.11", "sqlite", "postgres15"})
	for _, prefix := range []string{"PAR", "TOK"} {
		w.replace(`"\"`+prefix+`-\" + 'Request ID'"`, `"'Request ID'"`)
	}
	w.ready(true)
	w.exec("paris", "INSERT INTO ticket VALUES ('1', 3, 'printer', 'paper', NULL)")
	w.settled()
	w.exec("tokyo", "INSERT INTO ticket VALUES ('1', 3, 'screen', 'cable', NULL)")
	w.settled()
	w.exec("tokyo", "UPDATE ticket SET solution = 'new cable'")
	w.settled()
	for name, db := range w.dbs {
		w.equal("articles of "+name, rows(t, db, allArticles), "1|Paris|printer|paper")
	}
	w.equal("errors at central", rows(t, w.dbs["central"], "SELECT source, request, error FROM dso_pending_error"), "tokyo|1|insert_exists")
	w.equal("errors in Tokyo", rows(t, w.dbs["tokyo"], "SELECT source, request, error FROM dso_pending_error"), "tokyo|1|insert_exists")
	w.equal("errors in Paris", rows(t, w.dbs["paris"], "SELECT source, request, error FROM dso_pending_error"))
}

// Without a guard an edit of a copy stands until the article is changed where it belongs, and is recorded.
func TestKnowledgeBaseEditedCopies(t *testing.T) {
	t.Parallel()
	w := knowledge(t, [3]string{"sqlite", "postgres15", "mariadb10.11"})
	w.ready(false)
	w.exec("paris", "INSERT INTO ticket VALUES ('1', 3, 'printer', 'paper', NULL)")
	w.settled()
	w.exec("tokyo", "UPDATE knowledge SET solution = 'ink'")
	w.settled()
	w.equal("Tokyo", rows(t, w.dbs["tokyo"], allArticles), "PAR-1|Paris|printer|ink")
	w.exec("paris", "UPDATE ticket SET solution = 'more paper'")
	w.settled()
	w.articles("PAR-1|Paris|printer|more paper")
	w.equal("records", rows(t, w.dbs["tokyo"], "SELECT request, kind, outcome FROM dso_conflict"), "PAR-1|update_differs|update")

	w.exec("central", "UPDATE knowledge SET solution = 'ask'")
	w.settled()
	w.articles("PAR-1|Paris|printer|ask")
	w.equal("records", rows(t, w.dbs["central"], "SELECT request, kind FROM dso_conflict"), "PAR-1|foreign_change")
	w.exec("paris", "UPDATE ticket SET solution = 'paper'")
	w.settled()
	w.articles("PAR-1|Paris|printer|paper")
}
