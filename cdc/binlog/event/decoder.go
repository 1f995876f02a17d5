package event

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// headerSize is the length of the header of every event since binlog version 4.
const headerSize = 19

const checksumSize = 4

// ChecksumError is an event whose bytes are not those that the server wrote.
type ChecksumError struct {
	Type      Type
	End       uint32 // position behind it in the file
	Got, Want uint32
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("event of type %d that ends at byte %d is damaged: checksum %08x, not %08x", e.Type, e.End, e.Got, e.Want)
}

// UnknownTypeError is an event of a type that cannot be read, and that is not flagged ignorable.
type UnknownTypeError struct {
	Type   Type
	Reason string
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event of type %d: %s", e.Type, e.Reason)
}

// MalformedError is an event that is not as the format says.
type MalformedError struct {
	Type   Type
	Offset int // in the event's body
	Reason string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("event of type %d, byte %d of its body: %s", e.Type, e.Offset, e.Reason)
}

// Decoder turns events into values. It remembers what the file's format description says. What it returns is
// valid until the next call.
type Decoder struct {
	format   *FormatDescription // nil = none was read yet
	rows     Rows
	tableMap TableMap
	xid      XID
	gtid     GTID
	maria    MariaDBGTID
	inflated []byte
}

func NewDecoder() *Decoder { return &Decoder{} }

// Decode reads one event as a server sends it: header, body, checksum.
func (d *Decoder) Decode(raw []byte) (Header, Event, error) {
	h, err := readHeader(raw)
	if err != nil {
		return h, nil, err
	}
	body, err := d.verify(h, raw)
	if err != nil {
		return h, nil, err
	}
	e, err := d.decode(h, body)
	return h, e, err
}

func readHeader(raw []byte) (Header, error) {
	if len(raw) < headerSize {
		return Header{}, &MalformedError{Offset: len(raw), Reason: "it ends within its header"}
	}
	h := Header{
		Time:     binary.LittleEndian.Uint32(raw),
		Type:     Type(raw[4]),
		ServerID: binary.LittleEndian.Uint32(raw[5:]),
		Size:     binary.LittleEndian.Uint32(raw[9:]),
		End:      binary.LittleEndian.Uint32(raw[13:]),
		Flags:    binary.LittleEndian.Uint16(raw[17:]),
	}
	if uint64(h.Size) != uint64(len(raw)) {
		return h, &MalformedError{Type: h.Type, Reason: fmt.Sprintf("it says %d bytes and has %d", h.Size, len(raw))}
	}
	return h, nil
}

// verify checks the checksum, where there is one, and returns the body without it.
func (d *Decoder) verify(h Header, raw []byte) ([]byte, error) {
	n := len(raw) - checksumSize
	if n < headerSize || h.Type == FormatDescriptionType {
		return raw[headerSize:], nil // a format description says itself whether it has one
	}
	if d.format != nil && !d.format.Checksum {
		return raw[headerSize:], nil
	}
	want, got := binary.LittleEndian.Uint32(raw[n:]), crc32.ChecksumIEEE(raw[:n])
	if want == got {
		return raw[headerSize:n], nil
	}
	if d.format == nil { // only the dump's own rotation comes before: with a checksum if its last bytes are one
		return raw[headerSize:], nil
	}
	return nil, &ChecksumError{Type: h.Type, End: h.End, Got: got, Want: want}
}

type PayloadReader struct{}

func (d *Decoder) Payload(p *TransactionPayload) (*PayloadReader, error) { return nil, nil }
func (p *PayloadReader) Next() (Header, Event, error)                    { return Header{}, nil, nil }
