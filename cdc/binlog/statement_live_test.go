package binlog

import (
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"ardso/cdc/binlog/event"
	"ardso/sql/binlog"
)

// TestStatementsInTheLog runs statements on real servers and compares what the queries in the log are taken for
// with what happened to the tables: each table that has another definition or other rows afterwards, without a
// row event, must be among those that a statement is said to be about.
func TestStatementsInTheLog(t *testing.T) {
	const newer, parts = "mariadb", "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)"
	tests := []struct {
		name  string
		only  string // engines whose name begins so; "" = all
		run   []string
		want  string // what the log's statements are taken for
		setUp []string
	}{
		{name: "truncate", run: []string{"TRUNCATE item"}, want: "truncate item"},
		{name: "truncate with comments", run: []string{"/* a */ TRUNCATE /*!99999 x */ TABLE /*!50000 item */ -- b"}, want: "truncate item"},
		{name: "truncate by name", run: []string{"TRUNCATE TABLE `DB` . `item`"}, want: "truncate DB.item"},
		{name: "truncate ANSI", run: []string{`SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')`, `TRUNCATE TABLE "item"`}, want: "truncate item"},
		{name: "truncate wait", only: newer, run: []string{"TRUNCATE TABLE item WAIT 10"}, want: "truncate item"},
		{name: "truncate for", only: newer, run: []string{"SET STATEMENT lock_wait_timeout = 5 FOR TRUNCATE item"}, want: "truncate item"},
		{name: "prepared", run: []string{"PREPARE s FROM 'TRUNCATE TABLE item'", "EXECUTE s"}, want: "truncate item"},
		{name: "within a procedure", run: []string{"CREATE PROCEDURE p() BEGIN TRUNCATE item; DROP TABLE other; END", "CALL p()", "DROP PROCEDURE p"}, want: "truncate item; ddl other"},
		{name: "latin1 client", run: []string{"SET NAMES latin1", "TRUNCATE TABLE `gr\xf6\xdfe`"}, setUp: []string{"CREATE TABLE größe (id int PRIMARY KEY)", "INSERT INTO größe VALUES (1)"}, want: "truncate größe"},
		{name: "latin1 client that looks like UTF-8", run: []string{"SET NAMES latin1", "TRUNCATE TABLE `\xc3\xa9`"}, setUp: []string{"CREATE TABLE `Ã©` (id int PRIMARY KEY)", "INSERT INTO `Ã©` VALUES (1)"}, want: "truncate Ã©"},
		{name: "odd names", run: []string{"DROP TABLE `a``b`, `c,d`"}, setUp: []string{"CREATE TABLE `a``b` (id int)", "CREATE TABLE `c,d` (id int)"}, want: "ddl a`b, c,d"},

		{name: "add", run: []string{"ALTER TABLE item ADD n int NOT NULL DEFAULT 1 COMMENT ', RENAME x'"}, want: "ddl item"},
		{name: "rename column", only: newer, run: []string{"ALTER TABLE item RENAME COLUMN name TO title"}, want: "ddl item"},
		{name: "change", run: []string{"ALTER TABLE item CHANGE name title varchar(30), ADD INDEX (title)"}, want: "ddl item"},
		{name: "alter and rename", run: []string{`ALTER TABLE item COMMENT 'it''s', RENAME TO moved`}, want: "ddl item, moved"},
		{name: "alter with backslash", run: []string{`ALTER TABLE item COMMENT 'it\'s', RENAME = moved`}, want: "ddl item, ?"},
		{name: "no backslash escapes", run: []string{`SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')`, `ALTER TABLE item COMMENT '\', RENAME moved`}, want: "ddl item, ?"},
		{name: "exchange", run: []string{"ALTER TABLE parted EXCHANGE PARTITION p0 WITH TABLE whole"}, want: "ddl parted, whole", setUp: []string{
			"CREATE TABLE whole (id integer PRIMARY KEY, name varchar(200))", "CREATE TABLE parted (id integer PRIMARY KEY, name varchar(200)) " + parts, "INSERT INTO parted VALUES (1, 'x'), (11, 'y')",
		}},
		{name: "convert partition", only: newer, run: []string{"ALTER TABLE parted CONVERT PARTITION p1 TO TABLE whole", "ALTER TABLE parted CONVERT TABLE whole TO PARTITION px VALUES LESS THAN (20)"}, want: "ddl parted, whole; ddl parted, whole", setUp: []string{
			"CREATE TABLE parted (id integer PRIMARY KEY, name varchar(200)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))", "INSERT INTO parted VALUES (1, 'x'), (11, 'y')",
		}},
		{name: "swap", run: []string{"RENAME TABLE item TO _item_del, other TO item"}, want: "ddl item, _item_del, other, item"},
		{name: "rename, newer", only: newer, run: []string{"RENAME TABLE IF EXISTS item WAIT 10 TO i2, other WAIT 10 TO o2"}, want: "ddl item, i2, other, o2"},
		{name: "drop several", run: []string{"DROP TABLE IF EXISTS item, DB.other, nothing"}, want: "ddl item, other, nothing"},
		{name: "create or replace", only: newer, run: []string{"CREATE OR REPLACE TABLE item (a int)"}, want: "ddl item"},
		{name: "create like", run: []string{"CREATE TABLE DB.more LIKE item"}, want: "ddl DB.more"},
		{name: "create select", only: newer, run: []string{"CREATE TABLE more AS SELECT * FROM item"}, want: "ddl more"},
		{name: "index", run: []string{"CREATE UNIQUE INDEX `on` USING BTREE ON item (name(50))", "DROP INDEX `on` ON DB.item"}, want: "ddl item; ddl DB.item"},
		{name: "optimize", run: []string{"OPTIMIZE TABLE item", "ANALYZE TABLE item"}, want: ""},
		{name: "temporary", run: []string{"CREATE TEMPORARY TABLE item (id int)", "INSERT INTO item VALUES (5)", "ALTER TABLE item ADD n int", "TRUNCATE TABLE item", "DROP TABLE item"}, want: ""},
		{name: "temporary hides", run: []string{"CREATE TEMPORARY TABLE item LIKE other", "RENAME TABLE other TO o2", "DROP TEMPORARY TABLE item"}, want: "ddl other, o2"},
		{name: "views", run: []string{"CREATE VIEW v AS SELECT * FROM item", "DROP VIEW v"}, want: ""},
		{name: "trigger", run: []string{"CREATE TRIGGER r AFTER INSERT ON other FOR EACH ROW DELETE FROM item WHERE id = 2", "DROP TRIGGER r"}, want: ""},
		{name: "sequence", only: newer, run: []string{"CREATE SEQUENCE s", "DROP SEQUENCE s"}, want: ""},
		{name: "savepoints", run: []string{"BEGIN", "INSERT INTO elsewhere VALUES (1)", "SAVEPOINT `to`", "INSERT INTO elsewhere VALUES (1)", "ROLLBACK TO `to`", "RELEASE SAVEPOINT `to`", "COMMIT"}, want: "savepoint"},
		{name: "delete as statement", run: []string{"SET SESSION binlog_format = 'STATEMENT', tx_isolation = 'REPEATABLE-READ'", "DELETE FROM other"}, want: "dml other"},
		{name: "compound", only: newer, run: []string{"BEGIN NOT ATOMIC TRUNCATE item; END"}, want: "truncate item"},
		{name: "execute immediate", only: newer, run: []string{"EXECUTE IMMEDIATE 'DROP TABLE item'"}, want: "ddl item"},
	}
	eachServer(t, func(t *testing.T, s *source) {
		for _, tt := range tests {
			if !strings.HasPrefix(s.db.Engine.Name, tt.only) {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				s.reset(t, tt.setUp)
				run, start, before := s.session(t), s.now(t), s.shapes(t)
				for _, statement := range tt.run {
					run(strings.ReplaceAll(statement, "DB", s.db.Schema))
				}
				after := s.shapes(t)
				got, named, all := s.takenFor(t, logged(t, s.db, start))
				if want := strings.ReplaceAll(tt.want, "DB", s.db.Schema); got != want && !strings.Contains(want, "?") {
					t.Errorf("got %q, want %q", got, want)
				}
				delete(after, "elsewhere") // for what writes rows
				delete(before, "elsewhere")
				for name := range maps.Keys(before) {
					after[name] += "" // gone is a change too
				}
				for name, shape := range after {
					if before[name] != shape && !named[name] && !all && !strings.Contains(got, "dml") {
						t.Errorf("table %s was\n%s\nand is\n%s\nbut the log was taken for %q", name, before[name], shape, got)
					}
				}
			})
		}
	})
}

// reset leaves item and other, with a few rows, and what else a test sets up.
func (s *source) reset(t *testing.T, more []string) {
	t.Helper()
	for name := range s.shapes(t) {
		if !strings.HasPrefix(name, "dso_") && name != "elsewhere" {
			s.exec(t, "DROP TABLE "+s.db.Engine.Quote(name))
		}
	}
	for _, statement := range append([]string{
		"CREATE TABLE item (id integer PRIMARY KEY, name varchar(200))", "INSERT INTO item VALUES (1, 'a'), (2, 'b')",
		"CREATE TABLE other (id integer PRIMARY KEY, name varchar(200))", "INSERT INTO other VALUES (3, 'c')",
	}, more...) {
		s.exec(t, statement)
	}
}

var counter = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// shapes is each table's definition and rows.
func (s *source) shapes(t *testing.T) map[string]string {
	t.Helper()
	var names []string
	if err := s.db.SelectContext(t.Context(), &names, "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_type = 'BASE TABLE'"); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		var same, text string
		if err := s.db.QueryRowContext(t.Context(), "SHOW CREATE TABLE "+s.db.Engine.Quote(name)).Scan(&same, &text); err != nil {
			t.Fatal(err)
		}
		var sum sql.NullString // NULL of a table that is gone
		if err := s.db.QueryRowContext(t.Context(), "CHECKSUM TABLE "+s.db.Engine.Quote(name)).Scan(&same, &sum); err != nil {
			t.Fatal(err)
		}
		all[name] = fmt.Sprintf("%s\n%s", counter.ReplaceAllString(text, ""), sum.String)
	}
	return all
}

// takenFor is what the reader takes the statements of the log for, and the tables that they are said to be about.
func (s *source) takenFor(t *testing.T, all []event.Event) (text string, named map[string]bool, unknown bool) {
	t.Helper()
	state, err := binlog.ReadState(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := newRelations(t.Context(), s.db, state, nil, s.o)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	named = map[string]bool{}
	for _, e := range all {
		q, is := e.(*event.Query)
		if !is || q.Schema != s.db.Schema {
			continue
		}
		st := rs.parse(q)
		if st.kind == stmtBegin || st.kind == stmtCommit || st.kind == stmtOther {
			continue
		}
		said = append(said, st.String())
		unknown = unknown || st.unknown
		for _, n := range st.tables {
			if n.or(q.Schema).Schema == s.db.Schema {
				named[n.Table] = true
			}
		}
	}
	return strings.Join(said, "; "), named, unknown
}
