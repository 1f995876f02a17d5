package pgoutput

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// recorded returns messages that PostgreSQL 18 wrote under a protocol version, in order.
func recorded(t testing.TB, version int) [][]byte {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("testdata/protocol%d.hex", version))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all [][]byte
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m, err := hex.DecodeString(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// each calls f with each real message and whether it lies in a stream.
func each(t testing.TB, f func(data []byte, version int, inStream bool)) {
	t.Helper()
	for version := 1; version <= 2; version++ {
		inStream := false
		for _, data := range recorded(t, version) {
			f(data, version, inStream)
			switch data[0] {
			case 'S':
				inStream = true
			case 'E':
				inStream = false
			}
		}
	}
}

func TestRealMessages(t *testing.T) {
	var got strings.Builder
	each(t, func(data []byte, version int, inStream bool) {
		m, err := parse(data, version, inStream)
		if err != nil {
			t.Fatalf("%x: %v", data, err)
		}
		fmt.Fprintf(&got, "%d %s\n", version, text(m))
	})
	const golden = "testdata/messages.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// text is a message as one line; times in UTC, tuples as text.
func text(m Message) string {
	s := fmt.Sprintf("%T%+v", m, m)
	s = strings.TrimPrefix(s, "*pgoutput.")
	return strings.ReplaceAll(s, " +0000 UTC", "")
}

// String is for the golden file.
func (c TupleColumn) String() string {
	if len(c.Data) > 40 {
		return fmt.Sprintf("%c:%d bytes", c.DataType, len(c.Data))
	}
	return fmt.Sprintf("%c:%s", c.DataType, c.Data)
}

// TestCutOff checks that no message is read from a part of its bytes, or from more than it has.
func TestCutOff(t *testing.T) {
	each(t, func(data []byte, version int, inStream bool) {
		for n := range data {
			if m, err := parse(data[:n:n], version, inStream); err == nil {
				t.Errorf("%d of %d bytes of %q: got %s", n, len(data), data[0], text(m))
			}
		}
		if m, err := parse(append(data[:len(data):len(data)], 0), version, inStream); err == nil {
			t.Errorf("a byte more than %q: got %s", data[0], text(m))
		}
	})
}

func TestWrong(t *testing.T) {
	tests := []struct {
		name    string
		data    string // hexadecimal; spaces are for reading
		version int
		want    string
	}{
		{"nothing", "", 1, "cut off"},
		{"unknown type", "7a", 1, "unknown message type"},
		{"prepare of protocol 3", "62 00", 2, "unknown message type"},
		{"stream in protocol 1", "53 00000001 01", 1, "unknown message type"},
		{"commit with flags", "43 01" + strings.Repeat("00", 24), 1, "unknown flag"},
		{"longer abort of protocol 4", "41 00000001 00000001" + strings.Repeat("00", 16), 2, "16 bytes left over"},
		{"unknown replica identity", "52 00000001 6e00 7400 78 0000", 1, "unknown replica identity"},
		{"column flag", "52 00000001 6e00 7400 64 0001 02 6100 00000017 ffffffff", 1, "unknown flag"},
		{"more columns than bytes", "52 00000001 6e00 7400 64 ffff", 1, "more parts than bytes"},
		{"name without an end", "4f 0000000000000001 6161", 1, "name without an end"},
		{"more values than bytes", "49 00000001 4e ffff 6e", 1, "more parts than bytes"},
		{"value kind", "49 00000001 4e 0001 78", 1, "unknown kind of column value"},
		{"value length", "49 00000001 4e 0001 74 7fffffff 61", 1, "cut off"},
		{"negative length", "49 00000001 4e 0001 74 ffffffff 61", 1, "cut off"},
		{"insert of an old tuple", "49 00000001 4f 0000", 1, "'O' where 'N' belongs"},
		{"update of nothing", "55 00000001 44 0000", 1, "'D' where 'N' belongs"},
		{"delete of a new tuple", "44 00000001 4e 0000", 1, "neither an old tuple nor a key"},
		{"truncate of too much", "54 40000000 00 00000001", 1, "more relations than bytes"},
		{"truncate option", "54 00000001 04 00000001", 1, "unknown flag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := hex.DecodeString(strings.ReplaceAll(tt.data, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			m, err := parse(data, tt.version, false)
			var me *MessageError
			if !errors.As(err, &me) {
				t.Fatalf("got %v and error %v, want a *MessageError", m, err)
			}
			if me.Reason != tt.want {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// TestAliasing pins what Parse promises about memory (PS-22): tuples lie in the input, names do not.
func TestAliasing(t *testing.T) {
	data, _ := hex.DecodeString("4900000001" + "4e0001740000000161")
	m, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] = 'b'
	if got := string(m.(*InsertMessage).Tuple[0].Data); got != "b" {
		t.Errorf("got %q: the value was copied", got)
	}
	origin := append([]byte{'O', 0, 0, 0, 0, 0, 0, 0, 1}, "name\x00"...)
	m, err = Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	origin[9] = 'x'
	if got := m.(*OriginMessage).Name; got != "name" {
		t.Errorf("got name %q: it was not copied", got)
	}
}

func TestLSN(t *testing.T) {
	for _, s := range []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"} {
		l, err := ParseLSN(s)
		if err != nil || l.String() != s {
			t.Errorf("got %s and error %v, want %s", l, err, s)
		}
	}
	for _, s := range []string{"", "/", "1/", "/1", "1", "1/2/3", "G/0", "123456789/0", "0/123456789", "0/1 ", "-1/0"} {
		if l, err := ParseLSN(s); err == nil {
			t.Errorf("%q: got %s, want an error", s, l)
		}
	}
}

func TestTime(t *testing.T) {
	for _, want := range []time.Time{
		time.Date(2026, 11, 22, 21, 9, 0, 123456000, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got := Time(Micros(want)); !got.Equal(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	each(f, func(data []byte, version int, inStream bool) {
		f.Add(data, version == 2, inStream)
	})
	f.Fuzz(func(t *testing.T, data []byte, two, inStream bool) {
		version := 1
		if two {
			version = 2
		}
		m, err := parse(data, version, inStream && two)
		if (m == nil) == (err == nil) {
			t.Fatalf("got message %v and error %v", m, err)
		}
		if err != nil {
			var me *MessageError
			if !errors.As(err, &me) || me.Offset > len(data) {
				t.Fatalf("got error %#v", err)
			}
			return
		}
		if size := tupleBytes(m); size > len(data) {
			t.Fatalf("got %d bytes of values from %d", size, len(data))
		}
		if m, err := parse(data[:len(data)-1], version, inStream && two); err == nil {
			t.Fatalf("a byte less is a message too: %s", text(m))
		}
	})
}

func tupleBytes(m Message) int {
	n := 0
	add := func(ts ...TupleData) {
		for _, t := range ts {
			for _, c := range t {
				n += 1 + len(c.Data)
			}
		}
	}
	switch m := m.(type) {
	case *InsertMessage:
		add(m.Tuple)
	case *UpdateMessage:
		add(m.OldTuple, m.NewTuple)
	case *DeleteMessage:
		add(m.OldTuple)
	}
	return n
}

func FuzzLSN(f *testing.F) {
	f.Add("16/B374D848")
	f.Add("0/0")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLSN(s)
		if err != nil {
			return
		}
		if again, err := ParseLSN(l.String()); err != nil || again != l {
			t.Fatalf("%q: got %s, then %s and error %v", s, l, again, err)
		}
	})
}

func BenchmarkParseInsert(b *testing.B) {
	data := []byte{'I', 0, 0, 0, 1, 'N', 0, 20}
	for range 20 {
		data = append(data, 't')
		data = binary.BigEndian.AppendUint32(data, 12)
		data = append(data, "twelve bytes"...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
