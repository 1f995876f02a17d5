package event

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// codes are all byte sequences that may be a character in a character set of its width: of one and two bytes,
// and those of three that EUC has.
func codes(name string) []string {
	var all []string
	for i := range 256 {
		all = append(all, string([]byte{byte(i)}))
	}
	if charsets[name].width == 1 {
		return all
	}
	for i := 0x81; i < 0x100; i++ {
		for j := 0x30; j < 0x100; j++ {
			all = append(all, string([]byte{byte(i), byte(j)}))
		}
	}
	if name == "ujis" || name == "eucjpms" {
		for i := 0xa1; i < 0xff; i++ {
			for j := 0xa1; j < 0xff; j++ {
				all = append(all, string([]byte{0x8f, byte(i), byte(j)}))
			}
		}
	}
	return all
}

// asked is what a server makes of each code; "" where it refuses it. It marks what has no character by a
// question mark.
func asked(t *testing.T, db *engine.DB, name string, codes []string) map[string]string {
	t.Helper()
	exec(t, db, "CREATE TABLE codes (id int AUTO_INCREMENT PRIMARY KEY, b varbinary(4))")
	for part := range slices.Chunk(codes, 4000) {
		var literals []string
		for _, c := range part {
			literals = append(literals, fmt.Sprintf("(x'%x')", c))
		}
		exec(t, db, "INSERT INTO codes (b) VALUES "+strings.Join(literals, ","))
	}
	exec(t, db, "CREATE TABLE texts (id int PRIMARY KEY, s varchar(4) CHARACTER SET "+name+")")
	exec(t, db, "SET @mode = @@sql_mode; SET sql_mode = ''; INSERT INTO texts SELECT id, b FROM codes; SET sql_mode = @mode")
	rows, err := db.QueryContext(t.Context(), "SELECT b, IF(CAST(s AS binary) = b, CONVERT(s USING utf8mb4), '') FROM codes JOIN texts USING (id)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]string{}
	for rows.Next() {
		var b, s []byte
		if err := rows.Scan(&b, &s); err != nil {
			t.Fatal(err)
		}
		got[string(b)] = string(s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

func exec(t *testing.T, db *engine.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%.200s: %v", statement, err)
	}
}

// TestCharsets compares every code of every character set with what the servers make of it (MD-3).
func TestCharsets(t *testing.T) {
	if testing.Short() {
		t.Skip("it asks a server for every code")
	}
	for _, server := range dbtest.Have("mariadb10.11", "mariadb11.8", "mysql5.6") {
		for _, name := range slices.Sorted(maps.Keys(charsets)) {
			if charsets[name].width == 0 {
				continue // Unicode
			}
			t.Run(server+"/"+name, func(t *testing.T) { compareCodes(t, dbtest.New(t, server), name) })
		}
	}
}

func compareCodes(t *testing.T, db *engine.DB, name string) {
	all := codes(name)
	wrong := 0
	said := asked(t, db, name, all)
	for _, code := range all {
		want := said[code]
		if strings.HasPrefix(want, "?") && code[0] != '?' {
			want = ""
		}
		got, err := DecodeText(name, []byte(code))
		if err != nil {
			got = ""
		}
		if got != want {
			if wrong++; wrong <= 20 {
				t.Errorf("%x: got %q %U, the server says %q %U", code, got, []rune(got), want, []rune(want))
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d codes are wrong", wrong, len(all))
	}
}

// TestCharsetsOfText compares text that the servers turn into each character set, Unicode's too, with what they
// make of it on the way back.
func TestCharsetsOfText(t *testing.T) {
	var runes []rune
	for r := rune(0); r <= 0x1ffff; r++ {
		if utf8.ValidRune(r) {
			runes = append(runes, r)
		}
	}
	runes = append(runes, 0x20000, 0x2a6d6, 0xe0001, 0x10ffff)
	for _, server := range dbtest.Have("mariadb10.11", "mariadb11.8", "mysql5.6") {
		db := dbtest.New(t, server)
		for _, name := range slices.Sorted(maps.Keys(charsets)) {
			if name == "utf8mb3" && server == "mysql5.6" {
				continue // it has only the older name
			}
			t.Run(server+"/"+name, func(t *testing.T) {
				for part := range slices.Chunk(runes, 8000) {
					text := string(part)
					var raw, back []byte
					query := "SELECT CAST(CONVERT(? USING " + name + ") AS binary), CONVERT(CONVERT(? USING " + name + ") USING utf8mb4)"
					if err := db.QueryRowContext(t.Context(), query, text, text).Scan(&raw, &back); err != nil {
						t.Fatal(err)
					}
					got, err := DecodeText(name, raw)
					if err != nil || got != string(back) {
						t.Fatalf("from %U: %v; got %.40q, the server says %.40q", part[0], err, got, back)
					}
				}
			})
		}
	}
}
