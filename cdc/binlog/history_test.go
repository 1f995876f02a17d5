package binlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
	"ardso/sql/control"
	"ardso/sql/schema"
)

// unnamed are servers whose log names no columns, by what they count in.
var unnamed = []struct {
	name     string
	settings []string
}{
	{"gtid", nil},
	{"file", []string{"gtid-mode=OFF", "enforce-gtid-consistency=OFF"}},
}

// histories are the tests of what is kept of tables, for servers whose log does not name columns.
var histories = []struct {
	name string
	test func(*testing.T, *source)
}{
	{"Away", testHistoryAway},
	{"Twice", testHistoryTwice},
	{"TwiceWithoutRows", testHistoryTwiceWithoutRows},
	{"Joins", testHistoryJoins},
	{"JoinsAfterAChange", testHistoryJoinsAfterAChange},
	{"LeavesAndJoins", testHistoryLeavesAndJoins},
	{"Elsewhere", testHistoryElsewhere},
	{"StartBesideALTER", testHistoryStartBesideALTER},
}

// TestHistory runs them on a server with GTIDs.
func TestHistory(t *testing.T) {
	for _, name := range dbtest.Have("mysql5.6") {
		for _, c := range histories {
			t.Run(name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				c.test(t, newSource(t, name))
			})
		}
	}
}

// TestHistoryByFile runs them on a server that gives transactions no GTID.
func TestHistoryByFile(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	for _, name := range dbtest.Have("mysql5.6") {
		server := dbtest.Server(t, name, unnamed[1].settings...)
		t.Run("CreateSelect", func(t *testing.T) {
			t.Parallel()
			testHistoryCreateSelect(t, newSourceOn(t, server.Database(t)))
		})
		for _, c := range histories {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.test(t, newSourceOn(t, server.Database(t)))
			})
		}
	}
}

// named is a line for each change, with the names of columns: "insert item id=1 name=a". A row before is in
// brackets.
func named(all []*cdc.Transaction) []string {
	var ls []string
	for _, tx := range all {
		for _, c := range tx.Changes {
			l := c.Kind.String() + " " + c.Relation.Table
			for i, v := range c.Before {
				l += fmt.Sprintf(" [%s=%s]", c.Relation.Columns[i], v)
			}
			for i, v := range c.After {
				l += fmt.Sprintf(" %s=%s", c.Relation.Columns[i], v)
			}
			ls = append(ls, l)
		}
	}
	return ls
}

// wantNamed compares what was read with lines.
func wantNamed(t testing.TB, got []*cdc.Transaction, want ...string) {
	t.Helper()
	if g := named(got); !slices.Equal(g, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(g, "\n  "), strings.Join(want, "\n  "))
	}
}

// away are changes of a table made while nobody reads: each has rows before and behind it.
var away = []struct {
	name   string
	change []string // statements, of which the last changes item
	insert string
	want   string
}{
	{"add first", []string{"ALTER TABLE item ADD COLUMN z int FIRST"}, "INSERT INTO item VALUES (7, 2, 8, 9)", "z=7 id=2 a=8 b=9"},
	{"add last", []string{"ALTER TABLE item ADD z varchar(10)"}, "INSERT INTO item VALUES (2, 8, 9, 'z')", "id=2 a=8 b=9 z=z"},
	{"drop", []string{"ALTER TABLE item DROP a"}, "INSERT INTO item VALUES (2, 9)", "id=2 b=9"},
	{"rename", []string{"ALTER TABLE item CHANGE a z int"}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 z=8 b=9"},
	{"trade names", []string{"ALTER TABLE item CHANGE a x int, CHANGE b a int"}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 x=8 a=9"},
	{"swap names", []string{"ALTER TABLE item CHANGE a b int, CHANGE b a int"}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 b=8 a=9"},
	{"move", []string{"ALTER TABLE item MODIFY b int AFTER id"}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 b=8 a=9"},
	{"modify", []string{"ALTER TABLE item MODIFY a decimal(6,2) unsigned NOT NULL"}, "INSERT INTO item VALUES (2, 8.5, 9)", "id=2 a=8.5 b=9"},
	{"unsigned", []string{"ALTER TABLE item MODIFY a int unsigned"}, "INSERT INTO item VALUES (2, 4294967295, 9)", "id=2 a=4294967295 b=9"},
	{
		"swap tables", []string{
			"CREATE TABLE next (id int PRIMARY KEY, b int, a int)",
			"RENAME TABLE item TO former, next TO item",
		}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 b=8 a=9",
	},
	{
		"swap by ALTER", []string{
			"CREATE TABLE next (id int PRIMARY KEY, b int, a int)",
			"DROP TABLE item",
			"ALTER TABLE next RENAME TO item",
		}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 b=8 a=9",
	},
	{
		"from another database", []string{
			"CREATE TABLE other.item (id int PRIMARY KEY, b int, a int)",
			"RENAME TABLE item TO other.former, other.item TO item",
		}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 b=8 a=9",
	},
	{"new", []string{"DROP TABLE item", "/*!40000 CREATE TABLE item (id int PRIMARY KEY, b int, a int) */"}, "INSERT INTO item VALUES (2, 8, 9)", "id=2 b=8 a=9"},
}

// testHistoryAway changes a table while nobody reads, and reads twice: today's catalog is right behind the change
// only, and the second time it is the history that counts.
func testHistoryAway(t *testing.T, s *source) {
	s.tables = []*schema.Table{s.keyed("item")}
	other := s.other(t)
	for _, c := range away {
		s.exec(t, "DROP TABLE IF EXISTS item, former")
		s.exec(t, "CREATE TABLE item (id int PRIMARY KEY, a int, b int)")
		from := s.now(t)
		s.exec(t, "INSERT INTO item VALUES (1, 11, 12)")
		for _, statement := range c.change {
			s.exec(t, strings.ReplaceAll(statement, "other.", other+"."))
		}
		s.exec(t, c.insert)
		want := []string{"insert item id=1 a=11 b=12", "insert item " + c.want}
		first, err := s.read(t, from)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if g := named(first); !slices.Equal(g, want) {
			t.Errorf("%s: got %q, want %q", c.name, g, want)
		}
		s.exec(t, "ALTER TABLE item ADD COLUMN late int FIRST, ADD COLUMN later int FIRST")
		if again := named(s.mustRead(t, from)); !slices.Equal(again, want) {
			t.Errorf("%s: again, another change later: got %q, want %q", c.name, again, want)
		}
	}
}

// testHistoryTwice changes a table twice while nobody reads: its shape between the two was never seen.
func testHistoryTwice(t *testing.T, s *source) {
	s.exec(t, "CREATE TABLE item (id int PRIMARY KEY, a int, b int)")
	s.tables = []*schema.Table{s.keyed("item")}
	from := s.now(t)
	s.exec(t, "INSERT INTO item VALUES (1, 11, 12)")
	s.exec(t, "ALTER TABLE item CHANGE a x int, CHANGE b a int")
	s.exec(t, "INSERT INTO item VALUES (2, 8, 9)")
	s.exec(t, "ALTER TABLE item CHANGE a b int, CHANGE x a int")
	between := s.positionOnly(t)
	s.exec(t, "INSERT INTO item VALUES (3, 13, 14)")
	for range 2 {
		got, err := s.read(t, from)
		wantNamed(t, got, "insert item id=1 a=11 b=12")
		var u *cdc.UnreadableError
		if !errors.As(err, &u) || !strings.Contains(u.What, "item") || !strings.Contains(u.Remedy(), "ardso init") {
			t.Fatalf("got error %v, want one that names the table and what to do", err)
		}
	}
	wantNamed(t, s.mustRead(t, between), "insert item id=3 a=13 b=14")
}

// positionOnly is the log's end, and no history is made anew.
func (s *source) positionOnly(t testing.TB) cdc.Position {
	t.Helper()
	state, err := binlog.ReadState(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	p, err := present(t.Context(), s.db, state)
	if err != nil {
		t.Fatal(err)
	}
	return p.text()
}

// testHistoryTwiceWithoutRows: what is not known does not matter where there are no rows of it.
func testHistoryTwiceWithoutRows(t *testing.T, s *source) {
	s.exec(t, "CREATE TABLE item (id int PRIMARY KEY, a int, b int)")
	s.tables = []*schema.Table{s.keyed("item")}
	from := s.now(t)
	s.exec(t, "INSERT INTO item VALUES (1, 11, 12)")
	s.exec(t, "ALTER TABLE item CHANGE a x int, CHANGE b a int")
	s.exec(t, "ALTER TABLE item ADD y int AFTER id")
	s.exec(t, "INSERT INTO item VALUES (2, 7, 8, 9)")
	for range 2 {
		wantNamed(t, s.mustRead(t, from), "insert item id=1 a=11 b=12", "insert item id=2 y=7 x=8 a=9")
	}
}

// testHistoryJoins adds a table to the definitions later than the position.
func testHistoryJoins(t *testing.T, s *source) {
	s.exec(t, "CREATE TABLE one (id int PRIMARY KEY, a int, b int)")
	s.exec(t, "CREATE TABLE two (id int PRIMARY KEY, a int, b int)")
	s.tables = []*schema.Table{s.keyed("one")}
	from := s.now(t)
	s.exec(t, "INSERT INTO two VALUES (1, 11, 12)")
	s.exec(t, "INSERT INTO one VALUES (1, 11, 12)")
	wantNamed(t, s.mustRead(t, from), "insert one id=1 a=11 b=12")
	s.tables = append(s.tables, s.keyed("two"))
	wantNamed(t, s.mustRead(t, from), "insert two id=1 a=11 b=12", "insert one id=1 a=11 b=12")
	s.exec(t, "ALTER TABLE two CHANGE a x int, CHANGE b a int")
	s.exec(t, "INSERT INTO two VALUES (2, 8, 9)")
	for range 2 {
		wantNamed(t, s.mustRead(t, from),
			"insert two id=1 a=11 b=12", "insert one id=1 a=11 b=12", "insert two id=2 x=8 a=9")
	}
}

// testHistoryJoinsAfterAChange: rows of a new table from before a change cannot be known.
func testHistoryJoinsAfterAChange(t *testing.T, s *source) {
	s.exec(t, "CREATE TABLE one (id int PRIMARY KEY)")
	s.exec(t, "CREATE TABLE two (id int PRIMARY KEY, a int, b int)")
	s.tables = []*schema.Table{s.keyed("one")}
	from := s.now(t)
	s.exec(t, "INSERT INTO two VALUES (1, 11, 12)")
	s.exec(t, "ALTER TABLE two CHANGE a x int, CHANGE b a int")
	s.exec(t, "INSERT INTO two VALUES (2, 8, 9)")
	s.tables = append(s.tables, s.keyed("two"))
	got, err := s.read(t, from)
	if u := (*cdc.UnreadableError)(nil); !errors.As(err, &u) || !strings.Contains(u.What, "two") || len(got) > 0 {
		t.Errorf("got %q and error %v, want an error about table two", named(got), err)
	}
}

// testHistoryLeavesAndJoins takes a table out of the definitions, changes it while others are read, and puts it
// back: its old shape must not be taken for that of the rows behind the change.
func testHistoryLeavesAndJoins(t *testing.T, s *source) {
	s.exec(t, "CREATE TABLE one (id int PRIMARY KEY)")
	s.exec(t, "CREATE TABLE two (id int PRIMARY KEY, a int, b int)")
	both := []*schema.Table{s.keyed("one"), s.keyed("two")}
	s.tables = both
	from := s.now(t)
	s.tables = both[:1]
	s.exec(t, "ALTER TABLE two CHANGE a x int, CHANGE b a int")
	s.exec(t, "INSERT INTO one VALUES (1)")
	got := s.mustRead(t, from)
	wantNamed(t, got, "insert one id=1")
	s.tables = both
	s.exec(t, "INSERT INTO two VALUES (2, 8, 9)")
	wantNamed(t, s.mustRead(t, got[0].Position), "insert two id=2 x=8 a=9")
}

// testHistoryElsewhere changes a table of that name in another database.
func testHistoryElsewhere(t *testing.T, s *source) {
	from := s.item(t)
	other := s.other(t)
	s.exec(t, "INSERT INTO item VALUES (1, 'a')")
	s.exec(t, "CREATE TABLE "+other+".item (name varchar(200), id int)")
	s.exec(t, "ALTER TABLE "+other+".item ADD z int FIRST")
	s.exec(t, "INSERT INTO "+other+".item VALUES (5, 'x', 6)")
	s.session(t, "USE "+other, "ALTER TABLE item DROP z", "DROP TABLE item")
	s.exec(t, "INSERT INTO item VALUES (2, 'b')")
	wantNamed(t, s.mustRead(t, from), "insert item id=1 name=a", "insert item id=2 name=b")
	all, err := control.ReadShapes(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		if row.Number != 0 {
			t.Errorf("dso_shape has number %d of table %s", row.Number, row.Table)
		}
	}
}

// TestHistoryFromTheBeginning reads a log from its first event, the table's making included.
func TestHistoryFromTheBeginning(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	for _, name := range dbtest.Have("mysql5.6") {
		for _, k := range unnamed {
			t.Run(name+" "+k.name, func(t *testing.T) {
				t.Parallel()
				s := newSourceOn(t, dbtest.Server(t, name, k.settings...).Database(t))
				s.o.PartRows = 2
				s.exec(t, "CREATE TABLE item (id int PRIMARY KEY, a int, b int)")
				s.exec(t, "INSERT INTO item VALUES (1, 11, 12), (2, 21, 22), (3, 31, 32)")
				s.tables = []*schema.Table{s.keyed("item")}
				for range 3 {
					wantNamed(t, s.mustRead(t, ""), "insert item id=1 a=11 b=12", "insert item id=2 a=21 b=22", "insert item id=3 a=31 b=32")
				}
			})
		}
	}
}

// testHistoryCreateSelect makes a table and its rows by one statement, which servers without GTIDs log as one
// transaction.
func testHistoryCreateSelect(t *testing.T, s *source) {
	s.exec(t, "CREATE TABLE item (id int PRIMARY KEY, a int, b int)")
	s.tables = []*schema.Table{s.keyed("item")}
	from := s.now(t)
	s.exec(t, "INSERT INTO item VALUES (1, 11, 12)")
	s.exec(t, "RENAME TABLE item TO former")
	s.exec(t, "CREATE TABLE item (PRIMARY KEY (id)) SELECT id + 1 AS id, b AS a, a AS b FROM former")
	for range 2 {
		wantNamed(t, s.mustRead(t, from), "insert item id=1 a=11 b=12", "insert item id=2 a=12 b=11")
	}
}

// testHistoryStartBesideALTER begins while a table is changed again and again: whichever shape the rows have, they
// are read under its names or not at all.
func testHistoryStartBesideALTER(t *testing.T, s *source) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	s.exec(t, "CREATE TABLE item (id int PRIMARY KEY AUTO_INCREMENT, a int DEFAULT 1, b int DEFAULT 2)")
	s.tables = []*schema.Table{s.keyed("item")}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			// The value goes with the name: a is always 1 and b always 2.
			for _, statement := range []string{
				"INSERT INTO item () VALUES (), (), ()",
				"ALTER TABLE item CHANGE a b int DEFAULT 2, CHANGE b a int DEFAULT 1",
				"INSERT INTO item () VALUES (), (), ()",
				"INSERT INTO item () VALUES (), (), ()",
				"ALTER TABLE item CHANGE b a int DEFAULT 1, CHANGE a b int DEFAULT 2",
			} {
				if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
					ended <- err
					return
				}
			}
		}
		ended <- nil
	}()
	rows, refused := 0, 0
	for range rounds {
		got, err := s.read(t, s.now(t))
		if err != nil && !errors.As(err, new(*cdc.UnreadableError)) {
			t.Errorf("read: %v", err)
		}
		if err != nil {
			refused++
		}
		for _, l := range named(got) {
			rows++
			if !strings.Contains(l, " a=1") || !strings.Contains(l, " b=2") {
				t.Errorf("wrong names: %s", l)
			}
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Logf("%d rows read, %d of %d reads refused", rows, refused, rounds)
}
