package binlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/value"
)

var update = flag.Bool("update", false, "capture the logs in event/testdata again")

// logOf is all events behind a position, as the server sends them.
func logOf(t *testing.T, db *engine.DB, from cdc.Position) [][]byte {
	t.Helper()
	o := Options{ServerID: 4_000_000_001}.withDefaults(db)
	start, err := parsePosition(from)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := dump(t.Context(), c, o, start, nonBlock); err != nil {
		t.Fatal(err)
	}
	var events [][]byte
	for {
		raw, err := c.Next()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, bytes.Clone(raw))
	}
}

// TestCapture writes the logs that event's tests read, when asked to: go test ./cdc/binlog -run TestCapture -update
func TestCapture(t *testing.T) {
	if !*update {
		return
	}
	options := map[string][]string{
		"mariadb10.11": {"log-bin-compress=ON", "log-bin-compress-min-len=100"},
		"mariadb11.8":  {},
		"mysql5.6":     {"binlog-rows-query-log-events=ON"},
	}
	for _, name := range live {
		db := dbtest.Server(t, name, options[name]...).Database(t)
		from, err := Start(t.Context(), db, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		runStatements(t, db)
		var text strings.Builder
		for _, raw := range logOf(t, db, from) {
			fmt.Fprintln(&text, hex.EncodeToString(raw))
		}
		path := filepath.Join("event", "testdata", name+".hex")
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// captured are statements that make every kind of event that these servers write.
var captured = []string{
	`CREATE TABLE item (id bigint unsigned PRIMARY KEY, n tinyint NOT NULL, y year, u int unsigned, d decimal(12,2),
		f float, r double, b bit(12), day date, at datetime(3), ts timestamp(6) NULL, t time, c char(5), v varchar(400),
		x varbinary(9), bin binary(6), body text, raw blob, e enum('new','größe'), s set('a','b','c'), p point)
		CHARACTER SET utf8mb4`,
	`INSERT INTO item VALUES (18446744073709551615, -1, 2026, 4294967295, -12.50, 0.1, -2.5, b'100000000001', '2026-11-26',
		'2026-11-26 10:31:00.125', '2026-11-26 10:31:00.000001', '-12:30:00', 'ab', 'größe', x'00ff', x'4100', 'text',
		x'0001', 'größe', 'a,c', POINT(1, 2))`,
	"INSERT INTO item (id, n) VALUES (2, 2), (3, 3), (4, 4)",
	"UPDATE item SET v = repeat('x', 300), n = n + 1 WHERE id < 4",
	"DELETE FROM item WHERE id = 4",
	"BEGIN; INSERT INTO item (id, n) VALUES (5, 5); SAVEPOINT here; UPDATE item SET n = 6 WHERE id = 5; COMMIT",
	"CREATE TABLE plain (n int) ENGINE=MyISAM",
	"INSERT INTO plain VALUES (1)",
	"SET SESSION binlog_format = 'STATEMENT'; SET @v = 7; INSERT INTO plain VALUES (@v), (RAND(1) * 0); SET SESSION binlog_format = 'ROW'",
	"XA START 'one'; INSERT INTO item (id, n) VALUES (7, 7); XA END 'one'; XA COMMIT 'one' ONE PHASE",
	"XA START 'two', 'b'; INSERT INTO item (id, n) VALUES (8, 8); XA END 'two', 'b'; XA PREPARE 'two', 'b'; XA COMMIT 'two', 'b'",
	"ALTER TABLE item ADD COLUMN note varchar(10) CHARACTER SET latin1",
	"FLUSH BINARY LOGS",
	"INSERT INTO item (id, n, note) VALUES (9, 9, 'é')",
	"TRUNCATE TABLE plain",
	"DROP TABLE plain",
}

func runStatements(t *testing.T, db *engine.DB) {
	t.Helper()
	conn, err := db.Conn(t.Context()) // all in one session
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range captured {
		if _, err := conn.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.200s: %v", s, err)
		}
	}
}

// rowsOf decodes the rows of a table in the log behind a position, by formats for its columns.
func rowsOf(t *testing.T, db *engine.DB, from cdc.Position, table string, formats []event.Format) [][]value.Value {
	t.Helper()
	d := event.NewDecoder()
	var layout *event.Layout
	var ours uint64
	var all [][]value.Value
	for _, raw := range logOf(t, db, from) {
		_, e, err := d.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case *event.TableMap:
			if e.Table != table {
				continue
			}
			ours = e.ID
			if layout, err = event.NewLayout(e.Columns, formats); err != nil {
				t.Fatal(err)
			}
		case *event.Rows:
			if layout == nil || e.TableID != ours {
				continue
			}
			for reader := layout.Rows(e); ; {
				row := make([]value.Value, len(formats))
				more, err := reader.Next(row, row)
				if err != nil {
					t.Fatal(err)
				}
				if !more {
					break
				}
				all = append(all, row)
			}
		}
	}
	return all
}

// TestAddresses compares MariaDB's uuid, inet6 and inet4 with the text that the server prints: all versions and
// variants of UUIDs, which are stored in two orders, and addresses with zeros in every place.
func TestAddresses(t *testing.T) {
	for _, name := range dbtest.Have("mariadb10.11", "mariadb11.8") {
		t.Run(name, func(t *testing.T) {
			db := dbtest.New(t, name)
			exec := func(s string) {
				if _, err := db.ExecContext(t.Context(), s); err != nil {
					t.Fatalf("%.200s: %v", s, err)
				}
			}
			exec("CREATE TABLE addresses (id int PRIMARY KEY AUTO_INCREMENT, u uuid, six inet6, four inet4)")
			from, err := Start(t.Context(), db, nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			exec("INSERT INTO addresses (u, six, four) VALUES " + strings.Join(addresses(), ", "))
			var want []string
			if err := db.SelectContext(t.Context(), &want, "SELECT CONCAT_WS(' ', u, six, four) FROM addresses ORDER BY id"); err != nil {
				t.Fatal(err)
			}
			format := func(name string) event.Format { return event.Format{Kind: value.KindText, Type: name} }
			got := rowsOf(t, db, from, "addresses", []event.Format{{Kind: value.KindInt, Type: "int"}, format("uuid"), format("inet6"), format("inet4")})
			if len(got) != len(want) {
				t.Fatalf("got %d rows, want %d", len(got), len(want))
			}
			wrong := 0
			for i, row := range got {
				if s := fmt.Sprintf("%s %s %s", row[1], row[2], row[3]); s != want[i] && wrong < 20 {
					wrong++
					t.Errorf("got %s, the server says %s", s, want[i])
				}
			}
		})
	}
}

func addresses() []string {
	random := rand.New(rand.NewPCG(1, 2))
	var values []string
	for i := range 20000 {
		var u, a [16]byte
		for j := range 16 {
			u[j] = byte(random.Uint32())
			if random.IntN(3) == 0 {
				a[j] = byte(random.Uint32())
			}
			if random.IntN(20) == 0 {
				u[j] = [...]byte{0, 0x7f, 0x80, 0xff}[random.IntN(4)]
			}
		}
		if u[6] == 0 || u[6] > 0x5f {
			u[8] = max(u[8]|0x80, 0x81) // the server takes no others
		}
		switch i % 4 {
		case 0: // by words, so that runs of zero words come up
			for j := 0; j < 16; j += 2 {
				if random.IntN(2) == 0 {
					a[j], a[j+1] = 0, 0
				}
			}
		case 1: // IPv4 within
			clear(a[:10])
			if random.IntN(2) == 0 {
				a[10], a[11] = 0xff, 0xff
			}
		}
		values = append(values, fmt.Sprintf("('%x-%x-%x-%x-%x', INET6_NTOA(x'%x'), INET_NTOA(%d))", u[:4], u[4:6], u[6:8], u[8:10], u[10:], a, random.Uint32()))
	}
	return values
}
