// Package pgoutput turns bytes of PostgreSQL's logical replication protocol into messages.
//
// It reads versions 1 and 2 of what the plug-in pgoutput writes (PostgreSQL documentation, "Logical
// Replication Message Formats"): Begin, Commit, Origin, Relation, Type, Insert, Update, Delete,
// Truncate, Message, and of version 2 the four Stream messages. Version 3 (two-phase commit) and the
// longer abort of version 4 are not read: ask the server for 1 or 2. It is strict: an unknown message
// type (PS-19), a length or count that does not fit, bytes left over and unknown flags are errors,
// nothing is skipped.
//
// The names are those of jackc/pglogrepl, so that it can stand in for this package;
// docs/decisions/0001-own-wire-clients.md says why it does not yet.
//
// Read Parse and ParseV2, then Message and the types that implement it, then TupleData.
package pgoutput

import (
	"fmt"
	"time"
)

// LSN is a place in PostgreSQL's write-ahead log, in bytes from its beginning.
type LSN uint64

// String writes an LSN as PostgreSQL does: "16/B374D848".
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// ParseLSN reads what String writes.
func ParseLSN(s string) (LSN, error) {
	hi, rest, ok := hex32(s)
	if ok && len(rest) > 1 && rest[0] == '/' {
		lo, rest, ok := hex32(rest[1:])
		if ok && rest == "" {
			return LSN(hi)<<32 | LSN(lo), nil
		}
	}
	return 0, fmt.Errorf("%.40q is no log position of PostgreSQL", s)
}

// hex32 reads one to eight hexadecimal digits and returns what follows them.
func hex32(s string) (n uint32, rest string, ok bool) {
	i := 0
	for ; i < len(s) && i < 8; i++ {
		d, ok := digit(s[i])
		if !ok {
			break
		}
		n = n<<4 | uint32(d)
	}
	return n, s[i:], i > 0
}

func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// Message is one of the message types below, as a pointer.
type Message interface{ message() }

// Origin and keys.
const (
	ReplicaIdentityDefault = 'd' // primary key
	ReplicaIdentityNothing = 'n'
	ReplicaIdentityFull    = 'f' // all columns
	ReplicaIdentityIndex   = 'i' // columns of one unique index
)

// What an old tuple holds; 0 where there is none.
const (
	TupleKey  = 'K' // the identity's columns; all others are sent as null and mean nothing (PD-6)
	TupleFull = 'O' // the whole row
)

// What a column of a tuple holds.
const (
	ColumnNull   = 'n'
	ColumnToast  = 'u' // unchanged and not sent (PD-1)
	ColumnText   = 't'
	ColumnBinary = 'b'
)

type (
	// BeginMessage starts a transaction. FinalLSN is where its commit record begins.
	BeginMessage struct {
		FinalLSN   LSN
		CommitTime time.Time
		Xid        uint32
	}

	// CommitMessage ends a transaction. To go on behind it, ask for TransactionEndLSN, not CommitLSN (PS-3).
	CommitMessage struct {
		CommitLSN         LSN
		TransactionEndLSN LSN
		CommitTime        time.Time
	}

	// OriginMessage names the replication origin of the transaction; the name is local to its server (L-4).
	OriginMessage struct {
		CommitLSN LSN
		Name      string
	}

	// RelationMessage describes a table, before its first row on a connection and whenever it changed.
	RelationMessage struct {
		Xid             uint32 // of the streamed transaction, else 0
		RelationID      uint32
		Namespace       string // "" is pg_catalog
		RelationName    string
		ReplicaIdentity uint8
		Columns         []RelationColumn
	}

	// TypeMessage names a type that is not built in.
	TypeMessage struct {
		Xid       uint32
		DataType  uint32
		Namespace string
		Name      string
	}

	// InsertMessage is a new row.
	InsertMessage struct {
		Xid        uint32
		RelationID uint32
		Tuple      TupleData
	}

	// UpdateMessage is a changed row. OldTupleType 0: no old tuple was sent, which is normal (PD-5).
	UpdateMessage struct {
		Xid          uint32
		RelationID   uint32
		OldTupleType uint8
		OldTuple     TupleData
		NewTuple     TupleData
	}

	// DeleteMessage is a removed row.
	DeleteMessage struct {
		Xid          uint32
		RelationID   uint32
		OldTupleType uint8
		OldTuple     TupleData
	}

	// TruncateMessage empties tables. Option 1 is CASCADE, 2 RESTART IDENTITY.
	TruncateMessage struct {
		Xid         uint32
		Option      uint8
		RelationIDs []uint32
	}

	// LogicalDecodingMessage was written by pg_logical_emit_message. Content aliases the input (PS-22).
	LogicalDecodingMessage struct {
		Xid           uint32
		Transactional bool
		LSN           LSN
		Prefix        string
		Content       []byte
	}

	// StreamStartMessage opens a piece of a transaction that has not committed yet.
	StreamStartMessage struct {
		Xid          uint32
		FirstSegment bool
	}

	// StreamStopMessage closes the piece.
	StreamStopMessage struct{}

	// StreamCommitMessage commits a streamed transaction.
	StreamCommitMessage struct {
		Xid               uint32
		CommitLSN         LSN
		TransactionEndLSN LSN
		CommitTime        time.Time
	}

	// StreamAbortMessage undoes SubXid, which is Xid where the whole transaction is undone.
	StreamAbortMessage struct {
		Xid    uint32
		SubXid uint32
	}
)

// RelationColumn describes a column. The modifier is the type's (length, precision), -1 for none.
type RelationColumn struct {
	Key          bool // part of the replica identity
	Name         string
	DataType     uint32
	TypeModifier int32
}

// TupleData is a row. Columns run along the relation's; whether their number is the relation's is for
// the caller to check, who knows it (PD-10).
type TupleData []TupleColumn

// TupleColumn is one value. Data aliases the input of Parse: copy it before the input's buffer is used
// again (PS-22).
type TupleColumn struct {
	DataType uint8
	Data     []byte
}

func (*BeginMessage) message()           {}
func (*CommitMessage) message()          {}
func (*OriginMessage) message()          {}
func (*RelationMessage) message()        {}
func (*TypeMessage) message()            {}
func (*InsertMessage) message()          {}
func (*UpdateMessage) message()          {}
func (*DeleteMessage) message()          {}
func (*TruncateMessage) message()        {}
func (*LogicalDecodingMessage) message() {}
func (*StreamStartMessage) message()     {}
func (*StreamStopMessage) message()      {}
func (*StreamCommitMessage) message()    {}
func (*StreamAbortMessage) message()     {}
