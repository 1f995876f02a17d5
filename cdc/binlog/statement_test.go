package binlog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var kindNames = map[statementKind]string{
	stmtOther: "other", stmtBegin: "begin", stmtCommit: "commit", stmtRollback: "rollback", stmtSavepoint: "savepoint",
	stmtRollbackTo: "rollback to", stmtTruncate: "truncate", stmtDDL: "ddl", stmtDML: "dml", stmtXAStart: "xa start",
	stmtXAEnd: "xa end", stmtXAPrepare: "xa prepare", stmtXACommit: "xa commit", stmtXARollback: "xa rollback",
}

// String is for messages: "ddl item, other.item and unknown ones".
func (s statement) String() string {
	var names []string
	for _, t := range s.tables {
		name := t.Table
		if t.Schema != "" {
			name = t.Schema + "." + name
		}
		names = append(names, name)
	}
	if s.unknown {
		names = append(names, "?")
	}
	text := kindNames[s.kind]
	if len(names) > 0 {
		text += " " + strings.Join(names, ", ")
	}
	if s.xid != "" {
		text += " " + s.xid
	}
	return text
}

func TestStatement(t *testing.T) {
	tests := []struct{ text, want string }{
		// Bounds of transactions.
		{"BEGIN", "begin"},
		{"begin work", "begin"},
		{"BEGIN NOT ATOMIC SELECT 1; END", "other"},
		{"START TRANSACTION", "begin"},
		{"START TRANSACTION WITH CONSISTENT SNAPSHOT", "begin"},
		{"START SLAVE", "other"},
		{"COMMIT", "commit"},
		{"COMMIT /* implicit, from Xid_log_event */", "commit"},
		{"/* a */ COMMIT WORK AND CHAIN", "commit"},
		{"ROLLBACK", "rollback"},
		{"ROLLBACK WORK", "rollback"},
		{"rollback and no chain", "rollback"},
		{"ROLLBACK TO `s`", "rollback to"},
		{"ROLLBACK WORK TO SAVEPOINT s", "rollback to"},
		{"ROLLBACK /* all of it */ TO s", "rollback to"},
		{"SAVEPOINT `to`", "savepoint"},
		{"RELEASE SAVEPOINT s", "savepoint"},
		{"XA START X'61',X'',1", "xa start X'61',X'',1"},
		{"xa begin 'a'", "xa start 'a'"},
		{"XA END X'61',X'',1", "xa end X'61',X'',1"},
		{"XA PREPARE X'61',X'',1", "xa prepare X'61',X'',1"},
		{"XA COMMIT X'61',X'',1", "xa commit X'61',X'',1"},
		{"XA COMMIT X'61',X'',1 ONE PHASE", "xa commit X'61',X'',1 ONE PHASE"},
		{"XA ROLLBACK  X'61',X'',1 ", "xa rollback X'61',X'',1"},
		{"XA RECOVER", "other"},

		// TRUNCATE.
		{"TRUNCATE item", "truncate item"},
		{"truncate table item", "truncate item"},
		{"TRUNCATE TABLE `app`.`item`", "truncate app.item"},
		{"TRUNCATE TABLE app . item", "truncate app.item"},
		{"TRUNCATE TABLE .item", "truncate item"},
		{"TRUNCATE TABLE app.`1 2`", "truncate app.1 2"},
		{"TRUNCATE TABLE app.1item", "truncate app.1item"},
		{"TRUNCATE TABLE app.table", "truncate app.table"},
		{"TRUNCATE `table`", "truncate table"},
		{"TRUNCATE TABLE item WAIT 3", "truncate item"},
		{"TRUNCATE TABLE item NOWAIT", "truncate item"},
		{"TRUNCATE TABLE item;", "truncate item"},
		{"/* by a tool */ TRUNCATE TABLE item -- end", "truncate item"},
		{"TRUNCATE/**/TABLE/**/item", "truncate item"},
		{"TRUNCATE TABLE 'item'", "truncate ?"},
		{"TRUNCATE TABLE", "truncate ?"},
		{"TRUNCATE TABLE app.", "truncate ?"},
		{"TRUNCATE TABLE `item", "truncate ?"},
		{"TRUNCATE TABLE ``", "truncate ?"},
		{"TRUNCATE TABLE gr\xf6\xdfe", "truncate ?"},
		{"TRUNCATE TABLE größe", "truncate größe"},
		{"TRUNCATE TABLE app.`a.b`", "truncate app.a.b"},
		{"TRUNCATE TABLE `a``b`", "truncate a`b"},
		{"TRUNCATE TABLE $item", "truncate $item"},

		// CREATE.
		{"CREATE TABLE item (id int)", "ddl item"},
		{"CREATE TABLE IF NOT EXISTS `app`.`item` LIKE other", "ddl app.item"},
		{"CREATE OR REPLACE TABLE item (id int)", "ddl item"},
		{"CREATE TABLE item AS SELECT * FROM other", "ddl item"},
		{"CREATE TABLE item(id int)", "ddl item"},
		{"CREATE TEMPORARY TABLE item (id int)", "other"},
		{"CREATE OR REPLACE TEMPORARY TABLE item (id int)", "other"},
		{"CREATE /*!50000 TEMPORARY */ TABLE item (id int)", "other"},
		{"CREATE INDEX i ON item (name)", "ddl item"},
		{"CREATE UNIQUE INDEX `on` USING BTREE ON app.item (name)", "ddl app.item"},
		{"CREATE OR REPLACE INDEX i ON item (name)", "ddl item"},
		{"CREATE INDEX IF NOT EXISTS i ON item (name)", "ddl item"},
		{"CREATE ONLINE FULLTEXT INDEX i ON item (name)", "ddl item"},
		{"CREATE DATABASE app", "other"},
		{"CREATE OR REPLACE DATABASE app", "ddl app."},
		{"CREATE VIEW v AS SELECT 1", "other"},
		{"CREATE OR REPLACE VIEW v AS SELECT 1", "other"},
		{"CREATE DEFINER=`root`@`%` TRIGGER r AFTER INSERT ON item FOR EACH ROW TRUNCATE TABLE x", "other"},
		{"CREATE PROCEDURE p() DROP TABLE item", "other"},
		{"CREATE SEQUENCE s", "other"},
		{"CREATE USER 'u'@'%'", "other"},

		// ALTER.
		{"ALTER TABLE item ADD COLUMN n int", "ddl item"},
		{"ALTER ONLINE IGNORE TABLE app.item ADD n int", "ddl app.item"},
		{"ALTER TABLE IF EXISTS item DROP n", "ddl item"},
		{"ALTER TABLE item NOWAIT ADD n int", "ddl item"},
		{"ALTER TABLE item WAIT 5 ADD n int, RENAME TO x", "ddl item, x"},
		{"ALTER TABLE item RENAME x", "ddl item, x"},
		{"ALTER TABLE item RENAME AS x", "ddl item, x"},
		{"ALTER TABLE item RENAME = x", "ddl item, x"},
		{"ALTER TABLE item RENAME TO other.x", "ddl item, other.x"},
		{"ALTER TABLE item RENAME `column`", "ddl item, column"},
		{"ALTER TABLE item RENAME COLUMN a TO b", "ddl item"},
		{"ALTER TABLE item RENAME INDEX a TO b, RENAME KEY c TO d", "ddl item"},
		{"ALTER TABLE item ADD n int DEFAULT 1 COMMENT ', RENAME x', RENAME y", "ddl item, y"},
		{"ALTER TABLE item ADD n int COMMENT 'it''s, RENAME x'", "ddl item"},
		{`ALTER TABLE item ADD n int COMMENT 'a\', RENAME x'`, "ddl item, ?"},
		{`ALTER TABLE item ADD n int COMMENT 'a\\n'`, "ddl item"},
		{"ALTER TABLE item ADD (a int, rename int)", "ddl item"},
		{"ALTER TABLE item ADD rename int", "ddl item"},
		{"ALTER TABLE item MODIFY e enum('a','b'), ALGORITHM=COPY, RENAME x", "ddl item, x"},
		{"ALTER TABLE item EXCHANGE PARTITION p0 WITH TABLE app.x WITHOUT VALIDATION", "ddl item, app.x"},
		{"ALTER TABLE item CONVERT PARTITION p0 TO TABLE x", "ddl item, x"},
		{"ALTER TABLE item CONVERT TABLE x TO PARTITION p0 VALUES LESS THAN (5)", "ddl item, x"},
		{"ALTER TABLE item CONVERT TO CHARACTER SET utf8mb4", "ddl item"},
		{"ALTER TABLE item CONVERT TO CHARACTER SET utf8mb4, RENAME x", "ddl item, x"},
		{"ALTER TABLE item DROP PARTITION p0", "ddl item"},
		{"ALTER TABLE item DISCARD TABLESPACE", "ddl item"},
		{"ALTER TABLE item RENAME", "ddl item, ?"},
		{"ALTER TABLE item RENAME gr\xf6\xdfe", "ddl item, ?"},
		{"ALTER TABLE", "ddl ?"},
		{"ALTER DATABASE app CHARACTER SET utf8mb4", "other"},
		{"ALTER VIEW v AS SELECT 1", "other"},
		{"ALTER USER u", "other"},

		// DROP.
		{"DROP TABLE item", "ddl item"},
		{"DROP TABLES item", "ddl item"},
		{"DROP TABLE IF EXISTS `a`,app.b , `c` /* generated by server */", "ddl a, app.b, c"},
		{"DROP TABLE a CASCADE", "ddl a"},
		{"DROP TABLE a, 'b'", "ddl a, ?"},
		{"DROP TABLE `a``b`,`c,d`", "ddl a`b, c,d"},
		{"DROP TEMPORARY TABLE IF EXISTS `app`.`item` /* generated by server */", "other"},
		{"DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `item`", "other"},
		{"DROP INDEX i ON item", "ddl item"},
		{"DROP INDEX IF EXISTS `on` ON app.item", "ddl app.item"},
		{"DROP DATABASE app", "ddl app."},
		{"DROP SCHEMA IF EXISTS `app`", "ddl app."},
		{"DROP VIEW item", "other"},
		{"DROP TRIGGER r", "other"},
		{"DROP PROCEDURE p", "other"},
		{"DROP SEQUENCE item", "other"},
		{"DROP USER u", "other"},

		// RENAME.
		{"RENAME TABLE a TO b", "ddl a, b"},
		{"RENAME TABLES a TO b, app.c TO d", "ddl a, b, app.c, d"},
		{"RENAME TABLE IF EXISTS a WAIT 5 TO b, c NOWAIT TO d", "ddl a, b, c, d"},
		{"RENAME TABLE `item` TO `_item_del`, `_item_gho` TO `item`", "ddl item, _item_del, _item_gho, item"},
		{"RENAME TABLE a", "ddl a, ?"},
		{"RENAME TABLE a TO", "ddl a, ?"},
		{"RENAME USER a TO b", "other"},

		// DML.
		{"INSERT INTO item VALUES (1)", "dml"},
		{"insert delayed into item values (1)", "dml"},
		{"REPLACE item SELECT 1", "dml"},
		{"UPDATE item SET a = 1", "dml"},
		{"DELETE FROM item", "dml item"},
		{"DELETE FROM `app`.`item` /* generated by server, implicitly emptying in-memory table */", "dml app.item"},
		{"DELETE FROM item WHERE id > 1", "dml"},
		{"DELETE FROM item PARTITION (p0)", "dml"},
		{"DELETE FROM item, other USING item JOIN other", "dml"},
		{"DELETE item FROM item JOIN other USING (id)", "dml"},
		{"DELETE QUICK FROM item", "dml"},
		{"(SELECT f(1))", "dml"},
		{"((SELECT f(1)))", "dml"},
		{"WITH x AS (SELECT 1) DELETE FROM item", "dml"},
		{"LOAD DATA LOCAL INFILE 'x' INTO TABLE item", "dml"},
		{"LOAD XML INFILE 'x' INTO TABLE item", "dml"},
		{"LOAD INDEX INTO CACHE item", "other"},
		{"CALL p()", "dml"},
		{"DO f(1)", "dml"},
		{"EXECUTE IMMEDIATE 'DELETE FROM item'", "dml"},
		{"ANALYZE UPDATE item SET a = 1", "dml"},
		{"ANALYZE FORMAT=JSON DELETE FROM item", "dml item"},
		{"ANALYZE TABLE item", "other"},
		{"SET STATEMENT max_statement_time=1 FOR DELETE FROM item", "dml item"},
		{"SET STATEMENT sql_mode='FOR' FOR TRUNCATE TABLE item", "truncate item"},
		{"SET STATEMENT sort_buffer_size=(SELECT 1 FOR UPDATE) FOR ALTER TABLE item ADD n int", "ddl item"},
		{"SET PASSWORD FOR u = 'x'", "other"},
		{"SET @a = 1", "other"},
		{"/*!50003 INSERT INTO item VALUES (1) */", "dml"},
		{"/*M!100100 TRUNCATE */ TABLE item", "truncate item"},
		{"TRUNCATE TABLE /*!99999 other */ item", "truncate other"}, // servers take the ! from those that they pass over
		{"TRUNCATE TABLE /* 99999 other */ item", "truncate item"},

		// Neither.
		{"", "other"},
		{" \n", "other"},
		{"# Dummy event replacing event type 160 that slave cannot handle.", "other"},
		{"/* nothing */", "other"},
		{"/* never closed TRUNCATE item", "other"},
		{"-- TRUNCATE item", "other"},
		{"-- x\nTRUNCATE item", "truncate item"},
		{"--x", "other"},
		{"# x\n# y\nTRUNCATE item", "truncate item"},
		{"GRANT ALL ON item TO u", "other"},
		{"OPTIMIZE TABLE item", "other"},
		{"REPAIR TABLE item", "other"},
		{"FLUSH TABLES", "other"},
		{"`TRUNCATE` item", "other"},
		{"'TRUNCATE' item", "other"},
		{"TRUNCATED item", "other"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got := parseStatement(tt.text, false).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestStatementANSIQuotes: under ANSI_QUOTES "x" is a name, else a text.
// Statements that take partitions away, or bring some, do so without rows in the log.
func TestStatementPartitions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want bool
	}{
		{"ALTER TABLE item DROP PARTITION p0", true},
		{"ALTER TABLE item TRUNCATE PARTITION ALL", true},
		{"ALTER TABLE item DISCARD PARTITION p0 TABLESPACE", true},
		{"ALTER TABLE item EXCHANGE PARTITION p0 WITH TABLE x", true},
		{"ALTER TABLE item CONVERT PARTITION p0 TO TABLE x", true},
		{"ALTER TABLE item CONVERT TABLE x TO PARTITION p0 VALUES LESS THAN (5)", true},
		{"ALTER TABLE item ADD n int, DROP PARTITION p0", true},
		{"ALTER TABLE item DROP COLUMN `partition`", false},
		{"ALTER TABLE item ADD PARTITION (PARTITION p9 VALUES LESS THAN (9))", false},
		{"ALTER TABLE item REORGANIZE PARTITION p0 INTO (PARTITION p1 VALUES LESS THAN (9))", false},
		{"ALTER TABLE item CONVERT TO CHARACTER SET utf8 PARTITION BY KEY (id)", false},
		{"ALTER TABLE item REMOVE PARTITIONING", false},
	}
	for _, tt := range tests {
		if got := parseStatement(tt.text, false); got.partitions != tt.want || got.kind != stmtDDL {
			t.Errorf("%s: got %+v, want partitions %t", tt.text, got, tt.want)
		}
	}
}

func TestStatementANSIQuotes(t *testing.T) {
	tests := []struct{ text, ansi, plain string }{
		{`TRUNCATE TABLE "item"`, "truncate item", "truncate ?"},
		{`DROP TABLE "a""b", "app"."c"`, `ddl a"b, app.c`, "ddl ?"},
		{"DROP TABLE `a`, \"b\"", "ddl a, b", "ddl a, ?"},
		{`ALTER TABLE item ADD n int COMMENT 'x', RENAME "y, z"`, "ddl item, y, z", "ddl item, ?"},
		{`ALTER TABLE item ADD n int COMMENT "x, RENAME y"`, "ddl item", "ddl item"},
	}
	for _, tt := range tests {
		if got := parseStatement(tt.text, true).String(); got != tt.ansi {
			t.Errorf("%s with ANSI_QUOTES: got %s, want %s", tt.text, got, tt.ansi)
		}
		if got := parseStatement(tt.text, false).String(); got != tt.plain {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.plain)
		}
	}
}

func TestMentions(t *testing.T) {
	tests := []struct {
		text, name string
		want       bool
	}{
		{"UPDATE app.item SET n = 1", "app", true},
		{"UPDATE `app`.`item` SET n = 1", "app", true},
		{"UPDATE APP.item SET n = 1", "app", true},
		{"UPDATE app.item SET n = 1", "App", true},
		{"UPDATE myapp.item SET n = 1", "app", false},
		{"UPDATE app2.item, app.item SET n = 1", "app", true},
		{"UPDATE app_2.item SET n = 1", "app", false},
		{"UPDATE $app.item SET n = 1", "app", false},
		{"app", "app", true},
		{"", "app", false},
		{"UPDATE `a``b`.item SET n = 1", "a`b", true},
		{"UPDATE größe.item SET n = 1", "größe", true},
		{"UPDATE GRÖSSE.item SET n = 1", "größe", false},
		{"UPDATE gr\xf6\xdfe.item SET n = 1", "größe", true}, // in a character set that is not known
		{"UPDATE x.item SET n = '\xf6'", "app", false},
		{"UPDATE x.item SET n = 1", "", true},
		{"UPDATE `my app`.item SET n = 1", "my app", true},
		{"UPDATE `my-app`.item SET n = 1", "app", true}, // rather once too often
	}
	for _, tt := range tests {
		if got := mentions(tt.text, tt.name); got != tt.want {
			t.Errorf("mentions(%q, %q): got %v, want %v", tt.text, tt.name, got, tt.want)
		}
	}
}

// FuzzStatement: whatever the text, it is read to an end, soon; and how names are quoted, or what comments stand
// between, makes no difference.
func FuzzStatement(f *testing.F) {
	for _, text := range []string{
		"TRUNCATE TABLE `app`.`item`", "ALTER TABLE item ADD n int COMMENT ', RENAME x', RENAME y", "DROP TABLE a, b",
		"SET STATEMENT a=1 FOR DELETE FROM item", "/*!50003 INSERT INTO item VALUES (1) */", "XA COMMIT X'61',X'',1",
		"CREATE OR REPLACE UNIQUE INDEX i USING BTREE ON item (a)", "ANALYZE FORMAT=JSON ANALYZE UPDATE t SET a=1",
	} {
		f.Add(text, "item")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		began := time.Now()
		for _, ansi := range []bool{false, true} {
			s := parseStatement(text, ansi)
			for _, n := range s.tables {
				if n.Table == "" && (s.kind != stmtDDL || n.Schema == "") {
					t.Errorf("%q: got %s, a table without a name", text, s)
				}
			}
			if emptied := s.kind == stmtDML && s.emptied && len(s.tables) == 1; len(s.tables) > 0 && s.kind != stmtDDL && s.kind != stmtTruncate && !emptied {
				t.Errorf("%q: got %s", text, s)
			}
			if spaced := parseStatement("/* x */ # y\n "+text, ansi); spaced.String() != s.String() && s.xid == "" {
				t.Errorf("%q: got %s, behind comments %s", text, s, spaced)
			}
		}
		mentions(text, name)
		if took := time.Since(began); took > time.Second+time.Duration(len(text))*time.Millisecond {
			t.Errorf("%d bytes took %s", len(text), took)
		}
		quotings(t, name)
	})
}

// quotings compares the ways to write one name.
func quotings(t *testing.T, name string) {
	t.Helper()
	plain := name != ""
	for i := range len(name) {
		plain = plain && isNameByte(name[i])
	}
	quote := func(q string) string { return q + strings.ReplaceAll(name, q, q+q) + q }
	ways := []string{quote("`"), quote(`"`)}
	if plain {
		ways = append(ways, name)
	}
	for _, way := range ways {
		for _, form := range []string{"DROP TABLE IF EXISTS %s", "TRUNCATE/**/%s/**/", "RENAME TABLE %[1]s TO `x`.%[1]s"} {
			text := fmt.Sprintf(form, way)
			got := parseStatement(text, true).String()
			want := parseStatement(fmt.Sprintf(form, quote("`")), true).String()
			if got != want && !(plain && strings.Contains("WAIT NOWAIT IF TABLE TO", strings.ToUpper(name))) {
				t.Errorf("%q: got %s, want %s", text, got, want)
			}
		}
	}
	back := parseStatement("TRUNCATE TABLE "+quote("`"), false)
	if len(back.tables) == 1 && back.tables[0].Table != name {
		t.Errorf("%q read as %q", name, back.tables[0].Table)
	}
}
