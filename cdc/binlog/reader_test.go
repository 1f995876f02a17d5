package binlog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/cdctest"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// live are the MariaDB and MySQL servers of the matrix.
var live = dbtest.Have("mariadb10.11", "mariadb11.8", "mysql5.6")

func TestReader(t *testing.T) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cdctest.Run(t, func(t *testing.T) cdctest.Source {
				if strings.HasSuffix(t.Name(), "position_lost") { // which destroys the log of all
					return newSourceOn(t, dbtest.Server(t, name).Database(t))
				}
				return newSource(t, name)
			})
		})
	}
}

// TestReaderByFile reads a server that gives transactions no GTID.
func TestReaderByFile(t *testing.T) {
	if !slices.Contains(live, "mysql5.6") {
		return // another part of the matrix
	}
	server := dbtest.Server(t, "mysql5.6", "gtid-mode=OFF", "enforce-gtid-consistency=OFF")
	cdctest.Run(t, func(t *testing.T) cdctest.Source {
		if strings.HasSuffix(t.Name(), "position_lost") {
			return newSourceOn(t, dbtest.Server(t, "mysql5.6", "gtid-mode=OFF", "enforce-gtid-consistency=OFF").Database(t))
		}
		return newSourceOn(t, server.Database(t))
	})
}

// source is a database on a real server.
type source struct {
	db     *engine.DB
	tables []*schema.Table
	start  cdc.Position
	o      Options
	folder string // of the server's data; "" = not asked for yet
}

func newSource(t testing.TB, name string) *source {
	t.Helper()
	return newSourceOn(t, dbtest.New(t, name))
}

func newSourceOn(t testing.TB, db *engine.DB) *source {
	t.Helper()
	s := &source{db: db, o: Options{
		Heartbeat: 100 * time.Millisecond,
		PartRows:  64,
		PartBytes: 64 << 10,
	}}
	s.migrate(t)
	s.exec(t, "CREATE TABLE elsewhere (n integer)")
	return s
}

func (s *source) migrate(t testing.TB) {
	t.Helper()
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatalf("control tables: %v", err)
	}
}

func (s *source) exec(t testing.TB, statement string) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%.300s: %v", statement, err)
	}
}

func (s *source) DB() *engine.DB { return s.db }

func (s *source) Setup(t testing.TB, tables []*schema.Table) {
	t.Helper()
	s.tables = tables
	if s.start == "" {
		var err error
		if s.start, err = Start(t.Context(), s.db, tables, s.o); err != nil {
			t.Fatalf("start: %v", err)
		}
	}
}

func (s *source) Start(testing.TB) cdc.Position { return s.start }

func (s *source) Reader(testing.TB) cdc.Reader { return New(s.db, s.tables, s.o) }

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

func (s *source) Released(testing.TB, cdc.Position) bool { return false }

// Lose starts the log anew, so that what the reader has not read is gone.
func (s *source) Lose(t testing.TB) {
	t.Helper()
	s.exec(t, "RESET MASTER")
}

func (s *source) Traits() cdctest.Traits {
	return cdctest.Traits{
		PartRows:   s.o.PartRows,
		PartBytes:  s.o.PartBytes,
		Idle:       s.o.Heartbeat,
		Elsewhere:  "INSERT INTO elsewhere VALUES (1)",
		Unreleased: true,
	}
}

// Types has every family of types with its corner values (T-2).
func (s *source) Types() []cdctest.Type {
	ty := func(dataType string, literals ...string) cdctest.Type {
		base, _, _ := strings.Cut(dataType, " ")
		base, _, _ = strings.Cut(base, "(")
		kind, _ := s.db.Engine.Kind(base)
		return cdctest.Type{Column: schema.Column{
			DataType: dataType, BaseType: base, Kind: kind, Unsigned: strings.Contains(dataType, "unsigned"),
		}, Literals: literals}
	}
	all := []cdctest.Type{
		ty("tinyint", "-128", "0", "127"),
		ty("tinyint unsigned", "0", "255"),
		ty("smallint", "-32768", "32767"),
		ty("smallint unsigned", "65535"),
		ty("mediumint", "-8388608", "8388607"),
		ty("mediumint unsigned", "16777215"),
		ty("int", "-2147483648", "2147483647"),
		ty("int unsigned", "4294967295"),
		ty("bigint", "-9223372036854775808", "9223372036854775807"),
		ty("bigint unsigned", "0", "9223372036854775808", "18446744073709551615"),
		ty("bit(1)", "b'0'", "b'1'"),
		ty("bit(9)", "b'101010101'"),
		ty("bit(64)", "0", "18446744073709551615"),
		ty("year", "1901", "2155", "0"),
		ty("decimal(28,10)", "1.5", "-0.0000000001", "999999999999999999.9999999999", "0"),
		ty("decimal(65,30)", "-12345678901234567890123456789012345.123456789012345678901234567890"),
		ty("decimal(5,0)", "99999", "-1"),
		ty("float", "0.1", "-3.4028234e38", "1.17549435e-38", "16777217"),
		ty("double", "0.1", "1.7976931348623157e308", "-2.2250738585072014e-308", "-0.0"),
		ty("double(12,5)", "0.00001", "1234567.12345", "-0.0"), // stored with more digits than it prints
		ty("float(7,3)", "0.001", "1234.567"),
		ty("date", "'2026-02-28'", "'1000-01-01'", "'9999-12-31'"),
		ty("time", "'23:59:59'", "'-838:59:59'", "'838:59:59'", "'00:00:00'"),
		ty("time(6)", "'23:59:59.999999'", "'-838:59:58.000001'", "'-00:00:00.000001'"),
		ty("time(3)", "'-12:00:00.500'"),
		ty("datetime", "'2026-11-22 21:09:00'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"),
		ty("datetime(6)", "'1969-12-31 23:59:59.999999'", "'2026-11-22 21:09:00.000001'"),
		ty("datetime(1)", "'2026-11-22 21:09:00.5'"),
		ty("timestamp NULL", "'2026-11-22 21:09:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"),
		ty("timestamp(6) NULL", "'2026-11-22 21:09:00.000001'"),
		ty("char(10)", "'pad'", "''", "'ten chars.'", "'pad  '"),
		ty("char(200)", "repeat('é', 200)"),
		ty("varchar(20)", "'x'", "''", "' padded '"),
		ty("varchar(2000)", "repeat('🪑', 2000)"),
		ty("varchar(20) CHARACTER SET latin1", "'Büro €'", "'ÿ'"),
		ty("char(5) CHARACTER SET utf8", "'é'"),
		ty("varchar(20) CHARACTER SET ucs2", "'é€'"),
		ty("binary(4)", "x'00ff'", "x'41420000'", "''"),
		ty("varbinary(10)", "x'00ff5c2700'", "''"),
		ty("tinytext", "'t'"),
		ty("text", "'it''s'", "repeat('long ', 3000)"),
		ty("mediumtext", "repeat('x', 100000)"),
		ty("longtext CHARACTER SET latin1", "'é'"),
		ty("tinyblob", "x'00'"),
		ty("blob", "x'00ff5c27'", "''"),
		ty("longblob", "repeat('ab', 5000)"),
		ty("enum('new','it''s','größe')", "'new'", "'größe'", "2"),
		ty("set('a','b','c')", "''", "'a,c'", "7"),
	}
	if s.db.Engine.Name == "mariadb" {
		all = append(
			all,
			ty("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
			ty("inet6", "'2001:db8::ff00:42:8329'", "'::ffff:192.168.0.1'"),
			ty("inet4", "'10.0.0.255'"),
			ty("json", `'{"b": 1, "a": [12345678901234567890.10, null]}'`),
			ty("varchar(100) COMPRESSED", "'short'", "repeat('long', 20)"),
			ty("text COMPRESSED", "repeat('compressible', 100)"),
		)
	}
	return all
}
