package engine_test

import (
	"math"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/value"
)

func decimal(t *testing.T, s string) value.Value {
	t.Helper()
	v, err := value.Decimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func instant(t *testing.T, s string) value.Value {
	t.Helper()
	v, err := value.Parse(value.KindInstant, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type typed struct {
	column  string // declared type
	name    string // as Kind takes it
	literal string
	want    value.Value
}

// Read and Scan bring what a column stores to its canonical value (INV-5, X-8).
func TestValues(t *testing.T) {
	t.Parallel()
	julian := func(y string) value.Value {
		v, err := value.Parse(value.KindDate, y)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	third := float64(float32(1) / 3)
	common := []typed{
		{"integer", "int4 int integer", "-7", value.Int(-7)},
		{"varchar(20)", "varchar", "'ä 🪑 '", value.Text("ä 🪑 ")},
		{"varchar(20)", "varchar", "''", value.Text("")},
		{"varchar(20)", "varchar", "NULL", value.Null},
		{"date", "date", "'2026-11-22'", julian("2026-11-22")},
	}
	own := map[string][]typed{
		"postgres": {
			{"boolean", "bool", "true", value.Int(1)},
			{"boolean", "bool", "false", value.Int(0)},
			{"bigint", "int8", "-9223372036854775808", value.Int(math.MinInt64)},
			{"numeric(28,10)", "numeric", "123456789012345678.1000000000", decimal(t, "123456789012345678.1")},
			{"numeric", "numeric", "'NaN'", decimal(t, "NaN")},
			{"real", "float4", "1.0/3", value.Real(third)},
			{"double precision", "float8", "0.1", value.Real(0.1)},
			{"double precision", "float8", "'-infinity'", value.Real(math.Inf(-1))},
			{"char(8)", "bpchar", "'ab'", value.Text("ab")},
			{"bytea", "bytea", `'\x00ff61'`, value.Bytes([]byte("\x00\xffa"))},
			{"timestamptz", "timestamptz", "'2026-11-22 23:09:00.5+02'", instant(t, "2026-11-22 21:09:00.5")},
			{"timestamp", "timestamp", "'2026-11-22 21:09:00'", instant(t, "2026-11-22 21:09:00")},
			{"timestamp", "timestamp", "'infinity'", value.Instant(value.PosInfinity)},
			{"timestamp", "timestamp", "'4713-01-01 00:00:00 BC'", instant(t, "4713-01-01 00:00:00 BC")},
			{"date", "date", "'294276-12-31'", julian("294276-12-31")},
			{"date", "date", "'-infinity'", value.Date(value.NegInfinity)},
			{"time", "time", "'23:59:59.000001'", value.TimeOfDay(86399000001)},
			{"time", "time", "'24:00:00'", value.TimeOfDay(86400000000)},
			{"jsonb", "jsonb", `'{"a":12345678901234567890}'`, value.Text(`{"a": 12345678901234567890}`)},
			{"interval", "interval", "'1 day 2 hours'", value.Text("1 day 02:00:00")},
			{"integer[]", "_int4", "'{1,NULL}'", value.Text("{1,NULL}")},
			{"uuid", "uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", value.Text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")},
			{"inet", "inet", "'10.0.0.1'", value.Text("10.0.0.1")},
			{"inet", "inet", "'10.0.0.0/8'", value.Text("10.0.0.0/8")},
			{"inet", "inet", "'2001:db8::1'", value.Text("2001:db8::1")},
			{"timetz", "timetz", "'10:00:00+02'", value.Text("10:00:00+02")},
		},
		"mysql": {
			{"tinyint(1)", "tinyint", "true", value.Int(1)},
			{"bigint unsigned", "bigint", "18446744073709551615", decimal(t, "18446744073709551615")},
			{"bit(64)", "bit", "b'1111111111111111111111111111111111111111111111111111111111111111'", decimal(t, "18446744073709551615")},
			{"bit(3)", "bit", "5", value.Int(5)},
			{"year", "year", "2026", value.Int(2026)},
			{"decimal(28,10)", "decimal", "123456789012345678.1000000000", decimal(t, "123456789012345678.1")},
			{"float", "float", "16777217.0/3", value.Real(float64(float32(5592405.5)))},
			{"float", "float", "1.0e0/3", value.Real(third)},
			{"double", "double", "0.1", value.Real(0.1)},
			{"char(8)", "char", "'ab  '", value.Text("ab")},
			{"varbinary(9)", "varbinary", "x'00ff61'", value.Bytes([]byte("\x00\xffa"))},
			{"binary(3)", "binary", "x'61'", value.Bytes([]byte("a\x00\x00"))},
			{"datetime(6)", "datetime", "'2026-11-22 21:09:00.500000'", instant(t, "2026-11-22 21:09:00.5")},
			{"timestamp NULL", "timestamp", "'2026-11-22 21:09:00'", instant(t, "2026-11-22 21:09:00")},
			{"time(6)", "time", "'-838:59:58.000001'", value.TimeOfDay(-3020398000001)},
			{"varchar(20) CHARACTER SET latin1", "varchar", "'é€'", value.Text("é€")},
			{"enum('sad','happy')", "enum", "'happy'", value.Text("happy")},
			{"set('a','b')", "set", "'b,a'", value.Text("a,b")},
		},
		"sqlite": {
			{"DATETIME", "DATETIME", "'2026-11-22T21:09:00.500Z'", instant(t, "2026-11-22 21:09:00.5")},
			{"TIMESTAMP", "TIMESTAMP", "'soon'", value.Text("soon")},
			{"TIMESTAMP", "TIMESTAMP", "1763845740", value.Int(1763845740)},
			{"NUMERIC(28,10)", "NUMERIC(28,10)", "1.5", value.Real(1.5)},
			{"REAL", "REAL", "2", value.Real(2)},
			{"BLOB", "BLOB", "x'00ff61'", value.Bytes([]byte("\x00\xffa"))},
			{"TIME", "TIME", "'10:00:00'", value.TimeOfDay(36000000000)},
			{"BOOLEAN", "BOOLEAN", "TRUE", value.Int(1)},
			{"", "", "'x'", value.Text("x")},
			{"INTEGER", "INTEGER", "'abc'", value.Text("abc")},
			{"DECIMAL_TEXT", "DECIMAL", "'1.10'", decimal(t, "1.1")},
		},
	}
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		for _, c := range append(common, own[db.Engine.Dialect]...) {
			name := strings.Fields(c.name + " ")
			typeName := c.name
			if len(name) == 3 { // one per dialect
				typeName = map[string]string{"postgres": name[0], "mysql": name[1], "sqlite": name[2]}[db.Engine.Dialect]
			}
			kind, ok := db.Engine.Kind(typeName)
			if !ok {
				t.Errorf("type %s has no kind", typeName)
				continue
			}
			for _, s := range []string{"DROP TABLE IF EXISTS v", "CREATE TABLE v (c " + c.column + ")", "INSERT INTO v VALUES (" + c.literal + ")"} {
				if _, err := db.Exec(s); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
			query := "SELECT " + db.Engine.Read(kind, typeName, db.Engine.Quote("c")) + " FROM v"
			for _, args := range [][]any{nil, {1}} { // the text protocol, and prepared where the driver does so
				q := query
				if args != nil {
					q += " WHERE 1 = " + db.Engine.Placeholder(1)
				}
				var raw any
				if err := db.QueryRow(q, args...).Scan(&raw); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
				got, err := db.Engine.Scan(kind, typeName, raw)
				if err != nil || got.Kind() != c.want.Kind() || !got.Equal(c.want) {
					t.Errorf("%s %s: got %s %s, %v, want %s %s", c.column, c.literal, got.Kind(), got, err, c.want.Kind(), c.want)
				}
			}
		}
	})
}

// Text that has no canonical form is refused, never guessed.
func TestParseTextRefuses(t *testing.T) {
	t.Parallel()
	pg, _, err := engine.ForURL("postgres://u@h/d")
	if err != nil {
		t.Fatal(err)
	}
	my, _, err := engine.ForURL("mysql://u@h/d")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e          *engine.Engine
		name, text string
	}{
		{pg, "bool", "maybe"},
		{pg, "bool", "1"},
		{pg, "bytea", "00"},
		{pg, "bytea", `\x0`},
		{pg, "bytea", `\xäö`},
		{pg, "float4", "1e99"},
		{pg, "float4", ""},
		{pg, "int4", "x"},
		{pg, "timestamp", "2026-02-30 00:00:00"},
		{pg, "text", "\xff"},
		{my, "datetime", "0000-00-00 00:00:00"},
		{my, "date", "2026-00-01"},
		{my, "varchar", "\xff"},
	} {
		kind, _ := c.e.Kind(c.name)
		if v, err := c.e.ParseText(kind, c.name, c.text); err == nil {
			t.Errorf("%s %q: got %s, want an error", c.name, c.text, v)
		}
	}
	if _, ok := my.Kind("point"); ok {
		t.Error("a point can be carried?")
	}
	for _, raw := range []any{3.5, true} {
		if _, err := pg.Scan(value.KindInt, "int8", raw); err == nil {
			t.Errorf("got no error for a driver's %T", raw)
		}
	}
}

func FuzzParseText(f *testing.F) {
	for _, s := range []string{"", "t", `\x00`, "1.5", "2026-11-22 21:09:00+00", "infinity", "NaN", "-838:59:59", "0000-00-00"} {
		f.Add(s)
	}
	pg, _, _ := engine.ForURL("postgres://u@h/d")
	my, _, _ := engine.ForURL("mysql://u@h/d")
	names := map[*engine.Engine][]string{
		pg: {"bool", "int8", "numeric", "float4", "float8", "text", "bpchar", "bytea", "timestamptz", "date", "time"},
		my: {"int", "decimal", "float", "double", "char", "blob", "datetime", "date", "time"},
	}
	f.Fuzz(func(t *testing.T, text string) {
		for e, names := range names {
			for _, name := range names {
				kind, _ := e.Kind(name)
				v, err := e.ParseText(kind, name, text)
				if err == nil && !v.Known() {
					t.Errorf("%s %q: got %s without an error", name, text, v.Kind())
				}
			}
		}
	})
}
