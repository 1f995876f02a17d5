package postgres

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"ardso/cdc/postgres/pgoutput"
	"ardso/sql/schema"
)

var update = flag.Bool("update", false, "rewrite the real messages in pgoutput/testdata")

// TestRealMessages decodes what real servers write under both protocols, streamed transactions
// included, and with -update keeps it as seeds for the decoder's own tests.
func TestRealMessages(t *testing.T) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, name)
			s.exec(t, "CREATE TABLE keyed (id integer PRIMARY KEY, name varchar(20), mood mood)")
			s.exec(t, "CREATE TABLE whole (id integer PRIMARY KEY, body text)")
			s.Setup(t, []*schema.Table{{Name: "keyed"}, {Name: "whole", Identity: schema.IdentityFull}})
			s.exec(t, "INSERT INTO keyed VALUES (1, 'desk', 'sad'), (2, NULL, NULL)")
			s.exec(t, "UPDATE keyed SET id = 3, name = '😀' WHERE id = 1")
			s.exec(t, "UPDATE keyed SET name = 'lamp' WHERE id = 2")
			s.exec(t, "DELETE FROM keyed WHERE id = 2")
			s.exec(t, "INSERT INTO whole SELECT 1, string_agg(md5(i::text), '') FROM generate_series(1, 200) i")
			s.exec(t, "UPDATE whole SET id = 2")
			s.exec(t, "DELETE FROM whole")
			s.exec(t, "TRUNCATE keyed, whole RESTART IDENTITY CASCADE")
			s.exec(t, "SELECT pg_logical_emit_message(true, 'ardso', 'hello'), pg_logical_emit_message(false, 'ardso', '')")
			s.exec(t, "SELECT pg_replication_origin_create('far')")
			s.exec(t, `DO $$ BEGIN
				PERFORM pg_replication_origin_session_setup('far');
				INSERT INTO keyed VALUES (5, 'far', 'sad');
			END $$`)
			for version := 1; version <= 2; version++ {
				if version == 2 {
					// Much more than logical_decoding_work_mem, one part of it undone.
					s.exec(t, `DO $$ BEGIN
						INSERT INTO keyed SELECT i, 'streamed', 'sad' FROM generate_series(1000, 1300) i;
						BEGIN
							INSERT INTO keyed SELECT i, 'undone', 'sad' FROM generate_series(2000, 2300) i;
							RAISE EXCEPTION 'undo';
						EXCEPTION WHEN OTHERS THEN
							TRUNCATE whole;
						END;
						INSERT INTO keyed SELECT i, 'streamed', 'sad' FROM generate_series(3000, 3300) i;
					END $$`)
				}
				messages := s.peek(t, version)
				kinds := decodeAll(t, version, messages)
				for _, k := range wantKinds[version] {
					if !strings.ContainsRune(kinds, k) {
						t.Errorf("protocol %d: got messages %q, none of type %q", version, kinds, k)
					}
				}
				if *update && name == live[len(live)-1] {
					keep(t, version, messages)
				}
			}
		})
	}
}

// wantKinds are the message types that each protocol must have shown.
var wantKinds = map[int]string{1: "BCORYIUDTM", 2: "BCRISEcAT"}

func (s *source) peek(t *testing.T, version int) [][]byte {
	t.Helper()
	conn, err := s.db.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET logical_decoding_work_mem = '64kB'"); err != nil {
		t.Fatal(err)
	}
	o := s.o.withDefaults(s.db)
	args := []any{o.Slot, fmt.Sprint(version), o.Publication}
	more := ""
	if version == 2 {
		more = ", 'streaming', 'true'"
	}
	var messages [][]byte
	err = conn.SelectContext(t.Context(), &messages, `SELECT data FROM pg_logical_slot_peek_binary_changes(
		$1, NULL, NULL, 'proto_version', $2, 'publication_names', $3, 'messages', 'true'`+more+`)`, args...)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// decodeAll decodes messages in order and returns their types.
func decodeAll(t *testing.T, version int, messages [][]byte) string {
	t.Helper()
	var kinds strings.Builder
	inStream := false
	for i, data := range messages {
		var m pgoutput.Message
		var err error
		if version == 1 {
			m, err = pgoutput.Parse(data)
		} else {
			m, err = pgoutput.ParseV2(data, inStream)
		}
		if err != nil {
			t.Fatalf("protocol %d, message %d: %v", version, i, err)
		}
		switch m.(type) {
		case *pgoutput.StreamStartMessage:
			inStream = true
		case *pgoutput.StreamStopMessage:
			inStream = false
		}
		kinds.WriteByte(data[0])
	}
	return kinds.String()
}

// keep writes messages as lines of hexadecimal digits, each kind's first few.
func keep(t *testing.T, version int, messages [][]byte) {
	t.Helper()
	var b strings.Builder
	seen := map[byte]int{}
	for _, m := range messages {
		if seen[m[0]]++; seen[m[0]] <= 8 || strings.IndexByte("SEcA", m[0]) >= 0 {
			b.WriteString(hex.EncodeToString(m) + "\n")
		}
	}
	if err := os.WriteFile(fmt.Sprintf("pgoutput/testdata/protocol%d.hex", version), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
