package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
	"ardso/sql/engine"
	"ardso/sql/value"
)

// newAssembler makes one without a server; what it delivers is appended to got.
func newAssembler(got *[]*cdc.Transaction) *assembler {
	e, _, err := engine.ForURL("postgres://u@h/d")
	if err != nil {
		panic(err)
	}
	names := map[uint32]string{23: "int4", 25: "text", 17: "bytea", 1114: "timestamp", 1042: "bpchar"}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	return &assembler{
		server: "test", system: 7, partRows: 100, partBytes: 1 << 20, heartbeat: time.Hour,
		types: &types{
			engine: e,
			known:  map[uint32]parser{},
			load: func(_ context.Context, oids []uint32) (map[uint32]string, error) {
				return names, nil
			},
		},
		deliver:   func(t *cdc.Transaction) error { *got = append(*got, t); return nil },
		now:       func() time.Time { return now },
		relations: map[uint32]*relation{},
		origin:    100,
		lastIdle:  now,
	}
}

var (
	begin  = &pgoutput.BeginMessage{FinalLSN: 200, Xid: 3, CommitTime: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	commit = &pgoutput.CommitMessage{CommitLSN: 200, TransactionEndLSN: 210}
)

func table(id uint32, name string, identity uint8, columns ...pgoutput.RelationColumn) *pgoutput.RelationMessage {
	return &pgoutput.RelationMessage{RelationID: id, Namespace: "public", RelationName: name, ReplicaIdentity: identity, Columns: columns}
}

func column(name string, oid uint32, key bool) pgoutput.RelationColumn {
	return pgoutput.RelationColumn{Name: name, DataType: oid, Key: key, TypeModifier: -1}
}

// tuple makes a tuple: nil is NULL, "~" not sent, all else text.
func tuple(values ...any) pgoutput.TupleData {
	var t pgoutput.TupleData
	for _, v := range values {
		switch v {
		case nil:
			t = append(t, pgoutput.TupleColumn{DataType: 'n'})
		case "~":
			t = append(t, pgoutput.TupleColumn{DataType: 'u'})
		default:
			t = append(t, pgoutput.TupleColumn{DataType: 't', Data: []byte(v.(string))})
		}
	}
	return t
}

func feed(a *assembler, messages ...pgoutput.Message) error {
	for _, m := range messages {
		if err := a.message(context.Background(), m, 50); err != nil {
			return err
		}
	}
	return nil
}

var item = table(1, "item", 'd', column("id", 23, true), column("body", 25, false))

func TestImages(t *testing.T) {
	full := table(2, "full", 'f', column("id", 23, true), column("body", 25, true))
	i, s := value.Int, value.Text
	tests := []struct {
		name          string
		message       pgoutput.Message
		before, after []value.Value
	}{
		{"insert", &pgoutput.InsertMessage{RelationID: 1, Tuple: tuple("1", nil)}, nil, []value.Value{i(1), value.Null}},
		{"update without an old tuple", &pgoutput.UpdateMessage{RelationID: 1, NewTuple: tuple("1", "~")}, nil, []value.Value{i(1), value.Unchanged}},
		{"update of the key", &pgoutput.UpdateMessage{RelationID: 1, OldTupleType: 'K', OldTuple: tuple("1", nil), NewTuple: tuple("2", "~")}, []value.Value{i(1), value.Absent}, []value.Value{i(2), value.Unchanged}},
		{"large key unchanged", &pgoutput.UpdateMessage{RelationID: 1, OldTupleType: 'K', OldTuple: tuple("1", nil), NewTuple: tuple("~", "x")}, []value.Value{i(1), value.Absent}, []value.Value{i(1), s("x")}},
		{"unchanged under full identity", &pgoutput.UpdateMessage{RelationID: 2, OldTupleType: 'O', OldTuple: tuple("1", "old"), NewTuple: tuple("2", "~")}, []value.Value{i(1), s("old")}, []value.Value{i(2), s("old")}},
		{"NULL before under full identity", &pgoutput.UpdateMessage{RelationID: 2, OldTupleType: 'O', OldTuple: tuple("1", nil), NewTuple: tuple("1", "new")}, []value.Value{i(1), value.Null}, []value.Value{i(1), s("new")}},
		{"delete by key", &pgoutput.DeleteMessage{RelationID: 1, OldTupleType: 'K', OldTuple: tuple("1", nil)}, []value.Value{i(1), value.Absent}, nil},
		{"delete under full identity", &pgoutput.DeleteMessage{RelationID: 2, OldTupleType: 'O', OldTuple: tuple("1", nil)}, []value.Value{i(1), value.Null}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []*cdc.Transaction
			if err := feed(newAssembler(&got), begin, item, full, tt.message, commit); err != nil {
				t.Fatal(err)
			}
			c := got[0].Changes[0]
			if fmt.Sprint(c.Before) != fmt.Sprint(tt.before) || fmt.Sprint(c.After) != fmt.Sprint(tt.after) {
				t.Errorf("got %v -> %v, want %v -> %v", c.Before, c.After, tt.before, tt.after)
			}
			if (c.Before == nil) != (tt.before == nil) || (c.After == nil) != (tt.after == nil) {
				t.Errorf("got %#v -> %#v", c.Before, c.After)
			}
		})
	}
}

// TestUnreadable lists what stops the reader: nothing of it is skipped or guessed (G8, INV-7).
func TestUnreadable(t *testing.T) {
	odd := table(5, "odd", 'd', column("id", 23, true), column("at", 1114, false), column("raw", 17, false))
	checkpoint := table(6, "dso_checkpoint", 'd', column("source", 25, true), column("origin", 25, false), column("path", 25, false), column("mapping", 25, false), column("write_back", 23, false))
	insert := func(id uint32, values ...any) pgoutput.Message {
		return &pgoutput.InsertMessage{RelationID: id, Tuple: tuple(values...)}
	}
	tests := []struct {
		name     string
		messages []pgoutput.Message
		want     string
	}{
		{"row outside a transaction", []pgoutput.Message{item, insert(1, "1", "x")}, "a row: no transaction is open"},
		{"commit outside a transaction", []pgoutput.Message{commit}, "a commit: no transaction is open"},
		{"transaction within another", []pgoutput.Message{begin, begin}, "it begins within another"},
		{"transaction from before", []pgoutput.Message{&pgoutput.BeginMessage{FinalLSN: 99}}, "it ends at 0/63, and the log has been read to 0/64"},
		{"unknown relation", []pgoutput.Message{begin, insert(9, "1")}, "a row of relation 9: the log has not described it"},
		{"truncate of an unknown relation", []pgoutput.Message{begin, &pgoutput.TruncateMessage{RelationIDs: []uint32{9}}}, "a row of relation 9"},
		{"too few values", []pgoutput.Message{item, begin, insert(1, "1")}, "table public.item: 1 values for 2 columns"}, // PD-10
		{"too many values", []pgoutput.Message{item, begin, insert(1, "1", "2", "3")}, "3 values for 2 columns"},
		{"no number", []pgoutput.Message{item, begin, insert(1, "one", "x")}, `table public.item, column id: "one" is no integer`},
		{"zero date", []pgoutput.Message{odd, begin, insert(5, "1", "0000-00-00 00:00:00", nil)}, "column at"},
		{"year beyond what microseconds count", []pgoutput.Message{odd, begin, insert(5, "1", "294276-12-31 23:59:59.999999", nil)}, "column at"},
		{"odd hexadecimal digits", []pgoutput.Message{odd, begin, insert(5, "1", nil, `\xabc`)}, "column raw"},                                    // PD-19
		{"bytes without a prefix", []pgoutput.Message{odd, begin, insert(5, "1", nil, "abcd")}, "column raw"},
		{"text that is no UTF-8", []pgoutput.Message{item, begin, insert(1, "1", "\xff")}, "column body"},
		{"binary value", []pgoutput.Message{item, begin, &pgoutput.InsertMessage{RelationID: 1, Tuple: pgoutput.TupleData{{DataType: 'b', Data: []byte{1}}, {DataType: 'n'}}}}, "value kind 'b' where it cannot be"},
		{"unchanged in an old tuple", []pgoutput.Message{item, begin, &pgoutput.DeleteMessage{RelationID: 1, OldTupleType: 'O', OldTuple: tuple("1", "~")}}, "value kind 'u' where it cannot be"},
		{"streamed transaction", []pgoutput.Message{&pgoutput.StreamStartMessage{Xid: 1}}, "it was not asked for"}, // PS-20
		{"mark without its origin", []pgoutput.Message{checkpoint, begin, &pgoutput.UpdateMessage{RelationID: 6, NewTuple: tuple("s", "~", "p", "m", "0")}}, "a row of dso_checkpoint: column origin was not sent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []*cdc.Transaction
			err := feed(newAssembler(&got), tt.messages...)
			var unreadable *cdc.UnreadableError
			if !errors.As(err, &unreadable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
			if len(got) > 0 {
				t.Errorf("delivered %d transactions", len(got))
			}
		})
	}
	err := newAssembler(new([]*cdc.Transaction)).frame(t.Context(), frame{data: []byte("b")})
	var unreadable *cdc.UnreadableError
	if !errors.As(err, &unreadable) {
		t.Errorf("message of protocol 3: got error %v", err) // PS-19
	}
}

// TestMarkComesFirst: only the first row of a transaction is its mark (L-11).
func TestMarkComesFirst(t *testing.T) {
	checkpoint := table(6, "dso_checkpoint", 'd', column("source", 25, true), column("origin", 25, false), column("path", 25, false), column("mapping", 25, false), column("write_back", 23, false))
	other := table(7, "dso_pending", 'd', column("id", 23, true))
	mark := &pgoutput.UpdateMessage{RelationID: 6, NewTuple: tuple("s", "o", "a>b", "", "1")}
	row := &pgoutput.InsertMessage{RelationID: 1, Tuple: tuple("1", "x")}
	var got []*cdc.Transaction
	a := newAssembler(&got)
	err := feed(a, item, checkpoint, other,
		begin, mark, row, commit,
		&pgoutput.BeginMessage{FinalLSN: 220}, row, mark, &pgoutput.InsertMessage{RelationID: 7, Tuple: tuple("1")}, &pgoutput.CommitMessage{TransactionEndLSN: 230},
		&pgoutput.BeginMessage{FinalLSN: 240}, &pgoutput.DeleteMessage{RelationID: 6, OldTupleType: 'K', OldTuple: tuple("s", nil, nil, nil, nil)}, row, &pgoutput.CommitMessage{TransactionEndLSN: 250},
	)
	if err != nil {
		t.Fatal(err)
	}
	if m := got[0].Mark; m == nil || m.Origin != "o" || fmt.Sprint(m.Path) != "[a b]" || !m.WriteBack {
		t.Errorf("got mark %+v", m)
	}
	for i, tx := range got {
		if len(tx.Changes) != 1 || i > 0 && tx.Mark != nil {
			t.Errorf("transaction %d: got %d changes and mark %+v", i, len(tx.Changes), tx.Mark)
		}
	}
}

// TestRelation: the same shape is the same pointer, another shape another one (PD-9).
func TestRelation(t *testing.T) {
	row := func() *pgoutput.InsertMessage { return &pgoutput.InsertMessage{RelationID: 1, Tuple: tuple("1", "x")} }
	again := *item
	full := *item
	full.ReplicaIdentity = 'f'
	var got []*cdc.Transaction
	a := newAssembler(&got)
	if err := feed(a, begin, item, row(), &again, row(), &full, row(), commit); err != nil {
		t.Fatal(err)
	}
	cs := got[0].Changes
	if cs[0].Relation != cs[1].Relation || cs[1].Relation == cs[2].Relation || !cs[2].Relation.Full {
		t.Errorf("got relations %p %p %p", cs[0].Relation, cs[1].Relation, cs[2].Relation)
	}
}

// TestBeat: positions of an idle log are told at most once per heartbeat, and never within a transaction
// (PS-4).
func TestBeat(t *testing.T) {
	var got []*cdc.Transaction
	a := newAssembler(&got)
	now := a.now()
	a.now = func() time.Time { return now }
	beat := func(end pgoutput.LSN) {
		t.Helper()
		if err := a.frame(t.Context(), frame{end: end}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, ps ...cdc.Position) {
		t.Helper()
		var have []cdc.Position
		for _, tx := range got {
			have = append(have, tx.Position)
		}
		if fmt.Sprint(have) != fmt.Sprint(ps) {
			t.Errorf("%s: got %v, want %v", what, have, ps)
		}
	}
	beat(110)
	want("too soon")
	now = now.Add(time.Hour)
	beat(90)
	want("the last one is still to tell", "0/6E@7")
	beat(120)
	beat(110)
	want("once per heartbeat", "0/6E@7")
	now = now.Add(time.Hour)
	if err := feed(a, begin); err != nil {
		t.Fatal(err)
	}
	beat(150)
	want("within a transaction", "0/6E@7")
	if err := feed(a, commit); err != nil { // empty: nothing of ours was in it
		t.Fatal(err)
	}
	want("after an empty transaction", "0/6E@7", "0/D2@7")
	now = now.Add(2 * time.Hour)
	beat(0xD2)
	want("nothing new", "0/6E@7", "0/D2@7")
}

// TestParts: cuts depend on content alone.
func TestParts(t *testing.T) {
	var got []*cdc.Transaction
	a := newAssembler(&got)
	a.partRows = 3
	messages := []pgoutput.Message{item, begin}
	for i := range 6 {
		messages = append(messages, &pgoutput.InsertMessage{RelationID: 1, Tuple: tuple(fmt.Sprint(i), "x")})
	}
	if err := feed(a, append(messages, commit)...); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !got[0].More || got[1].More || got[0].Position != "" || got[1].Position != "0/D2@7" || len(got[1].Changes) != 3 {
		t.Errorf("got %+v", got)
	}
}

// TestChunkReuse: what was delivered stays as it is when the buffers it came in are used again (PS-22).
func TestChunkReuse(t *testing.T) {
	var got []*cdc.Transaction
	a := newAssembler(&got)
	if err := feed(a, item, begin); err != nil {
		t.Fatal(err)
	}
	insert := append([]byte{'I', 0, 0, 0, 1, 'N', 0, 2}, textColumn("1")...)
	insert = append(insert, textColumn("kept")...)
	c := newChunk(0)
	c.add(insert)
	if err := a.frame(t.Context(), c.frames[0]); err != nil {
		t.Fatal(err)
	}
	clear(c.buf)
	if err := feed(a, commit); err != nil {
		t.Fatal(err)
	}
	if v := got[0].Changes[0].After[1]; v != value.Text("kept") {
		t.Errorf("got %q", v)
	}
}

func textColumn(s string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{'t'}, uint32(len(s))), s...)
}
