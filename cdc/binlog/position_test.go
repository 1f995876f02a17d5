package binlog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ardso/cdc"
)

const (
	uuid1 = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	uuid2 = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
)

func TestParsePosition(t *testing.T) {
	tests := []struct {
		text string
		want string // "" = the same; "error: …" = what the error says
	}{
		{text: ""},
		{text: "mariadb:"},
		{text: "mariadb:0-1-5,1-101-9"},
		{text: "mariadb:1-101-9, 0-1-5\n", want: "mariadb:0-1-5,1-101-9"},
		{text: "mariadb:4294967295-4294967295-18446744073709551615"},
		{text: "mariadb:0-1-5,0-2-6", want: "error: domain 0 occurs twice"},
		{text: "mariadb:0-1", want: "error: no GTID"},
		{text: "mariadb:0-1-5,", want: "error: no GTID"},
		{text: "mariadb:4294967296-1-1", want: "error: no GTID"},
		{text: "mariadb:0-1-5-6", want: "error: no GTID"},
		{text: "mariadb:0--5-6", want: "error: no GTID"},

		{text: "mysql:"},
		{text: "mysql:" + uuid1 + ":1-9:11," + uuid2 + ":5"},
		{text: "mysql:" + uuid1 + ":1-9:11," + uuid1 + ":tag:1-3"},
		{text: "mysql:" + strings.ToUpper(uuid2) + ":1-3,\n" + uuid1 + ": 4 : 1 - 2 ,", want: "mysql:" + uuid1 + ":1-2:4," + uuid2 + ":1-3"},
		{text: "mysql:" + uuid1 + ":5:4:1-3:2-3:7", want: "mysql:" + uuid1 + ":1-5:7"},
		{text: "mysql:" + uuid1 + ":1-3," + uuid1 + ":4", want: "mysql:" + uuid1 + ":1-4"},
		{text: "mysql:" + uuid1 + ":1-9:tag_b:1-3:5:Tag_A:7", want: "mysql:" + uuid1 + ":1-9," + uuid1 + ":tag_a:7," + uuid1 + ":tag_b:1-3:5"},
		{text: "mysql:" + uuid1 + ":1-9223372036854775806"},
		{text: "mysql:" + uuid1 + ":1-9223372036854775807", want: "error: no interval"},
		{text: "mysql:" + uuid1 + ":0", want: "error: no interval"},
		{text: "mysql:" + uuid1 + ":3-2", want: "error: no interval"},
		{text: "mysql:" + uuid1, want: "error: no interval"},
		{text: "mysql:" + uuid1 + ":", want: "error: no interval"},
		{text: "mysql:" + uuid1 + ":tag", want: "error: no numbers"},
		{text: "mysql:" + uuid1 + ":tag:tog:1", want: "error: no numbers"},
		{text: "mysql:" + uuid1 + ":" + strings.Repeat("t", 33) + ":1", want: "error: no interval"},
		{text: "mysql:" + uuid1[1:] + ":1", want: "error: no UUID"},
		{text: "mysql:" + strings.ReplaceAll(uuid1, "-", "") + ":1", want: "error: no UUID"},
		{text: "mysql:x" + uuid1[1:] + ":1", want: "error: no UUID"},

		{text: "file:binlog.000003:4567@" + uuid1},
		{text: "file:a:b@c.000003:4567@" + uuid1},
		{text: "file:binlog.1000000:18446744073709551615@u"},
		{text: "file:binlog.000003:4567", want: "error: no server's UUID"},
		{text: "file:binlog.000003:4567@", want: "error: no server's UUID"},
		{text: "file:binlog.000003@u", want: "error: no offset"},
		{text: "file:binlog.000003:-1@u", want: "error: no offset"},
		{text: "file:binlog:4@u", want: "error: no file"},
		{text: "file:binlog.3:4@u", want: "error: no file"},
		{text: "file:binlog.0000003:4@u", want: "error: no file"},
		{text: "file:binlog.index:4@u", want: "error: no file"},

		{text: "16/B374D848@7391234567890123456", want: "error: begins with none"},
		{text: "0-1-5", want: "error: begins with none"},
	}
	for _, tt := range tests {
		p, err := parsePosition(cdc.Position(tt.text))
		if want, isError := strings.CutPrefix(tt.want, "error: "); isError {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", tt.text)) {
				t.Errorf("%q: got %v, want an error that says %q", tt.text, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if got := string(p.text()); got != cmp.Or(tt.want, tt.text) {
			t.Errorf("%q: got %q", tt.text, got)
		}
	}
}

func TestCovers(t *testing.T) {
	const m, s = "mariadb:", "mysql:" + uuid1
	tests := []struct {
		durable, p cdc.Position
		want       bool
	}{
		{"", "", true},
		{"", m, false},
		{m, "", true},
		{s + ":1", "", true},
		{"", s + ":1", false},
		{"mysql:", m, false},
		{m + "0-1-5", m, true},
		{m + "0-1-5", m + "0-1-5", true},
		{m + "0-1-6", m + "0-2-5", true},
		{m + "0-1-5", m + "0-2-5", false}, // two servers gave the same number
		{m + "0-1-4", m + "0-1-5", false},
		{m + "0-1-5,1-1-1", m + "0-1-5", true},
		{m + "0-1-5", m + "0-1-5,1-1-1", false},
		{m + "0-1-9,1-1-1", m + "0-1-5,1-1-2", false},
		{s + ":1-9", s + ":5", true},
		{s + ":1-9", s + ":1-10", false},
		{s + ":1-4:6-9", s + ":4-6", false},
		{s + ":1-4:6-9", s + ":2-3:9", true},
		{s + ":1-9", s + ":tag:1", false},
		{s + ":tag:1-9", s + ":tag:2", true},
		{s + ":1-9", "mysql:" + uuid2 + ":1", false},
		{"file:b.000003:400@u", "file:b.000003:400@u", true},
		{"file:b.000003:399@u", "file:b.000003:400@u", false},
		{"file:b.000004:4@u", "file:b.000003:400@u", true},
		{"file:b.000003:400@u", "file:b.000004:4@u", false},
		{"file:b.1000000:4@u", "file:b.999999:400@u", true},
		{"file:b.000004:4@v", "file:b.000003:400@u", false},
		{"file:c.000004:4@u", "file:b.000003:400@u", false},
	}
	for _, tt := range tests {
		d, derr := parsePosition(tt.durable)
		p, perr := parsePosition(tt.p)
		if derr != nil || perr != nil {
			t.Fatal(derr, perr)
		}
		if got := d.covers(p); got != tt.want {
			t.Errorf("%q covers %q: got %t", tt.durable, tt.p, got)
		}
	}
}

func TestMySQLSet(t *testing.T) {
	s, err := parseMySQLSet(uuid1 + ":1-9:11," + uuid1 + ":tag:2")
	if err != nil {
		t.Fatal(err)
	}
	sid, err := parseUUID(uuid1)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int64]bool{1: true, 9: true, 10: false, 11: true, 12: false} {
		if s.contains(sid, "", n) != want {
			t.Errorf("contains %d: got %t", n, !want)
		}
	}
	if !s.contains(sid, "tag", 2) || s.contains(sid, "tag", 1) || s.contains(sid, "tog", 2) {
		t.Error("tags are not told apart")
	}
}

// TestEncode compares with the layouts of the documentation, written out.
func TestEncode(t *testing.T) {
	const sid1 = "\x3e\x11\xfa\x47\x71\xca\x11\xe1\x9e\x33\xc8\x0a\xa9\x42\x95\x62"
	const sid2 = "\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11"
	n := func(n byte) string { return string([]byte{n, 0, 0, 0, 0, 0, 0, 0}) }
	tests := []struct{ set, want string }{
		{"", n(0)},
		{uuid1 + ":1-9:11," + uuid2 + ":5", n(2) + sid1 + n(2) + n(1) + n(10) + n(11) + n(12) + sid2 + n(1) + n(5) + n(6)},
		{
			uuid1 + ":1-9," + uuid1 + ":tag:2",
			"\x01\x02\x00\x00\x00\x00\x00\x01" + sid1 + "\x00" + n(1) + n(1) + n(10) + sid1 + "\x06tag" + n(1) + n(2) + n(3),
		},
	}
	for _, tt := range tests {
		s, err := parseMySQLSet(tt.set)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.encode()); got != tt.want {
			t.Errorf("%q:\ngot  %x\nwant %x", tt.set, got, tt.want)
		}
	}
}

// TestTrackerForeign: what is no transaction's number moves nothing, and another flavor replaces.
func TestTrackerForeign(t *testing.T) {
	tr := newTracker(position{})
	if tr.text() != "" {
		t.Errorf("beginning: got %q", tr.text())
	}
	sid, _ := parseUUID(uuid1)
	for _, n := range []int64{0, -1, maxGNO + 1} {
		tr.mysql(sid, "", n)
	}
	if got := tr.text(); got != "mysql:" {
		t.Errorf("impossible numbers: got %q", got)
	}
	tr.mysql(sid, "", maxGNO)
	if got := tr.text(); got != "mysql:"+uuid1+":9223372036854775806" {
		t.Errorf("largest number: got %q", got)
	}
	tr.mariadb(1, 2, 3)
	if got := tr.text(); got != "mariadb:1-2-3" {
		t.Errorf("another flavor: got %q", got)
	}
}

// --- properties ---

// Small numbers, so that positions meet.
var (
	drawMariaDB = rapid.Custom(func(t *rapid.T) position {
		var s mariadbState
		for d := range uint32(3) {
			if rapid.Bool().Draw(t, "domain") {
				s = append(s, mariadbEntry{d, rapid.Uint32Range(1, 2).Draw(t, "server"), rapid.Uint64Range(1, 3).Draw(t, "seq")})
			}
		}
		return position{flavor: mariadbGTID, mariadb: s}
	})
	drawMySQL = rapid.Custom(func(t *rapid.T) position {
		p := position{flavor: mysqlGTID}
		for range rapid.IntRange(0, 12).Draw(t, "transactions") {
			p.mysql.add(drawSID.Draw(t, "sid"), drawTag.Draw(t, "tag"), rapid.Int64Range(1, 8).Draw(t, "n"))
		}
		return p
	})
	drawPlace = rapid.Custom(func(t *rapid.T) position {
		return position{flavor: filePlace, file: place{
			name:   fmt.Sprintf("%s.%06d", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), rapid.SampledFrom([]int{1, 2, 999_999, 1_000_000}).Draw(t, "number")),
			offset: rapid.Uint64Range(4, 6).Draw(t, "offset"),
			server: rapid.SampledFrom([]string{"u", "v"}).Draw(t, "server"),
		}}
	})
	drawPosition = rapid.OneOf(rapid.Just(position{}), drawMariaDB, drawMySQL, drawPlace)
	drawSID      = rapid.SampledFrom([][16]byte{{1}, {2}, {2, 15: 1}})
	drawTag      = rapid.SampledFrom([]string{"", "a", "b_1"})
)

func TestPositionText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPosition.Draw(t, "position")
		q, err := parsePosition(p.text())
		if err != nil {
			t.Fatal(err)
		}
		if q.text() != p.text() || !p.covers(q) || !q.covers(p) {
			t.Fatalf("%q became %q", p.text(), q.text())
		}
	})
}

func TestCoversIsAPartialOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SampledFrom([]*rapid.Generator[position]{drawPosition, drawMariaDB, drawMySQL, drawPlace}).Draw(t, "flavor")
		a, b, c := of.Draw(t, "a"), of.Draw(t, "b"), of.Draw(t, "c")
		if !a.covers(a) {
			t.Fatalf("%q does not cover itself", a.text())
		}
		if a.covers(b) && b.covers(a) && a.text() != b.text() {
			t.Fatalf("%q and %q cover each other", a.text(), b.text())
		}
		if a.covers(b) && b.covers(c) && !a.covers(c) {
			t.Fatalf("%q covers %q covers %q, the first not the last", a.text(), b.text(), c.text())
		}
	})
}

// TestMySQLSetModel compares with a map of numbers.
func TestMySQLSetModel(t *testing.T) {
	type gtid struct {
		sid [16]byte
		tag string
		n   int64
	}
	rapid.Check(t, func(t *rapid.T) {
		var s, u mysqlSet
		has, other := map[gtid]bool{}, map[gtid]bool{}
		for range rapid.IntRange(0, 40).Draw(t, "transactions") {
			g := gtid{drawSID.Draw(t, "sid"), drawTag.Draw(t, "tag"), rapid.Int64Range(1, 12).Draw(t, "n")}
			if rapid.IntRange(0, 3).Draw(t, "set") > 0 {
				s.add(g.sid, g.tag, g.n)
				has[g] = true
			} else {
				u.add(g.sid, g.tag, g.n)
				other[g] = true
			}
		}
		all := true
		for g := range other {
			all = all && has[g]
		}
		if got := s.containsSet(u); got != all {
			t.Fatalf("%q contains %q: got %t", s.text(), u.text(), got)
		}
		for _, sid := range [][16]byte{{1}, {2}, {2, 15: 1}} {
			for _, tag := range []string{"", "a", "b_1"} {
				for n := range int64(14) {
					if got := s.contains(sid, tag, n); got != has[gtid{sid, tag, n}] {
						t.Fatalf("%q contains %x:%s:%d: got %t", s.text(), sid, tag, n, got)
					}
				}
			}
		}
		parsed, err := parseMySQLSet(s.text())
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(s, parsed, gocmp.AllowUnexported(mysqlSource{}, interval{})); diff != "" {
			t.Fatalf("%q is not in normal form: %s", s.text(), diff)
		}
	})
}

// TestTracker compares with a position of which nothing is kept as text.
func TestTracker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPosition.Draw(t, "position")
		f := p.flavor
		if f == noFlavor {
			f = rapid.SampledFrom([]flavor{mariadbGTID, mysqlGTID, filePlace}).Draw(t, "flavor")
		}
		tr := newTracker(p)
		p = p.clone()
		for range rapid.IntRange(1, 30).Draw(t, "transactions") {
			p.flavor = f
			switch f {
			case mariadbGTID:
				g := mariadbEntry{rapid.Uint32Range(0, 3).Draw(t, "domain"), rapid.Uint32Range(1, 2).Draw(t, "server"), rapid.Uint64Range(1, 1000).Draw(t, "seq")}
				p.mariadb = slices.DeleteFunc(p.mariadb, func(e mariadbEntry) bool { return e.domain == g.domain })
				p.mariadb = append(p.mariadb, g)
				slices.SortFunc(p.mariadb, func(a, b mariadbEntry) int { return cmp.Compare(a.domain, b.domain) })
				tr.mariadb(g.domain, g.server, g.seq)
			case mysqlGTID:
				sid, tag, n := drawSID.Draw(t, "sid"), drawTag.Draw(t, "tag"), rapid.Int64Range(1, 20).Draw(t, "n")
				p.mysql.add(sid, tag, n)
				tr.mysql(sid, tag, n)
			case filePlace:
				p.file.name = fmt.Sprintf("a.%06d", rapid.IntRange(1, 2).Draw(t, "number"))
				p.file.offset = rapid.Uint64().Draw(t, "offset")
				tr.file(p.file.name, p.file.offset)
			}
			if tr.text() != p.text() || tr.position().text() != p.text() {
				t.Fatalf("got %q and %q, want %q", tr.text(), tr.position().text(), p.text())
			}
		}
		if from := newTracker(tr.position()); from.text() != tr.text() {
			t.Fatalf("started there: got %q, want %q", from.text(), tr.text())
		}
	})
}

// TestTrackerCopies: a position handed out does not move on.
func TestTrackerCopies(t *testing.T) {
	p, err := parsePosition("mysql:" + uuid1 + ":1-9")
	if err != nil {
		t.Fatal(err)
	}
	tr := newTracker(p)
	held := tr.position()
	tr.mysql(p.mysql[0].sid, "", 10)
	if p.text() != "mysql:"+uuid1+":1-9" || held.text() != p.text() || tr.text() != "mysql:"+uuid1+":1-10" {
		t.Errorf("got %q, %q, %q", p.text(), held.text(), tr.text())
	}
}

// --- fuzzing ---

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"", "mariadb:0-1-5,1-101-9", "mysql:" + uuid1 + ":1-9:11,\n" + uuid1 + ":tag:1-3", "file:binlog.000003:4567@" + uuid1} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(cdc.Position(text))
		if err != nil {
			return
		}
		q, err := parsePosition(p.text())
		if err != nil || q.text() != p.text() || !q.covers(p) || !p.covers(q) {
			t.Errorf("%q reads as %q, which reads as %q: %v", text, p.text(), q.text(), err)
		}
		if tr := newTracker(p); tr.text() != p.text() {
			t.Errorf("tracker: got %q, want %q", tr.text(), p.text())
		}
		_ = p.mysql.encode()
	})
}

// --- benchmarks ---

func BenchmarkTracker(b *testing.B) {
	b.Run("mariadb", func(b *testing.B) {
		tr := newTracker(position{flavor: mariadbGTID, mariadb: mariadbState{{0, 1, 1000}, {1, 101, 1_000_000_000}, {2, 102, 5_000_000}}})
		b.ReportAllocs()
		for n := uint64(1_000_000_001); b.Loop(); n++ {
			tr.mariadb(1, 101, n)
			_ = tr.text()
		}
	})
	b.Run("mysql", func(b *testing.B) {
		tr := newTracker(position{})
		for i := range byte(3) {
			tr.mysql([16]byte{i}, "", 1)
			tr.mysql([16]byte{i}, "", 2)
		}
		b.ReportAllocs()
		for n := int64(3); b.Loop(); n++ {
			tr.mysql([16]byte{1}, "", n)
			_ = tr.text()
		}
	})
	b.Run("file", func(b *testing.B) {
		tr := newTracker(position{flavor: filePlace, file: place{"binlog.000003", 4, uuid1}})
		b.ReportAllocs()
		for n := uint64(5); b.Loop(); n += 300 {
			tr.file("binlog.000003", n)
			_ = tr.text()
		}
	})
}

// contains reports whether the set has a transaction.
func (s mysqlSet) contains(sid [16]byte, tag string, n int64) bool {
	i, found := s.find(sid, tag)
	return found && s[i].holds(interval{n, n})
}
