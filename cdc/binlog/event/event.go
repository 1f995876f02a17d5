package event

// Type is an event's type code.
type Type uint8

// The types of events. Those from 160 on are MariaDB's own.
const (
	StartV3Type            Type = 1
	QueryType              Type = 2
	StopType               Type = 3
	RotateType             Type = 4
	IntvarType             Type = 5
	SlaveType              Type = 7
	AppendBlockType        Type = 9
	DeleteFileType         Type = 11
	RandType               Type = 13
	UserVarType            Type = 14
	FormatDescriptionType  Type = 15
	XIDType                Type = 16
	BeginLoadQueryType     Type = 17
	ExecuteLoadQueryType   Type = 18
	TableMapType           Type = 19
	WriteRowsV1Type        Type = 23
	UpdateRowsV1Type       Type = 24
	DeleteRowsV1Type       Type = 25
	IncidentType           Type = 26
	HeartbeatType          Type = 27
	IgnorableType          Type = 28
	RowsQueryType          Type = 29
	WriteRowsV2Type        Type = 30
	UpdateRowsV2Type       Type = 31
	DeleteRowsV2Type       Type = 32
	GTIDType               Type = 33
	AnonymousGTIDType      Type = 34
	PreviousGTIDsType      Type = 35
	TransactionContextType Type = 36
	ViewChangeType         Type = 37
	XAPrepareType          Type = 38
	PartialUpdateRowsType  Type = 39
	TransactionPayloadType Type = 40
	HeartbeatV2Type        Type = 41
	GTIDTaggedType         Type = 42

	AnnotateRowsType           Type = 160
	BinlogCheckpointType       Type = 161
	MariaDBGTIDType            Type = 162
	GTIDListType               Type = 163
	StartEncryptionType        Type = 164
	QueryCompressedType        Type = 165
	WriteRowsCompressedV1Type  Type = 166
	UpdateRowsCompressedV1Type Type = 167
	DeleteRowsCompressedV1Type Type = 168
	WriteRowsCompressedV2Type  Type = 169
	UpdateRowsCompressedV2Type Type = 170
	DeleteRowsCompressedV2Type Type = 171
	PartialRowsType            Type = 172 // a fragment of a rows event (MariaDB 12.3)
)

// Flags of an event's header.
const (
	FlagArtificial uint16 = 0x20 // made by the dump thread, not in the file
	FlagIgnorable  uint16 = 0x80 // may be skipped by who does not know it
)

// Header is what every event begins with.
type Header struct {
	Time     uint32 // seconds since 1970, when the statement began (O-2)
	Type     Type
	ServerID uint32
	Size     uint32 // of the whole event, header and checksum included
	End      uint32 // position of the next event in the file; 0 where the server does not say (MS-10)
	Flags    uint16
}

// Event is one of the pointers to the types below. Slices and TableMap's strings do not alias the raw
// event unless their comment says so.
type Event interface{ event() }

// FormatDescription begins a file and says how its events are laid out.
type FormatDescription struct {
	Version       uint16 // of the binlog; 4
	ServerVersion string // "10.11.19-MariaDB-log", "5.6.24-log"
	HeaderLength  uint8
	PostHeaders   []byte // length of each event type's fixed part, by type - 1
	Checksum      bool   // events of this file end with a CRC32
}

// Rotate names the next file. An artificial one, or one with header time 0, names the present one (MS-22).
type Rotate struct {
	File     string
	Position uint64
}

// GTID begins a MySQL transaction.
type GTID struct {
	Anonymous bool // gtid_mode was off: SID and Number are zero
	SID       [16]byte
	Tag       string // of a tagged GTID (8.3+), else ""
	Number    int64
	// LastCommitted and SequenceNumber say what may run in parallel; 0 where not sent.
	LastCommitted, SequenceNumber int64
	// OriginalCommit and ImmediateCommit are microseconds since 1970; 0 before 8.0.
	OriginalCommit, ImmediateCommit int64
	TransactionLength               uint64 // bytes; 0 where not sent
	// OriginalVersion and ImmediateVersion are servers', such as 80036; 0 before 8.0.14.
	OriginalVersion, ImmediateVersion uint32
	CommitGroup                       uint64 // group replication's ticket; 0 = none
	// MayHaveSBR: the transaction may hold statements besides rows.
	MayHaveSBR bool
}

// MariaDBGTID begins a MariaDB transaction, or a group of one statement (MS-9).
type MariaDBGTID struct {
	Domain   uint32
	ServerID uint32 // from the event's header
	Sequence uint64
	Flags    uint8
	CommitID uint64 // groups with the same one committed together; 0 where not sent
	// XID is the formatted XA transaction, "" where it is none: format, lengths and bytes as sent.
	XID   string
	Extra uint8 // more flags (10.6+)
	// AlterSequence is that of the group which began the ALTER TABLE that this one ends (10.8+).
	AlterSequence uint64
	Thread        uint32 // connection that made it; 0 where not sent
}

// Flags of MariaDBGTID.Extra.
const (
	GTIDExtraMultiEngine   uint8 = 0x01
	GTIDExtraStartAlter    uint8 = 0x02
	GTIDExtraCommitAlter   uint8 = 0x04
	GTIDExtraRollbackAlter uint8 = 0x08
	GTIDExtraThread        uint8 = 0x10
)

// Flags of MariaDBGTID.
const (
	GTIDStandalone    uint8 = 0x01 // one statement; no commit event follows
	GTIDGroupCommit   uint8 = 0x02
	GTIDTransactional uint8 = 0x04
	GTIDDDL           uint8 = 0x20
	GTIDPreparedXA    uint8 = 0x40
	GTIDCompletedXA   uint8 = 0x80
)

// Query is a statement: transaction bounds, DDL, or DML in statement format.
type Query struct {
	Thread  uint32
	Error   uint16 // error with which the statement ended on the server; 0 = none
	Schema  string // default database
	SQLMode uint64 // 0 where not sent; bit 4 (ANSI_QUOTES) matters to who reads the text
	Text    string // may not be valid UTF-8: it is in the client collation's character set
	// Collations are the numbers of client, connection and server collation; zero where not sent.
	Collations [3]uint16
	// The rest of what the statement needs to run again, as far as the log tells; zero where not sent.
	Flags2            uint32 // OPTION_AUTO_IS_NULL and the like
	TimeZone          string
	DatabaseCollation uint16
	UTF8MB4Collation  uint16   // default collation of utf8mb4 (8.0+)
	Microseconds      uint32   // of the header's time
	User, Host        string   // invoker
	Databases         []string // that the statement changes; nil where not sent or too many
	XID               uint64   // of a DDL statement that is logged with one
	ExtraFlags        uint8    // as MariaDBGTID.Extra
	AlterSequence     uint64   // as MariaDBGTID.AlterSequence
	VariablesUnread   bool     // the rest of the variables is of a newer server
}

// SQLModeANSIQuotes is the bit of Query.SQLMode under which "x" is a name.
const SQLModeANSIQuotes uint64 = 4

// XID commits a transaction.
type XID struct{ ID uint64 }

// XAPrepare ends the rows of an XA transaction that will be decided later (MS-19), or, with OnePhase,
// commits it.
type XAPrepare struct {
	OnePhase bool
	XID      string // as MariaDBGTID.XID
}

// TableMap gives a table a number for the rows events that follow in its statement.
type TableMap struct {
	ID     uint64
	Flags  uint16
	Schema string
	Table  string
	// Columns in table order, hidden and generated ones too.
	Columns []Column
	// What the optional metadata held (binlog_row_metadata): of all columns, names; of all numeric
	// columns, signs; of all text columns, collations; and the primary key.
	HasNames, HasSigns, HasCollations, HasLabels, HasKey bool
	// Body is what follows the table's number: equal bodies mean equal shapes.
	Body []byte
}

// Column is a column as the log describes it.
type Column struct {
	Type     ColumnType // ENUM, SET and CHAR are told apart
	Meta     uint16     // its meaning depends on Type
	Nullable bool

	// From the optional metadata; zero where it was not sent.
	Name      string
	Unsigned  bool
	Collation uint32   // of text, ENUM and SET columns
	Labels    []string // of ENUM and SET, in the bytes of the column's character set
	Geometry  uint32
	Key       bool // part of the primary key
	KeyPrefix bool // only a prefix of the column is in the key
	Invisible bool
}

// ColumnType is the code of a column's type in the log.
type ColumnType uint8

const (
	TypeDecimalOld        ColumnType = 0
	TypeTiny              ColumnType = 1
	TypeShort             ColumnType = 2
	TypeLong              ColumnType = 3
	TypeFloat             ColumnType = 4
	TypeDouble            ColumnType = 5
	TypeNull              ColumnType = 6
	TypeTimestamp         ColumnType = 7
	TypeLongLong          ColumnType = 8
	TypeInt24             ColumnType = 9
	TypeDate              ColumnType = 10
	TypeTime              ColumnType = 11
	TypeDatetime          ColumnType = 12
	TypeYear              ColumnType = 13
	TypeNewDate           ColumnType = 14
	TypeVarchar           ColumnType = 15
	TypeBit               ColumnType = 16
	TypeTimestamp2        ColumnType = 17
	TypeDatetime2         ColumnType = 18
	TypeTime2             ColumnType = 19
	TypeArray             ColumnType = 20
	TypeBlobCompressed    ColumnType = 140 // MariaDB column compression
	TypeVarcharCompressed ColumnType = 141
	TypeVector            ColumnType = 242
	TypeJSON              ColumnType = 245
	TypeDecimal           ColumnType = 246
	TypeEnum              ColumnType = 247
	TypeSet               ColumnType = 248
	TypeTinyBlob          ColumnType = 249
	TypeMediumBlob        ColumnType = 250
	TypeLongBlob          ColumnType = 251
	TypeBlob              ColumnType = 252
	TypeVarString         ColumnType = 253
	TypeString            ColumnType = 254
	TypeGeometry          ColumnType = 255
)

// RowsKind is what happened to the rows of an event.
type RowsKind uint8

const (
	Insert RowsKind = iota + 1
	Update
	Delete
	PartialUpdate // values may be differences of JSON documents
)

// Rows is rows of one table, of which Layout.Rows makes values.
type Rows struct {
	Kind    RowsKind
	TableID uint64
	Flags   uint16
	Columns int
	// Before and After say which columns the images hold, a bit per column, lowest first (MS-16). Insert
	// has no Before, Delete no After. They alias the raw event, as Data does.
	Before, After []byte
	Data          []byte // the images, one after another
}

// Flags of Rows.
const (
	RowsEndOfStatement     uint16 = 0x01
	RowsNoForeignKeyChecks uint16 = 0x02
)

// TransactionPayload is a whole compressed transaction (MySQL 8.0.20+). Decoder.Payload reads its events.
type TransactionPayload struct {
	Compression  uint64 // 0 = zstd, 255 = none
	Uncompressed uint64 // bytes
	Data         []byte // aliases the raw event
}

// Heartbeat says that the server lives, and where its log ends.
type Heartbeat struct {
	File     string
	Position uint64
}

// Incident says that the server has lost events (MS-23).
type Incident struct {
	Number  uint16
	Message string
}

// Other is an event that carries no change of rows: annotations, lists of GTIDs, checkpoints, load
// blocks, variables of statements, and unknown ones that are flagged ignorable.
type Other struct {
	Type Type
}

func (*FormatDescription) event()  {}
func (*Rotate) event()             {}
func (*GTID) event()               {}
func (*MariaDBGTID) event()        {}
func (*Query) event()              {}
func (*XID) event()                {}
func (*XAPrepare) event()          {}
func (*TableMap) event()           {}
func (*Rows) event()               {}
func (*TransactionPayload) event() {}
func (*Heartbeat) event()          {}
func (*Incident) event()           {}
func (*Other) event()              {}
