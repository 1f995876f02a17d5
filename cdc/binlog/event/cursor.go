package event

import (
	"encoding/binary"
	"fmt"
)

// cursor reads a body from front to back. The first thing that is not there is kept as its error; what is read
// after that is zero, so that callers look at the error once, at the end.
type cursor struct {
	data []byte
	at   int
	kind Type
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = &MalformedError{Type: c.kind, Offset: c.at, Reason: fmt.Sprintf(format, args...)}
	}
}

func (c *cursor) left() int { return len(c.data) - c.at }

// more reports whether there is something left to read.
func (c *cursor) more() bool { return c.err == nil && c.at < len(c.data) }

// bytes returns the next n bytes, which alias the data.
func (c *cursor) bytes(n int) []byte {
	if c.err != nil || n < 0 || n > c.left() {
		c.short(n)
		return nil
	}
	b := c.data[c.at : c.at+n : c.at+n]
	c.at += n
	return b
}

func (c *cursor) short(n int) { c.fail("%d bytes are due where %d are left", n, c.left()) }

func (c *cursor) skip(n int)          { c.bytes(n) }
func (c *cursor) rest() []byte        { return c.bytes(c.left()) }
func (c *cursor) string(n int) string { return string(c.bytes(n)) }

// part is a cursor over the next n bytes.
func (c *cursor) part(n int) *cursor {
	b := c.bytes(n)
	return &cursor{data: b, kind: c.kind, err: c.err}
}

func (c *cursor) uint8() uint8 {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uint reads a little-endian number of n bytes, at most 8.
func (c *cursor) uint(n int) uint64 { return littleEndian(c.bytes(n)) }

// packed reads a length-encoded integer.
func (c *cursor) packed() uint64 {
	switch n := c.uint8(); n {
	case 252:
		return c.uint(2)
	case 253:
		return c.uint(3)
	case 254:
		return c.uint(8)
	case 251, 255:
		c.fail("%d begins no length", n)
		return 0
	default:
		return uint64(n)
	}
}

// length reads a length-encoded integer that counts things of which each takes a byte or more.
func (c *cursor) length() int {
	n := c.packed()
	if n > uint64(c.left()) {
		c.fail("a length of %d where %d bytes are left", n, c.left())
		return 0
	}
	return int(n)
}

// text reads a string with its length before it in a byte.
func (c *cursor) text() string { return c.string(int(c.uint8())) }

func littleEndian(b []byte) uint64 {
	v := uint64(0)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func bigEndian(b []byte) uint64 {
	v := uint64(0)
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}
