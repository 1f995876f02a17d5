package binlog

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"ardso/cdc/binlog/event"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/value"
)

// odd is a column and values of it that the other tests do not write, since a session of ours could not.
type odd struct {
	dataType string
	name     string // of the type
	labels   []string
	literals []string
}

func oddColumns() []odd {
	many := make([]string, 64)
	for i := range many {
		many[i] = fmt.Sprint("m", i)
	}
	return []odd{
		{"date", "date", nil, []string{"'0000-00-00'", "'2026-02-30'", "'2026-00-00'", "'2026-11-26'"}},
		{"datetime", "datetime", nil, []string{"'0000-00-00'", "'2026-02-30 01:02:03'", "'2026-11-26 10:00:00'"}},
		{"datetime(3)", "datetime", nil, []string{"'0000-00-00'", "'2026-02-30 01:02:03.5'", "'2026-11-26 10:00:00.25'"}},
		{"timestamp NULL", "timestamp", nil, []string{"'0000-00-00'", "'2026-11-26 10:00:00'"}},
		{"timestamp(6) NULL", "timestamp", nil, []string{"'0000-00-00'", "'2026-11-26 10:00:00.5'"}},
		{"time(2)", "time", nil, []string{"'-00:00:00.01'", "'-838:59:59'", "'12:00:00.5'"}},
		{"year", "year", nil, []string{"0", "1901", "2155"}},
		{"enum('a','b')", "enum", []string{"a", "b"}, []string{"'none'", "'b'"}},
		{"set('" + strings.Join(many, "','") + "')", "set", many, []string{"18446744073709551615", "9223372036854775808", "0"}},
		{"float", "float", nil, []string{"-0.0", "1e-45", "16777217"}},
		{"double", "double", nil, []string{"-0.0", "5e-324", "1e15", "1e16"}},
		{"decimal(10,10)", "decimal", nil, []string{"-0.0000000001", "0.5", "0"}},
		{"bit(64)", "bit", nil, []string{"18446744073709551615", "0"}},
		{"bigint unsigned zerofill", "bigint", nil, []string{"18446744073709551615", "7"}},
	}
}

// old are the columns in whose form the time of day had no fraction.
func oldColumns() []odd {
	return []odd{
		{"datetime", "datetime", nil, []string{"'0000-00-00'", "'2026-02-30 01:02:03'", "'2026-11-26 10:00:00'", "'1000-01-01'"}},
		{"timestamp NULL", "timestamp", nil, []string{"'0000-00-00'", "'2026-11-26 10:00:00'"}},
		{"time", "time", nil, []string{"'-838:59:59'", "'838:59:59'", "'12:34:56'", "'-00:00:01'"}},
	}
}

// TestOddValues compares what is no value for us, and what is at the edge of a type, with a SELECT: the same
// value, or, where a SELECT is refused, the text that the server prints.
func TestOddValues(t *testing.T) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) { oddValues(t, dbtest.New(t, name), oddColumns()) })
	}
	for _, name := range dbtest.Have("mariadb10.11", "mariadb11.8") {
		t.Run(name+" old times", func(t *testing.T) {
			oddValues(t, dbtest.Server(t, name, "mysql56-temporal-format=OFF").Database(t), oldColumns())
		})
	}
}

func oddValues(t *testing.T, db *engine.DB, columns []odd) {
	ctx := t.Context()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	formats := []event.Format{{Kind: value.KindInt, Type: "int"}}
	definition, rows := "id int PRIMARY KEY AUTO_INCREMENT", 0
	for i, c := range columns {
		definition += fmt.Sprintf(", c%d %s", i, c.dataType)
		kind, _ := db.Engine.Kind(c.name)
		formats = append(formats, event.Format{Kind: kind, Type: c.name, Labels: c.labels, Unsigned: strings.Contains(c.dataType, "unsigned")})
		rows = max(rows, len(c.literals))
	}
	if err := control.Migrate(ctx, db, db.Server); err != nil {
		t.Fatal(err)
	}
	from, err := Start(ctx, db, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	exec := func(s string) {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			t.Fatalf("%.300s: %v", s, err)
		}
	}
	exec("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
	exec("CREATE TABLE odd (" + definition + ")")
	for n := range rows {
		var literals []string
		for _, c := range columns {
			literals = append(literals, c.literals[n%len(c.literals)])
		}
		exec("INSERT INTO odd VALUES (DEFAULT, " + strings.Join(literals, ", ") + ")")
	}
	got := rowsOf(t, db, from, "odd", formats)
	if len(got) != rows {
		t.Fatalf("got %d rows, want %d", len(got), rows)
	}
	for i, c := range columns {
		want := selected(ctx, t, db, conn, fmt.Sprintf("c%d", i), formats[i+1])
		for n := range rows {
			if got[n][i+1] != want[n] {
				t.Errorf("%.40s %.40s: got %s %.80s, a SELECT says %s %.80s", c.dataType, c.literals[n%len(c.literals)],
					got[n][i+1].Kind(), got[n][i+1], want[n].Kind(), want[n])
			}
		}
	}
}

// selected are the values of a column as a SELECT gives them, or their text where it refuses them.
func selected(ctx context.Context, t *testing.T, db *engine.DB, conn *sql.Conn, column string, f event.Format) []value.Value {
	t.Helper()
	rows, err := conn.QueryContext(ctx, "SELECT "+db.Engine.Read(f.Kind, f.Type, column)+" FROM odd ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var values []value.Value
	for rows.Next() {
		var raw any
		if err := rows.Scan(&raw); err != nil {
			t.Fatal(err)
		}
		v, err := db.Engine.Scan(f.Kind, f.Type, raw)
		if err != nil {
			v = value.Text(string(raw.([]byte)))
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestCompressedColumns reads MariaDB's compressed columns: plain where it did not pay, with and without zlib's
// header (MS-18).
func TestCompressedColumns(t *testing.T) {
	for _, name := range dbtest.Have("mariadb10.11", "mariadb11.8") {
		t.Run(name, func(t *testing.T) {
			db := dbtest.New(t, name)
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			from, err := Start(t.Context(), db, nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{
				"CREATE TABLE squeezed (v varchar(3000) COMPRESSED, t longtext COMPRESSED CHARACTER SET latin1, b blob COMPRESSED)",
				"SET column_compression_zlib_wrap = OFF",
				"INSERT INTO squeezed VALUES ('short', 'é', x'00ff'), (REPEAT('größe', 500), REPEAT('é', 100000), REPEAT(x'0001', 3000)), ('', '', '')",
				"SET column_compression_zlib_wrap = ON, column_compression_threshold = 10",
				"INSERT INTO squeezed VALUES (REPEAT('größe', 3), REPEAT('é', 70000), REPEAT(x'0001', 20))",
				"SET column_compression_zlib_level = 0",
				"INSERT INTO squeezed VALUES (REPEAT('x', 200), REPEAT('y', 200), REPEAT('z', 200))",
			} {
				if _, err := conn.ExecContext(t.Context(), s); err != nil {
					t.Fatalf("%.200s: %v", s, err)
				}
			}
			got := rowsOf(t, db, from, "squeezed", []event.Format{
				{Kind: value.KindText, Type: "varchar", Charset: "utf8mb4"},
				{Kind: value.KindText, Type: "longtext", Charset: "latin1"},
				{Kind: value.KindBytes, Type: "blob"},
			})
			text, raw := strings.Repeat, func(s string, n int) value.Value { return value.Bytes([]byte(strings.Repeat(s, n))) }
			want := [][]value.Value{
				{value.Text("short"), value.Text("é"), raw("\x00\xff", 1)},
				{value.Text(text("größe", 500)), value.Text(text("é", 100000)), raw("\x00\x01", 3000)},
				{value.Text(""), value.Text(""), raw("", 0)},
				{value.Text(text("größe", 3)), value.Text(text("é", 70000)), raw("\x00\x01", 20)},
				{value.Text(text("x", 200)), value.Text(text("y", 200)), raw("z", 200)},
			}
			if len(got) != len(want) {
				t.Fatalf("got %d rows, want %d", len(got), len(want))
			}
			for i := range want {
				for j := range want[i] {
					if got[i][j] != want[i][j] {
						t.Errorf("row %d, column %d: got %.60s, want %.60s", i, j, got[i][j], want[i][j])
					}
				}
			}
		})
	}
}
