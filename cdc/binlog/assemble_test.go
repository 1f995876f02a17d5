package binlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/sql/engine"
)

// newTestAssembler makes one without a server, of a database app with the tables item and the control tables;
// what it delivers is appended to got.
func newTestAssembler(t *testing.T, from cdc.Position, got *[]*cdc.Transaction) *assembler {
	t.Helper()
	e, _, err := engine.ForURL("mariadb://u@h/app")
	if err != nil {
		t.Fatal(err)
	}
	start, err := parsePosition(from)
	if err != nil {
		t.Fatal(err)
	}
	rs := &relations{
		db:       &engine.DB{Engine: e, Server: "test", Schema: "app"},
		wanted:   map[string]bool{"item": true, cdc.CheckpointTable: true, cdc.WatermarkTable: true},
		known:    map[string]*relation{},
		catalog:  map[string]*table{},
		charsets: map[uint32]string{45: "utf8mb4"},
	}
	for _, name := range []string{"item", cdc.CheckpointTable, cdc.WatermarkTable} {
		rs.catalog[name] = &table{byName: map[string]*shapeColumn{}}
	}
	rs.catalog["item"].columns = []shapeColumn{{Name: "id", DataType: "int", Key: true}, {Name: "name", DataType: "varchar"}}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return &assembler{
		db: rs.db, partRows: 3, partBytes: 1 << 20, heartbeat: time.Hour, relations: rs,
		deliver:  func(t *cdc.Transaction) error { *got = append(*got, t); return nil },
		now:      func() time.Time { return now },
		tracker:  newTracker(start),
		inFile:   start.flavor == filePlace,
		file:     start.file.name,
		tables:   map[uint64]*relation{},
		known:    from,
		lastIdle: now,
	}
}

// at gives an event the position behind it and the usual header.
type at struct {
	end uint32
	e   event.Event
}

func feed(t *testing.T, a *assembler, events ...any) error {
	t.Helper()
	d := event.NewDecoder()
	for _, x := range events {
		h := event.Header{Time: 1_790_000_000}
		e, ok := x.(event.Event)
		if p, has := x.(at); has {
			h.End, e, ok = p.end, p.e, true
		}
		if !ok {
			t.Fatalf("no event: %T", x)
		}
		if err := a.event(t.Context(), d, h, e); err != nil {
			return err
		}
	}
	return nil
}

func mapOf(id uint64, schema, name string, columns ...event.Column) *event.TableMap {
	return &event.TableMap{
		ID: id, Schema: schema, Table: name, Columns: columns, HasNames: true, HasSigns: true, HasCollations: true, HasKey: true,
		Body: []byte(fmt.Sprint(schema, name, columns)),
	}
}

func intColumn(name string) event.Column {
	return event.Column{Type: event.TypeLong, Name: name, Key: name == "id"}
}

func textColumn(name string) event.Column {
	return event.Column{Type: event.TypeVarchar, Meta: 800, Name: name, Collation: 45, Nullable: true}
}

var (
	gtid       = &event.MariaDBGTID{Domain: 1, ServerID: 101, Sequence: 8, Flags: event.GTIDTransactional}
	standalone = &event.MariaDBGTID{Domain: 1, ServerID: 101, Sequence: 8, Flags: event.GTIDStandalone}
	item       = mapOf(1, "app", "item", intColumn("id"), textColumn("name"))
	other      = mapOf(2, "app", "other", intColumn("id"))
	abroad     = mapOf(3, "abroad", "item", intColumn("id"))
	checkpoint = mapOf(4, "app", cdc.CheckpointTable, textColumn("origin"), textColumn("path"), textColumn("mapping"), intColumn("write_back"))
	watermark  = mapOf(5, "app", cdc.WatermarkTable, textColumn("name"), textColumn("kind"))
	xid        = &event.XID{ID: 1}
)

// rows makes a rows event of images: numbers are 4 bytes, text has its length before it, nil is NULL.
func rows(kind event.RowsKind, id uint64, images ...[]any) *event.Rows {
	n := len(images[0])
	bits := make([]byte, (n+7)/8)
	for i := range n {
		bits[i/8] |= 1 << (i % 8)
	}
	e := &event.Rows{Kind: kind, TableID: id, Columns: n}
	if kind != event.Insert {
		e.Before = bits
	}
	if kind != event.Delete {
		e.After = bits
	}
	for _, image := range images {
		nulls := make([]byte, (n+7)/8)
		var body []byte
		for i, v := range image {
			switch v := v.(type) {
			case nil:
				nulls[i/8] |= 1 << (i % 8)
			case int:
				body = binary.LittleEndian.AppendUint32(body, uint32(v))
			case string: // the columns here hold more than 255 bytes
				body = append(binary.LittleEndian.AppendUint16(body, uint16(len(v))), v...)
			}
		}
		e.Data = append(append(e.Data, nulls...), body...)
	}
	return e
}

func insert(id int) *event.Rows { return rows(event.Insert, 1, []any{id, "x"}) }

func query(text string) *event.Query { return &event.Query{Schema: "app", Text: text} }

// said is what was delivered, as short text.
func said(got []*cdc.Transaction) string {
	var b strings.Builder
	for _, t := range got {
		if t.Mark != nil {
			fmt.Fprintf(&b, "%s>%s ", strings.Join(t.Mark.Path, ">"), t.Mark.Origin)
		}
		for _, w := range t.Watermarks {
			fmt.Fprintf(&b, "%s %s ", w.Kind, w.Name)
		}
		for _, c := range t.Changes {
			fmt.Fprintf(&b, "%s %v->%v ", c.Kind, c.Before, c.After)
		}
		if t.More {
			fmt.Fprintf(&b, "more %s; ", t.Ahead)
			continue
		}
		fmt.Fprintf(&b, "at %s; ", t.Position)
	}
	return strings.TrimSpace(b.String())
}

const before = "mariadb:1-101-7"

func TestGroups(t *testing.T) {
	tests := []struct {
		name   string
		from   cdc.Position
		events []any
		want   string
	}{
		{"rows until XID", before, []any{gtid, item, insert(1), insert(2), xid}, "insert []->[1 x] insert []->[2 x] at mariadb:1-101-8;"},
		{"update and delete", before, []any{
			gtid, item, rows(event.Update, 1, []any{1, "x"}, []any{1, nil}), rows(event.Delete, 1, []any{1, nil}), xid,
		}, "update [1 x]->[1 <null>] delete [1 <null>]->[] at mariadb:1-101-8;"},
		{"rows until COMMIT (MS-21)", before, []any{gtid, item, insert(1), query("COMMIT")}, "insert []->[1 x] at mariadb:1-101-8;"},
		{"nothing of ours", before, []any{gtid, other, rows(event.Insert, 2, []any{1}), abroad, rows(event.Insert, 3, []any{1}), xid}, ""},
		{"savepoints and comments end nothing (MS-20)", before, []any{
			gtid, item, insert(1), query("SAVEPOINT `s`"), query("/* nothing */"), query("RELEASE SAVEPOINT s"), insert(2), xid,
		}, "insert []->[1 x] insert []->[2 x] at mariadb:1-101-8;"},
		{"a group of one statement (MS-9)", before, []any{standalone, query("CREATE TABLE other2 (n int)"), gtid, item, insert(1), xid}, "insert []->[1 x] at mariadb:1-101-8;"},
		{"a mark and a watermark", before, []any{
			gtid, checkpoint, rows(event.Update, 4, []any{"hub", "a>hub", "m", 0}, []any{"hub", "tokyo>hub", "m", 0}), item, insert(1), xid,
			gtid, watermark, rows(event.Insert, 5, []any{"w1", "low"}), xid,
			gtid, watermark, rows(event.Delete, 5, []any{"w1", "low"}), xid,
		}, "tokyo>hub>hub insert []->[1 x] at mariadb:1-101-8; low w1 at mariadb:1-101-8;"},
		{"a control row that is not the first is no mark", before, []any{
			gtid, item, insert(1), checkpoint, rows(event.Update, 4, []any{"hub", "a", "m", 0}, []any{"hub", "b", "m", 0}), xid,
		}, "insert []->[1 x] at mariadb:1-101-8;"},
		{"parts", before, []any{gtid, item, insert(1), insert(2), insert(3), insert(4), xid}, "insert []->[1 x] insert []->[2 x] insert []->[3 x] more mariadb:1-101-8; insert []->[4 x] at mariadb:1-101-8;"},
		{"truncate", before, []any{standalone, query("TRUNCATE TABLE `item`")}, "truncate []->[] at mariadb:1-101-8;"},
		{"truncate elsewhere", before, []any{standalone, query("TRUNCATE TABLE abroad.item")}, ""},
		{"DDL within a group ends nothing", before, []any{gtid, query("CREATE TABLE item2 (n int)"), item, insert(1), xid}, "insert []->[1 x] at mariadb:1-101-8;"},
		{"XA that is decided at once", before, []any{gtid, item, insert(1), &event.XAPrepare{OnePhase: true}}, "insert []->[1 x] at mariadb:1-101-8;"},
		{"XA that is none of ours", before, []any{gtid, other, rows(event.Insert, 2, []any{1}), &event.XAPrepare{}, standalone, query("XA COMMIT X'61',X'',1")}, ""},
		{"statements elsewhere", before, []any{gtid, &event.Query{Schema: "abroad", Text: "INSERT INTO item VALUES (1)"}, xid}, ""},
		{"a crash cut the group off", before, []any{gtid, item, insert(1), at{200, &event.FormatDescription{}}, gtid, item, insert(2), xid}, "insert []->[2 x] at mariadb:1-101-8;"},
		{"the dump's own format description", before, []any{gtid, item, insert(1), &event.FormatDescription{}, xid}, "insert []->[1 x] at mariadb:1-101-8;"},

		{"MySQL", "mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-7", []any{mysqlGTIDEvent(8), query("BEGIN"), item, insert(1), xid}, "insert []->[1 x] at mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-8;"},
		{"MySQL: a statement is a group", "mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-7", []any{mysqlGTIDEvent(8), query("DROP TABLE x"), mysqlGTIDEvent(9), query("BEGIN"), item, insert(1), xid}, "insert []->[1 x] at mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-9;"},
		{"MySQL: XA START", "mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-7", []any{
			mysqlGTIDEvent(8), query("XA START X'61',X'',1"), item, insert(1), query("XA END X'61',X'',1"), &event.XAPrepare{OnePhase: true},
		}, "insert []->[1 x] at mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-8;"},

		{"files", "file:binlog.000003:400@u", []any{
			query("BEGIN"), item, insert(1), at{700, xid}, at{800, query("DROP TABLE x")}, query("BEGIN"), item, insert(2), at{950, xid},
		}, "insert []->[1 x] at file:binlog.000003:700@u; insert []->[2 x] at file:binlog.000003:950@u;"},
		{
			"files: parts", "file:binlog.000003:400@u",
			[]any{query("BEGIN"), item, insert(1), insert(2), insert(3), insert(4), at{700, xid}},
			"insert []->[1 x] insert []->[2 x] insert []->[3 x] more file:binlog.000003:401@u; insert []->[4 x] at file:binlog.000003:700@u;",
		},
		{"files: rotation", "file:binlog.000003:400@u", []any{
			&event.Rotate{File: "binlog.000003", Position: 400}, &event.Rotate{File: "binlog.000004", Position: 4}, query("BEGIN"), item, insert(1), at{300, xid},
		}, "insert []->[1 x] at file:binlog.000004:300@u;"},
		{"files: anonymous", "file:binlog.000003:400@u", []any{&event.GTID{Anonymous: true}, query("BEGIN"), item, insert(1), at{700, xid}}, "insert []->[1 x] at file:binlog.000003:700@u;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []*cdc.Transaction
			if err := feed(t, newTestAssembler(t, tt.from, &got), tt.events...); err != nil {
				t.Fatal(err)
			}
			if s := said(got); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func mysqlGTIDEvent(n int64) *event.GTID {
	return &event.GTID{
		SID:    [16]byte{0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11},
		Number: n,
	}
}

// TestUnreadable lists what stops the reader: nothing of it is skipped or guessed (G8, INV-7).
func TestUnreadable(t *testing.T) {
	minimal := insert(1)
	minimal.After = []byte{1}
	nameless := mapOf(1, "app", "item", intColumn("id"))
	nameless.HasNames = false
	const set = "mysql:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11:1-7"
	tests := []struct {
		name   string
		from   cdc.Position
		events []any
		want   string
	}{
		{"a group within a group", before, []any{gtid, gtid}, "within another"},
		{"BEGIN twice", set, []any{mysqlGTIDEvent(8), query("BEGIN"), query("BEGIN")}, "within a transaction"},
		{"a commit of nothing", before, []any{xid}, "no transaction is open"},
		{"rows outside a group", before, []any{insert(1)}, "no transaction is open"},
		{"a table map outside a group", before, []any{item}, "no transaction is open"},
		{"rows of an unknown table", before, []any{gtid, insert(1)}, "not described"},
		{"rows of a table of the group before", before, []any{gtid, item, insert(1), xid, gtid, insert(2)}, "not described"},
		{"row image MINIMAL (MS-16)", before, []any{gtid, item, minimal}, "binlog_row_image"},
		{"differences of JSON (MD-12)", before, []any{gtid, item, rows(event.PartialUpdate, 1, []any{1, "x"}, []any{1, "y"})}, "binlog_row_value_options"},
		{"no metadata (MS-15)", before, []any{gtid, nameless}, "binlog_row_metadata"},
		{"an unknown collation", before, []any{gtid, mapOf(1, "app", "item", intColumn("id"), event.Column{Type: event.TypeVarchar, Meta: 10, Name: "name", Collation: 9999})}, "9999"},
		{"a type that cannot be read", before, []any{gtid, mapOf(1, "app", "item", intColumn("id"), event.Column{Type: event.TypeArray, Name: "name"})}, "name"},
		{"a row that ends too early", before, []any{gtid, item, &event.Rows{Kind: event.Insert, TableID: 1, Columns: 2, After: []byte{3}, Data: []byte{0, 1, 0}}}, "item"},
		{"an incident (MS-23)", before, []any{&event.Incident{Number: 1, Message: "lost"}}, "lost"},
		{"DML as a statement (MS-24)", before, []any{gtid, query("UPDATE item SET name = 'y'")}, "binlog_format"},
		{"DML as a statement that failed half way", before, []any{gtid, &event.Query{Schema: "app", Text: "INSERT INTO item VALUES (1), (1)", Error: 1062}}, "binlog_format"},
		{"DML elsewhere that names our database", before, []any{gtid, &event.Query{Schema: "abroad", Text: "UPDATE app.item SET name = 'y'"}}, "binlog_format"},
		{"TRUNCATE of who knows what", before, []any{standalone, query("TRUNCATE TABLE 'item'")}, "TRUNCATE"},
		{"XA that is decided later (MS-19)", before, []any{gtid, item, insert(1), &event.XAPrepare{}}, "XA"},
		{"ROLLBACK of rows that the log holds", before, []any{gtid, item, insert(1), query("ROLLBACK")}, "undoes"},
		{"ROLLBACK TO of rows that the log holds", before, []any{gtid, item, insert(1), query("ROLLBACK TO `s`")}, "undoes"},
		{"no GTID where all had one", set, []any{&event.GTID{Anonymous: true}}, "gtid_mode"},
		{"a crash behind parts", before, []any{gtid, item, insert(1), insert(2), insert(3), insert(4), at{200, &event.FormatDescription{}}}, "the file ends"},
		{"a file that counts anew", "file:binlog.000003:4000000000@u", []any{query("BEGIN"), item, insert(1), at{300, xid}}, "4 GiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []*cdc.Transaction
			err := feed(t, newTestAssembler(t, tt.from, &got), tt.events...)
			var u *cdc.UnreadableError
			if !errors.As(err, &u) {
				t.Fatalf("got error %v, want a *cdc.UnreadableError", err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "test") || u.Fix == "" {
				t.Errorf("got %q with remedy %q, want it to say %q", err, u.Fix, tt.want)
			}
			for _, tx := range got {
				if !tx.More && len(tx.Changes) > 1 {
					t.Errorf("delivered %s", said(got))
				}
			}
		})
	}
}

// TestIdle delivers a position now and then while nothing of ours is in the log (L-13).
func TestIdle(t *testing.T) {
	var got []*cdc.Transaction
	a := newTestAssembler(t, before, &got)
	now := a.now()
	a.now = func() time.Time { return now }
	foreign := []any{gtid, other, rows(event.Insert, 2, []any{1}), xid}
	if err := feed(t, a, foreign...); err != nil {
		t.Fatal(err)
	}
	if err := a.beat(); err != nil || len(got) != 0 {
		t.Fatalf("too early: %v, %s", err, said(got))
	}
	if due := a.due(); !due.Equal(now.Add(time.Hour)) {
		t.Errorf("due: got %s", due)
	}
	now = now.Add(time.Hour)
	if err := a.beat(); err != nil || said(got) != "at mariadb:1-101-8;" {
		t.Fatalf("got %v, %s", err, said(got))
	}
	now = now.Add(time.Hour)
	if err := a.beat(); err != nil || len(got) != 1 || !a.due().IsZero() {
		t.Errorf("the same position again: %v, %s", err, said(got))
	}
	if err := feed(t, a, gtid, item); err != nil {
		t.Fatal(err)
	}
	if err := a.beat(); err != nil || len(got) != 1 {
		t.Errorf("within a transaction: %v, %s", err, said(got))
	}
}

// TestIdleWhileMoreComes delivers one also where such transactions never let up, so that nobody waits for more.
func TestIdleWhileMoreComes(t *testing.T) {
	var got []*cdc.Transaction
	a := newTestAssembler(t, before, &got)
	now := a.now()
	a.now = func() time.Time { return now }
	foreign := []any{gtid, other, rows(event.Insert, 2, []any{1}), xid}
	for range 2 * beatEvery {
		if err := feed(t, a, foreign...); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 0 {
		t.Fatalf("too early: %s", said(got))
	}
	now = now.Add(time.Hour)
	for range beatEvery {
		if err := feed(t, a, foreign...); err != nil {
			t.Fatal(err)
		}
	}
	if said(got) != "at mariadb:1-101-8;" {
		t.Errorf("got %s", said(got))
	}
}

// TestShapeChanges makes a new relation exactly when the shape is another one.
func TestShapeChanges(t *testing.T) {
	var got []*cdc.Transaction
	a := newTestAssembler(t, before, &got)
	wider := mapOf(9, "app", "item", intColumn("id"), textColumn("name"), intColumn("qty"))
	err := feed(t, a,
		gtid, item, insert(1), xid,
		gtid, item, insert(2), xid,
		standalone, query("ALTER TABLE item ADD INDEX (name)"))
	if err != nil {
		t.Fatal(err)
	}
	a.relations.catalog["item"] = &table{byName: map[string]*shapeColumn{}} // as it would be read again
	if len(a.relations.known) != 0 {
		t.Error("ALTER TABLE leaves the table's shape known")
	}
	err = feed(t, a, gtid, item, insert(3), xid, gtid, wider, rows(event.Insert, 9, []any{4, "x", 1}), xid)
	if err != nil {
		t.Fatal(err)
	}
	r := make([]*cdc.Relation, len(got))
	for i, tx := range got {
		r[i] = tx.Changes[0].Relation
	}
	if r[0] != r[1] {
		t.Error("the second row has another relation though nothing changed")
	}
	if r[2] == r[3] || len(r[3].Columns) != 3 || len(r[2].Columns) != 2 {
		t.Errorf("got columns %v, then %v", r[2].Columns, r[3].Columns)
	}
}
