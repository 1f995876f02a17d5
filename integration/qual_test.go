package integration

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/integration/dbtest"
	"ardso/integration/qualtest"
	"ardso/mapping/qual"
	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// qualTable has, by dialect, columns of all kinds, and collations that disagree with qualifications
// about what is equal.
var qualTable = map[string][]string{
	"postgres": {
		`CREATE EXTENSION IF NOT EXISTS citext`,
		`CREATE TABLE repair (id varchar(15) PRIMARY KEY, t1 citext, t2 text, t3 varchar(40), t4 char(10),
			n1 integer, n2 bigint, d1 numeric(28,10), d2 numeric, r1 double precision, r2 real, s1 integer,
			i1 integer, i2 timestamp, i3 timestamptz, day1 integer, day2 date, i4 date, c1 integer, c2 time)`,
		`INSERT INTO repair (id, d2, r1, i2, day2, t4) VALUES
			('odd1', 'NaN', 'NaN', 'infinity', 'infinity', '   '), ('odd2', '-Infinity', '-Infinity', '-infinity', '-infinity', ''),
			('odd3', 'Infinity', 'Infinity', '4000-01-01 BC', '4000-01-01 BC', 'a')`,
	},
	"mysql": {
		`CREATE TABLE repair (id varchar(15) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
			t1 varchar(40) COLLATE utf8mb4_unicode_ci, t2 longtext COLLATE utf8mb4_bin, t3 varchar(40) CHARACTER SET latin1, t4 char(10) COLLATE utf8mb4_danish_ci,
			n1 int, n2 bigint unsigned, d1 decimal(28,10), d2 decimal(65,10), r1 double, r2 float, s1 int,
			i1 int, i2 datetime(6), i3 timestamp(6) NULL, day1 int, day2 date, i4 date, c1 int, c2 time(6)) DEFAULT CHARSET=utf8mb4`,
		`INSERT INTO repair (id, n2, t1, t2, t3, c2, i2) VALUES
			('odd1', 18446744073709551615, '  ', 'a  ', 'aA', '838:59:59', '9999-12-31 23:59:59.999999'), ('odd2', 0, '', '', '', '-10:00:00', '1000-01-01')`,
	},
	"sqlite": {
		`CREATE TABLE repair (id TEXT PRIMARY KEY, t1 TEXT COLLATE NOCASE, t2 TEXT, t3 VARCHAR(40), t4 JSON,
			n1 INTEGER, n2 BIGINT, d1 DECIMAL(28,10), d2 NUMERIC, r1 REAL, r2 FLOAT, s1 INTEGER,
			i1 INTEGER, i2 DATETIME, i3 TIMESTAMP, day1 INTEGER, day2 DATE, i4 DATE, c1 INTEGER, c2 TIME)`,
		`INSERT INTO repair (id, d1, d2, i2, day2, t1, t4) VALUES
			('odd1', 'NaN', '-Infinity', '2026-10-17T00:00:01Z', 2461367, '  ', 815), ('odd2', '-inf', 'Infinity', 1792659846, '2026-11-22', '', 0815),
			('odd3', 0.30000000000000004, 12.4999999999999999, NULL, NULL, x'61', NULL)`,
		`DELETE FROM repair WHERE typeof(t1) = 'blob'`,
	},
}

// qualFields are the types that the form gives to columns, where they are not the columns' own.
func qualFields() []catalog.FieldSpec {
	states := []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 1, Label: "Assigned"}, {ID: 4, Label: "Closed"}}
	return []catalog.FieldSpec{
		{Column: "s1", Type: schema.Selection, Values: states},
		{Column: "d1", Type: schema.Decimal},
		{Column: "d2", Type: schema.Decimal},
		{Column: "i1", Type: schema.DateTime},
		{Column: "i4", Type: schema.DateTime},
		{Column: "day1", Type: schema.Date},
		{Column: "c1", Type: schema.Time},
		{Column: "t4", Type: schema.Character},
	}
}

// TestPrefilterLosesNoRow: on every engine, the pre-filter of a random qualification, as SQL, finds
// every row that the evaluator accepts, whatever the collations and the ways of storing values.
func TestPrefilterLosesNoRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		for _, ddl := range qualTable[db.Engine.Dialect] {
			if _, err := db.ExecContext(t.Context(), ddl); err != nil {
				t.Fatalf("%s: %v", ddl, err)
			}
		}
		for _, column := range []string{"n1", "d1", "s1", "i1", "i2", "day1", "day2", "c1", "r1"} {
			if _, err := db.ExecContext(t.Context(), fmt.Sprintf("CREATE INDEX repair_%s ON repair (%s)", column, column)); err != nil {
				t.Fatal(err)
			}
		}
		for _, keep := range []bool{true, false} {
			t.Run(fmt.Sprintf("keep_empty_%v", keep), func(t *testing.T) { prefilterLosesNoRow(t, db, keep) })
		}
	})
}

func prefilterLosesNoRow(t *testing.T, db *engine.DB, keepEmpty bool) {
	c, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{
		{Name: "Repair", Table: "repair", Fields: qualFields(), KeepEmptyStrings: keepEmpty},
	}})
	if err != nil {
		t.Fatal(err)
	}
	f := c.Form("Repair")
	w := statement.NewWriter(db)
	if keepEmpty {
		insertRequests(t, db, w, f)
	}
	rows, err := w.Find(t.Context(), db, f, schema.Condition{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	pushed := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := qual.Scope{Form: f, CaseSensitive: rapid.Bool().Draw(rt, "case sensitive"), NullCompareAR: rapid.Bool().Draw(rt, "null compare")}
		text := qualtest.Draw(rt, f, qualtest.Options{Depth: 2}).Text
		q, err := qual.Compile(text, s)
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		condition := q.Prefilter()
		if condition.Op == schema.Always {
			return
		}
		pushed++
		found, err := w.Find(t.Context(), db, f, condition, 0)
		if err != nil {
			where, args := statement.Where(db.Engine, condition, f.EmptyIsNull, 1)
			rt.Fatalf("%s\n%s %v: %v", text, where, args, err)
		}
		keys := map[string]bool{}
		for _, row := range found {
			keys[row[f.Key[0].Index].Text()] = true
		}
		for _, row := range rows {
			truth, err := q.Eval(&qual.Env{Fields: row})
			if err != nil {
				rt.Fatalf("%s of %v: %v", text, row, err)
			}
			if truth == qual.True && !keys[row[f.Key[0].Index].Text()] {
				where, args := statement.Where(db.Engine, condition, f.EmptyIsNull, 1)
				rt.Fatalf("%s\nas %s %v\nloses %v", text, where, args, row)
			}
		}
	})
	if pushed == 0 {
		t.Error("no qualification reached SQL")
	}
	reachesSQL(t, f)
}

// insertRequests writes random requests through the statements that appliers use.
func insertRequests(t *testing.T, db *engine.DB, w *statement.Writer, f *schema.Form) {
	t.Helper()
	generator := rapid.Custom(func(rt *rapid.T) []value.Value { return qualtest.Row(rt, f) })
	rows := make([][]value.Value, 120)
	for i := range rows {
		rows[i] = generator.Example(i)
		fitMySQL(f, rows[i])
		rows[i][f.Key[0].Index] = value.Text(fmt.Sprintf("R%05d", i))
	}
	tx, err := statement.Begin(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	refused, err := w.Insert(t.Context(), tx, f, f.Fields, rows)
	if err != nil || len(refused) > 0 {
		t.Fatalf("insert: refused %v, %v", refused, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// fitMySQL empties what MySQL's TIMESTAMP, which begins at the first second of 1970, and a column
// of latin1 cannot hold.
func fitMySQL(f *schema.Form, row []value.Value) {
	for i, x := range f.Fields {
		v := row[i]
		if x.Column.DataType == "timestamp(6)" && v.Int() < 1_000_000 ||
			x.Column.Charset == "latin1" && strings.ContainsFunc(v.Text(), func(r rune) bool { return r > 0xff }) {
			row[i] = value.Null
		}
	}
}

// reachesSQL: an equality or a range on an indexed field is judged by the database. SQLite's own
// dates are text of any form, so there only those kept as numbers are.
func reachesSQL(t *testing.T, f *schema.Form) {
	tests := []struct{ text, column string }{
		{`'n1' = 5`, "n1"},
		{`'n1' > 2 AND 'n1' <= 7`, "n1"},
		{`'n1' IN (1, 2)`, "n1"},
		{`NOT 'n1' < 5.5`, "n1"},
		{`'d1' >= 12.5`, "d1"},
		{`'d1' = 12.5`, "d1"},
		{`'r1' > 0.5`, "r1"},
		{`'s1' = "Closed"`, "s1"},
		{`'s1' < "Closed"`, "s1"},
		{`'i1' > "2026-10-17"`, "i1"},
		{`'i1' = 1792659845`, "i1"},
		{`'i2' > "10/17/2026"`, "i2"},
		{`'day1' = "2026-10-17"`, "day1"},
		{`'day2' <= "2026-10-17"`, "day2"},
		{`'c1' > "10:00"`, "c1"},
		{`'id' = "0000815"`, "id"},
		{`'id' IN ("0000815", "0000816")`, "id"},
	}
	for _, tt := range tests {
		q, err := qual.Compile(tt.text, qual.Scope{Form: f})
		if err != nil {
			t.Fatal(err)
		}
		c := f.Table.Column(tt.column)
		if !c.Indexed {
			t.Errorf("column %s has no index", tt.column)
		}
		if c.Untyped && (strings.HasPrefix(tt.column, "i2") || tt.column == "day2") {
			continue
		}
		if got := q.Prefilter(); !compares(got) {
			t.Errorf("%s does not reach SQL: %+v", tt.text, got)
		}
	}
}

// compares reports a condition that compares in every branch.
func compares(c schema.Condition) bool {
	switch c.Op {
	case schema.And:
		for _, p := range c.Parts {
			if compares(p) {
				return true
			}
		}
		return false
	case schema.Or:
		for _, p := range c.Parts {
			if !compares(p) {
				return false
			}
		}
		return true
	}
	return c.Op != schema.Always && c.Op != schema.NotNull
}
