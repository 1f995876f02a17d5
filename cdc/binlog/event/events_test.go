package event

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// fixture is an event that our own encoder made, and what it holds.
type fixture struct {
	name string
	t    Type
	body []byte
	want Event
}

var testSID = [16]byte{0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11}

// gtidBody is a GTID event as of MySQL 5.6.
func gtidBody(flags byte, number uint64) body { return append(body{flags}, testSID[:]...).u64(number) }

// compressed is what MariaDB makes of a body's end: the algorithm and length's length, the length, zlib.
func compressed(b []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(b)
	w.Close()
	return append(body{0x82}.big(uint64(len(b)), 2), z.Bytes()...)
}

func queryBody(vars []byte, schema, text string) body {
	b := body{}.u32(7).u32(0).u8(byte(len(schema))).u16(0).u16(uint16(len(vars)))
	return append(b, vars...).str(schema).u8(0).str(text)
}

// everyVariable has each variable that a query can bring along.
func everyVariable() []byte {
	return body{}.
		u8(varFlags2).u32(0x4000).u8(varSQLMode).u64(SQLModeANSIQuotes).u8(varCatalogZ).text("std").u8(0).
		u8(varAutoIncrement).u16(1).u16(1).u8(varCharset).u16(45).u16(46).u16(47).u8(varTimeZone).text("SYSTEM").
		u8(varCatalog).text("std").u8(varTimeNames).u16(0).u8(varDatabaseCharset).u16(8).u8(varTableMapForUpdate).u64(1).
		u8(varDataWritten).u32(1).u8(varInvoker).text("root").text("%").u8(varDatabases, 2).str("a\x00b\x00").
		u8(varMicroseconds).n(123456, 3).u8(varExplicitDefaults, 1).u8(varXID).u64(77).u8(varUTF8MB4Collation).u16(255).
		u8(varRequirePrimaryKey, 0).u8(varTableEncryption, 0).u8(varMariaDBMicroseconds).n(654321, 3).u8(varMariaDBXID).u64(78).
		u8(varGTIDFlags, GTIDExtraCommitAlter).u64(5).u8(varCharsetCollations, 1).u16(45).u16(46)
}

func taggedBody(fields body) []byte {
	size := len(fields) + 3
	if size > 127 {
		size++
	}
	return append(body{}.variable(serialization).variable(uint64(size)).variable(0), fields...)
}

func taggedFields() body {
	b := body{}.variable(tagFlags).variable(1).variable(tagUUID)
	for _, x := range testSID {
		b = b.variable(uint64(x))
	}
	return b.variable(tagNumber).signed(1 << 40).variable(tagTag).variable(5).str("app_1").
		variable(tagLastCommitted).signed(3).variable(tagSequenceNumber).signed(4).
		variable(tagImmediateCommit).variable(1_790_000_000_123_456).variable(tagLength).variable(1000).
		variable(tagImmediateVersion).variable(80406)
}

func payloadBody(compression, uncompressed uint64, data []byte) []byte {
	number := func(v uint64) string { return string(body{}.packed(v)) }
	b := body{}.packed(2).sized(number(compression)).packed(3).sized(number(uncompressed)).
		packed(1).sized(number(uint64(len(data)))).packed(0)
	return append(b, data...)
}

func fixtures() []fixture {
	return []fixture{
		{"rotate", RotateType, body{}.u64(4).str("binlog.000007"), &Rotate{File: "binlog.000007", Position: 4}},
		{"GTID of 5.6", GTIDType, gtidBody(1, 8), &GTID{SID: testSID, Number: 8, MayHaveSBR: true}},
		{
			"GTID of 5.7", GTIDType, gtidBody(0, 8).u8(logicalClock).u64(3).u64(4),
			&GTID{SID: testSID, Number: 8, LastCommitted: 3, SequenceNumber: 4},
		},
		{
			"GTID of 8.0", GTIDType, gtidBody(0, 8).u8(logicalClock).u64(3).u64(4).n(1_790_000_000_123_456, 7).packed(70000).u32(80036),
			&GTID{
				SID: testSID, Number: 8, LastCommitted: 3, SequenceNumber: 4, OriginalCommit: 1_790_000_000_123_456,
				ImmediateCommit: 1_790_000_000_123_456, TransactionLength: 70000, OriginalVersion: 80036, ImmediateVersion: 80036,
			},
		},
		{
			"GTID of 8.0 through a replica", GTIDType,
			gtidBody(0, 8).u8(logicalClock).u64(3).u64(4).n(1_790_000_000_123_456|1<<55, 7).n(1_780_000_000_000_000, 7).packed(300).
				u32(80036 | 1<<31).u32(80020).u64(9),
			&GTID{
				SID: testSID, Number: 8, LastCommitted: 3, SequenceNumber: 4, OriginalCommit: 1_780_000_000_000_000,
				ImmediateCommit: 1_790_000_000_123_456, TransactionLength: 300, OriginalVersion: 80020, ImmediateVersion: 80036, CommitGroup: 9,
			},
		},
		{"anonymous", AnonymousGTIDType, gtidBody(0, 0).u8(logicalClock).u64(3).u64(4), &GTID{Anonymous: true, LastCommitted: 3, SequenceNumber: 4}},
		{"tagged", GTIDTaggedType, taggedBody(taggedFields()), &GTID{
			SID: testSID, Number: 1 << 40, Tag: "app_1", MayHaveSBR: true, LastCommitted: 3, SequenceNumber: 4,
			OriginalCommit: 1_790_000_000_123_456, ImmediateCommit: 1_790_000_000_123_456, TransactionLength: 1000,
			OriginalVersion: 80406, ImmediateVersion: 80406,
		}},
		{"tagged, with a field to come", GTIDTaggedType, taggedBody(taggedFields().variable(tagUnknown).variable(1)), &GTID{
			SID: testSID, Number: 1 << 40, Tag: "app_1", MayHaveSBR: true, LastCommitted: 3, SequenceNumber: 4,
			OriginalCommit: 1_790_000_000_123_456, ImmediateCommit: 1_790_000_000_123_456, TransactionLength: 1000,
			OriginalVersion: 80406, ImmediateVersion: 80406,
		}},
		{
			"MariaDB GTID", MariaDBGTIDType, append(body{}.u64(8).u32(1).u8(GTIDStandalone), make([]byte, 6)...),
			&MariaDBGTID{Domain: 1, ServerID: 101, Sequence: 8, Flags: GTIDStandalone},
		},
		{
			"MariaDB GTID, group commit", MariaDBGTIDType, body{}.u64(8).u32(1).u8(GTIDGroupCommit).u64(55),
			&MariaDBGTID{Domain: 1, ServerID: 101, Sequence: 8, Flags: GTIDGroupCommit, CommitID: 55},
		},
		{
			"MariaDB GTID, XA", MariaDBGTIDType, body{}.u64(8).u32(1).u8(GTIDPreparedXA).u32(1).u8(2, 1).str("aab"),
			&MariaDBGTID{Domain: 1, ServerID: 101, Sequence: 8, Flags: GTIDPreparedXA, XID: "\x01\x00\x00\x00\x02\x01aab"},
		},
		{
			"MariaDB GTID, end of an ALTER", MariaDBGTIDType,
			body{}.u64(8).u32(1).u8(GTIDStandalone|GTIDDDL).u8(GTIDExtraMultiEngine|GTIDExtraCommitAlter|GTIDExtraThread, 2).u64(6).u32(9),
			&MariaDBGTID{
				Domain: 1, ServerID: 101, Sequence: 8, Flags: GTIDStandalone | GTIDDDL,
				Extra: GTIDExtraMultiEngine | GTIDExtraCommitAlter | GTIDExtraThread, AlterSequence: 6, Thread: 9,
			},
		},
		{"query", QueryType, queryBody(nil, "app", "BEGIN"), &Query{Thread: 7, Schema: "app", Text: "BEGIN"}},
		{"query with all variables", QueryType, queryBody(everyVariable(), "app", "DROP TABLE x"), &Query{
			Thread: 7, Schema: "app", Text: "DROP TABLE x", SQLMode: SQLModeANSIQuotes, Collations: [3]uint16{45, 46, 47},
			Flags2: 0x4000, TimeZone: "SYSTEM", DatabaseCollation: 8, UTF8MB4Collation: 255, Microseconds: 654321, User: "root", Host: "%",
			Databases: []string{"a", "b"}, XID: 78, ExtraFlags: GTIDExtraCommitAlter, AlterSequence: 5,
		}},
		{
			"query with a variable to come", QueryType, queryBody(body{}.u8(varSQLMode).u64(4).u8(99, 1, 2, 3), "app", "x"),
			&Query{Thread: 7, Schema: "app", Text: "x", SQLMode: 4, VariablesUnread: true},
		},
		{"query, too many databases", QueryType, queryBody(body{varDatabases, tooManyDatabases}, "", "x"), &Query{Thread: 7, Text: "x"}},
		{
			"compressed query", QueryCompressedType, append(queryBody(nil, "app", ""), compressed([]byte("DROP TABLE x"))...),
			&Query{Thread: 7, Schema: "app", Text: "DROP TABLE x"},
		},
		{
			"load data", ExecuteLoadQueryType, append(append(body{}.u32(7).u32(0).u8(3).u16(0).u16(0), make([]byte, 13)...), "app\x00LOAD DATA"...),
			&Query{Thread: 7, Schema: "app", Text: "LOAD DATA"},
		},
		{"XID", XIDType, body{}.u64(55), &XID{ID: 55}},
		{
			"XA prepare", XAPrepareType, body{1}.u32(1).u32(2).u32(1).str("aab"),
			&XAPrepare{OnePhase: true, XID: "\x01\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00aab"},
		},
		{"heartbeat", HeartbeatType, body{}.str("binlog.000007"), &Heartbeat{File: "binlog.000007", Position: 4036}},
		{
			"heartbeat 2", HeartbeatV2Type, body{}.packed(1).sized("binlog.000007").packed(9).sized("later").packed(2).sized(string(body{}.packed(1 << 33))).packed(0),
			&Heartbeat{File: "binlog.000007", Position: 1 << 33},
		},
		{"incident", IncidentType, body{}.u16(1).text("lost"), &Incident{Number: 1, Message: "lost"}},
		{"stop", StopType, nil, &Other{Type: StopType}},
		{"annotation", AnnotateRowsType, body{}.str("INSERT"), &Other{Type: AnnotateRowsType}},
		{
			"rows 1", WriteRowsV1Type, rowsBody(WriteRowsV1Type, 18, 1, []byte{0, 5}),
			&Rows{Kind: Insert, TableID: 18, Flags: RowsEndOfStatement, Columns: 1, After: []byte{1}, Data: []byte{0, 5}},
		},
		{
			"rows 2 of a partition", UpdateRowsV2Type, append(body{}.n(18, 6).u16(0).u16(7).u8(1, 2, 0, 3, 0), 1, 1, 1, 0, 5, 0, 6),
			&Rows{Kind: Update, TableID: 18, Columns: 1, Before: []byte{1}, After: []byte{1}, Data: []byte{0, 5, 0, 6}},
		},
		{
			"partial update", PartialUpdateRowsType, rowsBody(PartialUpdateRowsType, 18, 1, []byte{0, 5, 0, 0, 6}),
			&Rows{Kind: PartialUpdate, TableID: 18, Flags: RowsEndOfStatement, Columns: 1, Before: []byte{1}, After: []byte{1}, Data: []byte{0, 5, 0, 0, 6}},
		},
		{
			"compressed rows", DeleteRowsCompressedV1Type, append(rowsBody(DeleteRowsCompressedV1Type, 18, 1), compressed([]byte{0, 5, 0, 6})...),
			&Rows{Kind: Delete, TableID: 18, Flags: RowsEndOfStatement, Columns: 1, Before: []byte{1}, Data: []byte{0, 5, 0, 6}},
		},
		{
			"payload", TransactionPayloadType, payloadBody(payloadPlain, 3, []byte("abc")),
			&TransactionPayload{Compression: payloadPlain, Uncompressed: 3, Data: []byte("abc")},
		},
	}
}

func TestEvents(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			h, got, err := started().Decode(sum(f.t, 0, f.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.want, got); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
			if h.Type != f.t || h.ServerID != 101 || h.Time != testTime {
				t.Errorf("got header %+v", h)
			}
			plainly := NewDecoder()
			if _, _, err := plainly.Decode(description("8.4.6", checksumOff)); err != nil {
				t.Fatal(err)
			}
			if _, got, err = plainly.Decode(plain(f.t, 0, f.body)); err != nil {
				t.Fatal(err)
			}
			if h, ok := got.(*Heartbeat); ok {
				h.Position = f.want.(*Heartbeat).Position // of the header, which has no checksum behind it now
			}
			if diff := cmp.Diff(f.want, got); diff != "" {
				t.Errorf("without a checksum: differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCut cuts each event at every byte. What is left must not be taken for the whole, except where an older
// server wrote less, or where text or rows may end anywhere.
func TestCut(t *testing.T) {
	specs, row := benchTable()
	all := append(fixtures(), fixture{"table map", TableMapType, mapBody(18, "item", specs), nil},
		fixture{"rows", WriteRowsV2Type, rowsBody(WriteRowsV2Type, 18, len(specs), imageOf(row...)), nil})
	for _, f := range all {
		raw := sum(f.t, 0, f.body)
		for n := range raw {
			if _, _, err := started().Decode(raw[:n]); err == nil {
				t.Errorf("%s: its first %d of %d bytes are read", f.name, n, len(raw))
			}
		}
		for n := range f.body {
			_, e, err := started().Decode(sum(f.t, 0, f.body[:n]))
			if err != nil {
				continue
			}
			switch e.(type) {
			case *Query, *Rotate, *Heartbeat, *Other, *GTID, *TableMap, *Rows:
			default:
				t.Errorf("%s: the first %d bytes of its body are read as %T", f.name, n, e)
			}
		}
	}
}

func TestChecksum(t *testing.T) {
	raw := sum(QueryType, 0, queryBody(nil, "app", "BEGIN"))
	for i := range raw {
		if i >= 9 && i < 13 {
			continue // its size
		}
		damaged := bytes.Clone(raw)
		damaged[i] ^= 0x10
		_, _, err := started().Decode(damaged)
		var c *ChecksumError
		if i == 4 && errors.As(err, new(*MalformedError)) {
			continue // it became a format description
		}
		if !errors.As(err, &c) {
			t.Errorf("byte %d: got %v", i, err)
		}
	}
	damaged := description("8.4.6", checksumCRC32)
	damaged[30] ^= 1
	if _, _, err := NewDecoder().Decode(damaged); !errors.As(err, new(*ChecksumError)) {
		t.Errorf("format description: got %v", err)
	}
}

// TestFirstRotation reads the rotation before the format description, which has a checksum or not.
func TestFirstRotation(t *testing.T) {
	b := body{}.u64(4).str("binlog.000007")
	for name, raw := range map[string][]byte{"with": sum(RotateType, FlagArtificial, b), "without": plain(RotateType, FlagArtificial, b)} {
		_, e, err := NewDecoder().Decode(raw)
		if r, ok := e.(*Rotate); err != nil || !ok || r.File != "binlog.000007" {
			t.Errorf("%s a checksum: got %+v, %v", name, e, err)
		}
	}
	damaged := sum(RotateType, FlagArtificial, b)
	damaged[22] ^= 1
	if _, e, err := NewDecoder().Decode(damaged); err == nil {
		t.Errorf("a damaged one: got %+v", e)
	}
}

func TestFormats(t *testing.T) {
	for version, ok := range map[string]bool{
		"5.6.1-log": true, "8.0.36": true, "8.4.6": true, "9.1.0": true, "10.11.19-MariaDB-log": true, "5.5.5-10.6.1-MariaDB": true,
		"5.6.0": false, "5.5.62-log": false, "5.2.14-MariaDB": false, "5.1.73": false, "": false, "x": false,
	} {
		_, e, err := NewDecoder().Decode(description(version, checksumCRC32))
		if (err == nil) != ok {
			t.Errorf("%q: got %+v, %v", version, e, err)
		}
		if f, is := e.(*FormatDescription); ok && (!is || f.ServerVersion != version || !f.Checksum || len(f.PostHeaders) != 171) {
			t.Errorf("%q: got %+v", version, e)
		}
	}
	if _, _, err := NewDecoder().Decode(description("8.4.6", 7)); err == nil {
		t.Error("checksum algorithm 7 is read")
	}
	old := description("8.4.6", checksumCRC32)
	binary.LittleEndian.PutUint16(old[headerSize:], 3)
	if _, _, err := NewDecoder().Decode(sum(FormatDescriptionType, 0, old[headerSize:len(old)-checksumSize])); err == nil {
		t.Error("version 3 of the format is read")
	}
}

// TestUnknown skips only what is flagged so (G8).
func TestUnknown(t *testing.T) {
	for _, typ := range []Type{0, StartV3Type, 6, 20, 60, 159, PartialRowsType, 200} {
		_, _, err := started().Decode(sum(typ, 0, []byte("x")))
		var u *UnknownTypeError
		if !errors.As(err, &u) || u.Type != typ || u.Reason == "" {
			t.Errorf("type %d: got %v", typ, err)
		}
	}
	_, e, err := started().Decode(sum(200, FlagIgnorable, []byte("x")))
	if o, ok := e.(*Other); err != nil || !ok || o.Type != 200 {
		t.Errorf("ignorable: got %+v, %v", e, err)
	}
}

// TestMalformed lists bodies that the format does not allow.
func TestMalformed(t *testing.T) {
	z := compressed(bytes.Repeat([]byte("x"), 1000))
	longer, shorter, bomb := bytes.Clone(z), bytes.Clone(z), bytes.Clone(z)
	longer[2]++
	shorter[2]--
	bomb[1] = 0xff
	query := func(z []byte) []byte { return append(queryBody(nil, "", ""), z...) }
	for _, f := range []fixture{
		{"a GTID without a number", GTIDType, gtidBody(0, 0), nil},
		{"an XA name that is too long", XAPrepareType, body{1}.u32(1).u32(65).u32(0).str(strings.Repeat("x", 65)), nil},
		{"extra data of one byte", WriteRowsV2Type, body{}.n(1, 6).u16(0).u16(1).u8(1, 1), nil},
		{"a million columns", WriteRowsV1Type, body{}.n(1, 6).u16(0).packed(1000000), nil},
		{"no length", WriteRowsV1Type, body{}.n(1, 6).u16(0).u8(251), nil},
		{"compressed longer than said", QueryCompressedType, query(shorter), nil},
		{"compressed shorter than said", QueryCompressedType, query(longer), nil},
		{"compressed beyond what zlib can", QueryCompressedType, query(bomb), nil},
		{"another compression", QueryCompressedType, query([]byte{0x91, 1, 1}), nil},
		{"a payload of another length", TransactionPayloadType, payloadBody(payloadPlain, 3, []byte("abc"))[:14], nil},
		{"a tagged GTID of another encoding", GTIDTaggedType, body{}.variable(2).variable(3).variable(0), nil},
		{"a tagged GTID without a number", GTIDTaggedType, taggedBody(body{}.variable(tagFlags).variable(0)), nil},
		{"a tagged GTID that needs a later version", GTIDTaggedType, append(body{}.variable(1).variable(5).variable(40), body{}.variable(30).variable(0)...), nil},
		{"a name of a file with a control character", RotateType, body{}.u64(4).str("binlog\x01"), nil},
		{"a table of too many columns", TableMapType, body{}.n(1, 6).u16(0).text("a").u8(0).text("b").u8(0).packed(5000), nil},
	} {
		if _, e, err := started().Decode(sum(f.t, 0, f.body)); !errors.As(err, new(*MalformedError)) {
			t.Errorf("%s: got %+v, %v", f.name, e, err)
		}
	}
}

// TestPayload unfolds a compressed transaction (MS-17).
func TestPayload(t *testing.T) {
	specs, row := benchTable()
	var inner []byte
	inner = append(inner, plain(QueryType, 0, queryBody(nil, "app", "BEGIN"))...)
	inner = append(inner, plain(TableMapType, 0, mapBody(18, "item", specs))...)
	for range 50 {
		inner = append(inner, plain(WriteRowsV2Type, 0, rowsBody(WriteRowsV2Type, 18, len(specs), imageOf(row...)))...)
	}
	inner = append(inner, plain(XIDType, 0, body{}.u64(9))...)
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	packed := w.EncodeAll(inner, nil)
	size := uint64(len(inner))
	for name, b := range map[string][]byte{
		"zstd": payloadBody(payloadZstd, size, packed), "plain": payloadBody(payloadPlain, size, inner),
	} {
		d := started()
		for range 3 { // the reader's memory is used again
			types, err := unfold(d, b)
			if err != nil || len(types) != 53 || types[0] != QueryType || types[52] != XIDType {
				t.Fatalf("%s: got %d events, %v", name, len(types), err)
			}
		}
	}
	nested := plain(TransactionPayloadType, 0, payloadBody(payloadPlain, 0, nil))
	for name, b := range map[string][]byte{
		"more than said":      payloadBody(payloadZstd, size-31, packed),
		"less than said":      payloadBody(payloadZstd, size+40, packed),
		"cut":                 payloadBody(payloadZstd, size, packed[:len(packed)-10]),
		"damaged":             payloadBody(payloadZstd, size, append([]byte("x"), packed...)),
		"another compression": payloadBody(7, size, packed),
		"one within another":  payloadBody(payloadPlain, 0, nested),
	} {
		if _, err := unfold(started(), b); !errors.As(err, new(*MalformedError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// unfold lists the types of the events in a payload.
func unfold(d *Decoder, b []byte) ([]Type, error) {
	_, e, err := d.Decode(sum(TransactionPayloadType, 0, b))
	if err != nil {
		return nil, err
	}
	r, err := d.Payload(e.(*TransactionPayload))
	if err != nil {
		return nil, err
	}
	var types []Type
	for {
		h, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			return types, nil
		}
		if err != nil {
			return types, err
		}
		types = append(types, h.Type)
	}
}

// TestTableMaps reads the metadata of both families, and the same map again without work.
func TestTableMaps(t *testing.T) {
	specs := []spec{
		{Column: Column{Type: TypeLongLong, Name: "id", Unsigned: true, Key: true}},
		{Column: Column{Type: TypeYear, Name: "y", Unsigned: true}},
		{Column: Column{Type: TypeLong, Name: "n"}},
		{Column: Column{Type: TypeVarchar, Meta: 80, Name: "größe", Collation: 255, Nullable: true}},
		{Column: Column{Type: TypeEnum, Meta: 0xf701, Name: "e", Collation: 8, Labels: []string{"a", "\xe9"}}},
		{Column: Column{Type: TypeSet, Meta: 0xf808, Name: "s", Collation: 8, Labels: []string{"x"}, Invisible: true}},
		{Column: Column{Type: TypeGeometry, Meta: 4, Name: "g", Geometry: 1}},
		{Column: Column{Type: TypeJSON, Meta: 4, Name: "j"}},
		{Column: Column{Type: TypeString, Meta: 0xee40, Name: "long", Collation: 63}},
	}
	want := make([]Column, len(specs))
	for i, s := range specs {
		want[i] = s.Column
	}
	d := started()
	raw := sum(TableMapType, 0, mapBody(18, "item", specs))
	_, e, err := d.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	m := e.(*TableMap)
	if diff := cmp.Diff(want, m.Columns); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
	if !m.HasNames || !m.HasSigns || !m.HasCollations || !m.HasLabels || !m.HasKey || m.ID != 18 || m.Schema != "app" || m.Table != "item" {
		t.Errorf("got %+v", m)
	}
	if n := m.Columns[8].StringLength(); n != 320 {
		t.Errorf("a CHAR of %d bytes, want 320", n)
	}
	again := testing.AllocsPerRun(100, func() {
		if _, e, err := d.Decode(raw); err != nil || e.(*TableMap) != m {
			t.Errorf("again: got %+v, %v", e, err)
		}
	})
	if again > 2 {
		t.Errorf("the same map again takes %.0f allocations", again)
	}
}

// TestTableMapForms reads the forms of the metadata that the servers choose among.
func TestTableMapForms(t *testing.T) {
	start := body{}.n(1, 6).u16(0).text("app").u8(0).text("item").u8(0).packed(3).u8(byte(TypeVarchar), byte(TypeVarchar), byte(TypeString)).
		packed(6).u16(80).u16(80).u8(0xf7, 1).u8(0)
	read := func(b body) (*TableMap, error) {
		_, e, err := started().Decode(sum(TableMapType, 0, b))
		m, _ := e.(*TableMap)
		return m, err
	}
	m, err := read(start.u8(metaDefaultCharset).sized("\x08\x01\xfc\xff\x00").u8(metaLabelDefaultCharset).sized("\x21").
		u8(metaKeyPrefix).sized("\x00\x00\x01\x0a").u8(13).sized("later"))
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Columns; c[0].Collation != 8 || c[1].Collation != 255 || c[2].Collation != 33 || !c[0].Key || c[0].KeyPrefix || !c[1].KeyPrefix || c[2].Key {
		t.Errorf("got %+v", c)
	}
	for name, b := range map[string]body{
		"a default for a column that is not there": start.u8(metaDefaultCharset).sized("\x08\x02\x21"),
		"a key column that is not there":           start.u8(metaKey).sized("\x03"),
		"too few bits of visibility":               start.u8(metaVisible).sized(""),
		"a name that is too long":                  start.u8(metaNames).sized("\x09x"),
		"more labels than bytes":                   start.u8(metaEnumLabels).sized("\xfc\xff\xff"),
		"a field that is cut":                      start.u8(metaNames).u8(9),
	} {
		if _, err := read(b); !errors.As(err, new(*MalformedError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
