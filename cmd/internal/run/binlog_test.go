package run_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/mapping"
	"ardso/sql/engine"
)

// What only servers with a binlog do to those who read it. What they have in common with others is in the
// tests beside this.

// binlogs are the engines that write a binlog.
func binlogs() []string {
	return slices.DeleteFunc(sources(), func(e string) bool { return !strings.HasPrefix(e, "m") })
}

// eachBinlog runs f for each of them, at the same time.
func eachBinlog(t *testing.T, f func(t *testing.T, e string)) {
	t.Helper()
	for _, e := range binlogs() {
		t.Run(e, func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// session is a single connection to a database, with settings of its own.
func session(t *testing.T, db *engine.DB, settings ...string) *engine.DB {
	t.Helper()
	s, err := engine.Open(t.Context(), db.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.SetMaxOpenConns(1)
	for _, q := range settings {
		exec(t, s, q)
	}
	return s
}

// arrives inserts a request and waits until it is on the target.
func (w *world) arrives(id string) {
	w.t.Helper()
	if err := patiently(w.dbs["src"], "INSERT INTO repair (id, summary) VALUES ('"+id+"', 'arrives')"); err != nil {
		w.t.Fatal(err)
	}
	w.eventually(id+" arrives", func() bool {
		return rows(w.t, w.dbs["dst"], "SELECT count(*) FROM repair WHERE id = '"+id+"'")[0] == "1"
	})
}

// The server is stopped and killed under load, and started again: ardso goes on by itself (MS-1).
func TestBinlogServerRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("it restarts servers of its own")
	}
	eachBinlog(t, func(t *testing.T, e string) {
		server := dbtest.Server(t, e)
		w := pairOf(t, server.Database(t), dbtest.New(t, "sqlite"))
		stop := w.follow()
		var ended atomic.Bool
		var writers sync.WaitGroup
		for k := range 3 {
			writers.Go(func() {
				for i := 0; !ended.Load(); i++ {
					_ = w.scrawl(k, i)           // it fails while the server is away
					time.Sleep(time.Millisecond) // that the target keeps up
				}
			})
		}
		for n, down := range []func(testing.TB){server.Stop, server.Kill} {
			w.arrives(fmt.Sprint("before ", n))
			down(t)
			server.Start(t)
		}
		w.arrives("in the end")
		ended.Store(true)
		writers.Wait()
		stop()
		w.settle()
	})
}

// A log of many small files, followed while they are made and read later (MS-22).
func TestBinlogRotates(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	eachBinlog(t, func(t *testing.T, e string) {
		w := pairOf(t, dbtest.Server(t, e, "max-binlog-size=4096").Database(t), dbtest.New(t, "sqlite"))
		write := func() {
			var g sync.WaitGroup
			for k := range 3 {
				g.Go(func() { w.scribble(k, 60) })
			}
			g.Go(func() {
				for range 20 {
					w.exec("src", "FLUSH BINARY LOGS")
				}
			})
			g.Wait()
		}
		stop := w.follow()
		write()
		stop()
		w.settle()
		write()
		w.exec("src", "FLUSH BINARY LOGS")
		w.settle()
		if n := len(rows(t, w.dbs["src"], "SHOW BINARY LOGS")); n < 40 {
			t.Errorf("%d files, too few to tell", n)
		}
	})
}

// The log is the server's: it holds what happens in other databases, to tables of the same name too.
func TestBinlogOtherDatabases(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "sqlite")
		ours, theirs := w.dbs["src"], dbtest.New(t, e)
		exec(t, theirs, repairTable["mysql"])
		// One transaction in both, from either as the default database.
		for i, db := range []*engine.DB{ours, theirs} {
			tx, err := db.Beginx()
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range []*engine.DB{theirs, ours, theirs} {
				if _, err := tx.Exec(fmt.Sprintf("INSERT INTO %s.repair (id, summary) VALUES ('%s %d', 'x') ON DUPLICATE KEY UPDATE status = 1", in.Schema, in.Schema, i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		// Their table changes, is emptied and goes; ours does not.
		exec(t, theirs, "ALTER TABLE repair ADD COLUMN first_one int FIRST, DROP COLUMN log")
		exec(t, theirs, "INSERT INTO repair (id) VALUES ('other shape')")
		exec(t, ours, "TRUNCATE TABLE "+theirs.Schema+".repair")
		exec(t, theirs, "DROP TABLE repair")
		// So does a temporary one that hides ours.
		s := session(t, ours, "CREATE TEMPORARY TABLE repair (id int PRIMARY KEY)", "INSERT INTO repair VALUES (1)", "TRUNCATE TABLE repair", "DROP TEMPORARY TABLE repair")
		exec(t, s, "INSERT INTO repair (id, summary) VALUES ('ours again', 'y')")
		w.settle()
		w.equal("requests", rows(t, w.dbs["dst"], "SELECT id FROM repair ORDER BY id"), "ours again", ours.Schema+" 0", ours.Schema+" 1")
	})
}

// tableChanges are statements that change the table or its name, and leave its fields there.
var tableChanges = [][]string{
	{"ALTER TABLE repair ADD COLUMN first_one int NOT NULL DEFAULT 5 FIRST"},
	{"ALTER TABLE repair ADD COLUMN mid varchar(300) CHARACTER SET latin1 AFTER summary"},
	{"CREATE INDEX by_status ON repair (status)"},
	{"ALTER TABLE repair MODIFY summary varchar(300) CHARACTER SET latin1"},
	{"ALTER TABLE repair DROP COLUMN first_one, MODIFY log longtext AFTER id"},
	{"RENAME TABLE repair TO away", "RENAME TABLE away TO repair"},
	{"ALTER TABLE repair RENAME TO away", "ALTER TABLE away RENAME TO repair"},
	// As tools for changes on line do it: another table with all that was in this one takes its place.
	{"CREATE TABLE fresh LIKE repair", "ALTER TABLE fresh ADD COLUMN late int FIRST", "INSERT INTO fresh SELECT NULL, repair.* FROM repair", "RENAME TABLE repair TO old, fresh TO repair"},
	{"INSERT INTO old (id) VALUES ('old one')", "DROP TABLE old"},
}

// The table is changed while ardso follows, a statement at a time (S-1, S-2).
func TestBinlogTableChanges(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "sqlite")
		stop := w.follow()
		w.arrives("first")
		for i, change := range tableChanges {
			w.exec("src", change...)
			w.exec("src", fmt.Sprintf("UPDATE repair SET status = %d, summary = 'Büro %d', log = 'after %[2]d' WHERE id = 'first'", i, i))
			w.arrives(fmt.Sprintf("after %d", i))
		}
		stop()
		w.settle()
	})
}

// A TRUNCATE stops at its place, however it is written, until a person says what to do.
func TestBinlogTruncate(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "sqlite")
		schema := w.dbs["src"].Schema
		w.exec("src", "ALTER TABLE repair PARTITION BY KEY (id) PARTITIONS 1")
		w.once() // MySQL 5.6 must see it before the next one
		for i, statement := range []string{"ALTER TABLE repair TRUNCATE PARTITION p0", "TRUNCATE repair", "truncate table `" + schema + "` . `repair`", "/* all */ TRUNCATE -- of them\n TABLE " + schema + ".repair"} {
			before, after := fmt.Sprint("before ", i), fmt.Sprint("after ", i)
			w.exec("src", "INSERT INTO repair (id) VALUES ('"+before+"')", statement, "INSERT INTO repair (id) VALUES ('"+after+"')")
			for range 2 { // the second run is no further
				_, err := w.sys.Run(t.Context(), nil, run.Options{Once: true, Log: testLog(t)})
				var truncated *mapping.TruncateError
				if !errors.As(err, &truncated) || truncated.Form != "Repair" {
					t.Fatalf("%s: got %v", statement, err)
				}
				w.equal(statement, rows(t, w.dbs["dst"], "SELECT id FROM repair WHERE id IN ('"+before+"', '"+after+"')"), before)
			}
			w.exec("dst", "DELETE FROM repair")
			if _, err := w.sys.Run(t.Context(), nil, run.Options{Once: true, AcceptTruncate: []string{"Repair"}, Log: testLog(t)}); err != nil {
				t.Fatal(err)
			}
			w.equal(statement+", accepted", rows(t, w.dbs["dst"], "SELECT id FROM repair"), after)
			w.settle()
		}
	})
}

// A table without transactions: each statement is one, and one that fails half-way stays half done (MS-21).
func TestBinlogMyISAM(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "sqlite")
		w.exec("src", "ALTER TABLE repair ENGINE = MyISAM",
			"INSERT INTO repair (id, summary) VALUES ('a', 'x'), ('b', 'x'), ('c', 'x')", "UPDATE repair SET status = 1", "DELETE FROM repair WHERE id = 'b'")
		if _, err := w.dbs["src"].Exec("INSERT INTO repair (id) VALUES ('d'), ('e'), ('a'), ('f')"); err == nil {
			t.Error("a second request with the same Request ID")
		}
		tx, err := w.dbs["src"].Beginx()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT INTO repair (id) VALUES ('g')"); err != nil {
			t.Error(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		w.settle()
		w.equal("requests", rows(t, w.dbs["dst"], "SELECT id FROM repair ORDER BY id"), "a", "c", "d", "e", "g")
	})
}

// What was rolled back to a savepoint never comes (MS-20).
func TestBinlogSavepoints(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "sqlite")
		insert := func(id string) string { return "INSERT INTO repair (id) VALUES ('" + id + "')" }
		for _, statements := range [][]string{
			{"SAVEPOINT s", insert("a"), "ROLLBACK TO SAVEPOINT s", insert("b")},
			{insert("c"), "SAVEPOINT s", insert("d"), "SAVEPOINT `t t`", insert("e"), "ROLLBACK TO `t t`", insert("f"), "RELEASE SAVEPOINT s"},
			{insert("g"), "SAVEPOINT s", "UPDATE repair SET status = 3", "ROLLBACK TO s"},
			{"SAVEPOINT s", insert("h"), "ROLLBACK TO s"},
		} {
			tx, err := w.dbs["src"].Beginx()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range statements {
				if _, err := tx.Exec(s); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		w.settle()
		w.equal("requests", rows(t, w.dbs["dst"], "SELECT id, status FROM repair ORDER BY id"), "b|<null>", "c|<null>", "d|<null>", "f|<null>", "g|<null>")
	})
}

// Values that only a lax server takes are parked with their request, and all else flows (X-2, MD-7, MD-10).
func TestBinlogValuesOfALaxServer(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "postgres15")
		s := session(t, w.dbs["src"], "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
		exec(t, s, `INSERT INTO repair (id, summary, noted, due, at) VALUES
			('zero', 'x', '0000-00-00 00:00:00', NULL, NULL), ('month', 'x', NULL, '2026-00-10', NULL), ('day', 'x', NULL, '2026-02-31', NULL),
			('long', 'x', NULL, NULL, '-838:59:59'), ('right', 'x', '2026-11-22 10:00:00', '2026-11-30', '10:30:00')`)
		exec(t, s, "UPDATE repair SET summary = 'y'")
		w.once()
		var names []string
		for _, line := range w.errors() {
			id, why, _ := strings.Cut(line, "|")
			names = append(names, id)
			if !strings.HasPrefix(why, "value.") || !strings.HasSuffix(why, "|create|held") {
				t.Errorf("error %q", line)
			}
		}
		w.equal("parked", names, "day", "long", "month", "zero")
		w.equal("the target", rows(t, w.dbs["dst"], "SELECT id, summary FROM repair"), "right|y")

		w.exec("src", "UPDATE repair SET noted = NULL, due = NULL, at = NULL WHERE id <> 'right'")
		w.once()
		w.retryAll()
		w.once()
		w.equal("errors in the end", w.errors())
		w.settle()
	})
}

// Text is carried by its characters, whatever set the column keeps them in (MD-3).
func TestBinlogCharacterSets(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		w := pair(t, e, "postgres15")
		for i, set := range []struct{ name, text string }{
			{"latin1", "Büro – 5 €"},
			{"utf8", "Büro ☃ €"},
			{"utf8mb4", "Büro 🪑"},
			{"cp1251", "Стол и стул"},
			{"latin2", "Stůl č. 5"},
			{"ucs2", "Büro ☃"},
			{"utf16", "Büro 🪑"},
			{"ascii", "plain"},
			{"sjis", "机と椅子"},
		} {
			w.exec("src", "ALTER TABLE repair MODIFY summary varchar(254) CHARACTER SET "+set.name+" DEFAULT NULL",
				fmt.Sprintf("INSERT INTO repair (id, summary, log) VALUES ('R%d', '%s', '%s')", i, set.text, set.text),
				fmt.Sprintf("UPDATE repair SET summary = concat(summary, '!') WHERE id = 'R%d'", i))
			w.settle()
			w.equal(set.name, rows(t, w.dbs["dst"], fmt.Sprintf("SELECT summary, log FROM repair WHERE id = 'R%d'", i)), set.text+"!|"+set.text)
			w.exec("src", "DELETE FROM repair")
			w.settle()
		}
	})
}

// Names of tables heed case as the server says (MD-18).
func TestBinlogCaseOfNames(t *testing.T) {
	eachBinlog(t, func(t *testing.T, e string) {
		t.Run("heeded", func(t *testing.T) {
			w := pair(t, e, "sqlite")
			w.exec("src", strings.Replace(repairTable["mysql"], "repair", "REPAIR", 1),
				"INSERT INTO REPAIR (id) VALUES ('theirs')", "INSERT INTO repair (id) VALUES ('ours')", "TRUNCATE TABLE REPAIR", "DROP TABLE REPAIR")
			w.settle()
		})
		t.Run("not heeded", func(t *testing.T) {
			if testing.Short() {
				t.Skip("it takes a server of its own")
			}
			w := pairOf(t, dbtest.Server(t, e, "lower-case-table-names=1").Database(t), dbtest.New(t, "sqlite"))
			w.exec("src", "INSERT INTO Repair (id) VALUES ('one')", "ALTER TABLE REPAIR ADD COLUMN first_one int FIRST", "INSERT INTO rePair (id) VALUES ('two')")
			w.settle()
			w.exec("src", "TRUNCATE TABLE REPAIR")
			_, err := w.sys.Run(t.Context(), nil, run.Options{Once: true, Log: testLog(t)})
			if !errors.As(err, new(*mapping.TruncateError)) {
				t.Errorf("TRUNCATE in capitals: got %v", err)
			}
		})
	})
}
