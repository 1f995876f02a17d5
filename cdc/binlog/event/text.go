package event

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ardso/sql/value"
)

// texts keeps the bytes of short values together, since a piece of memory for each would be most of the work.
type texts struct {
	room    strings.Builder
	scratch []byte
}

// A value that is kept for long keeps roomSize bytes at most from being freed, its own aside (MD-17).
const (
	roomSize = 4096
	ownRoom  = roomSize / 8 // a value of this size has its own memory
)

// keep returns the text of b in memory of its own or shared with its neighbors.
func (t *texts) keep(b []byte) string {
	if len(b) >= ownRoom {
		return string(b)
	}
	at := t.room.Len()
	if t.room.Cap()-at < len(b) {
		t.room = strings.Builder{}
		t.room.Grow(roomSize)
		at = 0
	}
	t.room.Write(b)
	return t.room.String()[at:]
}

// reuse takes a buffer for the next value, unless it is a large one.
func (t *texts) reuse(b []byte) {
	if cap(b) <= keptBuffer {
		t.scratch = b
	}
}

// string sets how a text or bytes are read.
func (f *field) string(c Column, format Format) error {
	switch c.Type {
	case TypeVarcharCompressed, TypeBlobCompressed:
		f.inflater = &inflater{}
	}
	switch format.Type {
	case "uuid", "inet6", "inet4":
		if c.Type == TypeString {
			return f.address(format.Type)
		}
	}
	if format.Kind == value.KindBytes {
		f.pad, f.read = format.Length, readBytes
		return nil
	}
	if format.Kind != value.KindText {
		return fmt.Errorf("values of type %s (%d) do not become a %s", format.Type, c.Type, format.Kind)
	}
	cs, err := charsetOf(format.Charset)
	if err != nil {
		return err
	}
	f.charset, f.trim, f.read = cs, format.Type == "char", readText
	return nil
}

// readBytes pads what the log has cut off: zero bytes at the end of a BINARY column (MD-2).
func readBytes(f *field, b []byte) (value.Value, error) {
	b, err := f.plain(b)
	if err != nil {
		return value.Value{}, err
	}
	if len(b) >= f.pad {
		return value.RawBytes(f.texts.keep(b)), nil
	}
	return value.RawBytes(f.texts.keep(f.padded(b, f.pad))), nil
}

func (f *field) padded(b []byte, n int) []byte {
	s := append(f.texts.scratch[:0], b...)
	for len(s) < n {
		s = append(s, 0)
	}
	f.texts.reuse(s)
	return s
}

// readText turns text into UTF-8 by its column's character set (MD-3).
func readText(f *field, b []byte) (value.Value, error) {
	b, err := f.plain(b)
	if err != nil {
		return value.Value{}, err
	}
	if b, err = f.charset.utf8(f.texts.scratch[:0], b); err != nil {
		return value.Value{}, err
	}
	if f.charset.decode != nil {
		f.texts.reuse(b)
	}
	if f.trim { // as a SELECT does
		b = bytes.TrimRight(b, " ")
	}
	return value.Text(f.texts.keep(b)), nil
}

// Compressed columns of MariaDB: the first byte says how.
const (
	columnPlain = 0
	columnZlib  = 8 // in the high half of the byte
	columnRaw   = 8 // flag in the low half: deflate without zlib's header and checksum
)

// plain undoes the compression of a column (MS-18).
func (f *field) plain(b []byte) ([]byte, error) {
	if f.inflater == nil || len(b) == 0 {
		return b, nil
	}
	head, b := b[0], b[1:]
	if head == columnPlain {
		return b, nil
	}
	n := int(head & 7)
	if head>>4 != columnZlib || n == 0 || n > 4 || len(b) < n {
		return nil, fmt.Errorf("compression %#x of a column is not known", head)
	}
	return f.inflater.inflate(b[n:], bigEndian(b[:n]), head&columnRaw == 0)
}

var errNoUTF8 = errors.New("bytes that are no UTF-8")

// DecodeText turns bytes of a character set, by its name in the server, into text. Bytes that mean nothing in
// it, and character sets that are not known, are errors.
func DecodeText(charset string, b []byte) (string, error) {
	cs, err := charsetOf(charset)
	if err != nil {
		return "", err
	}
	b, err = cs.utf8(nil, b)
	return string(b), err
}

// charset is a character set of the servers.
type charset struct {
	width int // bytes of most characters, in a character set that is not Unicode's
	// decode appends src as UTF-8; nil where it is UTF-8 already.
	decode func(dst, src []byte) ([]byte, error)
}

// utf8 returns src as UTF-8: itself, or appended to dst.
func (c *charset) utf8(dst, src []byte) ([]byte, error) {
	if c.decode != nil {
		return c.decode(dst, src)
	}
	if !utf8.Valid(src) {
		return nil, errNoUTF8
	}
	return src, nil
}
