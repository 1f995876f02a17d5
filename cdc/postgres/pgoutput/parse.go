package pgoutput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// Parse reads one message of protocol version 1. Names are copied; tuples and the content of logical
// messages alias data. An error is a *MessageError.
func Parse(data []byte) (Message, error) { return parse(data, 1, false) }

// ParseV2 reads one message of protocol version 2. inStream says that a StreamStart was read and its
// StreamStop was not: there most messages carry the transaction's ID.
func ParseV2(data []byte, inStream bool) (Message, error) { return parse(data, 2, inStream) }

// MessageError is a message that is not as the protocol says.
type MessageError struct {
	Type   byte // the message's first byte; 0 if it has none
	Offset int  // where in the message
	Reason string
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("pgoutput message %q at byte %d: %s", e.Type, e.Offset, e.Reason)
}

func parse(data []byte, version int, inStream bool) (Message, error) {
	r := &reader{data: data}
	kind := r.uint8()
	var m Message
	switch kind {
	case 'B':
		m = &BeginMessage{r.lsn(), r.time(), r.uint32()}
	case 'C':
		r.flags(0)
		m = &CommitMessage{r.lsn(), r.lsn(), r.time()}
	case 'O':
		m = &OriginMessage{r.lsn(), r.string()}
	case 'R':
		m = r.relation(inStream)
	case 'Y':
		m = &TypeMessage{r.xid(inStream), r.uint32(), r.string(), r.string()}
	case 'I':
		m = r.insert(inStream)
	case 'U':
		m = r.update(inStream)
	case 'D':
		m = r.delete(inStream)
	case 'T':
		m = r.truncate(inStream)
	case 'M':
		m = &LogicalDecodingMessage{r.xid(inStream), r.flags(1) == 1, r.lsn(), r.string(), r.bytes()}
	default:
		if version >= 2 {
			m = r.stream(kind)
		}
		if m == nil && r.err == nil {
			r.fail("unknown message type") // PS-19: an error, not a skip
		}
	}
	if r.err == nil && r.at != len(data) {
		r.fail(fmt.Sprintf("%d bytes left over", len(data)-r.at))
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// stream reads what only version 2 has; nil for anything else.
func (r *reader) stream(kind byte) Message {
	switch kind {
	case 'S':
		return &StreamStartMessage{r.uint32(), r.flags(1) == 1}
	case 'E':
		return &StreamStopMessage{}
	case 'c':
		m := &StreamCommitMessage{Xid: r.uint32()}
		r.flags(0)
		m.CommitLSN, m.TransactionEndLSN, m.CommitTime = r.lsn(), r.lsn(), r.time()
		return m
	case 'A':
		return &StreamAbortMessage{r.uint32(), r.uint32()}
	}
	return nil
}

func (r *reader) relation(inStream bool) Message {
	m := &RelationMessage{
		Xid:             r.xid(inStream),
		RelationID:      r.uint32(),
		Namespace:       r.string(),
		RelationName:    r.string(),
		ReplicaIdentity: r.uint8(),
	}
	switch m.ReplicaIdentity {
	case ReplicaIdentityDefault, ReplicaIdentityNothing, ReplicaIdentityFull, ReplicaIdentityIndex:
	default:
		r.fail("unknown replica identity")
	}
	n := r.count(1 + 1 + 4 + 4)
	m.Columns = make([]RelationColumn, n)
	for i := range m.Columns {
		m.Columns[i] = RelationColumn{r.flags(1) == 1, r.string(), r.uint32(), int32(r.uint32())}
	}
	return m
}

func (r *reader) insert(inStream bool) Message {
	m := &InsertMessage{Xid: r.xid(inStream), RelationID: r.uint32()}
	r.expect('N')
	m.Tuple = r.tuple()
	return m
}

func (r *reader) update(inStream bool) Message {
	m := &UpdateMessage{Xid: r.xid(inStream), RelationID: r.uint32()}
	if k := r.peek(); k == TupleKey || k == TupleFull {
		m.OldTupleType = r.uint8()
		m.OldTuple = r.tuple()
	}
	r.expect('N')
	m.NewTuple = r.tuple()
	return m
}

func (r *reader) delete(inStream bool) Message {
	m := &DeleteMessage{Xid: r.xid(inStream), RelationID: r.uint32()}
	if k := r.peek(); k != TupleKey && k != TupleFull {
		r.fail("neither an old tuple nor a key")
		return m
	}
	m.OldTupleType = r.uint8()
	m.OldTuple = r.tuple()
	return m
}

func (r *reader) truncate(inStream bool) Message {
	m := &TruncateMessage{Xid: r.xid(inStream)}
	n := r.uint32()
	m.Option = r.flags(3)
	if left := len(r.data) - r.at; r.err == nil && uint64(n)*4 > uint64(left) {
		r.fail("more relations than bytes")
	}
	if r.err != nil {
		return m
	}
	m.RelationIDs = make([]uint32, n)
	for i := range m.RelationIDs {
		m.RelationIDs[i] = r.uint32()
	}
	return m
}

func (r *reader) tuple() TupleData {
	t := make(TupleData, r.count(1))
	for i := range t {
		c := &t[i]
		switch c.DataType = r.uint8(); c.DataType {
		case ColumnNull, ColumnToast:
		case ColumnText, ColumnBinary:
			c.Data = r.bytes()
		default:
			r.fail("unknown kind of column value")
		}
		if r.err != nil {
			return nil
		}
	}
	return t
}

// reader walks through a message. After the first error it stays where it is and returns zeros, so
// that only the end has to look.
type reader struct {
	data []byte
	at   int
	err  *MessageError
}

func (r *reader) fail(reason string) {
	if r.err == nil {
		r.err = &MessageError{Offset: r.at, Reason: reason}
		if len(r.data) > 0 {
			r.err.Type = r.data[0]
		}
	}
}

// next returns the next n bytes, nil after an error.
func (r *reader) next(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.data)-r.at) {
		r.fail("cut off")
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.at : r.at+n : r.at+n]
	r.at += n
	return b
}

func (r *reader) peek() byte {
	if r.err != nil || r.at >= len(r.data) {
		return 0
	}
	return r.data[r.at]
}

func (r *reader) uint8() uint8 {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.next(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.next(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) lsn() LSN { return LSN(r.uint64()) }

// epoch is PostgreSQL's: microseconds count from here.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (r *reader) time() time.Time { return Time(int64(r.uint64())) }

// Time turns the protocol's microseconds since 2000-01-01 into a time, in UTC.
func Time(micros int64) time.Time {
	sec, us := micros/1e6, micros%1e6
	return time.Unix(epoch.Unix()+sec, us*1000).UTC()
}

// Micros is the inverse of Time.
func Micros(t time.Time) int64 { return t.UnixMicro() - epoch.UnixMicro() }

// xid reads the transaction ID that messages within a stream carry.
func (r *reader) xid(inStream bool) uint32 {
	if inStream {
		return r.uint32()
	}
	return 0
}

// string reads up to the zero byte.
func (r *reader) string() string {
	if r.err != nil {
		return ""
	}
	i := bytes.IndexByte(r.data[r.at:], 0)
	if i < 0 {
		r.fail("name without an end")
		return ""
	}
	return string(r.next(i + 1)[:i])
}

// bytes reads a length and as many bytes.
func (r *reader) bytes() []byte {
	n := int32(r.uint32())
	return r.next(int(n))
}

// count reads a number of things that take at least size bytes each, so that a wrong one asks for no
// memory.
func (r *reader) count(size int) int {
	n := int(r.uint16())
	if r.err == nil && n*size > len(r.data)-r.at {
		r.fail("more parts than bytes")
	}
	if r.err != nil {
		return 0
	}
	return n
}

// flags reads a byte in which no bit above those of known may be set.
func (r *reader) flags(known uint8) uint8 {
	f := r.uint8()
	if f&^known != 0 {
		r.fail("unknown flag")
	}
	return f
}

func (r *reader) expect(want byte) {
	if got := r.uint8(); r.err == nil && got != want {
		r.at--
		r.fail(fmt.Sprintf("%q where %q belongs", got, want))
	}
}
