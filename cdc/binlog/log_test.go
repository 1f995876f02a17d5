package binlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
	"ardso/sql/schema"
)

// TestWhatTheLogHolds runs statements that leave more in the log than rows between bounds. In a statement DB is the
// database that is read, OTHER another one of the server.
func TestWhatTheLogHolds(t *testing.T) {
	const statement = "SET SESSION binlog_format = 'STATEMENT', tx_isolation = 'REPEATABLE-READ'"
	const maria, old = "mariadb", "mysql"
	tests := []struct {
		name string
		only string // engines whose name begins so; "" = all
		run  []string
		want string // lines of what is delivered
		stop string // of the error; "" = none
	}{
		{name: "several databases in one transaction", run: []string{
			"BEGIN", "INSERT INTO OTHER.item VALUES (1, 'x')", "INSERT INTO item VALUES (1, 'a')", "INSERT INTO OTHER.item VALUES (2, 'x')", "INSERT INTO item VALUES (2, 'b')", "COMMIT",
		}, want: "insert item [] -> [1 a]\ninsert item [] -> [2 b]\n---"},
		{name: "one statement on two databases", run: []string{
			"INSERT INTO item VALUES (1, 'a')", "INSERT INTO OTHER.item VALUES (1, 'x')",
			"UPDATE item a, OTHER.item b SET a.name = 'y', b.name = 'y' WHERE a.id = b.id", "DELETE a, b FROM item a, OTHER.item b WHERE a.id = b.id",
		}, want: "insert item [] -> [1 a]\n---\nupdate item [1 a] -> [1 y]\n---\ndelete item [1 y] -> []\n---"},
		{name: "savepoints", run: []string{
			"BEGIN", "INSERT INTO item VALUES (1, 'a')", "SAVEPOINT s", "INSERT INTO item VALUES (2, 'b')", "ROLLBACK TO s", "INSERT INTO item VALUES (3, 'c')", "RELEASE SAVEPOINT s", "COMMIT",
		}, want: "insert item [] -> [1 a]\ninsert item [] -> [3 c]\n---"},
		{name: "a statement that fails", run: []string{
			"BEGIN", "INSERT INTO item VALUES (1, 'a')", "?INSERT INTO item VALUES (2, 'b'), (1, 'c')", "INSERT INTO item VALUES (3, 'c')", "COMMIT",
		}, want: "insert item [] -> [1 a]\ninsert item [] -> [3 c]\n---"},
		{name: "replace and on duplicate key", run: []string{
			"INSERT INTO item VALUES (1, 'a')", "REPLACE INTO item VALUES (1, 'b')", "INSERT INTO item VALUES (1, 'c') ON DUPLICATE KEY UPDATE name = 'd'", "INSERT IGNORE INTO item VALUES (1, 'e'), (2, 'f')",
		}, want: "insert item [] -> [1 a]\n---\nupdate item [1 a] -> [1 b]\n---\nupdate item [1 b] -> [1 d]\n---\ninsert item [] -> [2 f]\n---"},
		{name: "load data", run: []string{"LOAD DATA LOCAL INFILE 'PATH' INTO TABLE item"}, want: "insert item [] -> [1 a]\ninsert item [] -> [2 b]\n---"},
		{name: "temporary tables", run: []string{
			"CREATE TEMPORARY TABLE item (id int, name varchar(9), n int)", "INSERT INTO item VALUES (1, 'a', 1)", "ALTER TABLE item ADD o int", "TRUNCATE item",
			"DROP TEMPORARY TABLE item", "INSERT INTO item VALUES (2, 'b')",
		}, want: "insert item [] -> [2 b]\n---"},
		{name: "create table as select", only: maria, run: []string{
			"INSERT INTO item VALUES (1, 'a')", "DROP TABLE item", "CREATE TABLE item (PRIMARY KEY (id)) AS SELECT 5 AS id, 'five' AS name",
		}, want: "insert item [] -> [1 a]\n---\ninsert item [] -> [5 five]\n---"},
		{name: "create table as select elsewhere", only: maria, run: []string{
			"BEGIN", "INSERT INTO item VALUES (1, 'a')", "COMMIT", "CREATE TABLE more AS SELECT * FROM item", "INSERT INTO item VALUES (2, 'b')",
		}, want: "insert item [] -> [1 a]\n---\ninsert item [] -> [2 b]\n---"},
		{name: "insert delayed", run: []string{"ALTER TABLE item ENGINE = MyISAM", "INSERT DELAYED INTO item VALUES (1, 'a')", "FLUSH TABLES item"}, want: "insert item [] -> [1 a]\n---"},
		{name: "triggers and cascades", run: []string{
			"CREATE TRIGGER r AFTER INSERT ON plain FOR EACH ROW INSERT INTO item VALUES (NEW.id, 'by trigger')", "INSERT INTO plain VALUES (7)", "DROP TRIGGER r",
		}, want: "insert item [] -> [7 by trigger]\n---"},
		{name: "more than 64 parts", run: []string{"MANY"}, want: "MANY"},

		{
			name: "MyISAM (MS-21)", run: []string{"ALTER TABLE item ENGINE = MyISAM", "INSERT INTO item VALUES (1, 'a'), (2, 'b')", "UPDATE item SET name = 'c'", "DELETE FROM item WHERE id = 1"},
			want: "insert item [] -> [1 a]\ninsert item [] -> [2 b]\n---\nupdate item [1 a] -> [1 c]\nupdate item [2 b] -> [2 c]\n---\ndelete item [1 c] -> []\n---",
		},
		{
			name: "MyISAM, half a statement (MS-21)", run: []string{"ALTER TABLE item ENGINE = MyISAM", "INSERT INTO item VALUES (1, 'a')", "?INSERT INTO item VALUES (2, 'b'), (1, 'c'), (3, 'c')"},
			want: "insert item [] -> [1 a]\n---\ninsert item [] -> [2 b]\n---",
		},
		{
			name: "MyISAM survives a rollback (MS-21)", only: maria, run: []string{"ALTER TABLE item ENGINE = MyISAM", "BEGIN", "INSERT INTO elsewhere VALUES (1)", "INSERT INTO item VALUES (1, 'a')", "ROLLBACK"},
			want: "insert item [] -> [1 a]\n---",
		},
		{name: "Aria", only: maria, run: []string{"ALTER TABLE item ENGINE = Aria", "INSERT INTO item VALUES (1, 'a')", "TRUNCATE item"}, want: "insert item [] -> [1 a]\n---\ntruncate item [] -> []\n---"},

		{
			name: "XA in one phase", run: []string{"XA START 'a'", "INSERT INTO item VALUES (1, 'a')", "XA END 'a'", "XA COMMIT 'a' ONE PHASE", "INSERT INTO item VALUES (2, 'b')"},
			want: "insert item [] -> [1 a]\n---\ninsert item [] -> [2 b]\n---",
		},
		{
			name: "XA rolled back before it is prepared", run: []string{"XA START 'a'", "INSERT INTO item VALUES (1, 'a')", "XA END 'a'", "XA ROLLBACK 'a'", "INSERT INTO item VALUES (2, 'b')"},
			want: "insert item [] -> [2 b]\n---",
		},
		{name: "XA in two phases (MS-19)", only: maria, run: []string{"XA START 'a'", "INSERT INTO item VALUES (1, 'a')", "XA END 'a'", "XA PREPARE 'a'", "XA COMMIT 'a'"}, stop: "XA"},
		{name: "XA rolled back after it was prepared (MS-19)", only: maria, run: []string{"XA START 'a'", "INSERT INTO item VALUES (1, 'a')", "XA END 'a'", "XA PREPARE 'a'", "XA ROLLBACK 'a'"}, stop: "XA"},
		// It has no place in this server's log before it is decided.
		{
			name: "XA in two phases, MySQL 5.6", only: old, run: []string{"XA START 'a'", "INSERT INTO item VALUES (1, 'a')", "XA END 'a'", "XA PREPARE 'a'", "XA COMMIT 'a'", "XA START 'b'", "INSERT INTO item VALUES (2, 'b')", "XA END 'b'", "XA PREPARE 'b'", "XA ROLLBACK 'b'"},
			want: "insert item [] -> [1 a]\n---",
		},
		{name: "XA elsewhere", run: []string{
			"XA START 'a'", "INSERT INTO OTHER.item VALUES (1, 'a')", "INSERT INTO plain VALUES (1)", "XA END 'a'", "XA PREPARE 'a'", "XA COMMIT 'a'",
			"XA START 'b'", "INSERT INTO OTHER.item VALUES (2, 'a')", "XA END 'b'", "XA PREPARE 'b'", "XA ROLLBACK 'b'", "INSERT INTO item VALUES (2, 'b')",
		}, want: "insert item [] -> [2 b]\n---"},

		{name: "statement format (MS-24)", run: []string{statement, "INSERT INTO item VALUES (1, 'a')"}, stop: "binlog_format"},
		{name: "statement format, mixed (MS-24)", run: []string{"SET SESSION binlog_format = 'MIXED', tx_isolation = 'REPEATABLE-READ'", "DELETE FROM item"}, stop: "binlog_format"},
		{name: "statement format from elsewhere (MS-24)", run: []string{"USE OTHER", statement, "INSERT INTO `DB`.item VALUES (1, 'a')"}, stop: "binlog_format"},
		{name: "statement format, LOAD DATA (MS-24)", run: []string{statement, "LOAD DATA LOCAL INFILE 'PATH' INTO TABLE item"}, stop: "binlog_format"},
		{
			name: "statement format, half a statement (MS-24)", run: []string{"ALTER TABLE item ENGINE = MyISAM", "INSERT INTO item VALUES (1, 'a')", statement, "?INSERT INTO item VALUES (2, 'b'), (1, 'c')"},
			want: "insert item [] -> [1 a]\n---", stop: "binlog_format",
		},
		{
			name: "statement format elsewhere", run: []string{"USE OTHER", statement, "INSERT INTO item VALUES (1, 'a')", "DELETE FROM item", "SET SESSION binlog_format = 'ROW'", "INSERT INTO DB.item VALUES (1, 'a')"},
			want: "insert item [] -> [1 a]\n---",
		},
		{name: "image MINIMAL (MS-15, MS-16)", run: []string{"INSERT INTO item VALUES (1, 'a')", "SET SESSION binlog_row_image = 'MINIMAL'", "UPDATE item SET name = 'b'"}, want: "insert item [] -> [1 a]\n---", stop: "binlog_row_image"},
		{name: "image MINIMAL, delete", run: []string{"INSERT INTO item VALUES (1, 'a')", "SET SESSION binlog_row_image = 'MINIMAL'", "DELETE FROM item"}, want: "insert item [] -> [1 a]\n---", stop: "binlog_row_image"},
		{name: "image NOBLOB (MS-15, MS-16)", run: []string{"ALTER TABLE item ADD body text", "INSERT INTO item VALUES (1, 'a', 'long')", "SET SESSION binlog_row_image = 'NOBLOB'", "UPDATE item SET name = 'b'"}, want: "insert item [] -> [1 a long]\n---", stop: "binlog_row_image"},
		{name: "image MINIMAL elsewhere", run: []string{"SET SESSION binlog_row_image = 'MINIMAL'", "INSERT INTO OTHER.item VALUES (1, 'a')", "UPDATE OTHER.item SET name = 'b'", "SET SESSION binlog_row_image = 'FULL'", "INSERT INTO item VALUES (1, 'a')"}, want: "insert item [] -> [1 a]\n---"},
		{
			name: "dates that are none (X-2)", run: []string{"ALTER TABLE item ADD d date, ADD t datetime(3)", "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'", "INSERT INTO item VALUES (1, 'a', '0000-00-00', '2026-02-31 01:02:03')"},
			want: "insert item [] -> [1 a 0000-00-00 2026-02-31 01:02:03.000]\n---",
		},

		{
			name: "a column comes", only: maria, run: []string{"INSERT INTO item VALUES (1, 'a')", "ALTER TABLE item ADD n int DEFAULT 5 FIRST", "INSERT INTO item VALUES (6, 2, 'b')", "ALTER TABLE item DROP name", "DELETE FROM item WHERE id = 1"},
			want: "insert item [] -> [1 a]\n---\ninsert item [] -> [6 2 b]\n---\ndelete item [5 1] -> []\n---",
		},
		{name: "an online schema change (S-3)", only: maria, run: []string{
			"INSERT INTO item VALUES (1, 'a')", "CREATE TABLE _item_new LIKE item", "ALTER TABLE _item_new ADD n int", "INSERT INTO _item_new SELECT id, name, 9 FROM item",
			"RENAME TABLE item TO _item_old, _item_new TO item", "INSERT INTO item VALUES (2, 'b', 3)", "UPDATE item SET name = 'c' WHERE id = 1", "DROP TABLE _item_old",
		}, want: "insert item [] -> [1 a]\n---\ninsert item [] -> [2 b 3]\n---\nupdate item [1 a 9] -> [1 c 9]\n---"},
		{
			name: "a table goes and comes", only: maria, run: []string{"INSERT INTO item VALUES (1, 'a')", "DROP TABLE item", "CREATE TABLE item (name varchar(9), id int PRIMARY KEY)", "INSERT INTO item VALUES ('b', 2)"},
			want: "insert item [] -> [1 a]\n---\ninsert item [] -> [b 2]\n---",
		},
	}
	file := filepath.Join(t.TempDir(), "load.txt")
	if err := os.WriteFile(file, []byte("1\ta\n2\tb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const many = 64*70 + 3
	eachServer(t, func(t *testing.T, s *source) {
		other := s.other(t)
		mysql.RegisterLocalFile(file)
		s.exec(t, "CREATE TABLE plain (id integer PRIMARY KEY)")
		fill := strings.NewReplacer("DB", s.db.Schema, "OTHER", other, "PATH", file, "MANY", "INSERT INTO item VALUES "+manyRows(many))
		for _, tt := range tests {
			if !strings.HasPrefix(s.db.Engine.Name, tt.only) {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				for _, table := range []string{"item", "more", "_item_new", "_item_old", other + ".item"} {
					s.exec(t, "DROP TABLE IF EXISTS "+table)
				}
				s.exec(t, "CREATE TABLE "+other+".item (id integer PRIMARY KEY, name varchar(200))")
				s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY, name varchar(200))")
				s.Setup(t, []*schema.Table{s.keyed("item")})
				from, run := s.now(t), s.session(t)
				for _, text := range tt.run {
					run(fill.Replace(text))
				}
				got, err := s.read(t, from)
				var u *cdc.UnreadableError
				switch {
				case tt.stop == "" && err != nil:
					t.Errorf("got error %v", err)
				case tt.stop != "" && (!errors.As(err, &u) || !strings.Contains(err.Error()+u.Fix, tt.stop)):
					t.Errorf("got error %v, want a *cdc.UnreadableError that says %q", err, tt.stop)
				}
				if tt.want == "MANY" {
					wantMany(t, got, many, s.o.PartRows)
					return
				}
				wantLines(t, got, tt.want)
			})
		}
	})
}

func manyRows(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 'x')", i)
	}
	return strings.Join(rows, ",")
}

// wantMany compares parts.
func wantMany(t *testing.T, got []*cdc.Transaction, rows, part int) {
	t.Helper()
	next := int64(0)
	for i, tx := range got {
		if tx.More != (i < len(got)-1) || len(tx.Changes) > part {
			t.Errorf("part %d of %d: more %v, %d rows", i, len(got), tx.More, len(tx.Changes))
		}
		for _, c := range tx.Changes {
			if c.After[0].Int() != next {
				t.Fatalf("part %d: got row %s, want %d", i, c.After[0], next)
			}
			next++
		}
	}
	if next != int64(rows) {
		t.Errorf("got %d rows, want %d", next, rows)
	}
}

// TestRotation lets the log go over many small files while it is read, and purges those that were read.
func TestRotation(t *testing.T) {
	eachOwnServer(t, func(t *testing.T, _ *dbtest.Instance, s *source) {
		from := s.item(t)
		got, _, stop := s.following(t, from)
		wide := strings.Repeat("x", 190)
		const n = 60
		for i := range n {
			s.exec(t, fmt.Sprintf("INSERT INTO item VALUES (%d, '%s')", i, wide))
			if i%20 == 10 {
				s.exec(t, "FLUSH LOGS")
			}
		}
		var last cdc.Position
		for i := range n {
			tx := awaitChange(t, got)
			if id := tx.Changes[0].After[0].Int(); id != int64(i) {
				t.Fatalf("got row %d, want %d", id, i)
			}
			last = tx.Position
		}
		stop()
		log, err := binlog.ReadLog(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		file := log.File
		if file < "binlog.000004" {
			t.Errorf("the log ends in %s: it has not rotated", file)
		}
		s.exec(t, "FLUSH LOGS")
		s.exec(t, "FLUSH LOGS")
		s.purgeTo(t, file)
		s.exec(t, "INSERT INTO item VALUES (1000, 'after')")
		wantLines(t, s.mustRead(t, last), "insert item [] -> [1000 after]\n---")
		var lost *cdc.PositionLostError
		if _, err := s.read(t, from); !errors.As(err, &lost) || lost.Position != from {
			t.Errorf("a position that is purged: got error %v, want a *cdc.PositionLostError", err)
		}
	}, "max-binlog-size=4096")
}

// TestShapesAlongside changes a table step by step while it is read, on servers too whose logs have no names of
// columns (S-2).
func TestShapesAlongside(t *testing.T) {
	steps := []struct{ change, row, want string }{
		{"DO 0", "INSERT INTO item VALUES (1, 'a')", "[1 a]"},
		{"ALTER TABLE item ADD n int DEFAULT 5 FIRST", "INSERT INTO item VALUES (6, 2, 'b')", "[6 2 b]"},
		{"ALTER TABLE item CHANGE n m bigint unsigned", "INSERT INTO item VALUES (18446744073709551615, 3, 'c')", "[18446744073709551615 3 c]"},
		{"ALTER TABLE item ADD e enum('x','y'), DROP name", "INSERT INTO item VALUES (1, 4, 'y')", "[1 4 y]"},
		{"ALTER TABLE item MODIFY e enum('y','x')", "INSERT INTO item VALUES (1, 5, 'y')", "[1 5 y]"},
		{"ALTER TABLE item MODIFY e char(4) CHARACTER SET latin1", "INSERT INTO item VALUES (1, 6, 'é')", "[1 6 é]"},
		{"ALTER TABLE item MODIFY e binary(4)", "INSERT INTO item VALUES (1, 7, 'y')", "[1 7 0x79000000]"},
		{"RENAME TABLE item TO _item_old, spare TO item", "INSERT INTO item VALUES ('d', 8)", "[d 8]"},
		{"DROP TABLE item", "CREATE TABLE item (id integer PRIMARY KEY)", ""},
		{"DO 0", "INSERT INTO item VALUES (9)", "[9]"},
	}
	eachServer(t, func(t *testing.T, s *source) {
		s.exec(t, "CREATE TABLE spare (name text, id integer PRIMARY KEY)")
		got, done, _ := s.following(t, s.item(t))
		for _, step := range steps {
			s.exec(t, step.change)
			s.exec(t, step.row)
			if step.want == "" {
				continue
			}
			select {
			case tx := <-got:
				for len(tx.Changes) == 0 {
					tx = await(t, "a change", got)
				}
				if have := fmt.Sprint(tx.Changes[0].After); have != step.want {
					t.Errorf("after %s: got %s, want %s", step.change, have, step.want)
				}
			case err := <-done:
				t.Fatalf("after %s: %v", step.change, err)
			}
		}
	})
}

// TestNamesWithoutCase: where the server takes item and ITEM for one table, so does the reader (MD-18). An ALTER
// after which the table map is the same all but the type's name must be noticed.
func TestNamesWithoutCase(t *testing.T) {
	eachOwnServer(t, func(t *testing.T, _ *dbtest.Instance, s *source) {
		s.exec(t, "CREATE TABLE Item (id integer PRIMARY KEY, u binary(16))")
		s.Setup(t, []*schema.Table{s.keyed("Item")})
		got, _, _ := s.following(t, s.start)
		s.exec(t, "INSERT INTO ITEM VALUES (1, REPEAT('a', 16))")
		first := awaitChange(t, got)
		wantLines(t, []*cdc.Transaction{first}, "insert item [] -> [1 0x61616161616161616161616161616161]\n---")
		s.exec(t, "TRUNCATE TABLE ITEM")
		if tx := awaitChange(t, got); tx.Changes[0].Kind != cdc.Truncate || tx.Changes[0].Relation != first.Changes[0].Relation {
			t.Errorf("got %v, want the table emptied", lines([]*cdc.Transaction{tx}))
		}
		if s.db.Engine.Name != "mariadb" {
			return
		}
		s.exec(t, "ALTER TABLE iTEM MODIFY u uuid")
		s.exec(t, "INSERT INTO ITEM VALUES (2, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')")
		wantLines(t, []*cdc.Transaction{awaitChange(t, got)}, "insert item [] -> [2 a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]\n---")
	}, "lower-case-table-names=1")
}

// TestConcurrentWriters: what several sessions write at once comes in the order of the log, each transaction whole.
func TestConcurrentWriters(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		const writers, each = 4, 25
		failed := make(chan error, writers)
		for w := range writers {
			go func() { failed <- s.pairs(w*1000, each) }()
		}
		for range writers {
			if err := await(t, "a writer", failed); err != nil {
				t.Fatal(err)
			}
		}
		next := map[int64]int64{}
		for _, tx := range s.mustRead(t, from) {
			if len(tx.Changes) != 2 {
				t.Fatalf("got a transaction of %d changes", len(tx.Changes))
			}
			for _, c := range tx.Changes {
				id := c.After[0].Int()
				if w := id / 1000; id%1000 != next[w] {
					t.Fatalf("writer %d: got row %d, want %d", w, id%1000, next[w])
				}
				next[id/1000]++
			}
		}
		for w := range int64(writers) {
			if next[w] != 2*each {
				t.Errorf("writer %d: got %d rows, want %d", w, next[w], 2*each)
			}
		}
	})
}

// pairs inserts two rows a transaction.
func (s *source) pairs(from, n int) error {
	for i := range n {
		tx, err := s.db.Beginx()
		if err != nil {
			return err
		}
		for j := range 2 {
			if _, err := tx.Exec(fmt.Sprintf("INSERT INTO item VALUES (%d, 'x')", from+2*i+j)); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}
