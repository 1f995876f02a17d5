package event

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// headerSize is the length of the header of every event since binlog version 4.
const headerSize = 19

const checksumSize = 4

// Decoder turns events into values. It remembers what the file's format description says, and the table maps
// that come again and again. What it returns is valid until the next call. It is used by one goroutine.
type Decoder struct {
	format *FormatDescription // nil = none was read yet
	maps   map[uint64]*TableMap

	// What most transactions are made of is not allocated anew.
	rows     Rows
	gtid     GTID
	maria    MariaDBGTID
	query    Query
	xid      XID
	other    Other
	inflater inflater
	zstd     *zstd.Decoder
}

// NewDecoder makes one for a stream of events from the beginning of a dump.
func NewDecoder() *Decoder { return &Decoder{maps: map[uint64]*TableMap{}} }

// Decode reads one event as a server sends it: header, body, checksum. Its error is a *ChecksumError, an
// *UnknownTypeError or a *MalformedError.
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
		return Header{}, &MalformedError{Offset: 0, Reason: "it ends within its header"}
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
//
// The rotation with which a dump begins comes before any format description. MySQL since 5.6 and MariaDB put a
// checksum on it if @master_binlog_checksum asks for one, whatever the file has, and none otherwise: so it has
// one if its last bytes are one. A later rotation made by the dump thread is like the file before it.
func (d *Decoder) verify(h Header, raw []byte) ([]byte, error) {
	if h.Type == FormatDescriptionType {
		return verifyFormat(h, raw)
	}
	if d.format != nil && !d.format.Checksum {
		return raw[headerSize:], nil
	}
	n := len(raw) - checksumSize
	if n < headerSize {
		if d.format == nil {
			return raw[headerSize:], nil
		}
		return nil, &MalformedError{Type: h.Type, Reason: "it ends within its checksum"}
	}
	err := verifySum(h, raw)
	if err == nil {
		return raw[headerSize:n], nil
	}
	if d.format == nil {
		return raw[headerSize:], nil
	}
	return nil, err
}

// verifySum compares the last four bytes with the CRC32 of those before.
func verifySum(h Header, raw []byte) error {
	n := len(raw) - checksumSize
	want, got := binary.LittleEndian.Uint32(raw[n:]), crc32.ChecksumIEEE(raw[:n])
	if want != got {
		return &ChecksumError{Type: h.Type, End: h.End, Got: got, Want: want}
	}
	return nil
}
