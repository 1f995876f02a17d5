package postgres

import (
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/cdctest"
	"ardso/cdc/postgres/pgoutput"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/replication"
	"ardso/sql/schema"
	"ardso/sql/value"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// live are the PostgreSQL servers of the matrix.
var live = dbtest.Have("postgres15", "postgres18")

func TestReader(t *testing.T) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cdctest.Run(t, func(t *testing.T) cdctest.Source { return newSource(t, name) })
		})
	}
}

// source is a database on a real server.
type source struct {
	db *engine.DB
	o  Options
}

func newSource(t testing.TB, name string) *source {
	t.Helper()
	s := &source{db: dbtest.New(t, name), o: Options{
		Heartbeat:     100 * time.Millisecond,
		SenderTimeout: time.Second,
		PartRows:      64,
		PartBytes:     64 << 10,
		NeedFull:      func(t *schema.Table) bool { return t.Identity == schema.IdentityFull },
	}}
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatalf("control tables: %v", err)
	}
	s.exec(t, "CREATE TABLE elsewhere (n integer)")
	s.exec(t, "CREATE TYPE mood AS ENUM ('sad', 'very happy')")
	s.exec(t, "CREATE DOMAIN price AS numeric(20, 5) CHECK (VALUE >= 0)")
	s.exec(t, "CREATE DOMAIN amount AS price")
	s.exec(t, "CREATE DOMAIN code AS char(5)")
	return s
}

func (s *source) exec(t testing.TB, statement string) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (s *source) carryOut(t testing.TB, steps []cdc.Step, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	for _, step := range steps {
		s.exec(t, step.SQL)
	}
}

func (s *source) DB() *engine.DB { return s.db }

func (s *source) Setup(t testing.TB, tables []*schema.Table) {
	t.Helper()
	steps, err := Plan(t.Context(), s.db, tables, s.o)
	s.carryOut(t, steps, err)
}

func (s *source) Start(t testing.TB) cdc.Position {
	t.Helper()
	p, err := Start(t.Context(), s.db, s.o)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return p
}

func (s *source) Reader(testing.TB) cdc.Reader { return New(s.db, s.o) }

func (s *source) Exec(t testing.TB, mark *cdc.Mark, statements ...string) {
	t.Helper()
	cdctest.Exec(t, s.db, mark, statements...)
}

func (s *source) Watermark(t testing.TB, w cdc.Watermark) {
	t.Helper()
	cdctest.Watermark(t, s.db, w)
}

func (s *source) Select(t testing.TB, table *schema.Table) [][]value.Value {
	t.Helper()
	return cdctest.Select(t, s.db, table)
}

func (s *source) state(t testing.TB) replication.State {
	t.Helper()
	st, err := replication.ReadState(t.Context(), s.db, s.o.withDefaults(s.db).Slot)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func (s *source) Released(t testing.TB, p cdc.Position) bool {
	t.Helper()
	want, err := parsePosition(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgoutput.ParseLSN(s.state(t).Confirmed)
	if err != nil {
		t.Fatal(err)
	}
	return got >= want.lsn
}

func (s *source) Lose(t testing.TB) {
	t.Helper()
	o := s.o.withDefaults(s.db)
	s.exec(t, replication.DropSlot(o.Slot))
	s.exec(t, replication.CreateSlot(s.db.Engine, o.Slot, 10*time.Second))
}

func (s *source) Traits() cdctest.Traits {
	return cdctest.Traits{
		PartRows:  s.o.PartRows,
		PartBytes: s.o.PartBytes,
		Silence:   s.o.SenderTimeout,
		Idle:      s.o.Heartbeat,
		Elsewhere: "INSERT INTO elsewhere VALUES (1)",
	}
}

// Types has every family of types with its corner values (T-2).
func (s *source) Types() []cdctest.Type {
	ty := func(dataType, baseType string, literals ...string) cdctest.Type {
		kind, _ := s.db.Engine.Kind(baseType)
		return cdctest.Type{Column: schema.Column{DataType: dataType, BaseType: baseType, Kind: kind}, Literals: literals}
	}
	text := func(dataType string, literals ...string) cdctest.Type { return ty(dataType, dataType, literals...) }
	return []cdctest.Type{
		ty("smallint", "int2", "-32768", "0", "32767"),
		ty("integer", "int4", "-2147483648", "2147483647"),
		ty("bigint", "int8", "-9223372036854775808", "9223372036854775807"),
		ty("boolean", "bool", "true", "false"),
		ty("numeric", "numeric", "0", "-0.00", "12345678901234567890.123456789012345678901234567890", "'NaN'", "1e100", "'Infinity'", "'-Infinity'"),
		ty("numeric(28,10)", "numeric", "1.5", "-0.0000000001"),
		ty("real", "float4", "0.1", "'NaN'", "'-Infinity'", "3.4028235e38", "1.17549435e-38"),
		ty("double precision", "float8", "0.1", "'NaN'", "'Infinity'", "1.7976931348623157e308", "5e-324", "'-0'"),
		ty("text", "text", "''", "'a\tb\n\\x00'", "U&'\\+01F600'", "'infinity'", "' padded '", "repeat('long ', 3000)"),
		ty("varchar(20)", "varchar", "'x'", "''"),
		ty("char(10)", "bpchar", "'pad'", "''", "'ten chars.'"),
		ty("bytea", "bytea", `'\x'`, `'\x00ff5c27'`, "decode(repeat('ab', 5000), 'hex')"),
		ty("timestamptz", "timestamptz", "'2026-11-22 21:09:00.123456+03:30'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00 BC'", "'12345-01-01 00:00:00'"),
		ty("timestamp", "timestamp", "'2026-11-22 21:09:00'", "'1969-12-31 23:59:59.999999'", "'0001-01-01 00:00:00 BC'", "'294246-12-31 23:59:59.999999'"),
		ty("date", "date", "'2026-02-28'", "'infinity'", "'4713-01-01 BC'", "'99999-12-31'"),
		ty("time", "time", "'00:00:00'", "'23:59:59.999999'", "'24:00:00'"),
		text("timetz", "'12:00:00+03:30'"),
		text("interval", "'1 year 2 days 03:04:05.678'", "'-1 mons'"),
		text("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
		text("json", `'{"b": 1, "a": 12345678901234567890.10}'`, "'null'"),
		text("jsonb", `'{"b": 1, "a": 12345678901234567890.10}'`, "'null'"),
		text("xml", "'<a/>'"),
		text("money", "'12.34'"),
		text("bit(5)", "B'10101'"),
		text("inet", "'10.0.0.0/8'"),
		text("pg_lsn", "'16/B374D848'"),
		text("int4range", "'[1,5)'", "'empty'"),
		text("text[]", `ARRAY['a b', NULL, 'NULL', '"']`, "'[2:3]={x,y}'", "'{}'"),
		text("point", "'(1.5,-2)'"),
		text("mood", "'sad'", "'very happy'"),
		ty("amount", "numeric", "0", "12.50"),
		ty("code", "bpchar", "'ab'"),
	}
}
