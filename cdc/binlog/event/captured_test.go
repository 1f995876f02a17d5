package event

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ardso/sql/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// servers whose logs are in testdata. They were captured by `go test ./cdc/binlog -run TestCapture -update`.
var servers = []string{"mariadb10.11", "mariadb11.8", "mysql5.6"}

func captured(tb testing.TB, server string) [][]byte {
	tb.Helper()
	f, err := os.Open(filepath.Join("testdata", server+".hex"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var events [][]byte
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		raw, err := hex.DecodeString(lines.Text())
		if err != nil {
			tb.Fatal(err)
		}
		events = append(events, raw)
	}
	return events
}

// catalogFormats is what the statements that were captured say of a table's columns; the last one of item came
// by ALTER TABLE.
func catalogFormats(m *TableMap) []Format {
	item := []Format{
		{Kind: value.KindInt, Type: "bigint", Unsigned: true},
		{Kind: value.KindInt, Type: "tinyint"},
		{Kind: value.KindInt, Type: "year"},
		{Kind: value.KindInt, Type: "int", Unsigned: true},
		{Kind: value.KindDecimal, Type: "decimal"},
		{Kind: value.KindReal, Type: "float"},
		{Kind: value.KindReal, Type: "double"},
		{Kind: value.KindInt, Type: "bit"},
		{Kind: value.KindDate, Type: "date"},
		{Kind: value.KindInstant, Type: "datetime"},
		{Kind: value.KindInstant, Type: "timestamp"},
		{Kind: value.KindTime, Type: "time"},
		{Kind: value.KindText, Type: "char", Charset: "utf8mb4"},
		{Kind: value.KindText, Type: "varchar", Charset: "utf8mb4"},
		{Kind: value.KindBytes, Type: "varbinary"},
		{Kind: value.KindBytes, Type: "binary", Length: 6},
		{Kind: value.KindText, Type: "text", Charset: "utf8mb4"},
		{Kind: value.KindBytes, Type: "blob"},
		{Kind: value.KindText, Type: "enum", Labels: []string{"new", "größe"}},
		{Kind: value.KindText, Type: "set", Labels: []string{"a", "b", "c"}},
		{Kind: value.KindAbsent, Type: "point"},
		{Kind: value.KindText, Type: "varchar", Charset: "latin1"},
	}
	if m.Table == "plain" {
		return []Format{{Kind: value.KindInt, Type: "int"}}
	}
	return item[:len(m.Columns)]
}

// TestCaptured decodes real logs, every event and every row, and prints what they hold.
func TestCaptured(t *testing.T) {
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			var out strings.Builder
			d := NewDecoder()
			layouts := map[uint64]*Layout{}
			for i, raw := range captured(t, server) {
				h, e, err := d.Decode(raw)
				if err != nil {
					t.Fatalf("event %d: %v", i, err)
				}
				fmt.Fprintf(&out, "%d %s\n", h.Type, said(e))
				switch e := e.(type) {
				case *TableMap:
					if layouts[e.ID], err = NewLayout(e.Columns, catalogFormats(e)); err != nil {
						t.Fatal(err)
					}
				case *Rows:
					if l := layouts[e.TableID]; l != nil {
						printRows(t, &out, l, e)
					}
				}
			}
			golden(t, filepath.Join("testdata", server+".golden"), out.String())
		})
	}
}

func printRows(t *testing.T, out *strings.Builder, l *Layout, e *Rows) {
	t.Helper()
	for reader := l.Rows(e); ; {
		before, after := make([]value.Value, len(l.fields)), make([]value.Value, len(l.fields))
		more, err := reader.Next(before, after)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
		if e.Kind != Insert {
			fmt.Fprintf(out, "\t- %v\n", before)
		}
		if e.Kind != Delete {
			fmt.Fprintf(out, "\t+ %v\n", after)
		}
	}
}

// said prints an event without what differs from run to run.
func said(e Event) string {
	switch e := e.(type) {
	case *Rows:
		return fmt.Sprintf("rows kind %d of %d columns, flags %d", e.Kind, e.Columns, e.Flags)
	case *TableMap:
		c := *e
		c.Body, c.ID, c.Schema = nil, 0, ""
		return printed(c)
	case *FormatDescription:
		return fmt.Sprintf("format of %s, checksum %t", e.ServerVersion, e.Checksum)
	}
	return fmt.Sprintf("%T %s", e, printed(e))
}

func printed(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}
