package statement

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// typed is a column type of the tests, as each engine writes it.
type typed struct {
	field schema.Type
	kind  value.Kind
	// by dialect: DDL; the first words, up to a space that is followed by an upper case letter, are
	// the data type
	ddl  map[string]string
	base string // on PostgreSQL
	with func(dialect string, c *schema.Column)
}

func same(ddl string) map[string]string {
	return map[string]string{"postgres": ddl, "mysql": ddl, "sqlite": ddl}
}

func ddl(postgres, mysql, sqlite string) map[string]string {
	return map[string]string{"postgres": postgres, "mysql": mysql, "sqlite": sqlite}
}

var types = map[string]typed{
	"id": {
		schema.Character, value.KindText, ddl("varchar(15)", "varchar(15) COLLATE utf8mb4_bin", "varchar(15)"), "character varying",
		func(_ string, c *schema.Column) { c.Length = 15 },
	},
	"text": {schema.Character, value.KindText, ddl("text", "longtext", "TEXT"), "text", nil},
	"ci": {
		schema.Character, value.KindText, ddl("citext", "varchar(100) COLLATE utf8mb4_general_ci", "TEXT COLLATE NOCASE"), "public.citext",
		func(_ string, c *schema.Column) { c.CaseFolding = true },
	},
	"latin1": {schema.Character, value.KindText, ddl("text", "varchar(100) CHARACTER SET latin1", "TEXT"), "text", nil},
	"char": {schema.Character, value.KindText, same("char(10)"), "character", func(d string, c *schema.Column) {
		c.Length, c.FixedChar = 10, d != "sqlite"
	}},
	"enum": {schema.Character, value.KindText, ddl("mood", "enum('sad','happy','angry')", "TEXT"), "public.mood", nil},
	"int": {schema.Integer, value.KindInt, same("integer"), "integer", func(_ string, c *schema.Column) {
		c.Bits = 32
	}},
	"big": {schema.Integer, value.KindInt, same("bigint"), "bigint", func(_ string, c *schema.Column) { c.Bits = 64 }},
	"bool": {schema.Integer, value.KindInt, ddl("boolean", "tinyint(1)", "BOOLEAN"), "boolean", func(d string, c *schema.Column) {
		if c.Bits = 8; d == "postgres" {
			c.Bits = 1
		}
	}},
	"decimal": {
		schema.Decimal, value.KindDecimal, ddl("numeric(28,10)", "decimal(28,10)", "numeric(28,10)"), "numeric",
		func(_ string, c *schema.Column) { c.Precision, c.Scale = 28, 10 },
	},
	"real": {schema.Real, value.KindReal, ddl("double precision", "double", "REAL"), "double precision", nil},
	"single": {schema.Real, value.KindReal, ddl("real", "float", "REAL"), "real", func(d string, c *schema.Column) {
		c.Single = d != "sqlite"
	}},
	"bytes":   {schema.Bytes, value.KindBytes, ddl("bytea", "longblob", "BLOB"), "bytea", nil},
	"instant": {schema.DateTime, value.KindInstant, ddl("timestamp", "datetime(6)", "DATETIME"), "timestamp without time zone", nil},
	"zoned":   {schema.DateTime, value.KindInstant, ddl("timestamptz", "timestamp(6) NULL", "TIMESTAMP"), "timestamp with time zone", nil},
	"epoch": {schema.DateTime, value.KindInt, same("integer"), "integer", func(_ string, c *schema.Column) {
		c.Bits = 32
	}},
	"date": {schema.Date, value.KindDate, same("date"), "date", nil},
	"time": {schema.Time, value.KindTime, ddl("time", "time(6)", "TIME"), "time without time zone", nil},
}

// newForm makes the table and the form of columns given as "name type", the first ones the key.
func newForm(t testing.TB, db *engine.DB, table string, keys int, columns ...string) *schema.Form {
	t.Helper()
	f := describeForm(db.Engine, db.Schema, table, keys, columns...)
	for _, c := range f.Table.Columns {
		if db.Engine.Dialect == "postgres" && c.BaseType == "public.citext" {
			execAll(t, db, "CREATE EXTENSION IF NOT EXISTS citext")
		}
		if db.Engine.Dialect == "postgres" && c.BaseType == "public.mood" {
			execAll(t, db, "DO 'BEGIN CREATE TYPE mood AS ENUM (''sad'', ''happy'', ''angry''); EXCEPTION WHEN duplicate_object THEN NULL; END'")
		}
	}
	var lines []string
	for i, spec := range columns {
		name, kind, _ := strings.Cut(spec, " ")
		line := db.Engine.Quote(name) + " " + types[kind].ddl[db.Engine.Dialect]
		if i < keys {
			line += " NOT NULL"
		}
		lines = append(lines, line)
	}
	var key []string
	for _, k := range f.Key {
		key = append(key, db.Engine.Quote(k.Column.Name))
	}
	lines = append(lines, "PRIMARY KEY ("+strings.Join(key, ", ")+")")
	execAll(t, db, "CREATE TABLE "+db.Engine.Quote(table)+" ("+strings.Join(lines, ", ")+")")
	return f
}

func describeForm(e *engine.Engine, in, table string, keys int, columns ...string) *schema.Form {
	f := &schema.Form{Server: "test", Name: table, Table: &schema.Table{Schema: in, Name: table, Transactional: true}}
	for i, spec := range columns {
		name, kind, _ := strings.Cut(spec, " ")
		ty, ok := types[kind]
		if !ok {
			panic(spec)
		}
		c := &schema.Column{Name: name, Ordinal: i, DataType: dataType(ty.ddl[e.Dialect]), BaseType: ty.base, Kind: ty.kind, Nullable: i >= keys}
		if ty.with != nil {
			ty.with(e.Dialect, c)
		}
		x := &schema.Field{ID: 536870912 + i, Name: name, Type: ty.field, Column: c, Index: i}
		f.Table.Columns = append(f.Table.Columns, c)
		f.Fields = append(f.Fields, x)
		if i < keys {
			f.Key = append(f.Key, x)
			f.Table.Key = append(f.Table.Key, name)
		}
	}
	return f
}

// dataType cuts what is no part of the type from DDL.
func dataType(ddl string) string {
	for _, rest := range []string{" COLLATE", " CHARACTER SET", " NULL"} {
		ddl, _, _ = strings.Cut(ddl, rest)
	}
	return ddl
}

func execAll(t testing.TB, db *engine.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func fields(f *schema.Form, names ...string) []*schema.Field {
	var list []*schema.Field
	for _, n := range names {
		x := f.FieldByName(n)
		if x == nil {
			panic(n)
		}
		list = append(list, x)
	}
	return list
}

// inTx runs f in a transaction that it commits.
func inTx(t testing.TB, db *engine.DB, f func(tx *Tx)) {
	t.Helper()
	tx, err := Begin(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}()
	f(tx)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get(f())(t) is f's result; an error fails the test.
func get[T any](x T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return x
	}
}

func wantError[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a %T", err, e)
	}
	return e
}

func texts(list ...string) []value.Value {
	out := make([]value.Value, len(list))
	for i, s := range list {
		out[i] = value.Text(s)
	}
	return out
}

func ints(list ...int) []value.Value {
	out := make([]value.Value, len(list))
	for i, n := range list {
		out[i] = value.Int(int64(n))
	}
	return out
}

func wantRow(t testing.TB, f *schema.Form, got, want []value.Value) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got row %s, want %s", show(got), show(want))
		return
	}
	for i := range want {
		if !got[i].Equal(want[i]) || got[i].Kind() != want[i].Kind() {
			t.Errorf("field %s: got %.60s (%s), want %.60s (%s)", f.Fields[i].Name, got[i], got[i].Kind(), want[i], want[i].Kind())
		}
	}
}

func show(row []value.Value) string {
	if row == nil {
		return "none"
	}
	var b strings.Builder
	for _, v := range row {
		fmt.Fprintf(&b, "%.40s|", v)
	}
	return b.String()
}

func decimal(s string) value.Value {
	v, err := value.Decimal(s)
	if err != nil {
		panic(err)
	}
	return v
}

func instant(s string) value.Value {
	v, err := value.Parse(value.KindInstant, s)
	if err != nil {
		panic(err)
	}
	return v
}

func date(s string) value.Value {
	v, err := value.Parse(value.KindDate, s)
	if err != nil {
		panic(err)
	}
	return v
}
