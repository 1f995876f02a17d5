package event

import (
	"bytes"
	"compress/zlib"
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
